"""A reply on its way to the client, written byte for byte: a status line, the header bytes as they came, and framing.

Writing never waits. Whoever writes much looks at `full` and waits for room (`Connection.when_room`).
"""

from aiohttp.http import HttpVersion11

from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.headers import LONG_BODY, HeaderList, head
from tracer.proxy.replies import Plain
from tracer.proxy.request import Request

_NO_BODY = frozenset({204, 304})


class ClientLeft(Exception):
    """The client's connection broke while we wrote to it."""


class Downstream:
    """One reply; `sized` if a Content-Length is among its headers. `bodiless`: no body follows, whatever the headers say.

    Raises UpstreamFailed for a line break inside a header of the provider's.
    """

    __slots__ = ("_chunked", "_connection", "_head", "_request", "bodiless", "keeps_alive")

    def __init__(self, request: Request, status: int, reason: str, headers: HeaderList, *, sized: bool) -> None:
        self._request = request
        self._connection = request.connection
        self.bodiless = request.method == "HEAD" or status in _NO_BODY
        version = request.version
        modern = version >= HttpVersion11
        sized = sized or self.bodiless
        self._chunked = not sized and modern
        self.keeps_alive = request.keep_alive and (sized or self._chunked)
        if self._chunked:
            headers = [*headers, (b"Transfer-Encoding", b"chunked")]
        if self.keeps_alive != modern:
            headers = [*headers, (b"Connection", b"keep-alive" if self.keeps_alive else b"close")]
        start = b"HTTP/%d.%d %d %b" % (version[0], version[1], status, reason.encode("utf-8", "surrogateescape"))
        try:
            self._head = head(start, headers)
        except ValueError as error:  # llhttp is lenient with replies; what it let through must not become a line of ours
            raise UpstreamFailed("bad_response", error) from error

    @property
    def full(self) -> bool:
        """Whether the client should take something before more is written."""
        return self._connection.writing_paused

    def send_all(self, body: bytes) -> None:
        """Head and body in one write. Raises ClientLeft."""
        if self.bodiless or len(body) < LONG_BODY:
            self._write(self._head if self.bodiless else self._head + body)
        else:
            self._write(self._head, body)

    def send_head(self) -> None:
        """The head alone, now: the client of a stream waits for it. Raises ClientLeft."""
        self._write(self._head)

    def send(self, piece: bytes) -> None:
        """A piece of the body. Raises ClientLeft."""
        if self.bodiless:
            return
        if len(piece) >= LONG_BODY and self._chunked:
            self._write(b"%x\r\n" % len(piece), piece, b"\r\n")
            return
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise ClientLeft
        transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def finish(self) -> None:
        """The end of the body. Raises ClientLeft."""
        if self._chunked:
            self._write(b"0\r\n\r\n")

    def _write(self, *data: bytes) -> None:
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise ClientLeft
        self._request.begun = True
        if len(data) == 1:
            transport.write(data[0])
        else:
            transport.writelines(data)


async def send_plain(request: Request, reply: Plain) -> bool:
    """Send a reply of our own; whether the connection may serve another request. Raises ClientLeft."""
    headers = reply.header_list()
    if reply.close:
        request.connection.closing = True
    out = Downstream(request, reply.status, reply.reason, headers, sized=True)
    out.send_all(reply.body)
    if out.full:
        try:
            await request.connection.taken()
        except ConnectionError as error:
            raise ClientLeft from error
    return out.keeps_alive
