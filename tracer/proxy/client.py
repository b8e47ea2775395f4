"""One connection of a client: bytes to requests, one reply after the other, until either side is done.

aiohttp's request parser (llhttp) reads; nothing here looks at raw HTTP. aiohttp's own server would make a task, a writer and a
request object of forty attributes for each call, and put together a reply that is only passed on
(docs/decisions/0009-own-server-half.md). What is not a call to a model (Tracer's own endpoints, WebSockets) is served by
aiohttp's classes on this connection (lent.py).

Invariants
- One call at a time, in the order of the requests: a Passage, which is told what happens (express.py), or a task. When the
  connection ends, so does the call that is under way.
- Reading stops while nobody takes a body, and while too many pipelined requests wait.
- What the parser refuses is answered in its turn and ends the connection. It is not a call.
- A connection on which nothing is answered and no whole head arrives for IDLE_SECONDS is closed, and one whose body is awaited
  and does not come for as long.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.tcp_helpers import tcp_keepalive
from aiohttp.web import RequestPayloadError

from tracer.proxy.lent import LONGEST_HEADER, MOST_HEADERS, Lent
from tracer.proxy.request import Request, read_away

# How much of a body, or of what follows a request for an upgrade, may wait in memory for a slow provider.
READ_BUFFER = 64 << 10
# Pipelined requests that wait for their turn; SDKs do not pipeline.
MOST_WAITING = 32
IDLE_SECONDS = 75.0
# Reading the rest of a body that was refused, so that the client gets to read the answer.
LINGER_SECONDS = 5.0

# Whether the connection may serve another request; called once, when a reply is over.
Over = Callable[[bool], None]


class UnderWay(Protocol):
    """A call that is under way without a task. It has ended when either of these returns."""

    def client_left(self) -> None: ...
    def stop(self) -> None: ...


class Serving(Protocol):
    """Who answers (server.py)."""

    def joined(self, connection: "ClientConnection", /) -> None: ...
    def left(self, connection: "ClientConnection", /) -> None: ...
    def at_once(self, request: Request, over: Over, /) -> UnderWay | None:
        """Begin to answer a request without a task, if it is one that can be."""

    def answer(self, request: Request, /) -> Awaitable[bool]:
        """Answer a request; whether the connection may serve another one."""

    def refuse(self, error: HttpProcessingError, /) -> bytes:
        """The whole reply to what the parser refused."""


_Waiting = tuple[RawRequestMessage | HttpProcessingError, StreamReader]


class ClientConnection(Lent):
    """See the head of this file; made by Server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Serving) -> None:
        super().__init__(loop)
        self._parser = HttpRequestParser(
            self,
            loop,
            READ_BUFFER,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
            payload_exception=RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=MOST_WAITING,
        )
        self._server = server
        self._waiting: deque[_Waiting] = deque()
        self._answering: Request | None = None
        self._passage: UnderWay | None = None
        self._task: asyncio.Task[None] | None = None
        self._room: Callable[[], None] | None = None  # whom to tell once the client has taken enough
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since = self._heard_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        tcp_keepalive(self.transport)
        self._server.joined(self)
        self._idle_since = self._loop.time()
        self._timer = self._loop.call_later(IDLE_SECONDS, self._check_idle)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._parser = None
        self._server.left(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._answering is not None:
            self._answering.content.set_exception(ConnectionResetError("the client has left"))
        self._end_frames()
        self._room = None
        if self._passage is not None:
            self._passage.client_left()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if self._frames is not None:
            self._take_frames(data)
        elif self._upgraded:
            self._after_upgrade += data
            if not self._buffer_paused and len(self._after_upgrade) >= READ_BUFFER:
                self._pause_reading_for_buffer()
        elif not self.closing or (self._answering is not None and not self._answering.content.is_eof()):
            self._parse(data)  # also what is left of a body that was refused

    def resume_reading(self, resume_parser: bool = True) -> None:
        # The parser's StreamReader asks for this after every piece that is read, paused or not.
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    async def taken(self) -> None:
        """Wait until the client has taken enough for more to be written. Raises ConnectionError when it has left."""
        await self._drain_helper()

    def when_room(self, tell: Callable[[], None]) -> None:
        """Call `tell` once the client has taken enough for more to be written; `writing_paused` says that it has not."""
        self._room = tell

    def resume_writing(self) -> None:
        super().resume_writing()
        tell, self._room = self._room, None
        if tell is not None:
            tell()

    def finish(self) -> None:
        """Serve no further request: an idle connection ends now, another one after its reply."""
        self.closing = True
        if self._answering is None and self.transport is not None:
            self.transport.close()

    def cancel(self) -> None:
        """End the call that is under way, and the connection with it."""
        self.closing = True
        if self._passage is not None:
            self._passage.stop()
        elif self._task is not None:
            self._task.cancel()

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            return
        try:
            messages, upgraded, after = self._parser.feed_data(data)
        except HttpProcessingError as error:
            messages, upgraded, after = [(error, EMPTY_PAYLOAD)], False, b""
            self._tell_of(error)
        if upgraded:
            self._upgraded, self._after_upgrade = True, after
        if messages:
            self._waiting.extend(messages)
            if len(self._waiting) >= MOST_WAITING and not self._buffer_paused:
                self._pause_reading_for_buffer()
            if self._answering is None:
                self._next()

    def _tell_of(self, error: HttpProcessingError) -> None:
        """The parser has given up: whoever reads, or will read, the body that it was in must know."""
        reading = self._waiting[-1][1] if self._waiting else self._answering.content if self._answering else EMPTY_PAYLOAD
        if not reading.is_eof() and reading.exception() is None:
            reading.set_exception(error)

    def _next(self) -> None:
        """Begin with the next request, if there is one."""
        if not self._waiting or self.closing:
            return
        message, content = self._waiting.popleft()
        if isinstance(message, HttpProcessingError):
            self.closing = True
            self.write(self._server.refuse(message))
            self._task = self._loop.create_task(self._let_it_be_read())
            return
        request = self._answering = Request(message, content, self)
        self._make_room()
        self._passage = self._server.at_once(request, self._over)
        if self._passage is None:
            self.go_on(request, self._server.answer(request))

    def go_on(self, request: Request, answer: Awaitable[bool]) -> None:
        """Answer in a task."""
        self._passage = None
        self._task = self._loop.create_task(self._answer(request, answer))

    async def _answer(self, request: Request, answer: Awaitable[bool]) -> None:
        again = False
        try:
            again = await answer
            again = (request.content.is_eof() or await read_away(request.content, LINGER_SECONDS)) and again
        finally:
            self._over(again)

    def _over(self, again: bool) -> None:
        """A reply is over: go on with the next request, or end the connection."""
        request, self._answering, self._passage, self._task = self._answering, None, None, None
        self._idle_since = self._loop.time()
        if self.transport is None:
            return
        if self.closing or not again:
            unread = request is not None and (request.message.chunked or not request.content.is_eof())
            self._end(more_may_come=unread or bool(self._waiting))
            return
        if self._upgraded:
            self._upgrade_declined()
        self._next()

    def _end(self, *, more_may_come: bool) -> None:
        """Close, but if the client sends on, only once it has read: closing while it writes would take the reply from it."""
        assert self.transport is not None
        if more_may_come and not self.transport.is_closing():
            self.closing = True
            self._task = self._loop.create_task(self._let_it_be_read())
        else:
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
        """Drop what still comes until the client leaves."""
        if self.transport is not None:
            self.transport.write_eof()
            try:
                await asyncio.sleep(LINGER_SECONDS)
            finally:
                if self.transport is not None:
                    self.transport.close()

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
            reading = not self._answering.content.is_eof() and not self._reading_paused
            self._idle_since = self._heard_at if reading else now  # a body that does not come is silence too
        left = self._idle_since + IDLE_SECONDS - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_idle)
        elif self.transport is not None:
            self.transport.close()
