"""The events of a stream as stretches of its bytes: where each ends, the document that it carries, and the event with another.

Every byte belongs to one stretch, in order. What carries no JSON object has no document and is searched as text.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from tracer import eventstream
from tracer.framing import Framing
from tracer.jsonstream import Elements, Lines, Piece
from tracer.sse import Decoder, Event, Overlong

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_DATA = re.compile(rb"data(?::|[\r\n]|$)")
_WHOLE = 1 << 62


class Stretch(NamedTuple):
    """Bytes of a stream. `document`: what they say as JSON, or None. `beside`: what else they hold, as text.

    `again(document, beside)` are the bytes that say these instead.
    """

    start: int
    end: int
    document: Any
    beside: str = ""
    again: Callable[[Any, str], bytes] | None = None


def stretches(data: bytes, framing: Framing) -> Iterator[Stretch]:
    """The stretches of a stream that begins here."""
    return _BY_FRAMING[framing](data)


def _loads(text: str | bytes) -> Any:
    """The document, or None if it is no object and no list. Halves of characters, which some providers stream, pass."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict | list) else None


def _dumps(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # half of a character, or a number of more than 64 bits
        return json.dumps(document, separators=(",", ":")).encode()


def _events(data: bytes) -> Iterator[Stretch]:
    decoder = Decoder(_WHOLE, loose=True)
    start = 0
    last = decoder.feed(data)
    rest = decoder.close()
    for event in [*last, *([rest] if rest else [])]:
        if isinstance(event, Event) and event.end > start:
            end = len(data) if event is rest else event.end
            yield _event(data, start, end, event)
            start = end
    if start < len(data):
        yield Stretch(start, len(data), None)


def _event(data: bytes, start: int, end: int, event: Event) -> Stretch:
    document = _loads(event.data) if event.data[:1] in ("{", "[") else None
    if document is None:
        return Stretch(start, end, None)
    raw = data[start:end]
    if not _has_data(raw):
        return Stretch(start, end, None)
    lines = _LINE.findall(raw)
    beside = b"".join(line for line in lines if not _DATA.match(line)).decode("utf-8", "surrogateescape")

    def again(document: Any, others: str) -> bytes:
        first = next(number for number, line in enumerate(lines) if _DATA.match(line))
        ending = lines[first][len(lines[first].rstrip(b"\r\n")) :]
        told = b"data: " + _dumps(document) + ending
        if others != beside:
            said = _LINE.findall(others.encode("utf-8", "surrogateescape"))
            return b"".join([*(line for line in said if line.strip()), told, ending])
        return b"".join([*lines[:first], told, *(line for line in lines[first + 1 :] if not _DATA.match(line))])

    return Stretch(start, end, document, beside, again)


def _has_data(raw: bytes) -> bool:
    return raw.startswith(b"data") or b"\ndata" in raw or b"\rdata" in raw


def _lines(data: bytes) -> Iterator[Stretch]:
    lines = Lines(_WHOLE)
    return _pieces(data, [*lines.feed(data), *lines.close()])


def _elements(data: bytes) -> Iterator[Stretch]:
    return _pieces(data, Elements(_WHOLE).feed(data))


def _pieces(data: bytes, pieces: list[Piece | Overlong]) -> Iterator[Stretch]:
    at = 0
    for piece in pieces:
        if not isinstance(piece, Piece):
            continue
        start = data.find(piece.data, at, piece.end)
        document = _loads(piece.data)
        if start < 0 or document is None:
            continue
        if start > at:
            yield Stretch(at, start, None)
        at = start + len(piece.data)
        yield Stretch(start, at, document, "", lambda document, _beside: _dumps(document))
    if at < len(data):
        yield Stretch(at, len(data), None)


def _messages(data: bytes) -> Iterator[Stretch]:
    start = 0
    for message in eventstream.Decoder(_WHOLE).feed(data):
        if isinstance(message, eventstream.Message):
            yield _message(start, message)
            start = message.end
    if start < len(data):
        yield Stretch(start, len(data), None)


def _message(start: int, message: eventstream.Message) -> Stretch:
    payload = _loads(message.payload)
    wrapped = isinstance(payload, dict) and eventstream.is_wrapped(payload)
    # Amazon's own events are named by a header, so their payload is the document.
    document = eventstream.document(message) if wrapped else payload
    beside = message.headers.get(":error-message", "")

    def again(document: Any, beside: str) -> bytes:
        headers = {**message.headers, ":error-message": beside} if ":error-message" in message.headers else message.headers
        said = _dumps(document)
        if wrapped:
            said = _dumps({"bytes": base64.b64encode(said).decode()})
        return eventstream.encode(headers, message.payload if payload is None else said)

    return Stretch(start, message.end, document if document is not None else {}, beside, again)


_BY_FRAMING: dict[Framing, Callable[[bytes], Iterator[Stretch]]] = {
    Framing.SSE: _events,
    Framing.LINES: _lines,
    Framing.ARRAY: _elements,
    Framing.AWS: _messages,
}
