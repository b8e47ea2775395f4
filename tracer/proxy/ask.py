"""Asking the upstream: the request's headers and body as they go up, and the connection they go on.

A provider that objects to the usage option (400 or 422 naming it) is asked again with the caller's own bytes, once, and
remembered for the life of the worker: it refused before doing anything, so nothing is billed twice.
"""

import asyncio
from typing import NamedTuple

from aiohttp import web

from tracer.proxy import headers
from tracer.proxy.body import Sent
from tracer.proxy.context import traceparent
from tracer.proxy.credentials import Credentials
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.headers import HeaderList
from tracer.proxy.pool import Pool
from tracer.proxy.route import Target, portkey_config
from tracer.proxy.upstream import Connection, Reply

# An error reply is read this far to see whether the provider objects to the usage option.
_ERROR_BYTES = 64 << 10
_NOTHING: frozenset[str] = frozenset()
# To take the usage out of the stream again, it must come uncompressed.
_CHANGED_BY_ASKING = frozenset({"content-length", "accept-encoding"})


class Question(NamedTuple):
    """A request and where it goes. `path` is the target as sent to the door; `propagate` the slugs that get a traceparent."""

    request: web.BaseRequest
    target: Target
    keys: Credentials
    path: str
    propagate: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.target.base_url + self.path.removeprefix("/v1")

    @property
    def target_path(self) -> str:
        return self.target.path + self.path.removeprefix("/v1")

    def headers(self, flight: Flight, drop: frozenset[str] = _NOTHING) -> HeaderList:
        """The request's headers for the provider, without Host and framing."""
        drop |= self.keys.drop
        propagate = self.target.slug in self.propagate or "*" in self.propagate
        sent = headers.upstream(self.request.raw_headers, drop=drop | {"traceparent"} if propagate else drop)
        if self.keys.header:
            name, value = self.keys.header
            sent.append((name.encode(), value.encode("utf-8", "surrogateescape")))
        if propagate:
            sent.append((b"traceparent", traceparent(flight.trace).encode()))
        return sent


async def ask(
    pool: Pool, question: Question, sent: Sent, asking: bytes | None, flight: Flight, refusing: set[str]
) -> tuple[Connection, Reply]:
    """The reply to a question, its head there and its body to be read; `asking` is the body with the usage option in it.

    The connection is the caller's to give back to the pool. Raises UpstreamFailed.
    """
    connection, reply = await _exchange(pool, question, sent, asking, flight)
    if asking is not None and reply.status in (400, 422):
        try:
            objects = await _objects(reply)
        except BaseException:  # cancelled too
            connection.close()
            raise
        if objects:
            connection.close()
            connection, reply = await _exchange(pool, question, sent, None, flight)
            if reply.status not in (400, 422):  # else the error only repeats our bytes, and is about something else
                refusing.add(question.target.host)
    return connection, reply


async def _exchange(
    pool: Pool, question: Question, sent: Sent, asking: bytes | None, flight: Flight
) -> tuple[Connection, Reply]:
    """Send the request and wait for the head of the reply, within the caller's own time limit."""
    limit = _time_limit(question.request)
    if limit is None:
        return await _send(pool, question, sent, asking, flight)
    try:
        async with asyncio.timeout(limit):
            return await _send(pool, question, sent, asking, flight)
    except TimeoutError as error:
        raise UpstreamFailed("request_timeout", error) from error


async def _send(pool: Pool, question: Question, sent: Sent, asking: bytes | None, flight: Flight) -> tuple[Connection, Reply]:
    to = question.target.origin
    flight.usage_requested = asking is not None
    out = question.headers(flight, _NOTHING if asking is None else _CHANGED_BY_ASKING)
    data = sent.data
    if asking is not None:
        out += ((b"Accept-Encoding", b"identity"), (b"Content-Length", b"%d" % len(asking)))
        data = asking
    elif sent.data is not None and question.request.content_length is None:
        out.append((b"Content-Length", b"%d" % len(sent.data)))  # it came chunked and goes whole
    connection = pool.take(to)
    flight.reused = connection is not None
    if connection is None:
        began = flight.clock()
        connection = await pool.connect(to)
        flight.connect_ns = flight.clock() - began
    try:
        connection.send(question.request.method, question.target_path, to.authority, out, data, sent.pieces)
        flight.sent_ns = flight.clock()
        reply = await connection.head()
    except BaseException:  # cancelled too: the client has left, and takes the call with it
        connection.close()
        raise
    flight.headers_ns = flight.clock()
    return connection, reply


async def _objects(reply: Reply) -> bool:
    """Whether an error reply is about the usage option. What was read of it is put back."""
    said = b""
    while len(said) < _ERROR_BYTES and (piece := await reply.read()):
        said += piece
    reply.unread(said)
    return b"stream_options" in said or b"include_usage" in said


def _time_limit(request: web.BaseRequest) -> float | None:
    """Seconds until the reply's head must be there, if the caller set a limit (in milliseconds)."""
    asked = request.headers.get("x-portkey-request-timeout") or portkey_config(request.headers).get("request_timeout")
    try:
        milliseconds = float(asked) if isinstance(asked, str | int | float) else 0.0
    except ValueError:
        return None
    return milliseconds / 1000 if milliseconds > 0 else None
