"""Server-sent events without I/O: bytes in, events out. The sink reads streams with it, the proxy edits them with it.

Strategy: nearly every stream is `data: …` + LF + LF, often with `event: …` before it, so whole blocks are cut at the empty
line in one split; whatever does not look like that goes through the standard's line rules, one line at a time.

Invariants
- Any way of cutting the same bytes gives the same events (tests/test_sse.py).
- Nothing here raises on input: it comes from a provider, and the standard says what to ignore.
- Memory is bounded. An event whose lines (comments left out) hold more than `max_event_bytes` is dropped while it arrives,
  and an Overlong stands in its place. The limit must exceed the longest answer, since OpenAI's response.completed repeats the
  whole answer beside the usage: the largest event of some 260 recorded streams has 35 kB, the default leaves 200 times that.

Traps
- Lines end with LF, CR or CRLF and with nothing else: str.splitlines() would also cut at U+2028, which models do write.
- After a CR the event is complete, although an LF may follow. `end` therefore counts the CR only, and that LF belongs to the
  next event's bytes; cutting a stream at `end` still leaves well-formed streams on both sides.
- The standard throws away an event that the end of the stream cut short. `close()` hands it out, for whoever must account
  for it; a client never sees it.

Reference: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

import re

from msgspec import Struct

MAX_EVENT_BYTES = 8 << 20

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n?|\n")
# Beyond this an unfinished block is no longer joined to each new chunk, which would cost quadratic time.
_JOIN_BYTES = 16 << 10


class Event(Struct, frozen=True, gc=False):
    """One dispatched event; `end` is the offset in the stream just behind it, counted from the decoder's first byte."""

    name: str
    data: str
    id: str
    end: int


class Overlong(Struct, frozen=True, gc=False):
    """Stands where an event was too long to keep."""

    end: int


class Decoder:
    """Feed it a stream in pieces of any size; every call returns the events that the piece completed."""

    __slots__ = (
        "_after_cr",
        "_comment",
        "_data",
        "_id",
        "_idle",
        "_loose",
        "_max",
        "_name",
        "_offset",
        "_partial",
        "_partial_bytes",
        "_size",
        "_skipping",
        "_started",
        "_stray",
        "_tail",
        "retry_ms",
    )

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES, *, loose: bool = False) -> None:
        self.retry_ms: int | None = None
        self._max = max_event_bytes
        self._loose = loose
        self._offset = 0  # of the first byte not yet consumed by the lines below
        self._started = False  # the byte order mark, if any, is behind us
        self._idle = True  # between two events with nothing pending: whole blocks can be taken
        self._tail = b""  # an unfinished block, while idle
        self._id = ""
        self._name = ""
        self._data: list[bytes] = []
        self._stray: list[bytes] = []  # lines of JSON that stand in no field
        self._size = 0  # bytes of this event's finished lines
        self._skipping = False  # this event is too long already
        self._partial: list[bytes] = []  # pieces of an unfinished line
        self._partial_bytes = 0
        self._comment = False  # the unfinished line is a comment; its text is not kept
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[Event | Overlong]:
        """The events that `chunk` completes, in order."""
        if not self._started:
            chunk = self._skip_bom(self._tail + chunk)
            self._tail = b"" if self._started else chunk
            if not self._started:
                return []
        events: list[Event | Overlong] = []
        if self._idle:
            self._take_blocks(self._tail + chunk if self._tail else chunk, events)
        else:
            self._take_lines(chunk, events)
        return events

    def close(self) -> Event | None:
        """The event that the end of the stream cut short, if it had data. A browser would discard it."""
        rest, self._tail = self._tail, b""
        self._started = True
        self._take_lines(rest, [])
        if self._partial_bytes:
            self._take_line(b"", [])
        if self._data:
            return self._event(self._offset)
        return self._stray_event() if self._stray else None

    def _skip_bom(self, start: bytes) -> bytes:
        if len(start) < 3 and _BOM.startswith(start):
            return start
        self._started = True
        if start.startswith(_BOM):
            self._offset = 3
            return start[3:]
        return start

    def _take_blocks(self, data: bytes, events: list[Event | Overlong]) -> None:
        if b"\r" in data or self._after_cr:
            self._tail = b""
            self._take_lines(data, events)
            return
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        offset, last_id, most = self._offset, self._id, self._max
        for block in blocks:
            name, fields = "message", block
            if block.startswith(b"event: "):
                first, _, fields = block.partition(b"\n")
                name = first[7:].decode("utf-8", "replace") or name
            if fields.startswith(b"data: ") and b"\n" not in fields and len(block) <= most:
                offset += len(block) + 2
                events.append(Event(name, fields[6:].decode("utf-8", "replace"), last_id, offset))
            else:
                self._offset = offset
                self._take_lines(block + b"\n\n", events)
                offset, last_id = self._offset, self._id
        self._offset = offset
        self._tail = rest
        if len(rest) > _JOIN_BYTES:
            self._tail = b""
            self._take_lines(rest, events)

    def _take_lines(self, data: bytes, events: list[Event | Overlong]) -> None:
        position = 0
        if self._after_cr and data:
            self._after_cr = False
            position = int(data.startswith(b"\n"))
        base = self._offset
        for ending in _LINE_END.finditer(data, position):
            line = data[position : ending.start()]
            position = ending.end()
            self._after_cr = position == len(data) and data.endswith(b"\r")
            self._offset = base + ending.start() + 1
            self._take_line(line, events)
        if position < len(data):
            self._keep_partial(data[position:])
        self._offset = base + len(data)
        self._idle = not (self._data or self._name or self._size or self._skipping or self._partial_bytes or self._stray)

    def _keep_partial(self, piece: bytes) -> None:
        if not self._partial_bytes:
            self._comment = piece.startswith(b":")
        self._partial_bytes += len(piece)
        if not (self._comment or self._skipping):
            self._partial.append(piece)
            if self._size + self._partial_bytes > self._max:
                self._skip()

    def _take_line(self, line: bytes, events: list[Event | Overlong]) -> None:
        if self._partial_bytes:
            length = self._partial_bytes + len(line)
            line = b":" if self._comment else b"".join(self._partial) + line
            self._partial.clear()
            self._partial_bytes = 0
        else:
            length = len(line)
        if not length:
            self._dispatch(events)
        elif not (self._skipping or line.startswith(b":")):
            self._size += length
            if self._size > self._max:
                self._skip()
            else:
                self._take_field(line)

    def _skip(self) -> None:
        self._skipping = True
        self._data.clear()
        self._stray.clear()
        self._partial.clear()

    def _take_field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit() and len(value) < 19:
            self.retry_ms = int(value)
        elif self._stray or (self._loose and line.startswith(b"{")):
            self._stray.append(line)

    def _dispatch(self, events: list[Event | Overlong]) -> None:
        if self._skipping:
            events.append(Overlong(self._offset))
        else:
            if self._stray:
                events.append(self._stray_event())
                self._stray.clear()
            if self._data:
                events.append(self._event(self._offset))
        self._data.clear()
        self._name = ""
        self._size = 0
        self._skipping = False

    def _event(self, end: int) -> Event:
        return Event(self._name or "message", b"\n".join(self._data).decode("utf-8", "replace"), self._id, end)

    def _stray_event(self) -> Event:
        return Event("message", b"\n".join(self._stray).decode("utf-8", "replace"), self._id, self._offset)
