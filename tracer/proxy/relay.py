"""The reply on its way from the provider to the client, copied by the tee as it passes.

A Relay is told of each piece as it comes and writes it in the same moment; `over` is called once, when the client has been
given everything or nothing more can be given.

- A reply is sent as it comes. Two exceptions, both small: a short reply of known length that is no stream is sent in one write,
  and under `strict` durability the piece that completes a reply waits for its record to be on disk.
- The tee sees the provider's bytes; what Tracer takes out of a stream (filters) is taken out behind it.
- While the client has no room, the provider is held.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns
from typing import NamedTuple, Protocol

from tracer import metrics
from tracer.framing import Framing
from tracer.proxy import headers
from tracer.proxy.downstream import ClientLeft, Downstream
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.headers import HeaderList, RawHeaders
from tracer.proxy.recorder import Recorder
from tracer.proxy.replies import CACHE_STATUS, CALL_ID, TRACE_ID, header_safe
from tracer.proxy.reply import Receiver
from tracer.proxy.request import Request
from tracer.proxy.stream_usage import UsageFilter
from tracer.proxy.streams import LONGEST_END, framing, is_end
from tracer.proxy.tee import Tee, Whole
from tracer.records import Outcome

# A reply of known length up to this is sent in one write; if it breaks half-way the client gets a clear error instead.
SHORT_REPLY = 256 << 10
_NOTHING: frozenset[str] = frozenset()
_LENGTH = frozenset({"content-length"})  # of a reply that is framed anew
_TRACE_ID, _CALL_ID, _CACHE_STATUS = TRACE_ID.encode(), CALL_ID.encode(), CACHE_STATUS.encode()


class Reply(Protocol):
    """A reply to be passed on: an upstream's, or one from the cache."""

    status: int
    reason: str
    raw_headers: RawHeaders
    length: int | None
    content_type: str

    @property
    def content_encoding(self) -> str: ...
    @property
    def complete(self) -> bool: ...
    def hold(self) -> None: ...
    def go_on(self) -> None: ...
    def pass_to(self, receiver: Receiver, /) -> None: ...


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


# How a relay ended: None if the client was given everything.
Over = Callable[[UpstreamFailed | ClientLeft | None], None]


async def relay(request: Request, flight: Flight, reply: Reply, how: Relaying) -> bool:
    """Pass a reply on; whether the connection may serve another request. Raises UpstreamFailed and ClientLeft."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def over(error: UpstreamFailed | ClientLeft | None) -> None:
        if done.done():  # cancelled
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    passing = Relay(request, flight, reply, how, over)
    passing.start()
    await done
    return passing.keeps_alive


class Relay:
    """See the head of this file. Raises UpstreamFailed when made, for a head that cannot be passed on."""

    def __init__(self, request: Request, flight: Flight, reply: Reply, how: Relaying, over: Over) -> None:
        flight.status = reply.status
        try:
            flight.response_headers = headers.recorded(reply.raw_headers)
        except ValueError as error:
            raise UpstreamFailed("bad_response", error) from error
        self._framed = framing(reply.content_type, flight.path)
        filters = _filters(flight, reply, how.filters) if self._framed is Framing.SSE else ()
        sized = reply.length is not None and not filters
        out = headers.downstream(reply.raw_headers, drop=_NOTHING if sized else _LENGTH)
        out += (
            (_TRACE_ID, header_safe(flight.trace.trace_id).encode()),
            (_CALL_ID, str(flight.call_id).encode()),
            (_CACHE_STATUS, flight.cache_status.encode()),
        )
        if how.added:
            out += how.added
        self._client = Downstream(request, reply.status, reply.reason, out, sized=sized)
        self._connection = request.connection
        self._flight, self._reply, self._how, self._filters = flight, reply, how, filters
        self._over: Over | None = over
        short = reply.length is not None and reply.length <= SHORT_REPLY and self._framed is None
        self._short = short and not self._client.bodiless
        self._held = self._last = b""  # under `strict`, and of a short reply: what has come and was not given yet
        self._at_end = False  # what follows the end of a stream is held with it
        self._tee: Tee | None = None

    @property
    def keeps_alive(self) -> bool:
        """Whether the client's connection may serve another request."""
        return self._client.keeps_alive

    def start(self) -> None:
        """Begin to pass on."""
        if not self._short:
            self._flight.response = self._tee = Tee(self._how.capture_bytes)
            if not self._wrote(self._client.send_head):
                return
        self._reply.pass_to(self)

    def stop(self) -> None:
        """Nobody is to be told any more."""
        self._over = None

    def piece(self, data: bytes) -> None:
        flight = self._flight
        now = perf_counter_ns() - flight.began_ns
        flight.first_byte_ns = flight.first_byte_ns or now
        if self._short and self._reply.complete and not self._held:  # as nearly all of them come
            flight.response, self._held = Whole(data, now), data
            return
        tee = self._tee
        if tee is None:
            flight.response = tee = self._tee = Tee(self._how.capture_bytes)
        tee.add(data, now)
        if self._over is None:
            return
        for taking_out in self._filters:
            data = taking_out.feed(data)
        self._held += data
        if self._short:
            return
        if self._how.recorder.strict:
            self._last = self._last[-LONGEST_END:] + data
            self._at_end = self._at_end or tee.size == self._reply.length or is_end(self._framed, self._last)
        if self._held and not self._at_end:
            held, self._held = self._held, b""
            try:
                self._client.send(held)
            except ClientLeft as error:
                self._done(error)
                return
            if self._connection.writing_paused:
                self._reply.hold()
                self._connection.when_room(self._reply.go_on)

    def end(self) -> None:
        flight = self._flight
        flight.upstream_end_ns = flight.clock()
        if self._over is None:
            return
        self._held += self._rest()
        flight.end(Outcome.OK if flight.status < 400 else Outcome.UPSTREAM_ERROR)
        self._how.recorder.durable(flight, self._finish)

    def failed(self, error: UpstreamFailed) -> None:
        if self._over is None:
            return
        if not self._short:
            self._held += self._rest()
            if self._held:  # the client gets every byte that came before the cut
                note_failure(self._flight, error)
                self._how.recorder.durable(self._flight, partial(self._give_up, error))
                return
        self._done(error)

    def _finish(self) -> None:
        """Write what completes the reply."""
        if self._over is None:
            return
        client, held = self._client, self._held
        if self._short:
            wrote = self._wrote(client.send_all, held)
        else:
            wrote = (not held or self._wrote(client.send, held)) and self._wrote(client.finish)
        if wrote and client.full:
            self._connection.when_room(partial(self._done, None))
        elif wrote:
            self._done(None)

    def _give_up(self, error: UpstreamFailed) -> None:
        if self._over is not None and self._wrote(self._client.send, self._held):
            self._done(error)

    def _wrote(self, write: Callable[..., None], *data: bytes) -> bool:
        try:
            write(*data)
        except ClientLeft as error:
            self._done(error)
            return False
        return True

    def _done(self, error: UpstreamFailed | ClientLeft | None) -> None:
        over, self._over = self._over, None
        if over is not None:
            over(error)

    def _rest(self) -> bytes:
        """What the filters still hold, each through those after it."""
        rest = b""
        for taking_out in self._filters:
            rest = (taking_out.feed(rest) if rest else b"") + taking_out.close()
        return rest


def note_failure(flight: Flight, error: UpstreamFailed) -> str:
    """Note how the upstream failed; the message for the caller."""
    flight.upstream_end_ns = flight.clock()
    found, message = error.failure, error.message(flight.upstream)
    in_stream = 200 <= flight.status < 300 and flight.is_stream
    outcome = Outcome.STREAM_ERROR if in_stream and found.outcome is Outcome.UPSTREAM_ERROR else found.outcome
    flight.end(outcome, error.kind, message)
    return message


def _filters(flight: Flight, reply: Reply, of_the_door: Sequence[Filter]) -> Sequence[Filter]:
    if not flight.usage_requested and not of_the_door:
        return ()
    if reply.content_encoding.lower() not in ("", "identity"):
        metrics.usage_chunk_kept.labels("compressed").inc()
        return ()
    if reply.status >= 400:
        of_the_door = ()
    return (UsageFilter(), *of_the_door) if flight.usage_requested else of_the_door
