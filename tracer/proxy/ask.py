"""Asking the upstream: the request's headers and body as they go up, and the connection they go on.

A connection that was kept open may be closed by the provider in the very moment that it is used again: it ends at once, without
a byte of a reply; the request was never taken, and goes once more, on a new connection. (llama.cpp closes after every stream,
some milliseconds later, and says "keep-alive"; Portkey's SDKs do not repeat what fails.) On a new one nothing is repeated.

A provider that objects to the usage option (400 or 422 naming it) is asked again with the caller's own bytes, once, and
remembered for the life of the worker: it refused before doing anything, so nothing is billed twice.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from tracer.proxy import headers
from tracer.proxy.body import Sent
from tracer.proxy.context import traceparent
from tracer.proxy.credentials import Credentials
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.headers import HeaderList
from tracer.proxy.pool import Pool
from tracer.proxy.profile import Way, filled
from tracer.proxy.reply import Reply
from tracer.proxy.request import Request
from tracer.proxy.route import Target
from tracer.proxy.sigv4 import signature
from tracer.proxy.upstream import Connection

# On the row of a call whose request went twice.
ASKED_AGAIN = "the upstream had closed the connection that was kept open; the request was sent again on a new one"
# An error reply is read this far to see whether the provider objects to the usage option.
_ERROR_BYTES = 64 << 10
# A connection that the provider had closed says so within a round trip; a reply that fails later was being worked on.
_AT_ONCE_NS = 500_000_000
_NOTHING: frozenset[str] = frozenset()
# To take something out of the stream again, it must come uncompressed.
PLAIN = (b"Accept-Encoding", b"identity")
_CODING = frozenset({"accept-encoding"})
# Of a body that was made anew.
_OF_THE_BODY = frozenset({"content-length", "content-type", "content-encoding"})
CHANGED_BY_ASKING = frozenset({"content-length", "accept-encoding"})


class Question(NamedTuple):
    """A request and where it goes. `path` is the target of the OpenAI door; `propagate` the slugs that get a traceparent."""

    request: Request
    target: Target
    keys: Credentials
    path: str
    propagate: tuple[str, ...] = ()
    time_limit_s: float | None = None  # until the reply's head must be there
    added: tuple[tuple[str, str], ...] = ()  # headers that a door's dialect adds
    drop: frozenset[str] = _NOTHING  # and that it keeps back
    plain: bool = False  # the reply must come uncompressed, since something is taken out of it
    reshaped: bool = False  # the body is not the client's own any more, but JSON of ours
    way: Way | None = None  # where nothing of the above makes the headers other than this client's usual ones

    @property
    def url(self) -> str:
        return self.target.base_url + self.path.removeprefix("/v1")

    @property
    def signed(self) -> bool:
        """Whether the body may not be changed: its caller signed it, and the signature goes up."""
        query = self.path.partition("?")[2]
        return "authorization" not in self.keys.drop and signature(self.request.headers, query) is not None

    @property
    def target_path(self) -> str:
        return self.target.path + self.path.removeprefix("/v1")

    def headers(self, flight: Flight, drop: frozenset[str] = _NOTHING) -> HeaderList:
        """The request's headers for the provider, without Host and framing."""
        drop |= self.keys.drop
        if self.drop:
            drop |= self.drop
        if self.plain:
            drop |= _CODING
        if self.reshaped:
            drop |= _OF_THE_BODY
        propagate = propagates(self.propagate, self.target)
        sent = headers.upstream(self.request.raw_headers, drop=drop | {"traceparent"} if propagate else drop)
        if self.reshaped:
            sent.append((b"Content-Type", b"application/json"))
        own = self.keys.header
        if own and not any(name.lower() == own[0].lower() for name, _ in self.added):
            sent.append((own[0].encode(), own[1].encode("utf-8", "surrogateescape")))
        sent += [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in self.added]
        if propagate:
            sent.append((b"traceparent", traceparent(flight.trace).encode()))
        return sent


def propagates(slugs: tuple[str, ...], target: Target) -> bool:
    """Whether a target's provider is among those that get a traceparent."""
    return bool(slugs) and (target.slug in slugs or "*" in slugs)


async def ask(
    pool: Pool, question: Question, sent: Sent, asking: bytes | None, flight: Flight, refusing: set[str]
) -> tuple[Connection, Reply]:
    """The reply to a question, its head there and its body to be read; `asking` is the body with the usage option in it.

    The connection is the caller's to give back to the pool. Raises UpstreamFailed.
    """
    connection, reply = await _exchange(pool, question, sent, asking, flight)
    return await accepted(pool, question, sent, asking, flight, refusing, connection, reply)


async def accepted(
    pool: Pool,
    question: Question,
    sent: Sent,
    asking: bytes | None,
    flight: Flight,
    refusing: set[str],
    connection: Connection,
    reply: Reply,
) -> tuple[Connection, Reply]:
    """The reply, or if that objects to the usage option, the one to the caller's own bytes."""
    if asking is not None and may_object(reply):
        try:
            objects = await _objects(reply)
        except BaseException:  # cancelled too
            connection.close()
            raise
        if objects:
            connection.close()
            connection, reply = await _exchange(pool, question, sent, None, flight)
            if not may_object(reply):  # else the error only repeats our bytes, and is about something else
                refusing.add(question.target.host)
    return connection, reply


async def _exchange(
    pool: Pool, question: Question, sent: Sent, asking: bytes | None, flight: Flight
) -> tuple[Connection, Reply]:
    """Send the request and wait for the head of the reply, within the caller's own time limit."""
    limit = question.time_limit_s
    if limit is None:
        return await _send(pool, question, sent, asking, flight)
    try:
        async with asyncio.timeout(limit):
            return await _send(pool, question, sent, asking, flight)
    except TimeoutError as error:
        raise UpstreamFailed("request_timeout", error) from error


async def _send(pool: Pool, question: Question, sent: Sent, asking: bytes | None, flight: Flight) -> tuple[Connection, Reply]:
    to = question.target.origin
    out, data = going_up(question, sent, asking, flight)
    framed = sent.pieces is not None and question.request.content_length is None
    connection = pool.take(to)
    flight.reused = connection is not None
    if connection is not None:
        try:
            return connection, await _reply(connection, question, out, data, sent.pieces, flight, chunked=framed)
        except UpstreamFailed as error:
            if not closed_before(connection, error, flight) or sent.pieces is not None:
                raise
            note_asked_again(flight)
    began = flight.clock()
    connection = await pool.connect(to)
    flight.connect_ns = flight.clock() - began
    return connection, await _reply(connection, question, out, data, sent.pieces, flight, chunked=framed)


async def _reply(
    connection: Connection,
    question: Question,
    out: bytes,
    data: bytes,
    pieces: AsyncIterator[bytes] | None,
    flight: Flight,
    *,
    chunked: bool,
) -> Reply:
    try:
        flight.sent_ns = flight.clock()
        reply = await connection.ask(out, data, pieces, chunked=chunked, bodiless=question.request.method == "HEAD")
    except BaseException:  # cancelled too: the client has left, and takes the call with it
        connection.close()
        raise
    flight.headers_ns = flight.clock()
    return reply


def closed_before(connection: Connection, error: UpstreamFailed, flight: Flight) -> bool:
    """Whether a connection failed by ending at once, and no byte of a reply had come. One that ends later may have worked."""
    at_once = flight.clock() - flight.sent_ns < _AT_ONCE_NS
    return error.kind in ("disconnected", "reset") and at_once and not connection.answered


def note_asked_again(flight: Flight) -> None:
    """A request goes up a second time, on a new connection."""
    flight.reused = False
    flight.notes += (ASKED_AGAIN,)


def going_up(question: Question, sent: Sent, asking: bytes | None, flight: Flight) -> tuple[bytes, bytes]:
    """The request's head, without the empty line, and its body as far as that was read whole; `asking` as for `ask`."""
    flight.usage_requested = asking is not None
    head = _head_of(question, flight, asking=asking is not None)
    data = sent.data if asking is None else asking
    if data is None:
        return head, b""
    if asking is not None or question.reshaped or question.request.content_length is None:
        head += b"Content-Length: %d\r\n" % len(data)  # it is another body, or came chunked and goes whole
    return head, data


def _head_of(question: Question, flight: Flight, *, asking: bool) -> bytes:
    """The request's first line and headers as they go up, but for the length of a body that is not the client's own."""
    start = f"{question.request.method} {question.target_path} HTTP/1.1\r\nHost: {question.target.origin.authority}\r\n"
    if question.way is not None:
        lines = filled(question.way.asking_parts if asking else question.way.parts, question.request.raw_headers)
    else:
        out = question.headers(flight, CHANGED_BY_ASKING if asking else _NOTHING)
        if asking or question.plain:
            out.append(PLAIN)
        lines = headers.lines(out)
    return start.encode("utf-8", "surrogateescape") + lines


def may_object(reply: Reply) -> bool:
    """Whether a reply to a request with the usage option could be about the option."""
    return reply.status in (400, 422)


async def _objects(reply: Reply) -> bool:
    """Whether an error reply is about the usage option. What was read of it is put back."""
    said = b""
    while len(said) < _ERROR_BYTES and (piece := await reply.read()):
        said += piece
    reply.unread(said)
    return b"stream_options" in said or b"include_usage" in said
