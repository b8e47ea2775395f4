"""One HTTP/1.1 connection to a provider: a request goes out, a reply comes back, piece by piece.

aiohttp's response parser (llhttp) reads; what is written is put together here, which needs no parser. aiohttp's own client
does far more than a proxy wants (redirects, cookies, sessions, tracing) and would be the largest cost on this path
(docs/decisions/0003-upstream-connections.md).

Invariants
- A reply whose connection has ended ends too, with an error unless it was complete: nobody waits for a body that cannot come.
- Reading stops while nobody takes the pieces (the parser's StreamReader pauses the transport), so a slow client costs one
  buffer, and the time limit does not run meanwhile.
- After anything but a whole reply to a whole request the connection is not used again.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy

from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.headers import RawHeaders

# How much of a reply may wait in memory for a slow client, and the largest header line of a reply.
READ_BUFFER = 128 << 10
LONGEST_HEADER = 64 << 10
MOST_HEADERS = 512


class Reply:
    """The head of a reply, and its body to be read."""

    __slots__ = ("_content", "_unread", "content_type", "headers", "length", "raw_headers", "reason", "status")

    def __init__(self, message: RawResponseMessage, content: StreamReader) -> None:
        self.status: int = message.code
        self.reason: str = message.reason
        self.raw_headers: RawHeaders = message.raw_headers
        self.headers: CIMultiDictProxy[str] = message.headers
        self.content_type: str = self.headers.get("Content-Type", "")
        length = self.headers.get("Content-Length", "")
        self.length: int | None = int(length) if length.isdigit() and not message.chunked else None
        self._content = content
        self._unread = b""

    @property
    def content_encoding(self) -> str:
        return self.headers.get("Content-Encoding", "")

    async def read(self) -> bytes:
        """The next piece as it came; empty at the end. Raises UpstreamFailed."""
        if self._unread:
            piece, self._unread = self._unread, b""
            return piece
        return await self._content.readany()

    def read_now(self) -> bytes | None:
        """The whole body if all of it has arrived, as short ones do with their heads; None if `read` must wait for it."""
        if self._unread or not self._content.is_eof() or self._content.exception() is not None:
            return None
        return self._content.read_nowait()

    def unread(self, piece: bytes) -> None:
        """Put back what was read to look at it."""
        self._unread = piece

    @property
    def complete(self) -> bool:
        """Whether the whole body has arrived, read or not."""
        return self._content.is_eof()


class Connection(BaseProtocol):
    """A connection that serves one request at a time. Made by pool.py."""

    __slots__ = ("_content", "_head", "_last_data", "_time_limit", "_timer", "_upload", "answered", "reusable")

    def __init__(self, loop: asyncio.AbstractEventLoop, time_limit: float) -> None:
        super().__init__(loop)
        self._time_limit = time_limit
        self._head: asyncio.Future[Reply] | None = None
        self._content: StreamReader | None = None
        self._upload: asyncio.Task[None] | None = None
        self._last_data = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.answered = False  # something of the reply has come
        self.reusable = False

    def send(
        self,
        method: str,
        target: str,
        authority: str,
        headers: bytes,
        body: bytes | None,
        pieces: AsyncIterator[bytes] | None,
        *,
        chunked: bool,
    ) -> None:
        """Write a request; `headers` are whole lines without Host, `pieces` are written as the provider takes them."""
        self._head = self._loop.create_future()
        self._content = None
        self.answered = self.reusable = False
        self._last_data = self._loop.time()
        self._parser = HttpResponseParser(
            self,
            self._loop,
            READ_BUFFER,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
            payload_exception=UpstreamFailed,
            response_with_body=method != "HEAD",
            read_until_eof=True,
            auto_decompress=False,
        )
        if self._timer is None:
            self._timer = self._loop.call_later(self._time_limit, self._check_time)
        start = f"{method} {target} HTTP/1.1\r\nHost: {authority}\r\n".encode("utf-8", "surrogateescape")
        end = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n"
        self._write(b"".join((start, headers, end, body or b"")))
        if pieces is not None:
            # Runs beside the reading of the reply, which may come before the last piece is out; ended by close().
            self._upload = self._loop.create_task(self._send_pieces(pieces, chunked))

    async def head(self) -> Reply:
        """Wait for the head of the reply. Raises UpstreamFailed."""
        assert self._head is not None
        if self._upload is not None:
            await asyncio.wait((self._head, self._upload), return_when=asyncio.FIRST_COMPLETED)
            if self._upload.done() and not self._head.done():
                self._upload.result()  # the request could not be sent to its end
        return await self._head

    def close(self) -> None:
        """End the connection, and whatever is under way on it."""
        self.reusable = False
        if self._upload is not None:
            self._upload.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.transport is not None:
            self.transport.abort()

    @property
    def idle_and_whole(self) -> bool:
        """Whether the last exchange was whole on both sides, so that another may follow."""
        sent = self._upload is None or (
            self._upload.done() and not self._upload.cancelled() and self._upload.exception() is None
        )
        whole = self._content is not None and self._content.is_eof() and self._content.exception() is None
        return self.reusable and sent and whole and self.transport is not None and not self.transport.is_closing()

    def data_received(self, data: bytes) -> None:
        self._last_data = self._loop.time()
        self.answered = True
        if self._parser is None:
            self.close()  # data that nobody asked for
            return
        try:
            messages, _upgraded, _tail = self._parser.feed_data(data)
        except HttpProcessingError:
            self._fail(UpstreamFailed("bad_response"))
            return
        for message, content in messages:
            if message.code >= 200 or message.code == 101:
                self._begin(message, content)

    def resume_reading(self, resume_parser: bool = True) -> None:
        # The parser's StreamReader asks for this after every piece that is read, paused or not.
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def connection_lost(self, exc: BaseException | None) -> None:
        parser, self._parser = self._parser, None
        super().connection_lost(exc)
        kind = "reset" if exc is not None else "disconnected"
        if parser is not None and exc is None:
            try:
                parser.feed_eof()  # ends a body that goes on until the connection closes
            except HttpProcessingError:
                kind = "incomplete_body"
        self._fail(UpstreamFailed(kind if self._content is None else "incomplete_body", exc))

    def _begin(self, message: RawResponseMessage, content: StreamReader) -> None:
        assert self._head is not None
        if self._content is not None or self._head.done():
            self._fail(UpstreamFailed("bad_response"))  # a second reply to one request
            return
        self._content = content
        self.reusable = not message.should_close
        self._head.set_result(Reply(message, content))

    def _fail(self, error: UpstreamFailed) -> None:
        """Tell whoever waits, and end the connection."""
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
            self._head.exception()  # seen, even if the one who would have waited has left
        if self._content is not None and not self._content.is_eof() and self._content.exception() is None:
            self._content.set_exception(error)
        self.close()

    def _check_time(self) -> None:
        """Runs once per time limit, not per piece of data: the deadline moves with the data, the timer follows it."""
        self._timer = None
        if self._head is None or (self._content is not None and self._content.is_eof()):
            return
        now = self._loop.time()
        if self._reading_paused:
            self._last_data = now  # it is us who do not read
        left = self._last_data + self._time_limit - now
        if left <= 0:
            self._fail(UpstreamFailed("response_timeout"))
        else:
            self._timer = self._loop.call_later(left, self._check_time)

    def _write(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            raise UpstreamFailed("disconnected")
        self.transport.write(data)

    async def _send_pieces(self, pieces: AsyncIterator[bytes], chunked: bool) -> None:
        async for piece in pieces:
            self._last_data = self._loop.time()
            self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if self.writing_paused:
                await self._taken()
        if chunked:
            self._write(b"0\r\n\r\n")

    async def _taken(self) -> None:
        """Wait until the transport has room again."""
        try:
            await self._drain_helper()
        except ConnectionError as error:
            raise UpstreamFailed("reset", error) from error
