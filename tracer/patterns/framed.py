"""The events of a stream as stretches of its bytes: where each ends, the documents that it carries, and the event with others.

Every byte belongs to one stretch, in order; between two stand line ends only. What carries no JSON object has no document and
is searched as text.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from tracer import eventstream
from tracer.framing import Framing
from tracer.jsonstream import Elements, Lines, Piece
from tracer.sse import Overlong

_WHOLE = 1 << 62
# orjson reads documents that are nested deeper than it writes.
_DEEPEST = 250
_LONGEST_NAME, _LONGEST_VALUE = 255, 65535


class Stretch(NamedTuple):
    """Bytes of a stream. `documents`: what they say as JSON. `beside`: what else they hold, as text.

    `again(documents, beside)` are the bytes that say these instead; None for a document that is as it was. No `again`: all of
    it is text. `spelt`: the text of a document that the bytes hold in another spelling.
    """

    start: int
    end: int
    documents: list[Any]
    beside: str = ""
    again: Callable[[Sequence[Any], str], bytes] | None = None
    spelt: bytes = b""


def text_stretch(data: bytes, start: int, end: int) -> Stretch:
    """Text, without the line ends behind it: what follows must go on to begin a line."""
    return Stretch(start, start + len(data[start:end].rstrip(b"\r\n")), [])


def loads(text: str | bytes) -> Any:
    """The document, or None if it is no object and no list. Halves of characters, which some providers stream, pass."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
    if not isinstance(found, dict | list) or _is_too_deep(found, text):
        return None
    return found


def dumps(document: Any) -> bytes:
    """The document as it is written in one line."""
    try:
        return orjson.dumps(document)
    except TypeError:  # half of a character, or a number of more than 64 bits
        return json.dumps(document, separators=(",", ":")).encode()


def _is_too_deep(document: Any, text: str | bytes) -> bool:
    most = text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")
    if most <= _DEEPEST:
        return False
    level = [document]
    for _ in range(_DEEPEST):
        level = [part for each in level for part in (each.values() if isinstance(each, dict) else each)]
        level = [part for part in level if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def lines(data: bytes) -> Iterator[Stretch]:
    """Of one object a line."""
    found = Lines(_WHOLE)
    return _pieces(data, [*found.feed(data), *found.close()])


def elements(data: bytes) -> Iterator[Stretch]:
    """Of the elements of one array."""
    return _pieces(data, Elements(_WHOLE).feed(data))


def _pieces(data: bytes, pieces: list[Piece | Overlong]) -> Iterator[Stretch]:
    at = 0
    for piece in pieces:
        document = loads(piece.data) if isinstance(piece, Piece) else None
        if document is None or not isinstance(piece, Piece):
            continue
        start = data.rfind(piece.data, at, piece.end)
        if start > at:
            yield text_stretch(data, at, start)
        at = start + len(piece.data)
        yield Stretch(start, at, [document], "", lambda documents, _beside: dumps(documents[0]))
    if at < len(data):
        yield text_stretch(data, at, len(data))


def messages(data: bytes) -> Iterator[Stretch]:
    """Of Amazon's messages."""
    at = 0
    for message in eventstream.Decoder(_WHOLE).feed(data):
        if isinstance(message, eventstream.Message):
            start = _beginning(data, at, message.end)
            if start > at:
                yield text_stretch(data, at, start)
            yield _message(start, message)
            at = message.end
    if at < len(data):
        yield text_stretch(data, at, len(data))


def _beginning(data: bytes, at: int, end: int) -> int:
    """Where the message that ends here begins: its length tells."""
    for start in range(at, end):
        prelude = data[start : start + 12]
        if int.from_bytes(prelude[:4], "big") == end - start and crc32(prelude[:8]) == int.from_bytes(prelude[8:], "big"):
            return start
    return at


def _message(start: int, message: eventstream.Message) -> Stretch:
    """Its headers and its payload are the documents; a payload that is none is a list of one text."""
    payload = loads(message.payload)
    inner = _unwrapped(payload)
    said = message.payload if inner is None else inner
    document = payload if inner is None else loads(inner)

    def again(documents: Sequence[Any], _beside: str) -> bytes:
        headers, told = documents
        written = said
        if told is not None:
            written = dumps(told) if document is not None else told[0].encode("utf-8", "surrogateescape")
        if inner is not None:
            written = dumps({"bytes": base64.b64encode(written).decode()})
        return eventstream.encode(_fitting(message.headers if headers is None else headers), written)

    read = document if document is not None else [said.decode("utf-8", "surrogateescape")]
    return Stretch(start, message.end, [dict(message.headers), read], "", again, inner or b"")


def _unwrapped(payload: Any) -> bytes | None:
    """The model's own event in what only carries it."""
    if not (isinstance(payload, dict) and eventstream.is_wrapped(payload)):
        return None
    try:
        return base64.b64decode(payload["bytes"], validate=True)
    except (binascii.Error, ValueError):
        return None


def _fitting(headers: dict[str, str]) -> dict[str, str]:
    """Those that a message can hold: one that was no UTF-8 has become longer."""
    return {
        name: text
        for name, text in headers.items()
        if len(name.encode()) <= _LONGEST_NAME and len(text.encode()) <= _LONGEST_VALUE
    }


BY_FRAMING: dict[Framing, Callable[[bytes], Iterator[Stretch]]] = {
    Framing.LINES: lines,
    Framing.ARRAY: elements,
    Framing.AWS: messages,
}
