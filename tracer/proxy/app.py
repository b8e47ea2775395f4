"""Paths to doors and endpoints, and what is said to what never became a request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import http_exceptions
from aiohttp.http import HttpVersion10
from aiohttp.http_exceptions import HttpProcessingError

from tracer import __version__, metrics
from tracer.prompts.address import action
from tracer.proxy.dialect import Dialect
from tracer.proxy.downstream import ClientLeft, send_plain
from tracer.proxy.forward import Forwarder
from tracer.proxy.headers import head
from tracer.proxy.native import OPENAI_ONLY, door_of
from tracer.proxy.replies import Plain, failure, json_reply
from tracer.proxy.request import Request

_NOT_HTTP: tuple[tuple[type[Exception], str, int], ...] = (
    (http_exceptions.LineTooLong, "too_large", 431),
    (http_exceptions.BadHttpMethod, "bad_method", 400),
    (http_exceptions.BadStatusLine, "bad_request_line", 400),
    (http_exceptions.InvalidURLError, "bad_request_line", 400),
    (http_exceptions.InvalidHeader, "bad_header", 400),
    (http_exceptions.TransferEncodingError, "bad_framing", 400),
    (http_exceptions.ContentLengthError, "bad_framing", 400),
)


@dataclass(frozen=True, slots=True)
class Listener:
    """Answers one request, whatever its path.

    `endpoint` answers Tracer's own endpoints, or says that it does not know the path (None). `unready`: what keeps calls from
    being recorded or told apart, in words; empty if nothing does.
    """

    forward: Forwarder
    prompts: Dialect
    scale: Dialect
    scale_paths: frozenset[str]
    endpoint: Callable[[Request, str], Awaitable[bool] | None]
    unready: Callable[[], Mapping[str, str]]

    async def __call__(self, request: Request) -> bool:
        path = request.message.path
        if path.startswith("/v1/") and _first_segment(path) in OPENAI_ONLY and request.version >= HttpVersion10:
            return await self.forward(request)
        try:
            return await self._other(request)
        except ClientLeft:
            return False

    async def _other(self, request: Request) -> bool:
        if request.version < HttpVersion10:  # llhttp takes "GET /path" without a version for HTTP/0.9, as of 1991
            metrics.not_http.labels("bad_request_line").inc()
            refusal = failure(400, "bad_request_line", "not a request that can be served: no HTTP version", close=True)
            return await send_plain(request, refusal)
        path = request.target.partition("?")[0]
        if request.method == "POST" and action(path) == "completions":
            return await self.forward(request, self.prompts)
        if path in self.scale_paths and request.method == "POST":
            return await self.forward(request, self.scale)
        if (answering := self.endpoint(request, path)) is not None:
            return await answering
        if path.startswith("/v1/") and _first_segment(path) in OPENAI_ONLY:  # of an absolute URL
            return await self.forward(request)
        if (door := door_of(request)) is not None:
            return await self.forward(request, door)
        if path.startswith("/v1/"):
            return await self.forward(request)
        return await send_plain(request, self._page(path))

    def _page(self, path: str) -> Plain:
        if path == "/health":
            return json_reply(200, {"status": "ok", "version": __version__})
        if path == "/ready":
            return self._ready()
        if path == "/metrics":
            return Plain(200, metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
        where = "the OpenAI API is under /v1/, every provider's own under /proxy/{provider}/"
        return failure(404, "not_found", f"no such path: {path[:200]}; {where}")

    def _ready(self) -> Plain:
        """200 while calls are served and recorded; 503 says that something of it does not work, and what."""
        faults = self.unready()
        return json_reply(503 if faults else 200, {"status": "degraded" if faults else "ready", "spool": "ok", **faults})


def _first_segment(path: str) -> str:
    """What follows /v1/. Portkey's SDK for Python ends the path of every list with a bare `?`."""
    return path[4:].partition("/")[0].partition("?")[0]


def refuse(error: HttpProcessingError) -> bytes:
    """The whole reply to what the parser refused: 400 or 431, counted by reason; no call, no row."""
    reason, status = next(((r, s) for kind, r, s in _NOT_HTTP if isinstance(error, kind)), ("malformed", 400))
    metrics.not_http.labels(reason).inc()
    reply = failure(status, reason, f"not a request that can be served: {reason.replace('_', ' ')}")
    start = f"HTTP/1.1 {reply.status} {reply.reason}".encode()
    return head(start, [*reply.header_list(), (b"Connection", b"close")]) + reply.body
