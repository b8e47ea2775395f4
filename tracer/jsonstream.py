"""Streams of JSON objects without I/O: one a line (Ollama, Cohere v1), or the elements of one array (Gemini without alt=sse).

Invariants
- Any way of cutting the same bytes gives the same pieces (tests/test_jsonstream.py).
- Nothing here raises on input, and nothing is parsed: a piece is the text of what should be an object.
- Memory is bounded: of a piece longer than `max_bytes` nothing is kept, an Overlong stands in its place.

Traps
- A line that the end of the stream cut short may be whole: the last one often has no line end. `close()` hands it out.
- `Elements` counts brackets, so text that is not JSON makes it lose its place until the end. It takes objects that stand in
  no array too, so that reading can begin at any of them.
"""

import re

from msgspec import Struct

from tracer.sse import MAX_EVENT_BYTES, Overlong

_MARKS = re.compile(rb'["{}\[\]]')
_IN_A_STRING = re.compile(rb'["\\]')


class Piece(Struct, frozen=True, gc=False):
    """The text of one object; `end` is the offset in the stream just behind it, counted from the first byte."""

    data: bytes
    end: int


class Lines:
    """Feed it a stream in pieces of any size; every call returns the lines that were completed and hold something."""

    __slots__ = ("_length", "_max", "_offset", "_rest")

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_bytes
        self._offset = 0  # behind the last line end
        self._rest: list[bytes] = []  # of an unfinished line
        self._length = 0  # of that line, kept or not

    def feed(self, chunk: bytes) -> list[Piece | Overlong]:
        """The lines that `chunk` completes, in order."""
        lines = chunk.split(b"\n")
        found: list[Piece | Overlong] = []
        for line in lines[:-1]:
            self._keep(line)
            self._offset += self._length + 1
            found += self._line()
        self._keep(lines[-1])
        return found

    def close(self) -> list[Piece | Overlong]:
        """The line that the end of the stream cut short."""
        self._offset += self._length
        return self._line()

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._max:
            self._rest.clear()
        elif part:
            self._rest.append(part)

    def _line(self) -> list[Piece | Overlong]:
        too_long = self._length > self._max
        line = b"".join(self._rest).strip(b"\r \t\x1e")  # 1E begins a record of RFC 7464
        self._rest.clear()
        self._length = 0
        if too_long:
            return [Overlong(self._offset)]
        return [Piece(line, self._offset)] if line else []


class Elements:
    """Feed it a stream in pieces of any size; every call returns the objects that were completed."""

    __slots__ = ("_deep", "_element", "_escaped", "_in_array", "_in_string", "_length", "_max", "_offset", "closed")

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self.closed = False  # the array's end was seen
        self._max = max_bytes
        self._offset = 0
        self._in_array = False
        self._deep = 0  # brackets open within the element; 0 between two
        self._in_string = False
        self._escaped = False  # the last byte was a backslash in a string
        self._element: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> list[Piece | Overlong]:
        """The elements that `chunk` completes, in order."""
        found: list[Piece | Overlong] = []
        start = position = 0
        if self._escaped and chunk:
            self._escaped, position = False, 1
        while True:
            match = (_IN_A_STRING if self._in_string else _MARKS).search(chunk, position)
            if match is None:
                break
            position = match.end()
            mark = chunk[position - 1 : position]
            if mark == b"\\":
                self._escaped = position == len(chunk)
                position += 1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif mark in b"{[":
                start = self._open(mark, position, start)
            elif self._close(mark):
                self._keep(chunk[start:position])
                found += self._finished(self._offset + position)
        if self._deep:
            self._keep(chunk[start:])
        self._offset += len(chunk)
        return found

    def close(self) -> list[Piece | Overlong]:
        """Nothing: an object that was cut is none."""
        return []

    def _open(self, mark: bytes, position: int, start: int) -> int:
        """Where the element begins in this chunk."""
        if self._deep:
            self._deep += 1
            return start
        if mark == b"[" and not self._in_array:
            self._in_array = True
            return start
        self._deep = 1
        return position - 1

    def _close(self, mark: bytes) -> bool:
        """Whether this bracket ends an element."""
        if self._deep:
            self._deep -= 1
            return not self._deep
        self.closed = self.closed or mark == b"]"
        return False

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._max:
            self._element.clear()
        else:
            self._element.append(part)

    def _finished(self, end: int) -> list[Piece | Overlong]:
        piece: Piece | Overlong = Overlong(end) if self._length > self._max else Piece(b"".join(self._element), end)
        self._element.clear()
        self._length = 0
        return [piece]
