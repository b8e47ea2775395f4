"""One request of a client, as the parser gave it: what the proxy needs of it, and nothing worked out before it is asked for."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from aiohttp import web
from aiohttp.http import HttpVersion, HttpVersion11, RawRequestMessage, StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EmptyStreamReader, StreamReader
from aiohttp.web import RequestPayloadError
from multidict import CIMultiDictProxy
from yarl import URL

from tracer.proxy.profile import Profile, profile_of

_AUTHORITY = re.compile(r"[^/?#]*")


class Connection(Protocol):
    """What a request, and the reply to it, must know of the connection they came by (server.py)."""

    closing: bool  # no further request will be served
    transport: asyncio.Transport | None

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def writing_paused(self) -> bool: ...
    def write(self, data: bytes) -> None: ...
    async def taken(self) -> None: ...
    def when_room(self, tell: Callable[[], None]) -> None: ...
    def go_on(self, request: "Request", answer: Awaitable[bool]) -> None: ...


class Request:
    """A request's head, and its body to be read. `begun`: something of the reply has been written; `body`: what was read."""

    __slots__ = (
        "_held_back",
        "_profile",
        "begun",
        "body",
        "connection",
        "content",
        "headers",
        "message",
        "method",
        "raw_headers",
    )

    def __init__(self, message: RawRequestMessage, content: StreamReader, connection: Connection) -> None:
        self.message = message
        self.method: str = message.method
        self.headers: CIMultiDictProxy[str] = message.headers
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = message.raw_headers
        self.content = content
        self.connection = connection
        self.begun = False
        self.body: bytes | None = None
        self._held_back: bool | None = None
        self._profile: Profile | None = None

    @property
    def profile(self) -> Profile:
        """What is known of requests with these headers."""
        if self._profile is None:
            self._profile = profile_of(self.raw_headers)
        return self._profile

    @property
    def target(self) -> str:
        """The request target as sent, path and query; of an absolute URL only those."""
        path = self.message.path
        if path.startswith("/"):
            return path
        _, absolute, rest = path.partition("://")
        if not absolute:
            return self.url.raw_path_qs
        authority = _AUTHORITY.match(rest)  # sliced and not read as a URL, which would quote the path anew
        rest = rest[authority.end() :] if authority else rest
        return rest if rest.startswith("/") else "/" + rest

    @property
    def url(self) -> URL:
        return self.message.url

    @property
    def version(self) -> HttpVersion:
        return self.message.version

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may serve another request after this one."""
        # After chunks the parser takes what is left of their trailers for headers of the next request (aiohttp 3.14).
        odd = self.message.chunked or self.method == "CONNECT"
        return not (self.message.should_close or self.connection.closing or odd)

    @property
    def has_body(self) -> bool:
        return type(self.content) is not EmptyStreamReader

    @property
    def content_length(self) -> int | None:
        length = self.headers.get("Content-Length")
        return int(length) if length else None

    def let_it_come(self) -> None:
        """Tell a client that waits for permission (`Expect: 100-continue`) to send its body; called before each read of it."""
        if self._held_back is None:
            expects = self.headers.get("Expect", "").lower() == "100-continue" and self.version >= HttpVersion11
            self._held_back = False
            if expects and not self.content.is_eof() and not self.gone:
                self.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def for_aiohttp(self) -> web.BaseRequest:
        """The same request for aiohttp's own classes (WebSockets, Tracer's own endpoints), which write the reply themselves."""
        connection = self.connection
        # They ask a protocol for no more than the connection has; the annotations name the one class that aiohttp has itself.
        protocol = cast(web.RequestHandler, connection)
        task = asyncio.current_task()
        assert task is not None
        return _Request(self.message, self.content, protocol, StreamWriter(protocol, connection.loop), task, connection.loop)

    @property
    def gone(self) -> bool:
        """Whether the client's connection has ended."""
        transport = self.connection.transport
        return transport is None or transport.is_closing()


class _Request(web.BaseRequest):
    """A request whose reply does not name the server software."""

    async def _prepare_hook(self, resp: web.StreamResponse) -> None:
        # aiohttp's own place for on_response_prepare, which only web.Application has.
        resp.headers.popall("Server", None)


async def read_away(content: StreamReader, seconds: float) -> bool:
    """Read what is left of a body that nobody wanted; whether its end came in time."""
    try:
        async with asyncio.timeout(seconds):
            while not content.is_eof():
                await content.readany()
    except (TimeoutError, RequestPayloadError, HttpProcessingError, ConnectionError):
        return False
    return True
