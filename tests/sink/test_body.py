import gzip

import orjson
import pytest

from tests.sink.exchanges import body, chunks
from tracer.eventstream import encode
from tracer.inflate import MAX_INFLATED_BYTES
from tracer.records import Body
from tracer.sink.body import MOST_HEAD, MOST_PARTS, TAIL, Plain, header, is_json, media_type, plain, readable, text

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


def test_a_compressed_body_is_kept_as_a_plain_one_would_be() -> None:
    size = MOST_HEAD + TAIL + 7
    whole = b"{" + b"a" * (size - 2) + b"}"
    sent = body(gzip.compress(whole, 1))
    found = plain(sent, GZIP)
    assert (found.head, found.tail) == (whole[:MOST_HEAD], whole[-TAIL:])
    assert (found.truncated, found.size) == (True, size)
    assert found.note == f"unpacks to {size} bytes, of which the first {MOST_HEAD} and the last {TAIL} were kept"
    assert text(sent, found, "application/json").count("[… 7 bytes not kept …]") == 1
    assert plain(body(gzip.compress(whole[:MOST_HEAD], 1)), GZIP).head == whole[:MOST_HEAD]


def test_the_last_bytes_that_were_unpacked_are_not_taken_for_those_of_the_body() -> None:
    bomb = gzip.compress(bytes(MAX_INFLATED_BYTES + 1), 1)
    for sent in (body(bomb), Body(bomb[: len(bomb) // 2], bomb[-9:], len(bomb) + 9, True)):
        found = plain(sent, GZIP)
        assert (len(found.head), found.tail, found.truncated) == (MOST_HEAD, b"", True)
    assert (
        plain(body(bomb), GZIP).note
        == f"unpacks to more than {MAX_INFLATED_BYTES} bytes, of which the first {MOST_HEAD} were kept"
    )


@pytest.mark.parametrize("part", [b"[],", b"{},", b'{"":0},', b"[[[["])
def test_of_a_body_of_very_many_parts_both_ends_are_read(part: bytes) -> None:
    many = b"[" + part * (MOST_PARTS + 1) + b"0]"
    found = readable(Plain(many))
    assert (found.head, found.tail, found.truncated) == (many[:TAIL], many[-TAIL:], True)
    assert found.note == f"has more than {MOST_PARTS} parts, and only its first and last {TAIL} bytes were read"


def test_other_bodies_are_read_whole() -> None:
    tokens = [{"token": "x", "logprob": -0.1, "bytes": [120], "top_logprobs": [{"token": "y", "logprob": -3.25}] * 20}]
    likely = orjson.dumps({"choices": [{"logprobs": {"content": tokens * 4000}}]})
    assert len(likely) > 2 << 20
    for data in (likely, b"[" * MOST_PARTS, b"a" * MOST_HEAD):
        assert readable(found := Plain(data)) is found
