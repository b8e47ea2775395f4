"""One HTTP/1.1 connection to a provider: a request goes out, a reply comes back, piece by piece.

aiohttp's response parser (llhttp) reads; what is written is put together here, which needs no parser. aiohttp's own client
does far more than a proxy wants (redirects, cookies, sessions, tracing) and would be the largest cost on this path
(docs/decisions/0003-upstream-connections.md).

Invariants
- From the head of a reply to its end there is a receiver, which is told of every piece and then of the end or the error, once.
- Reading stops while the receiver holds, so a slow client costs one buffer, and the time limit does not run meanwhile.
- After anything but a whole reply to a whole request the connection is not used again, nor after bytes that nobody asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.headers import LONG_BODY
from tracer.proxy.reply import KEPT, Receiver, Reply

LONGEST_HEADER = 64 << 10
MOST_HEADERS = 512

# What becomes of a request: the head of a reply, or why there is none. Called once.
Answered = Callable[[Reply | UpstreamFailed], None]


class Connection(BaseProtocol):
    """A connection that serves one request at a time. Made by pool.py."""

    __slots__ = (
        "_answered",
        "_content",
        "_error",
        "_held",
        "_last_data",
        "_passed",
        "_passing",
        "_receiver",
        "_time_limit",
        "_timer",
        "_upload",
        "answered",
        "reusable",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, time_limit: float) -> None:
        super().__init__(loop)
        self._time_limit = time_limit
        self._answered: Answered | None = None  # from a request to the head of its reply
        self._receiver: Receiver | None = None  # from there to the end of the reply
        self._content: StreamReader | None = None  # of the last reply
        self._passing = self._held = False
        self._error: UpstreamFailed | None = None  # to be told once the receiver has all that came before
        self._upload: asyncio.Task[None] | None = None
        self._last_data = 0.0
        self._passed = 0  # bytes of the reply's body that the receiver was told of
        self._timer: asyncio.TimerHandle | None = None
        self.answered = False  # something of the reply has come
        self.reusable = False

    def send(self, head: bytes, body: bytes, answered: Answered, *, bodiless: bool = False) -> None:
        """Write a request: its head, all lines but the empty one, and its body. `bodiless`: the reply has none (HEAD).

        Raises UpstreamFailed.
        """
        if self.transport is None or self.transport.is_closing():
            raise UpstreamFailed("disconnected")
        self._answered, self._content, self._upload = answered, None, None
        self.answered = self.reusable = False
        self._last_data = self._loop.time()
        self._parser = self._new_parser(bodiless)  # a new one for each request: no byte of what was before is in it
        if self._timer is None:
            self._timer = self._loop.call_later(self._time_limit, self._check_time)
        if len(body) < LONG_BODY:
            self.transport.write(b"%b\r\n%b" % (head, body))
        else:
            self.transport.writelines((head, b"\r\n", body))

    async def ask(
        self, head: bytes, body: bytes, pieces: AsyncIterator[bytes] | None, *, chunked: bool, bodiless: bool
    ) -> Reply:
        """Write a request, and wait for the head of the reply; `pieces` are written as the provider takes them.

        Raises UpstreamFailed.
        """
        answer: asyncio.Future[Reply] = self._loop.create_future()

        def answered(reply: Reply | UpstreamFailed) -> None:
            if answer.done():  # cancelled
                return
            if isinstance(reply, Reply):
                answer.set_result(reply)
            else:
                answer.set_exception(reply)
                answer.exception()  # seen, even if the one who would have waited has left

        self.send(head + b"Transfer-Encoding: chunked\r\n" if chunked else head, body, answered, bodiless=bodiless)
        if pieces is not None:
            # Runs beside the reading of the reply, which may come before the last piece is out; ended by close().
            self._upload = self._loop.create_task(self._send_pieces(pieces, chunked))
            await asyncio.wait((answer, self._upload), return_when=asyncio.FIRST_COMPLETED)
            if self._upload.done() and not answer.done():
                self._upload.result()  # the request could not be sent to its end
        return await answer

    def pass_to(self, receiver: Receiver) -> None:
        """Whom to tell of the pieces from now on; those that have come already are told now."""
        self._receiver = receiver
        self._pass_on()

    def hold(self) -> None:
        """Pass nothing on: the receiver has no room."""
        self._held = True
        self._pause_reading_for_buffer()

    def go_on(self) -> None:
        """Pass on again."""
        if not self._held:
            return
        self._held = False
        self._last_data = self._loop.time()
        self._pass_on()
        if not self._held:
            self._resume_reading_for_buffer()

    def close(self) -> None:
        """End the connection, and whatever is under way on it; nobody is told."""
        self.reusable = False
        self._answered = self._receiver = None
        if self._upload is not None:
            self._upload.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.transport is not None:
            self.transport.abort()

    @property
    def silent_seconds(self) -> float:
        """Since the last bytes came or went."""
        return self._loop.time() - self._last_data

    @property
    def idle_and_whole(self) -> bool:
        """Whether the last exchange was whole on both sides, so that another may follow."""
        sent = self._upload is None or (
            self._upload.done() and not self._upload.cancelled() and self._upload.exception() is None
        )
        open_ = self.transport is not None and not self.transport.is_closing()
        return self.reusable and sent and open_ and not self._busy

    @property
    def _busy(self) -> bool:
        """Whether a reply, or the rest of one, is waited for."""
        return self._answered is not None or (self._content is not None and not self._content.is_eof())

    # Most of what a worker does is data_received and what it calls: it runs for each token of each stream, so it asks for
    # little and calls little.
    def data_received(self, data: bytes) -> None:
        parser, content = self._parser, self._content
        if parser is None or (self._answered is None and (content is None or content.is_eof())):
            if data:
                self.close()  # nobody asked for it
            return
        self.answered = True
        self._last_data = self._loop.time()
        try:
            messages, _upgraded, _tail = parser.feed_data(data)
        except HttpProcessingError:
            self._fail(UpstreamFailed("bad_response"))
            return
        if messages:
            self._begin(messages)
        if self._receiver is not None:
            self._pass_on()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # The parser's StreamReader asks for this after every piece that is read, paused or not.
        if self._reading_paused:
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

    def _new_parser(self, bodiless: bool) -> HttpResponseParser:
        return HttpResponseParser(
            self,
            self._loop,
            KEPT,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
            payload_exception=UpstreamFailed,
            response_with_body=not bodiless,
            read_until_eof=True,
            auto_decompress=False,
        )

    def _begin(self, messages: Sequence[tuple[RawResponseMessage, StreamReader]]) -> None:
        replies = [found for found in messages if found[0].code >= 200 or found[0].code == 101]
        if not replies:
            return
        message, content = replies[0]
        if self._answered is None or len(replies) > 1 or not _understood(message):  # a second reply to one request
            self._fail(UpstreamFailed("bad_response"))
            return
        answered, self._answered, self._content, self._passed = self._answered, None, content, 0
        self.reusable = not message.should_close
        reply = self._receiver = Reply(message, content, self)
        answered(reply)

    def _pass_on(self) -> None:
        """Tell the receiver of what has come. Reading lets the parser go on, which may call this again from inside."""
        content = self._content
        if self._passing or content is None:
            return
        self._passing = True
        while (receiver := self._receiver) is not None and not self._held and self._passed < content.total_bytes:
            piece = content.read_nowait()
            self._passed += len(piece)
            receiver.piece(piece)
        self._passing = False
        if receiver is None or self._held:
            return
        if content.is_eof():
            self._receiver = None
            receiver.end()
        elif self._error is not None:
            self.close()
            receiver.failed(self._error)

    def _fail(self, error: UpstreamFailed) -> None:
        """End the connection, and tell whoever waits: the receiver after all that has come."""
        answered, receiver = self._answered, self._receiver
        if receiver is None:
            self.close()
            if answered is not None:
                answered(error)
            return
        self._error = self._error or error
        self.reusable = False
        if self.transport is not None:
            self.transport.abort()
        self._pass_on()

    def _check_time(self) -> None:
        """Runs once per time limit, not per piece of data: the deadline moves with the data, the timer follows it."""
        self._timer = None
        if not self._busy:
            return
        now = self._loop.time()
        if self._reading_paused or self._held:
            self._last_data = now  # it is us who do not read
        left = self._last_data + self._time_limit - now
        if left <= 0:
            self._fail(UpstreamFailed("response_timeout"))
        else:
            self._timer = self._loop.call_later(left, self._check_time)

    async def _send_pieces(self, pieces: AsyncIterator[bytes], chunked: bool) -> None:
        async for piece in pieces:
            self._last_data = self._loop.time()
            self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if self.writing_paused:
                await self._taken()
        if chunked:
            self._write(b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            raise UpstreamFailed("disconnected")
        self.transport.write(data)

    async def _taken(self) -> None:
        """Wait until the transport has room again."""
        try:
            await self._drain_helper()
        except ConnectionError as error:
            raise UpstreamFailed("reset", error) from error


def _understood(message: RawResponseMessage) -> bool:
    """Whether a reply can be passed on. Nobody here asks for another protocol (101), nor for another coding than chunks."""
    coded = message.chunked and message.headers.get("Transfer-Encoding", "").strip().lower() != "chunked"
    return message.code != 101 and not coded
