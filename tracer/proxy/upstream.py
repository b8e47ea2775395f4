"""The client half: connections to providers, and what went wrong with them in words.

Two pools, by how long an idle connection is trusted. Over TLS a new connection costs round trips and the big providers keep
theirs for minutes; plain HTTP is a server nearby, cheap to reach again, and such servers (llama.cpp, uvicorn) close after 5 s:
a request sent into that moment is lost, and a POST must not be sent twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp

from tracer.config import Settings
from tracer.proxy.flight import Flight
from tracer.records import Outcome

TLS_IDLE_SECONDS = 55.0
PLAIN_IDLE_SECONDS = 4.0
# The headers aiohttp would add by itself; a caller that did not send them meant it.
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass(frozen=True, slots=True)
class Upstreams:
    """One session per scheme."""

    plain: aiohttp.ClientSession
    tls: aiohttp.ClientSession

    def session(self, url: str) -> aiohttp.ClientSession:
        return self.tls if url.startswith("https:") else self.plain


@contextlib.asynccontextmanager
async def open_upstreams(settings: Settings) -> AsyncIterator[Upstreams]:
    """Sessions for the life of a worker."""
    async with _session(settings, PLAIN_IDLE_SECONDS) as plain, _session(settings, TLS_IDLE_SECONDS) as tls:
        yield Upstreams(plain, tls)


def _session(settings: Settings, idle_seconds: float) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_seconds, ttl_dns_cache=30)
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NOT_ADDED,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout, sock_read=settings.response_timeout),
        trace_configs=[_times()],
        max_line_size=64 << 10,
        max_field_size=64 << 10,
        read_bufsize=128 << 10,
    )


def _times() -> aiohttp.TraceConfig:
    """Signals that note times on the Flight given as `trace_request_ctx`; a pooled connection fires only the last."""
    config = aiohttp.TraceConfig()

    async def connecting(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        flight: Flight = context.trace_request_ctx
        flight.connect_started_ns = flight.clock()

    async def connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        flight: Flight = context.trace_request_ctx
        flight.connect_ns = flight.clock() - flight.connect_started_ns

    async def sent(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        flight: Flight = context.trace_request_ctx
        flight.sent_ns = flight.clock()

    config.on_connection_create_start.append(connecting)
    config.on_connection_create_end.append(connected)
    config.on_request_headers_sent.append(sent)
    return config


@contextlib.contextmanager
def unhung(reply: aiohttp.ClientResponse) -> Iterator[None]:
    """While open, a reply whose connection has ended ends too.

    aiohttp closes the connection when a chunk is malformed, but tells nobody who waits for the body (3.14): a read would hang
    until the time limit.
    """
    protocol = reply.connection.protocol if reply.connection is not None else None
    closed = protocol.closed if protocol is not None else None  # not by truth: an empty queue is false
    if closed is None:
        yield
        return

    def end(_closed: object) -> None:
        if not reply.content.is_eof() and reply.content.exception() is None:
            reply.content.set_exception(aiohttp.ClientPayloadError("the connection ended inside the body"))

    closed.add_done_callback(end)
    closed.remove_done_callback(_retrieve)
    closed.add_done_callback(_retrieve)
    try:
        yield
    finally:
        closed.remove_done_callback(end)  # the connection may serve thousands of replies


def _retrieve(closed: "asyncio.Future[None]") -> None:
    """Look at how a connection ended, else asyncio complains that nobody did. Stays on the connection, once."""
    if not closed.cancelled():
        closed.exception()


@dataclass(frozen=True, slots=True)
class Failure:
    """What to tell the caller about an upstream that failed. `retry`: whether an SDK may try again."""

    status: int
    outcome: Outcome
    kind: str
    message: str
    retry: bool


# From the most special to the most general. A connection that was never made cost nothing, so trying again is safe; once the
# request was sent the provider may have done the work.
_FAILURES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], int, Outcome, str, str, bool], ...] = (
    (
        aiohttp.ConnectionTimeoutError,
        408,
        Outcome.TIMEOUT,
        "connect_timeout",
        "{host} did not accept a connection in time",
        True,
    ),
    (aiohttp.SocketTimeoutError, 408, Outcome.TIMEOUT, "response_timeout", "{host} did not answer in time", False),
    (
        asyncio.TimeoutError,
        408,
        Outcome.TIMEOUT,
        "request_timeout",
        "{host} did not answer within the time that the request allows",
        False,
    ),
    (
        aiohttp.ClientConnectorDNSError,
        502,
        Outcome.UPSTREAM_ERROR,
        "dns_error",
        "the name of {host} could not be resolved",
        True,
    ),
    (aiohttp.ClientSSLError, 502, Outcome.UPSTREAM_ERROR, "tls_error", "no TLS connection to {host}: {error}", False),
    (aiohttp.ClientConnectorError, 502, Outcome.UPSTREAM_ERROR, "connect_refused", "{host} cannot be reached: {error}", True),
    (
        aiohttp.ServerDisconnectedError,
        502,
        Outcome.UPSTREAM_ERROR,
        "disconnected",
        "{host} closed the connection without an answer",
        False,
    ),
    (
        aiohttp.ClientPayloadError,
        502,
        Outcome.UPSTREAM_ERROR,
        "incomplete_body",
        "{host} stopped in the middle of its answer",
        False,
    ),
    (
        aiohttp.ClientResponseError,
        502,
        Outcome.UPSTREAM_ERROR,
        "bad_response",
        "{host} answered with something that is not HTTP",
        False,
    ),
    (aiohttp.ClientOSError, 502, Outcome.UPSTREAM_ERROR, "reset", "the connection to {host} broke: {error}", False),
    (aiohttp.InvalidURL, 400, Outcome.REFUSED, "bad_path", "the path cannot be sent to {host}", False),
    (
        (aiohttp.ClientError, ValueError),
        502,
        Outcome.UPSTREAM_ERROR,
        "upstream_failed",
        "the call to {host} failed: {error}",
        False,
    ),
)

# What forward.py catches around an upstream.
ERRORS = (aiohttp.ClientError, asyncio.TimeoutError, ValueError)


def explain(error: BaseException, host: str) -> Failure:
    """The failure that an exception of the client half stands for."""
    for kinds, status, outcome, kind, message, retry in _FAILURES:
        if isinstance(error, kinds):
            reason = getattr(error, "strerror", None) or type(error).__name__
            return Failure(status, outcome, kind, message.format(host=host, error=reason), retry)
    raise AssertionError(f"not an upstream failure: {error!r}")
