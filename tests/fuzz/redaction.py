"""The target `redaction`: something is planted in an exchange, and must be nowhere in the record, nor in the row made of it.

The first three bytes choose what is planted, where it is cut in two, and in which dialect a stream says the two pieces. Around
it stands text that makes no other number or name of it, whatever the fuzzer writes there.
"""

from array import array
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes

import msgspec
import orjson

from tests.fuzz.exchanges import exchange_of
from tracer import eventstream
from tracer.patterns.redactor import NOT_KEPT, redactor_of
from tracer.records import Body, Call, Chunks, Exchange
from tracer.sink import price
from tracer.sink.decode import decode


def redactions(data: bytes) -> None:
    """Nothing planted is left in what is kept, nor in the row that becomes of it; JSON stays JSON, and usage stays."""
    number, cut, dialect = (*data[:3], 0, 0, 0)[:3]
    plant = _PLANTS[number % len(_PLANTS)]
    body = data[3:].replace(b"@@", b"; call " + plant + b"; ")
    if plant in data:
        return  # with what stands around it, it may be a part of something else
    exchange = _planted(exchange_of(body), plant, cut, dialect)
    clean = _REDACTOR.exchange(exchange)
    assert clean.notes[:1] != (NOT_KEPT,), "it met something unforeseen"
    encoded = msgspec.msgpack.encode(clean)
    assert plant not in encoded
    assert plant not in unquote_to_bytes(clean.path.replace("+", " "))
    assert sum(array("I", clean.chunks.length)) == len(clean.response.head) + len(clean.response.tail)
    if exchange.request.head.lstrip()[:1] in (b"{", b"[") and _is_json(exchange.request.head):
        assert _is_json(clean.request.head)
    row, was = decode(clean, _PRICES), decode(exchange, _PRICES)
    assert plant not in msgspec.msgpack.encode(row, enc_hook=str)
    if was.usage_source == "provider" and not _may_lose_usage(exchange.response, _usage(was)):
        assert _usage(row) == _usage(was)


def _planted(exchange: Exchange, plant: bytes, cut: int, dialect: int) -> Exchange:
    """Also in the path, a header and a note; and spelt by two events of a stream, which stand in front of the rest of it."""
    text, body = plant.decode(), exchange.response
    write = _WRITERS.get(exchange.response_headers[0][1])
    if dialect & 3 and write is not None:
        at = cut % (len(text) + 1)
        told = b"".join([write(dialect, piece) for piece in ("call ", text[:at], text[at:], " now")])
        head = body.head + b"\n\n" + told if dialect & 8 else told + body.head
        body = Body(head, body.tail, len(head) + len(body.tail), body.truncated)
    pieces = array("I", [len(body.head) // 2, len(body.head) - len(body.head) // 2, len(body.tail)])
    asked = quote(f" {text} ") if dialect & 16 else quote_plus(f" {text} ", safe="@") if dialect & 32 else f" {text} "
    return msgspec.structs.replace(
        exchange,
        path=f"{exchange.path}?a={asked}&b=",
        request_headers=(*exchange.request_headers, ("x-of", f"for {text}")),
        notes=(f"told {text} twice",),
        response=body,
        chunks=Chunks(array("Q", (1, 2, 3)).tobytes(), pieces.tobytes()),
    )


def _usage(call: Call) -> list[int | None]:
    return [getattr(call, name) for name in _TOKENS]


def _may_lose_usage(body: Body, usage: list[int | None]) -> bool:
    """At a hole, where a figure looks like a card's, and with the probabilities of a document that nobody can read."""
    return body.truncated or max(each or 0 for each in usage) > 10**12 or b"logprobs" in body.head or b"_prob" in body.head


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


_PLANTS = (b"joe.bloggs@example.org", b"6011111111111117", b"+442079460958", b"sk-" + b"proj-aB3dE5fG7hJ9kL1mN3pQ5rS7")
_DIALECTS: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda piece: {"choices": [{"index": 0, "delta": {"content": piece}}], "index": len(piece)},
    lambda piece: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}},
    lambda piece: {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": piece},
)
_OF_AMAZON = {":message-type": "event", ":event-type": "contentBlockDelta"}


def _event(dialect: int, piece: str) -> bytes:
    ending = b"\n\n" if dialect & 4 else b"\r\n\r\n"
    return b"data: " + orjson.dumps(_DIALECTS[dialect % 3](piece)) + ending


_WRITERS: dict[str, Callable[[int, str], bytes]] = {
    "text/event-stream": _event,
    "application/x-ndjson": lambda _dialect, piece: orjson.dumps({"message": {"content": piece}}) + b"\n",
    "application/vnd.amazon.eventstream": lambda _dialect, piece: eventstream.encode(
        _OF_AMAZON, orjson.dumps({"contentBlockIndex": 0, "delta": {"text": piece}})
    ),
}
_TOKENS = [name for name in Call.__struct_fields__ if name.endswith("_tokens") and name != "max_tokens"]
_REDACTOR = redactor_of(("all",), {})
assert _REDACTOR
_PRICES = price.load(None)
