"""Streams without their text, event by event: what goes in may be cut anywhere, what comes out is whole events.

The framing stays what it was, so the blanked copy is read by the same media type: server-sent events come out as such, lines as
lines, an array as an array, Amazon's messages as messages with checksums of their own.
"""

import base64
from typing import Protocol

import orjson

from tracer import eventstream
from tracer.blank.document import blank_json
from tracer.blank.rules import PLACEHOLDER, name
from tracer.framing import Framing
from tracer.jsonstream import Elements, Lines, Piece
from tracer.sse import Decoder, Event, Overlong

_NOTHING = b"-"  # stands for an event that holds no object: that there was one can still be seen


class _Blanker(Protocol):
    def feed(self, chunk: bytes) -> bytes: ...

    def skip(self) -> None: ...

    def close(self) -> bytes: ...


class StreamBlanker:
    """Blanks a stream of this framing as it passes."""

    def __init__(self, framing: Framing = Framing.SSE) -> None:
        self._blanker: _Blanker = _BLANKERS[framing]()

    def feed(self, chunk: bytes) -> bytes:
        """The events that `chunk` completed, blanked."""
        return self._blanker.feed(chunk)

    def skip(self) -> None:
        """Some bytes are missing here: the event at hand is lost, and the next piece begins with another one."""
        self._blanker.skip()

    def close(self) -> bytes:
        """The event that the end cut short, if its data is whole."""
        return self._blanker.close()


class _Events:
    def __init__(self) -> None:
        self._decoder = Decoder(loose=True)

    def feed(self, chunk: bytes) -> bytes:
        return b"".join(_blank_event(event) + b"\n" for event in self._decoder.feed(chunk) if isinstance(event, Event))

    def skip(self) -> None:
        self._decoder = Decoder(loose=True)

    def close(self) -> bytes:
        """Without the empty line that it lacked."""
        event = self._decoder.close()
        return b"" if event is None else _blank_event(event)


def _blank_event(event: Event) -> bytes:
    mark = b"event: error\n" if event.name == "error" else b""
    if event.data.startswith("[DONE]"):
        return mark + b"data: [DONE]\n"
    blank = blank_json(event.data)
    if not blank and event.data.startswith("{"):  # objects one a line
        lines = [part for part in map(blank_json, event.data.split("\n")) if part]
        blank = b"\n\ndata: ".join(lines)
    return mark + b"data: " + (blank or _NOTHING) + b"\n"


class _Lines:
    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, chunk: bytes) -> bytes:
        return _blank_lines(self._lines.feed(chunk))

    def skip(self) -> None:
        self._lines = Lines()

    def close(self) -> bytes:
        return _blank_lines(self._lines.close())


def _blank_lines(pieces: list[Piece | Overlong]) -> bytes:
    return b"".join((blank_json(piece.data) or _NOTHING) + b"\n" for piece in pieces if isinstance(piece, Piece))


class _Elements:
    def __init__(self) -> None:
        self._elements = Elements()
        self._before = b"["

    def feed(self, chunk: bytes) -> bytes:
        out = []
        for piece in self._elements.feed(chunk):
            if isinstance(piece, Piece):
                out.append(self._before + (blank_json(piece.data) or b"null"))
                self._before = b",\n"
        return b"".join(out)

    def skip(self) -> None:
        self._elements = Elements()

    def close(self) -> bytes:
        # Here and not where the bracket stood: of rubbish, more may follow it.
        if not self._elements.closed:
            return b""
        return b"[]" if self._before == b"[" else b"]"


class _Messages:
    def __init__(self) -> None:
        self._decoder = eventstream.Decoder()

    def feed(self, chunk: bytes) -> bytes:
        messages = self._decoder.feed(chunk)
        return b"".join(_blank_message(message) for message in messages if isinstance(message, eventstream.Message))

    def skip(self) -> None:
        self._decoder = eventstream.Decoder()

    def close(self) -> bytes:
        return b""


def _blank_message(message: eventstream.Message) -> bytes:
    """The same kind of message, of whose headers those remain that say what kind it is."""
    headers = {key: name(message.headers[key]) for key in _KEPT_HEADERS if key in message.headers}
    if ":error-message" in message.headers:
        headers[":error-message"] = PLACEHOLDER
    kind = message.headers.get(":event-type")
    document = eventstream.document(message)
    if document is None or kind is None:
        return eventstream.encode(headers, blank_json(message.payload))
    blank = blank_json(orjson.dumps(document))
    if kind in document:
        said = orjson.loads(blank).get(kind)
        return eventstream.encode(headers, orjson.dumps(said) if said else b"{}")
    return eventstream.encode(headers, orjson.dumps({"bytes": base64.b64encode(blank).decode()}))


_KEPT_HEADERS = (":message-type", ":event-type", ":exception-type", ":error-code", ":content-type")
_BLANKERS: dict[Framing, type[_Events | _Lines | _Elements | _Messages]] = {
    Framing.SSE: _Events,
    Framing.LINES: _Lines,
    Framing.ARRAY: _Elements,
    Framing.AWS: _Messages,
}
