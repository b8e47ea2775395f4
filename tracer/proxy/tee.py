"""The tee: a bounded copy of a body that passes by, and when each piece came. No I/O.

The first `limit` bytes are kept, and always the last TAIL bytes: usage stands at the end of a stream, and losing it would lose
the cost of exactly the longest calls. What lies between is counted, not kept.
"""

from array import array
from collections import deque
from typing import NamedTuple

# The largest closing piece that carries usage is the Responses API's `response.completed`, which repeats the whole answer.
TAIL = 256 << 10


class Copy(NamedTuple):
    """What was kept: first bytes, last bytes, the size on the wire; per piece its arrival and how much of it is in the copy."""

    head: bytes
    tail: bytes
    size: int
    at_ns: "array[int]"
    length: "array[int]"

    @property
    def kept(self) -> int:
        """Bytes in memory."""
        return len(self.head) + len(self.tail)

    @property
    def truncated(self) -> bool:
        return len(self.head) + len(self.tail) < self.size


class Whole(NamedTuple):
    """A body that came in one piece, as most do: cheaper to note than a Copy. `at_ns` is None where nobody wants to know."""

    body: bytes
    at_ns: int | None

    @property
    def size(self) -> int:
        return len(self.body)

    @property
    def kept(self) -> int:
        """Bytes in memory."""
        return len(self.body)

    def copy(self) -> Copy:
        at_ns = array("Q", () if self.at_ns is None else (self.at_ns,))
        return Copy(self.body, b"", len(self.body), at_ns, array("I", (len(self.body),)))


class Tee:
    """Pieces in, one Copy out. `limit` bounds the head; the whole never takes more than limit + 2 * TAIL and a piece."""

    __slots__ = ("_at", "_head", "_head_bytes", "_length", "_limit", "_tail", "_tail_bytes", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._at = array("Q")
        self._length = array("I")
        self.size = 0

    def add(self, piece: bytes, at_ns: int) -> None:
        """Note a piece that came `at_ns` after the call began."""
        self._at.append(at_ns)
        self._length.append(len(piece))
        self.size += len(piece)
        if self.size <= self._limit:
            self._head.append(piece)
            self._head_bytes += len(piece)
            return
        self._tail.append(piece)
        self._tail_bytes += len(piece)
        while self._tail_bytes - len(self._tail[0]) >= self._limit_of_tail():
            self._tail_bytes -= len(self._tail.popleft())

    @property
    def kept(self) -> int:
        """Bytes in memory."""
        return self._head_bytes + self._tail_bytes

    def _limit_of_tail(self) -> int:
        # Until the head is full the tail also holds the piece that straddles the limit.
        return TAIL + (self._limit - self._head_bytes)

    def copy(self) -> Copy:
        """The copy as it stands."""
        head = b"".join(self._head)
        tail = b"".join(self._tail)
        if len(head) + len(tail) == self.size:
            return Copy(head + tail, b"", self.size, self._at, self._length)
        tail = tail[-TAIL:]
        return Copy(head, tail, self.size, self._at, within(self._length, len(head), len(tail)))


def within(lengths: "array[int]", head: int, tail: int) -> "array[int]":
    """How much of each piece lies in the first `head` or the last `tail` bytes of all."""
    size = sum(lengths)
    kept = array("I")
    start = 0
    for length in lengths:
        end = start + length
        in_head = max(0, min(end, head) - start)
        in_tail = max(0, end - max(start, size - tail))
        kept.append(in_head + in_tail)
        start = end
    return kept
