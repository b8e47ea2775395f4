"""The provider's reply on its way to the client, written byte for byte.

aiohttp's Response would parse the header list into its own, add a Server, a Date and a Content-Type that the provider did not
send, and encode it again; a reply that is only passed on needs a status line, the header bytes as they came, and framing.
aiohttp still owns the connection: reading, keep-alive, pipelining, the end. `prepare` and `write_eof`, by which it would send a
reply, do nothing here, because by then all is sent.
"""

from aiohttp import HttpVersion11, web

from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.headers import HeaderList, head

_NO_BODY = frozenset({204, 304})


class ClientLeft(Exception):
    """The client's connection broke while we wrote to it."""


class Downstream(web.StreamResponse):
    """One reply; `sized` if a Content-Length is among its headers. `bodiless`: no body follows, whatever the headers say.

    Raises UpstreamFailed for a line break inside a header of the provider's.
    """

    def __init__(self, request: web.BaseRequest, status: int, reason: str, headers: HeaderList, *, sized: bool) -> None:
        # Not super().__init__: nothing of what it sets up is used.
        self._request = request
        self.bodiless = request.method == "HEAD" or status in _NO_BODY
        modern = request.version >= HttpVersion11
        sized = sized or self.bodiless
        self._chunked = not sized and modern
        self._keeps_alive = request.keep_alive and (sized or self._chunked)
        framing: HeaderList = [(b"Transfer-Encoding", b"chunked")] if self._chunked else []
        if self._keeps_alive != modern:
            framing.append((b"Connection", b"keep-alive" if self._keeps_alive else b"close"))
        start = b"HTTP/%d.%d %d %b" % (*request.version, status, reason.encode("utf-8", "surrogateescape"))
        try:
            self._head = head(start, [*headers, *framing])
        except ValueError as error:  # llhttp is lenient with replies; what it let through must not become a line of ours
            raise UpstreamFailed("bad_response", error) from error

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection may serve another request."""
        return self._keeps_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: see the head of this file."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: see the head of this file."""

    async def send_all(self, body: bytes) -> None:
        """Head and body in one write. Raises ClientLeft."""
        await self._send(self._head if self.bodiless else self._head + body)

    async def send_head(self) -> None:
        """The head alone, now: the client of a stream waits for it. Raises ClientLeft."""
        await self._send(self._head)

    async def send(self, piece: bytes) -> None:
        """A piece of the body; returns when the connection has room for more. Raises ClientLeft."""
        if not self.bodiless:
            await self._send(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    async def finish(self) -> None:
        """The end of the body. Raises ClientLeft."""
        if self._chunked:
            await self._send(b"0\r\n\r\n")

    async def _send(self, data: bytes) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ClientLeft
        transport.write(data)
        writer = self._request.writer
        writer.output_size += len(data)  # by which the rest of the proxy knows that the reply has begun
        if self._request.protocol.writing_paused:
            try:
                await writer.drain()
            except ConnectionError as error:
                raise ClientLeft from error
