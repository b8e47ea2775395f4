import gzip

from tests.sink.exchanges import body, chunks
from tracer.eventstream import encode
from tracer.records import Body
from tracer.sink.body import Plain, header, is_json, media_type, plain, text

GZIP = (("Content-Encoding", "gzip"),)


def test_headers() -> None:
    headers = (("Content-Type", "Application/JSON; charset=utf-8"), ("x", "1"), ("X", "2"))
    assert media_type(headers) == "application/json"
    assert header(headers, "x") == "1"
    assert header((), "x") == ""
    assert [
        is_json(media) for media in ("application/json", "application/problem+json", "application/stream+json", "text/plain")
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_contiguous_bytes_stand_in_the_head_and_the_tail_only_behind_a_gap() -> None:
    assert plain(Body(b"ab", b"cd", 4), ()) == Plain(b"abcd")
    assert plain(Body(b"ab", b"yz", 100, True), ()) == Plain(b"ab", b"yz", True)


def test_a_compressed_body_is_inflated_with_its_arrivals() -> None:
    wire = gzip.compress(b"data: a\n\n" * 100)
    found = plain(body(wire), GZIP, chunks([10, len(wire) - 10]))
    assert found.head == b"data: a\n\n" * 100
    assert not found.truncated
    assert found.lengths is not None
    assert sum(found.lengths) == 900


def test_of_a_compressed_body_with_a_gap_the_beginning_is_read() -> None:
    wire = gzip.compress(b"".join(str(number).encode() for number in range(9999)))
    found = plain(Body(wire[:500], wire[-500:], len(wire), True), GZIP)
    assert found.head.startswith(b"0123456789")
    assert (found.tail, found.truncated) == (b"", True)


def test_an_unknown_coding_is_named() -> None:
    sent = body(b"....")
    found = plain(sent, (("content-encoding", "compress"),))
    assert found.coding == "compress"
    assert text(sent, found, "application/json") == "[compress-encoded application/json, 4 bytes]"


def test_text_for_people() -> None:
    def shown(data: bytes, media: str) -> str:
        return text(body(data), Plain(data), media)

    assert shown(b'{"a":1}', "application/json") == '{"a":1}'
    assert shown(b"\xff\xfe", "text/plain") == "\ufffd\ufffd"
    assert shown(b"ID3\0\0", "audio/mpeg") == "[binary audio/mpeg, 5 bytes]"
    assert shown(b"abc", "application/octet-stream") == "[binary application/octet-stream, 3 bytes]"
    assert shown(b"--x\r\nsecret", "multipart/form-data") == "[multipart/form-data, 11 bytes]"
    assert shown(b"hello", "") == "hello"
    assert shown(b"\0\1", "") == "[binary body, 2 bytes]"
    assert shown(b"", "application/json") == ""


def test_a_gap_is_shown() -> None:
    sent = Body(b"begin", b"end", 1000, True)
    assert text(sent, plain(sent, ()), "text/plain") == "begin\n[… 992 bytes not kept …]\nend"


def test_amazons_messages_are_shown_as_lines_of_json() -> None:
    kind = {":message-type": "event", ":event-type": "contentBlockDelta"}
    data = encode(kind, b'{"delta":{"text":"a"}}') + encode(kind, b"?") + encode(kind, b'{"delta":{"text":"b"}}')
    shown = text(Body(data, b"", len(data)), Plain(data), "application/vnd.amazon.eventstream")
    assert shown == '{"contentBlockDelta":{"delta":{"text":"a"}}}\n\n{"contentBlockDelta":{"delta":{"text":"b"}}}'
