"""Amazon's framing: what the official layout says, any cut, any damage. Bytes of a known message were written down by hand."""

import base64
import itertools
from zlib import crc32

import orjson
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from tests.cuts import cuts
from tracer.eventstream import Decoder, Message, document, encode
from tracer.sse import Overlong

TEXT = st.text(max_size=20)
MESSAGES = st.lists(st.tuples(st.dictionaries(TEXT.filter(lambda t: len(t.encode()) < 256), TEXT), st.binary(max_size=200)))


def event(kind: str, payload: bytes) -> bytes:
    return encode({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, payload)


def all_of(data: bytes, decoder: Decoder | None = None) -> list[Message | Overlong]:
    return (decoder or Decoder()).feed(data)


def test_a_message_as_the_reference_lays_it_out() -> None:
    prelude = b"\0\0\0\x1e" + b"\0\0\0\x0a"
    headers = b"\x01a" + b"\x07" + b"\0\x01x" + b"\x01b\x00\x00"[:3]  # "a" is the string x, "b" is true
    headers += b"\x00"[: 10 - len(headers)]
    start = prelude + crc32(prelude).to_bytes(4, "big") + headers[:10] + b"{}  "
    message = start + crc32(start).to_bytes(4, "big")
    (found,) = all_of(message)
    assert found == Message({"a": "x"}, b"{}  ", len(message))


def test_headers_of_every_type_are_passed_over_and_texts_kept() -> None:
    packed = b"".join(
        b"\x01k" + bytes((kind,)) + value
        for kind, value in (
            (0, b""),
            (1, b""),
            (2, b"\x07"),
            (3, b"\0\x07"),
            (4, bytes(4)),
            (5, bytes(8)),
            (6, b"\0\x02ab"),
            (8, bytes(8)),
            (9, bytes(16)),
        )
    )
    packed += b"\x04text\x07\0\x02hi"
    start = (16 + len(packed)).to_bytes(4, "big") + len(packed).to_bytes(4, "big")
    start += crc32(start).to_bytes(4, "big") + packed
    (found,) = all_of(start + crc32(start).to_bytes(4, "big"))
    assert isinstance(found, Message)
    assert found.headers == {"text": "hi"}


@given(MESSAGES)
def test_what_was_written_is_read(sent: list[tuple[dict[str, str], bytes]]) -> None:
    found = all_of(b"".join(encode(headers, payload) for headers, payload in sent))
    assert [(m.headers, m.payload) for m in found if isinstance(m, Message)] == sent


@given(MESSAGES, st.binary(max_size=30), st.data())
def test_any_cut_and_any_rubbish_between_gives_the_same(
    sent: list[tuple[dict[str, str], bytes]], rubbish: bytes, data: st.DataObject
) -> None:
    wire = rubbish.join(encode(headers, payload) for headers, payload in sent)
    whole = all_of(wire)
    decoder = Decoder()
    assert [message for piece in data.draw(cuts(wire)) for message in decoder.feed(piece)] == whole
    single = Decoder()
    assert [message for at in range(len(wire)) for message in single.feed(wire[at : at + 1])] == whole


@given(MESSAGES, st.integers(0, 400))
def test_a_copy_without_its_beginning_is_read_from_the_next_message_on(
    sent: list[tuple[dict[str, str], bytes]], missing: int
) -> None:
    wires = [encode(headers, payload) for headers, payload in sent]
    wire = b"".join(wires)[missing:]
    ends = [message.end for message in all_of(wire)]
    whole = [sum(map(len, wires[:number])) - missing for number in range(len(wires) + 1)]
    assert ends == [end for start, end in itertools.pairwise(whole) if start >= 0]


@given(st.binary(max_size=300))
def test_nothing_raises(data: bytes) -> None:
    for message in all_of(data):
        assert isinstance(message, Message)
        document(message)


def test_a_damaged_message_is_passed_over() -> None:
    good, bad = event("a", b'{"n":1}'), bytearray(event("b", b'{"n":2}'))
    bad[-6] ^= 1
    assert [document(m) for m in all_of(bytes(bad) + good) if isinstance(m, Message)] == [{"a": {"n": 1}}]
    broken = bytearray(good)
    broken[3] ^= 1  # its length is wrong, and the prelude tells
    assert [document(m) for m in all_of(bytes(broken) + good) if isinstance(m, Message)] == [{"a": {"n": 1}}]


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_a_message_that_is_too_long_is_passed_over(size: int) -> None:
    wire = event("a", b'"' + b"x" * 900 + b'"') + event("b", b"{}")
    decoder = Decoder(500)
    found = [message for at in range(0, len(wire), size) for message in decoder.feed(wire[at : at + size])]
    assert isinstance(found[0], Overlong)
    assert isinstance(found[1], Message)
    assert (found[0].end, found[1].end) == (len(wire) - len(event("b", b"{}")), len(wire))


def said(wire: bytes) -> object:
    (message,) = all_of(wire)
    assert isinstance(message, Message)
    return document(message)


def test_what_a_message_says() -> None:
    assert said(event("contentBlockDelta", b'{"delta":{"text":"a"}}')) == {"contentBlockDelta": {"delta": {"text": "a"}}}
    inner = base64.b64encode(orjson.dumps({"type": "message_stop"})).decode()
    assert said(event("chunk", orjson.dumps({"bytes": inner, "p": "ab"}))) == {"type": "message_stop"}
    assert said(event("chunk", b'{"bytes":"!"}')) is None
    assert said(event("chunk", b"[1]")) is None
    assert said(event("chunk", b"")) is None


def test_what_went_wrong_is_an_error() -> None:
    thrown = {":exception-type": "throttlingException", ":message-type": "exception"}
    assert said(encode(thrown, b'{"message":"slow down"}')) == {
        "throttlingException": {"message": "slow down"},
        "error": {"type": "throttlingException", "message": "slow down"},
    }
    assert said(encode(thrown, b"")) == {"throttlingException": {}, "error": {"type": "throttlingException", "message": ""}}
    told = {":message-type": "error", ":error-code": "InternalError", ":error-message": "oh"}
    assert said(encode(told, b"")) == {"error": {"type": "InternalError", "message": "oh"}}


@given(MESSAGES)
def test_amazons_own_library_reads_what_is_written(sent: list[tuple[dict[str, str], bytes]]) -> None:
    wire = b"".join(encode(headers, payload) for headers, payload in sent)
    buffer = EventStreamBuffer()
    buffer.add_data(wire)
    assert [(dict(event.headers), event.payload) for event in buffer] == sent
