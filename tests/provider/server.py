"""The scripted provider's server: connections and what arrived on them.

Requests are parsed by h11, which is stricter than any provider, and anything it objects to fails the test when the provider
is closed: a proxy that forwards a malformed request is wrong even if the real provider would have put up with it. Replies
are written as scripted, so h11 never sees them; every request gets a fresh h11 connection fed with what was left over.

While a reply is being written the connection is watched, so `client_gone` is known at once and not at the next write.
"""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11

from tests.provider import openai
from tests.provider.realtime import WebSocketEcho
from tests.provider.replies import FIN, RST, STALL, Reply, Step
from tests.provider.request import Request

Answer = Reply | WebSocketEcho
Script = Answer | Callable[[Request], Answer]

# Small, so that a client that does not read stops the writing soon and `sent` tells how far it got.
WRITE_BUFFER_BYTES = 64 << 10
# A proxy under test must not be limited by us; the largest header block in its tests is well under this.
MAX_HEAD_BYTES = 1 << 20
# A reset makes some clients drop what they have not read yet; this lets the bytes before it arrive first.
BEFORE_RESET_S = 0.02


class Provider:
    """A provider on 127.0.0.1. Scripted replies go first (by path, then in order), then OpenAI-shaped defaults."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Request] = []
        self.connections = 0  # accepted so far
        self.open_connections = 0
        self.malformed: list[str] = []  # a test that provokes these clears it
        self.uploads = asyncio.Event()  # while cleared, request bodies are not read
        self.uploads.set()
        self._queue: deque[Script] = deque()
        self._by_path: dict[str, Script] = {}
        self._default: Script = openai.answer
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    @asynccontextmanager
    async def start(cls, port: int = 0) -> AsyncIterator["Provider"]:
        provider = cls()
        server = await asyncio.start_server(provider._connected, "127.0.0.1", port, backlog=1024)
        provider.port = server.sockets[0].getsockname()[1]
        try:
            yield provider
        finally:
            server.close()
            for task in provider._tasks:
                task.cancel()
            await asyncio.gather(*provider._tasks, return_exceptions=True)
            await server.wait_closed()
            await asyncio.sleep(0)  # closing takes a turn of the loop
        assert not provider.malformed, f"malformed requests: {provider.malformed}"

    def reply(self, script: Script, times: int = 1) -> None:
        """Answer the next `times` requests so; calls queue up."""
        self._queue.extend([script] * times)

    def always(self, script: Script, path: str | None = None) -> None:
        """Answer every request (on that path) so."""
        if path is None:
            self._default = script
        else:
            self._by_path[path] = script

    async def received(self, count: int, timeout_s: float = 10) -> list[Request]:
        """The requests, once `count` of them are done; AssertionError when more came or time ran out."""
        await self.until(lambda: sum(r.done for r in self.requests) >= count, timeout_s)
        assert len(self.requests) == count, f"{len(self.requests)} requests came, not {count}"
        return self.requests

    async def until(self, true: Callable[[], bool], timeout_s: float = 10) -> None:
        """Wait until something about the requests is true."""
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not so within {timeout_s} s; requests: {self.requests}") from None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number, self.connections = self.connections, self.connections + 1
        self.open_connections += 1
        writer.transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        try:
            await _Connection(self, reader, writer, number).serve()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over; asyncio would log either
        finally:
            self._tasks.discard(task)
            self.open_connections -= 1
            self._changed.set()
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()  # what nobody took would keep it open
            writer.close()

    def _script_for(self, request: Request) -> Script:
        if self._queue:
            return self._queue.popleft()
        return self._by_path.get(request.path, self._default)


class _Connection:
    """One client connection: requests in, scripted replies out, until either side closes."""

    def __init__(self, provider: Provider, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.provider = provider
        self.reader = reader
        self.writer = writer
        self.number = number
        self.left_over = b""

    async def serve(self) -> None:
        while await self._serve_one():
            pass

    async def _serve_one(self) -> bool:
        """Take one request and answer it; False when the connection is at its end."""
        parser = h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
        if self.left_over:
            parser.receive_data(self.left_over)
        request: Request | None = None
        try:
            request = await self._read_head(parser)
            if request is None:
                return False
            script = self.provider._script_for(request)
            if not getattr(script, "early", False):
                await self._read_body(parser, request)
            self.left_over = parser.trailing_data[0]
            answer = script(request) if callable(script) else script
            return await self._answer(request, answer)
        except h11.RemoteProtocolError as problem:
            self.provider.malformed.append(f"{problem} (in {request or 'the request head'})")
            self.writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        except (ConnectionError, EOFError):
            if request:
                request.client_gone = True
            return False
        finally:
            if request:
                request.done = True
            self.provider._changed.set()

    async def _read_head(self, parser: h11.Connection) -> Request | None:
        """The next request's head; None if the client closed the connection between requests."""
        while (event := parser.next_event()) is h11.NEED_DATA:
            data = await self.reader.read(65536)
            if not data and not parser.trailing_data[0]:
                return None
            parser.receive_data(data)
        assert isinstance(event, h11.Request)
        headers = [(_text(name), _text(value)) for name, value in event.headers.raw_items()]
        names = {name.lower() for name, _ in headers}
        request = Request(
            method=_text(event.method),
            target=_text(event.target),
            version=_text(event.http_version),
            headers=headers,
            connection=self.number,
            started=time.monotonic(),
        )
        self.provider.requests.append(request)
        self.provider._changed.set()
        if {"content-length", "transfer-encoding"} <= names:
            raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
        return request

    async def _read_body(self, parser: h11.Connection, request: Request) -> None:
        if parser.they_are_waiting_for_100_continue:
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not isinstance(event := parser.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                request.body += event.data
                continue
            assert event is h11.NEED_DATA, event
            self.provider._changed.set()
            await self.provider.uploads.wait()
            data = await self.reader.read(65536)
            if not data:
                raise EOFError
            parser.receive_data(data)
        request.trailers = [(_text(name), _text(value)) for name, value in event.headers.raw_items()]
        request.complete = True
        self.provider._changed.set()

    async def _answer(self, request: Request, answer: Answer) -> bool:
        """Send the reply while watching whether the client stays; False when the connection is at its end."""
        if isinstance(answer, WebSocketEcho):
            await answer.converse(request, self.left_over, self.reader, self.writer, self.provider._changed.set)
            return False
        sending = asyncio.ensure_future(self._send(request, answer))
        watching = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                request.client_gone = True
                return False
            return await sending and not answer.close and _keeps_alive(request)
        finally:
            await _stop(sending)
            await _stop(watching)

    async def _watch(self) -> None:
        """Return when the client closes or resets; bytes that come meanwhile belong to the next request."""
        with suppress(ConnectionError):
            while data := await self.reader.read(65536):
                self.left_over += data

    async def _send(self, request: Request, answer: Reply) -> bool:
        """Take the reply's steps; False if one of them ended the connection."""
        for step in answer.before:
            if not await self._take(step, request):
                return False
        steps: Iterable[Step] = () if request.method == "HEAD" and not answer.always_body else answer.body()
        if answer.head:
            await self._take(answer.head, request)
        for step in steps:
            if not await self._take(step, request):
                return False
        return True

    async def _take(self, step: Step, request: Request) -> bool:
        if isinstance(step, bytes):
            self.writer.write(step)
            await self.writer.drain()
            request.sent += len(step)
            self.provider._changed.set()
        elif isinstance(step, asyncio.Event):
            await step.wait()
        elif isinstance(step, int | float):
            await asyncio.sleep(step)
        elif step is STALL:
            await asyncio.Event().wait()
        elif step is RST:
            await asyncio.sleep(BEFORE_RESET_S)
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.writer.transport.abort()
        return step not in (FIN, RST)


def _keeps_alive(request: Request) -> bool:
    wish = (request.header("connection") or "").lower()
    return "close" not in wish and (request.version == "1.1" or "keep-alive" in wish)


def _text(data: bytes) -> str:
    return bytes(data).decode("latin-1")


async def _stop(task: Awaitable[Any]) -> None:
    assert isinstance(task, asyncio.Future)
    task.cancel()
    with suppress(asyncio.CancelledError, ConnectionError):
        await task
