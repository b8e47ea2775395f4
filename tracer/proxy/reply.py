"""A reply of an upstream: its head, and its body as it comes, to be read (which waits) or to be passed on.

Passing on needs no task that is woken for every piece: a Receiver is called in the moment that a piece arrives. Until somebody
takes the reply it is its own receiver and keeps what comes, at most KEPT bytes and a piece.
"""

import asyncio
from collections import deque
from typing import Protocol

from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy

from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.headers import RawHeaders

# How much of a reply that nobody has taken yet may wait in memory.
KEPT = 128 << 10


class Receiver(Protocol):
    """Takes a reply as it comes: pieces, then its end or what cut it short. Raises nothing."""

    def piece(self, data: bytes, /) -> None: ...
    def end(self) -> None: ...
    def failed(self, error: UpstreamFailed, /) -> None: ...


class Source(Protocol):
    """Where the pieces come from (upstream.py)."""

    def pass_to(self, receiver: Receiver, /) -> None: ...
    def hold(self) -> None: ...
    def go_on(self) -> None: ...


class Reply:
    """See the head of this file. `length` of the body in bytes, if the head says it; `hold` and `go_on` stop and start the
    pieces."""

    _ended = False
    _full = False  # held because nobody has taken the reply
    _held = False  # by who has taken it
    _error: UpstreamFailed | None = None
    _size = 0
    _pieces: deque[bytes] | None = None
    _arrived: asyncio.Future[None] | None = None

    def __init__(self, message: RawResponseMessage, content: StreamReader, source: Source) -> None:
        self.status: int = message.code
        self.reason: str = message.reason
        self.raw_headers: RawHeaders = message.raw_headers
        self.headers: CIMultiDictProxy[str] = message.headers
        self.content_type: str = self.headers.get("Content-Type", "")
        length = self.headers.get("Content-Length", "")
        self.length: int | None = int(length) if length.isdigit() and not message.chunked else None
        self._content = content
        self._source = source

    @property
    def content_encoding(self) -> str:
        return self.headers.get("Content-Encoding", "")

    @property
    def complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self._content.is_eof()

    async def read(self) -> bytes:
        """The next piece as it came; empty at the end. Raises UpstreamFailed."""
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._full and not self._pieces:
            self._full = False
            self._source.go_on()
        return piece

    def unread(self, piece: bytes) -> None:
        """Put back what was read to look at it."""
        if piece:
            self._pieces = self._pieces or deque()
            self._pieces.appendleft(piece)
            self._size += len(piece)

    def pass_to(self, receiver: Receiver) -> None:
        """Give the receiver what is there now, and the rest as it comes."""
        while self._pieces:
            receiver.piece(self._pieces.popleft())
        if self._ended:
            receiver.end()
        elif self._error is not None:
            receiver.failed(self._error)
        else:
            self._source.pass_to(receiver)
            if self._full and not self._held:
                self._source.go_on()

    def hold(self) -> None:
        """Pass nothing on for now."""
        self._held = True
        self._source.hold()

    def go_on(self) -> None:
        """Pass on again."""
        self._held = False
        self._source.go_on()

    def piece(self, data: bytes) -> None:
        """From the source, while nobody has taken the reply; so are `end` and `failed`."""
        self._pieces = self._pieces or deque()
        self._pieces.append(data)
        self._size += len(data)
        if self._size > KEPT:
            self._full = True
            self._source.hold()
        self._tell()

    def end(self) -> None:
        self._ended = True
        self._tell()

    def failed(self, error: UpstreamFailed) -> None:
        self._error = error
        self._tell()

    def _tell(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
