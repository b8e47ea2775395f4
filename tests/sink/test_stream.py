import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import chunk, sse
from tracer.eventstream import encode
from tracer.sink import stream
from tracer.sink.body import Plain
from tracer.sink.stream import looks_like_events, read_stream
from tracer.sse import Decoder


def test_events_with_their_ends() -> None:
    data = b": ping\n\n" + sse(chunk("a"), chunk("b"))
    found = read_stream(Plain(data))
    assert found.documents == [chunk("a"), chunk("b")]
    assert [data[:end].count(b"\n\n") for end in found.ends] == [2, 3]
    assert (found.done, found.heard) == (True, True)


def test_what_is_no_json_object_is_passed_over() -> None:
    found = read_stream(Plain(b"data: hello\n\ndata: [1]\n\ndata: {\n\ndata: {}\n\n"))
    assert (found.documents, found.done, found.heard) == ([{}], False, True)
    assert not read_stream(Plain(b": only comments\n\n")).heard


def test_an_event_without_its_empty_line_counts_if_it_is_whole() -> None:
    assert read_stream(Plain(sse(chunk("a"), done=False) + b'data: {"usage":1}')).documents[-1] == {"usage": 1}
    assert len(read_stream(Plain(sse(chunk("a"), done=False) + b'data: {"usa')).documents) == 1


def test_behind_a_gap_reading_goes_on_at_the_first_empty_line() -> None:
    data = sse(*(chunk(str(number)) for number in range(50)))
    for newline in (b"\n", b"\r\n"):
        wire = data.replace(b"\n", newline)
        for cut in range(100, 400, 7):
            head, tail = wire[:cut], wire[-cut:]
            found = read_stream(Plain(head, tail, True))
            names = [document["choices"][0]["delta"]["content"] for document in found.documents]
            last = [name for name in names if int(name) > 10]
            assert last == [str(number) for number in range(50 - len(last), 50)]
            assert found.done
            assert found.ends == sorted(found.ends)
            assert all(end <= 2 * cut for end in found.ends)


def test_an_error_event_is_an_error_whatever_it_holds() -> None:
    found = read_stream(Plain(b'event: error\ndata: {"message":"busy","type":"overloaded"}\n\n'))
    assert found.documents[0]["error"] == {"message": "busy", "type": "overloaded"}


def test_the_kind_is_known_by_the_type_or_the_first_line() -> None:
    assert looks_like_events("text/event-stream", b"")
    assert looks_like_events("", b"data: {}")
    assert not looks_like_events("", b"{}")
    assert not looks_like_events("application/json", b"data: {}")


def test_an_event_without_its_empty_line_counts_behind_a_gap_too() -> None:
    found = read_stream(Plain(sse(chunk("a"), done=False), b'half\n\ndata: {"usage":1}', True))
    assert found.documents[-1] == {"usage": 1}


def test_an_overlong_event_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "Decoder", lambda loose: Decoder(300, loose=loose))
    monkeypatch.setattr(stream, "MAX_EVENT_BYTES", 300)
    found = read_stream(Plain(sse(chunk("a" * 400), chunk("b"))))
    assert found.documents == [chunk("b")]
    assert found.done


def message(kind: str, payload: Any, **other: str) -> bytes:
    return encode({":event-type": kind, ":message-type": "event", **other}, orjson.dumps(payload))


def gemini(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}}], "usageMetadata": {"totalTokenCount": 3}}


TEXTS = [str(number) + ' "candidates": ]}[{ ' for number in range(30)]
NATIVE: dict[str, tuple[list[dict[str, Any]], list[bytes]]] = {}
NATIVE["application/x-ndjson"] = ([{"response": text} for text in TEXTS], [])
NATIVE["application/json"] = ([gemini(text) for text in TEXTS], [])
NATIVE["application/vnd.amazon.eventstream"] = ([{"contentBlockDelta": {"delta": {"text": text}}} for text in TEXTS], [])
for media, (documents, pieces) in NATIVE.items():
    for number, document in enumerate(documents):
        if media == "application/x-ndjson":
            pieces.append(orjson.dumps(document) + b"\n")
        elif media == "application/json":
            end = b"\n]\n" if number == 29 else b""
            pieces.append((b",\n" if number else b"[") + orjson.dumps(document, option=orjson.OPT_INDENT_2) + end)
        else:
            pieces.append(message("contentBlockDelta", document["contentBlockDelta"]))


@pytest.mark.parametrize("media", NATIVE)
def test_other_framings_with_their_ends(media: str) -> None:
    documents, pieces = NATIVE[media]
    found = read_stream(Plain(b"".join(pieces)), media)
    assert found.documents == documents
    assert found.heard
    assert found.done == (media == "application/json")
    wire = b"".join(pieces)
    for number, end in enumerate(found.ends):
        assert wire[:end].rstrip(b"\n]") == b"".join(pieces[: number + 1]).rstrip(b"\n]")


@pytest.mark.parametrize("media", NATIVE)
def test_behind_a_gap_other_framings_go_on_at_the_next_event(media: str) -> None:
    documents, pieces = NATIVE[media]
    wire = b"".join(pieces)
    for cut in range(300, len(wire) // 2, 41):
        found = read_stream(Plain(wire[:cut], wire[-cut:], True), media)
        numbers = [documents.index(document) for document in found.documents]
        behind = [number for number, end in zip(numbers, found.ends, strict=True) if end > cut]
        assert behind == list(range(30 - len(behind), 30))
        assert numbers == sorted(numbers)
        kept = sum(1 for number in range(30) if sum(map(len, pieces[number:])) <= cut)
        assert len(behind) >= kept - 1
        assert found.ends == sorted(found.ends)


def test_a_model_that_speaks_through_amazon() -> None:
    inner = {"type": "content_block_delta", "delta": {"text": "a"}}
    wire = message("chunk", {"bytes": base64.b64encode(orjson.dumps(inner)).decode(), "p": "abc"})
    wire += encode({":message-type": "exception", ":exception-type": "modelStreamErrorException"}, b'{"message":"broken"}')
    found = read_stream(Plain(wire), "application/vnd.amazon.eventstream")
    assert found.documents[0] == inner
    assert found.documents[1]["error"] == {"type": "modelStreamErrorException", "message": "broken"}


def test_an_error_as_plain_json_in_a_stream_of_events() -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    events = sse(gemini("a"), done=False)
    for option in (0, orjson.OPT_INDENT_2):
        for end in (b"", b"\n", b"\n\n"):
            found = read_stream(Plain(events + orjson.dumps(error, option=option) + end))
            assert found.documents == [gemini("a"), error]
    lines = orjson.dumps(gemini("b")) + b"\n" + orjson.dumps(error) + b"\n"
    assert read_stream(Plain(events + lines)).documents == [gemini("a"), gemini("b"), error]


def test_lines_that_are_no_objects_are_passed_over() -> None:
    found = read_stream(Plain(b'{"a":1}\nhello\n[1]\n{"b":'), "application/x-ndjson")
    assert (found.documents, found.done) == ([{"a": 1}], False)


blocks = st.sampled_from(
    [
        b'data: {"a": 1}\n\n',
        b'data: {"a": "x\\ny", "b": [{}, {"c": null}]}\n\n',
        b'event: delta\ndata: {"a": 2}\n\n',
        b'event: error\ndata: {"message": "no"}\n\n',
        b'data: {"a": {}\n\n',
        b'data: "b": 3}\n\n',
        b'data: {"a": [{}\n\n',
        b'data: {"c": 3}]}\n\n',
        b'data: {"x": 1},{"y": 2}\n\n',
        b'data: {"x": 1}{"y": 2}\n\n',
        b'data: {"a":\ndata: 1}\n\n',
        b'data: {"a": "\xff"}\n\n',
        b'data: {"a": 12345678901234567890}\n\n',
        b'data: {"a": "\\ud800"}\n\n',
        b"data: " + b'{"a":' * 1200 + b"1" + b"}" * 1200 + b"\n\n",
        b"data: " + b'{"a":' * 900 + b"1" + b"}" * 900 + b"\n\n",
        b'data: {"a": 123456789012345678901234567890}\n\n',
        b'data: {"a": -1e400, "b": -0, "c": -0.0}\n\n',
        b'data: {"x": 1},-7205759403792794,{"y": 2}\n\n',
        b'data: {"x": 1} , -7205759403792794 , {"y": 2}\n\n',
        b"data: [DONE]\n\n",
        b"data: [1]\n\n",
        b": a comment\n\n",
        b"id: 7\ndata: {}\n\n",
        b"data: {}\r\n\r\n",
        b"data: {}\n",
        b"\n",
    ]
)


@given(st.lists(blocks, max_size=6).map(b"".join))
def test_the_quick_way_reads_what_the_long_way_reads(data: bytes) -> None:
    usual = stream._usual_events(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_usual_events", lambda data: None)
        long = read_stream(Plain(data))
    if usual is not None:
        documents, ends, done = usual
        assert (long.documents, long.ends, long.done, long.heard) == (documents, ends, done, bool(documents) or done)


def test_most_streams_go_the_quick_way() -> None:
    assert stream._usual_events(sse(chunk("a"), chunk("b"))) is not None
    assert stream._usual_events(b'event: x\ndata: {"type": "x"}\n\n') is not None
    assert stream._usual_events(sse(chunk("a")) + b"data: {") is None
