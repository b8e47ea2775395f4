"""The clients' side of the proxy: bytes to requests, one reply after the other, until either side is done.

aiohttp's request parser (llhttp) reads; nothing here looks at raw HTTP. aiohttp's own server would make a task, a writer and a
request object of forty attributes for each call, and put together a reply that is only passed on
(docs/decisions/0009-own-server-half.md). What is not a call to a model (Tracer's own endpoints, WebSockets) is served by
aiohttp's classes on this connection; `set_parser`, `keep_alive` and a few attributes are what they ask of it.

Invariants
- One task a connection, which answers requests in their order. When the connection ends, the task is cancelled, and with it
  the call that is under way.
- Reading stops while nobody takes a body, and while too many pipelined requests wait.
- What the parser refuses is answered in its turn and ends the connection. It is not a call.
- A connection on which nothing is answered and no whole head arrives for IDLE_SECONDS is closed.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage, WebSocketReader
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.tcp_helpers import tcp_keepalive
from aiohttp.web import RequestPayloadError

from tracer.proxy.request import Request, read_away

# How much of a body, or of what follows a request for an upgrade, may wait in memory for a slow provider.
READ_BUFFER = 64 << 10
# One header, or the request line. Portkey's metadata and config travel in headers, so more than the usual 8 KiB.
LONGEST_HEADER = 64 << 10
MOST_HEADERS = 128
# Pipelined requests that wait for their turn; SDKs do not pipeline.
MOST_WAITING = 32
IDLE_SECONDS = 75.0
# Reading the rest of a body that was refused, so that the client gets to read the answer.
LINGER_SECONDS = 5.0

# Answers a request; whether the connection may serve another one.
Answer = Callable[[Request], Awaitable[bool]]
# The whole reply to what the parser refused.
Refuse = Callable[[HttpProcessingError], bytes]

_Waiting = tuple[RawRequestMessage | HttpProcessingError, StreamReader]


class ClientConnection(BaseProtocol):
    """One connection; made by Server."""

    # What aiohttp's requests and WebSockets look up on their protocol. TLS ends in front of Tracer.
    ssl_context = None
    max_line_size = max_field_size = LONGEST_HEADER
    max_headers = MOST_HEADERS
    _timeout_ceil_threshold = 5.0

    def __init__(self, loop: asyncio.AbstractEventLoop, server: "Server") -> None:
        super().__init__(
            loop,
            HttpRequestParser(
                self,
                loop,
                READ_BUFFER,
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
                max_headers=MOST_HEADERS,
                payload_exception=RequestPayloadError,
                auto_decompress=False,
                max_msg_queue_size=MOST_WAITING,
            ),
        )
        self.closing = False  # no further request will be served
        self._server = server
        self._waiting: deque[_Waiting] = deque()
        self._arrived: asyncio.Future[None] | None = None  # set while the task waits for a request
        self._answering: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        self._frames: WebSocketReader | None = None
        self._frames_arrived: Callable[[], None] | None = None
        self._after_upgrade = b""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def peername(self) -> object:
        return self.transport.get_extra_info("peername") if self.transport else None

    @property
    def sockname(self) -> object:
        return self.transport.get_extra_info("sockname") if self.transport else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        tcp_keepalive(self.transport)
        self._server.connections.add(self)
        self._idle_since = self._loop.time()
        self._timer = self._loop.call_later(IDLE_SECONDS, self._check_idle)
        self._task = self._loop.create_task(self._serve())

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._parser = None
        self._server.left(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._answering is not None:
            self._answering.content.set_exception(ConnectionResetError("the client has left"))
        if self._frames is not None:
            self._frames.feed_eof()
            self._frames = None
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._frames is not None:
            self._take_frames(data)
        elif self._upgraded:
            self._after_upgrade += data
            if not self._buffer_paused and len(self._after_upgrade) >= READ_BUFFER:
                self._pause_reading_for_buffer()
        elif not self.closing:
            self._parse(data)

    def resume_reading(self, resume_parser: bool = True) -> None:
        # The parser's StreamReader asks for this after every piece that is read, paused or not.
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def set_parser(self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None) -> None:
        """From now on this is a WebSocket (aiohttp's WebSocketResponse calls it when the handshake is written)."""
        self._frames, self._frames_arrived = parser, data_received_cb
        early, self._after_upgrade = self._after_upgrade, b""
        if early:
            parser.feed_data(early)
        if self._buffer_paused:
            self._resume_reading_for_buffer()

    def keep_alive(self, value: bool) -> None:
        """aiohttp's WebSocketResponse says that no request follows."""
        self.closing = not value

    def write(self, data: bytes) -> None:
        """Write beside a reply: permission to go on."""
        if self.transport is not None:
            self.transport.write(data)

    async def taken(self) -> None:
        """Wait until the client has taken enough for more to be written. Raises ConnectionError when it has left."""
        await self._drain_helper()

    def finish(self) -> None:
        """Serve no further request: an idle connection ends now, another one after its reply."""
        self.closing = True
        if self._answering is None and self.transport is not None:
            self.transport.close()

    def cancel(self) -> None:
        """End the call that is under way, and the connection with it."""
        self.closing = True
        if self._task is not None:
            self._task.cancel()

    def _take_frames(self, data: bytes) -> None:
        assert self._frames is not None
        if self._frames_arrived is not None:
            self._frames_arrived()
        ended, _ = self._frames.feed_data(data)
        if ended:
            self.closing = True

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            return
        try:
            messages, upgraded, after = self._parser.feed_data(data)
        except HttpProcessingError as error:
            messages, upgraded, after = [(error, EMPTY_PAYLOAD)], False, b""
        if messages:
            self._waiting.extend(messages)
            if self._arrived is not None and not self._arrived.done():
                self._arrived.set_result(None)
            if len(self._waiting) >= MOST_WAITING and not self._buffer_paused:
                self._pause_reading_for_buffer()
        if upgraded:
            self._upgraded, self._after_upgrade = True, after

    async def _serve(self) -> None:
        """Answer requests until there is a reason to stop."""
        try:
            while not self.closing:
                if not self._waiting:
                    self._arrived = self._loop.create_future()
                    await self._arrived
                message, content = self._waiting.popleft()
                self._make_room()
                if isinstance(message, HttpProcessingError):
                    self.closing = True
                    self.write(self._server.refuse(message))
                    await self._let_it_be_read()
                    return
                request = self._answering = Request(message, content, self)
                again = await self._server.answer(request)
                again = (content.is_eof() or await read_away(content, LINGER_SECONDS)) and again
                self._answering = None
                self._idle_since = self._loop.time()
                if not again:
                    return
                if self._upgraded:
                    self._upgrade_declined()
        finally:
            self._answering = None
            if self.transport is not None:
                self.transport.close()

    def _make_room(self) -> None:
        """Tell the parser that a request has been taken, and read again once enough were."""
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and not self._upgraded and len(self._waiting) <= MOST_WAITING // 2:
            self._parse(b"")  # what the parser held back
            if len(self._waiting) < MOST_WAITING:
                self._resume_reading_for_buffer()

    async def _let_it_be_read(self) -> None:
        """Drop what still comes until the client leaves: closing while it writes would take the reply from it."""
        if self.transport is not None:
            self.transport.write_eof()
            await asyncio.sleep(LINGER_SECONDS)

    def _upgrade_declined(self) -> None:
        """An upgrade was asked for and an ordinary reply given: what follows it are requests again."""
        assert self._parser is not None
        self._parser.set_upgraded(False)
        self._upgraded = False
        after, self._after_upgrade = self._after_upgrade, b""
        if after:
            self._parse(after)
        if self._buffer_paused and len(self._waiting) < MOST_WAITING:
            self._resume_reading_for_buffer()

    def _check_idle(self) -> None:
        """Runs once per limit, not per request: the deadline moves with the replies, the timer follows it."""
        now = self._loop.time()
        if self._answering is not None:
            self._idle_since = now
        left = self._idle_since + IDLE_SECONDS - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_idle)
        elif self.transport is not None:
            self.transport.close()


class Server:
    """Makes a ClientConnection for each connection, and ends them all."""

    def __init__(self, answer: Answer, refuse: Refuse) -> None:
        self.answer = answer
        self.refuse = refuse
        self.connections: set[ClientConnection] = set()
        self._all_left = asyncio.Event()

    def __call__(self) -> ClientConnection:
        return ClientConnection(asyncio.get_running_loop(), self)

    def left(self, connection: ClientConnection) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if not self.connections:
            self._all_left.set()

    async def drain(self, grace_seconds: float) -> None:
        """End every connection: idle ones now, the others after their reply, or by force when the grace is over."""
        for connection in tuple(self.connections):
            connection.finish()
        await self._wait(grace_seconds)
        for connection in tuple(self.connections):
            connection.cancel()
        await self._wait(LINGER_SECONDS)

    async def _wait(self, seconds: float) -> None:
        self._all_left.clear()
        if self.connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._all_left.wait()
