"""The reply on its way from the provider to the client, copied by the tee as it passes.

- A reply is sent as it comes. Two exceptions, both small: a short reply of known length that is no stream is sent in one write,
  and under `strict` durability the piece that completes a reply waits for its record to be on disk.
- The tee sees the provider's bytes; what Tracer takes out of a stream (filters) is taken out behind it.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from tracer import metrics
from tracer.framing import Framing
from tracer.proxy import headers
from tracer.proxy.downstream import Downstream
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.headers import HeaderList, RawHeaders
from tracer.proxy.recorder import Recorder
from tracer.proxy.replies import CACHE_STATUS, CALL_ID, TRACE_ID, header_safe
from tracer.proxy.request import Request
from tracer.proxy.stream_usage import UsageFilter
from tracer.proxy.streams import LONGEST_END, framing, is_end
from tracer.proxy.tee import Tee
from tracer.records import Outcome

# A reply of known length up to this is sent in one write; if it breaks half-way the client gets a clear error instead.
SHORT_REPLY = 256 << 10
_NOTHING: frozenset[str] = frozenset()
_LENGTH = frozenset({"content-length"})  # of a reply that is framed anew
_TRACE_ID, _CALL_ID, _CACHE_STATUS = TRACE_ID.encode(), CALL_ID.encode(), CACHE_STATUS.encode()


class Reply(Protocol):
    """A reply to be read: an upstream's, or one from the cache."""

    status: int
    reason: str
    raw_headers: RawHeaders
    length: int | None
    content_type: str

    @property
    def content_encoding(self) -> str: ...
    async def read(self) -> bytes: ...
    def read_now(self) -> bytes | None: ...


class Filter(Protocol):
    """Takes something out of a stream. Whatever it holds back comes out of `close`."""

    def feed(self, piece: bytes, /) -> bytes: ...
    def close(self) -> bytes: ...


class Relaying(NamedTuple):
    """How a reply is passed on. `filters`: of the door's dialect, for event streams; `added`: headers of ours."""

    recorder: Recorder
    capture_bytes: int
    filters: Sequence[Filter] = ()
    added: HeaderList | None = None


async def relay(request: Request, flight: Flight, reply: Reply, how: Relaying) -> bool:
    """Pass a reply on; whether the connection may serve another request. Raises UpstreamFailed and ClientLeft."""
    flight.status = reply.status
    flight.response_headers = headers.recorded(reply.raw_headers)
    flight.response = tee = Tee(how.capture_bytes)
    framed = framing(reply.content_type, flight.path)
    filters = _filters(flight, reply, how.filters) if framed is Framing.SSE else ()
    sized = reply.length is not None and not filters
    out = headers.downstream(reply.raw_headers, drop=_NOTHING if sized else _LENGTH)
    out += (
        (_TRACE_ID, header_safe(flight.trace.trace_id).encode()),
        (_CALL_ID, str(flight.call_id).encode()),
        (_CACHE_STATUS, flight.cache_status.encode()),
    )
    if how.added:
        out += how.added
    client = Downstream(request, reply.status, reply.reason, out, sized=sized)
    if reply.length is not None and reply.length <= SHORT_REPLY and not client.bodiless and framed is None:
        await _whole(client, flight, reply, tee, how.recorder)
    else:
        await _piecewise(client, flight, reply, tee, filters, how.recorder, framed)
    return client.keeps_alive


async def _whole(client: Downstream, flight: Flight, reply: Reply, tee: Tee, recorder: Recorder) -> None:
    data = reply.read_now()
    if data is None:
        data = b"".join([piece async for piece in _pieces(reply, flight, tee)])
    elif data:
        flight.upstream_end_ns = flight.first_byte_ns = flight.clock()
        tee.add(data, flight.first_byte_ns)
    _note_status(flight)
    if recorder.strict:
        await recorder.durable(flight)
    await client.send_all(data)


async def _piecewise(
    client: Downstream,
    flight: Flight,
    reply: Reply,
    tee: Tee,
    filters: Sequence[Filter],
    recorder: Recorder,
    framed: Framing | None,
) -> None:
    await client.send_head()
    held = last = b""
    at_end = False  # what follows the end of a stream is held with it
    try:
        while piece := await _next(reply, flight, tee):
            new = piece
            for taking_out in filters:
                new = taking_out.feed(new)
            held += new
            if recorder.strict:
                last = last[-LONGEST_END:] + new
                at_end = at_end or tee.size == reply.length or is_end(framed, last)
            if held and not at_end:
                await client.send(held)
                held = b""
    except UpstreamFailed as error:
        if held := held + _closed(filters):  # the client gets every byte that came before the cut
            note_failure(flight, error)
            await recorder.durable(flight)
            await client.send(held)
        raise
    held += _closed(filters)
    _note_status(flight)
    await recorder.durable(flight)
    if held:
        await client.send(held)
    await client.finish()


def _closed(filters: Sequence[Filter]) -> bytes:
    """What the filters still hold, each through those after it."""
    rest = b""
    for taking_out in filters:
        rest = (taking_out.feed(rest) if rest else b"") + taking_out.close()
    return rest


def _note_status(flight: Flight) -> None:
    flight.end(Outcome.OK if flight.status < 400 else Outcome.UPSTREAM_ERROR)


def note_failure(flight: Flight, error: UpstreamFailed) -> str:
    """Note how the upstream failed; the message for the caller."""
    flight.upstream_end_ns = flight.clock()
    found, message = error.failure, error.message(flight.upstream)
    in_stream = 200 <= flight.status < 300 and flight.is_stream
    outcome = Outcome.STREAM_ERROR if in_stream and found.outcome is Outcome.UPSTREAM_ERROR else found.outcome
    flight.end(outcome, error.kind, message)
    return message


async def _next(reply: Reply, flight: Flight, tee: Tee) -> bytes:
    """The next piece of a reply, noted in the tee; empty at its end."""
    piece = await reply.read()
    now = flight.clock()
    if not piece:
        flight.upstream_end_ns = now
        return piece
    if not flight.first_byte_ns:
        flight.first_byte_ns = now
    tee.add(piece, now)
    return piece


async def _pieces(reply: Reply, flight: Flight, tee: Tee) -> AsyncIterator[bytes]:
    while piece := await _next(reply, flight, tee):
        yield piece


def _filters(flight: Flight, reply: Reply, of_the_door: Sequence[Filter]) -> Sequence[Filter]:
    if not flight.usage_requested and not of_the_door:
        return ()
    if reply.content_encoding.lower() not in ("", "identity"):
        metrics.usage_chunk_kept.labels("compressed").inc()
        return ()
    if reply.status >= 400:
        of_the_door = ()
    return (UsageFilter(), *of_the_door) if flight.usage_requested else of_the_door
