"""A client that writes exactly the bytes it is told to and reads replies one by one; h11 says what they mean.

h11 is stricter than any SDK, so a reply that only a lenient client could read fails the test that got it. Each reply gets a
fresh parser, fed with what the one before left over: on a connection that is out of step, the next reply is not HTTP.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11

Lines = tuple[tuple[bytes, bytes], ...]
PATIENCE_S = 15.0
# Between two pieces of one message: on the loopback enough for the other side to see each by itself, nearly always.
GAP_S = 0.0004
# Tracer's own headers on every reply.
OURS = (b"x-portkey-trace-id", b"x-tracer-call-id", b"x-portkey-cache-status")


@dataclass
class Answer:
    """A reply as a client sees it. `complete`: it ended as its framing said, and not with the connection half-way."""

    status: int = 0
    reason: bytes = b""
    version: bytes = b""
    lines: Lines = ()
    body: bytes = b""
    trailers: Lines = ()
    complete: bool = False
    interim: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The value of a header; several are joined by ", "."""
        found = [value.decode("latin-1") for key, value in self.lines if key.lower() == name.lower().encode()]
        return ", ".join(found) if found else None

    @property
    def call_id(self) -> str:
        return self.header("x-tracer-call-id") or ""

    @property
    def closes(self) -> bool:
        """Whether the reply announced that its connection ends."""
        said = (self.header("connection") or "").lower()
        return "close" in said if self.version == b"1.1" else "keep-alive" not in said

    def without(self, *names: bytes) -> Lines:
        return tuple(line for line in self.lines if line[0].lower() not in names)


class Closed(Exception):
    """The connection ended where a reply should have begun."""


class Wire:
    """One client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._left_over = b""
        self._at_end = False

    async def write(self, *pieces: bytes, gap_s: float = GAP_S) -> None:
        """Each piece as a write of its own. A connection that is closed meanwhile is for the reader to find out."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(gap_s)
            with contextlib.suppress(ConnectionError):
                self.writer.write(piece)
                await self.writer.drain()

    async def answer(self, method: str = "GET") -> Answer:
        """The next reply. Raises Closed, and h11.RemoteProtocolError for what is not one."""
        parser = _expecting(method)
        got = Answer()
        if self._left_over:
            parser.receive_data(self._left_over)
        async with asyncio.timeout(PATIENCE_S):
            body = bytearray()
            while (event := parser.next_event()) is not h11.PAUSED:
                if event is h11.NEED_DATA:
                    if self._at_end:
                        break
                    await self._more(parser, got)
                elif isinstance(event, h11.InformationalResponse):
                    got.interim.append(event.status_code)
                elif isinstance(event, h11.Response):
                    _begin(got, event)
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    got.trailers = _lines(event.headers.raw_items())
                    got.complete = True
                    break
                else:
                    raise Closed
        got.body = bytes(body)
        self._left_over = parser.trailing_data[0]
        if not got.status:
            raise Closed
        return got

    async def _more(self, parser: h11.Connection, got: Answer) -> None:
        try:
            data = await self.reader.read(65536)
        except ConnectionError:
            data = b""
        if data:
            parser.receive_data(data)
            return
        self._at_end = True
        if got.status and got.header("content-length") is None and got.header("transfer-encoding") is None:
            parser.receive_data(b"")  # a body that ends with the connection
            return
        if not got.status and parser.trailing_data[0]:
            raise h11.RemoteProtocolError(f"the connection ended inside a head: {parser.trailing_data[0][:200]!r}")

    async def end(self) -> bytes:
        """Everything that still comes until the other side closes."""
        async with asyncio.timeout(PATIENCE_S):
            rest = bytearray(self._left_over)
            self._left_over = b""
            with contextlib.suppress(ConnectionError):
                while data := await self.reader.read(65536):
                    rest += data
        return bytes(rest)

    def half_close(self) -> None:
        """Send no more; replies may still come."""
        self.writer.write_eof()

    def reset(self) -> None:
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()


async def connect(port: int, receive_buffer: int = 0) -> Wire:
    """A new connection to 127.0.0.1; `receive_buffer`: so many bytes at most wait for this client in the kernel, and here."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return Wire(*await asyncio.open_connection(sock=sock, limit=receive_buffer or 1 << 16))


@asynccontextmanager
async def wire(port: int, receive_buffer: int = 0) -> AsyncIterator[Wire]:
    """A connection that ends with the context."""
    client = await connect(port, receive_buffer)
    try:
        yield client
    finally:
        if client.writer.transport.get_write_buffer_size():
            client.writer.transport.abort()  # what nobody took would keep it open
        client.writer.close()
        await asyncio.sleep(0)  # closing takes a turn of the loop


async def ask(port: int, *pieces: bytes, method: str = "GET") -> Answer:
    """One request on a connection of its own."""
    async with wire(port) as client:
        await client.write(*pieces)
        return await client.answer(method)


def request(
    method: str = "GET", target: str = "/v1/models", headers: Iterable[str] = (), body: bytes = b"", version: str = "1.1"
) -> bytes:
    """The bytes of a request: nothing but Host is added to what a test says, and a length if there is a body."""
    lines = [f"{method} {target} HTTP/{version}", "Host: h", *headers]
    framed = any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines)
    if body and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _expecting(method: str) -> h11.Connection:
    parser = h11.Connection(h11.CLIENT, 1 << 20)
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    parser.send(h11.EndOfMessage())
    return parser


def _begin(got: Answer, event: h11.Response) -> None:
    got.status, got.reason, got.version = event.status_code, bytes(event.reason), bytes(event.http_version)
    got.lines = _lines(event.headers.raw_items())


def _lines(items: Iterable[tuple[bytes, bytes]]) -> Lines:
    return tuple((bytes(name), bytes(value)) for name, value in items)
