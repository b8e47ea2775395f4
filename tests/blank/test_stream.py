import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.blank.test_document import ANY, CANARY, OBJECTS
from tests.cuts import cuts
from tracer import eventstream
from tracer.blank import StreamBlanker
from tracer.framing import Framing
from tracer.sink.body import Plain
from tracer.sink.stream import read_stream

CHUNK = {"choices": [{"index": 0, "delta": {"content": "secret"}}]}
BLANK = {"choices": [{"index": 0, "delta": {"content": "x"}}]}
MEDIA = {framing: framing.value for framing in Framing}


def framed(framing: Framing, documents: list[Any]) -> bytes:
    bodies = [orjson.dumps(document) for document in documents]
    if framing is Framing.SSE:
        return b"".join(b"data: " + body + b"\n\n" for body in bodies)
    if framing is Framing.LINES:
        return b"".join(body + b"\n" for body in bodies)
    if framing is Framing.ARRAY:
        return b"[" + b"\n,\n".join(bodies) + b"]"
    wrapped = [orjson.dumps({"bytes": base64.b64encode(body).decode(), "p": "abc"}) for body in bodies]
    return b"".join(eventstream.encode({":event-type": "chunk", ":message-type": "event"}, body) for body in wrapped)


def blanked(framing: Framing, pieces: list[bytes]) -> list[bytes]:
    blanker = StreamBlanker(framing)
    out = [blanker.feed(piece) for piece in pieces]
    return [*out, blanker.close()]


@pytest.mark.parametrize("framing", Framing)
@given(st.lists(st.one_of(OBJECTS, ANY), max_size=4), st.data())
def test_no_text_survives_any_cut_in_any_framing(framing: Framing, documents: list[Any], data: st.DataObject) -> None:
    wire = framed(framing, documents)
    out = b"".join(blanked(framing, data.draw(cuts(wire))))
    assert out == b"".join(blanked(framing, [wire]))
    assert CANARY.encode() not in out
    assert base64.b64encode(CANARY.encode())[:-4] not in out


@pytest.mark.parametrize("framing", Framing)
def test_what_is_left_is_read_in_the_same_framing(framing: Framing) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    documents = [{"candidates": []}, CHUNK, CHUNK, usage]
    wire = framed(framing, documents)
    out = blanked(framing, [wire[at : at + 7] for at in range(0, len(wire), 7)])
    found = read_stream(Plain(b"".join(out)), MEDIA[framing])
    assert found.documents == [{"candidates": []}, BLANK, BLANK, usage]
    assert found.done == (framing is Framing.ARRAY)
    assert b"secret" not in b"".join(out)


@pytest.mark.parametrize("framing", Framing)
def test_behind_a_hole_it_goes_on(framing: Framing) -> None:
    blanker = StreamBlanker(framing)
    wire = framed(framing, [{"candidates": []}, CHUNK])
    out = blanker.feed(wire[:-9])
    blanker.skip()
    out += blanker.feed(framed(framing, [CHUNK])) + blanker.close()
    found = read_stream(Plain(out), MEDIA[framing])
    assert found.documents == [{"candidates": []}, BLANK]


def test_messages_of_amazon_keep_their_kind_and_errors_theirs() -> None:
    event = {":event-type": "contentBlockDelta", ":content-type": "application/json", ":message-type": "event", "s": CANARY}
    wire = eventstream.encode(event, b'{"contentBlockIndex":0,"delta":{"text":"secret"},"p":"secret"}')
    wire += eventstream.encode({":event-type": CANARY, ":message-type": "event"}, b'{"a":"secret"}')
    wire += eventstream.encode(
        {":exception-type": "validationException", ":message-type": "exception"}, b'{"message":"secret"}'
    )
    told = {":error-code": "InternalError", ":error-message": "secret", ":message-type": "error"}
    wire += eventstream.encode(told, b"")
    out = b"".join(blanked(Framing.AWS, [wire]))
    assert b"secret" not in out
    assert CANARY.encode() not in out
    assert read_stream(Plain(out), MEDIA[Framing.AWS]).documents == [
        {"contentBlockDelta": {"delta": {"text": "x"}}},
        {"x": {}},
        {"validationException": {"message": "x"}, "error": {"type": "validationException", "message": "x"}},
        {"error": {"type": "InternalError", "message": "x"}},
    ]


def test_lines_of_json_among_events() -> None:
    stream = b'data: {"id":"a"}\n\n{"error":{"code":503,"message":"secret"}}\n{"id":"b","secret":1}\n'
    out = b"".join(blanked(Framing.SSE, [stream]))
    assert read_stream(Plain(out)).documents == [{"id": "a"}, {"error": {"code": 503, "message": "x"}}, {"id": "b"}]


def test_a_stream_piece_by_piece() -> None:
    stream = b': secret\nevent: secret\ndata: {"choices":[{"index":0,"delta":{"content":"secret"}}]}\n\ndata: not json\n\n'
    stream += b'event: error\ndata: {"message":"secret","code":"overloaded"}\n\ndata: [DONE]\n\ndata: {"id":"c"}'
    expected = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: -\n\n'
    expected += b'event: error\ndata: {"message":"x","code":"overloaded"}\n\ndata: [DONE]\n\n'
    whole = StreamBlanker()
    assert whole.feed(stream) == expected
    assert whole.close() == b'data: {"id":"c"}\n'
    single = StreamBlanker()
    pieces = [single.feed(stream[i : i + 1]) for i in range(len(stream))]
    assert b"".join(pieces) == expected
    assert [piece.count(b"\n\n") for piece in pieces if piece] == [1, 1, 1, 1]
