"""The proxy's listener: paths to doors, and what never became a request.

aiohttp's C parser (llhttp) reads every request; nothing here looks at raw HTTP. What the parser refuses is answered with 400 or
431 and counted by reason: it is not a call and leaves no row.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import HttpVersion10, http_exceptions, web

from tracer import __version__, metrics
from tracer.proxy.accept import origin_form
from tracer.proxy.flight import Flight
from tracer.proxy.replies import failure
from tracer.spool.writer import Writer

_log = logging.getLogger(__name__)

# One header, or the request line. Portkey's metadata and config travel in headers, so more than the usual 8 KiB.
LONGEST_HEADER = 64 << 10
# Reading the rest of a body that was refused, so that the client gets to read the answer.
LINGER_SECONDS = 5.0

Door = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

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
    """Answers one request, whatever its path."""

    openai: Door
    spool: Writer[Flight]

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.version < HttpVersion10:  # llhttp takes "GET /path" without a version for HTTP/0.9, as of 1991
            metrics.not_http.labels("bad_request_line").inc()
            return failure(400, "bad_request_line", "not a request that can be served: no HTTP version")
        path = origin_form(request).partition("?")[0]
        if path.startswith("/v1/"):
            return await self.openai(request)
        if path == "/health":
            return web.json_response({"status": "ok", "version": __version__})
        if path == "/ready":
            return self._ready()
        if path == "/metrics":
            return web.Response(body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
        return failure(404, "not_found", f"no such path: {path[:200]}; the OpenAI API is under /v1/")

    def _ready(self) -> web.Response:
        """200 while calls are served and recorded; 503 says that they are served but not recorded."""
        ok = self.spool.healthy
        return web.json_response(
            {"status": "ready" if ok else "degraded", "spool": "ok" if ok else "cannot be written"}, status=200 if ok else 503
        )


class ProxyRequest(web.BaseRequest):
    """A request whose reply, if it is ours, does not name the server software."""

    async def _prepare_hook(self, resp: web.StreamResponse) -> None:
        # aiohttp's own place for on_response_prepare, which only web.Application has.
        resp.headers.popall("Server", None)


class ProxyProtocol(web.RequestHandler):
    """One client connection; answers what is not a request."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        # The parser's StreamReader asks for this after every piece that is read, paused or not.
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size:
            raise ConnectionError("the reply has begun")
        reason, status = next(((r, s) for kind, r, s in _NOT_HTTP if isinstance(exc, kind)), ("malformed", 400))
        if not isinstance(exc, http_exceptions.HttpProcessingError):
            _log.error("a request failed outside its call", exc_info=exc)
            reason, status = "internal", 500
        metrics.not_http.labels(reason).inc()
        response = failure(status, reason, f"not a request that can be served: {reason.replace('_', ' ')}")
        response.force_close()
        return response


class ProxyServer(web.Server):
    """Makes a ProxyProtocol for each connection."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(
            listener,
            request_factory=lambda message, payload, protocol, writer, task: ProxyRequest(
                message, payload, protocol, writer, task, protocol._loop
            ),
            handler_cancellation=True,
            access_log=None,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,
        )

    def __call__(self) -> ProxyProtocol:
        return ProxyProtocol(self, loop=self._loop, **self._kwargs)
