"""One call through the proxy: the request goes up, the reply comes down, an Exchange goes to the spool.

    accept ─► route ─► credentials ─► body ─► ask upstream ─► relay (tee) ─► record

Invariants
- Exactly one record per accepted request, however it ends: `_record` runs in a `finally` and only once.
- A reply is sent as it comes. Two exceptions, both small: a short reply of known length is sent in one write, and under
  `strict` durability the piece that completes a reply waits for its record to be on disk.
- Nothing that goes wrong while observing reaches the client; what goes wrong upstream reaches it as a clear error if the reply
  has not begun, else as the same cut connection that the provider made.
- A client that leaves takes the upstream call with it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from tracer import metrics
from tracer.config import Settings
from tracer.proxy import body, headers, websocket
from tracer.proxy.accept import accept, target_path
from tracer.proxy.ask import Question, ask
from tracer.proxy.credentials import credentials
from tracer.proxy.downstream import ClientLeft, Downstream
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.pool import Pool
from tracer.proxy.providers import StreamUsage
from tracer.proxy.replies import CALL_ID, TRACE_ID, failure, header_safe
from tracer.proxy.route import Refused, Routes, Target, choose
from tracer.proxy.stream_usage import UsageFilter, with_usage_requested
from tracer.proxy.tally import Tally
from tracer.proxy.tee import Tee
from tracer.proxy.upstream import Reply
from tracer.records import Outcome
from tracer.spool.writer import Writer

_log = logging.getLogger(__name__)

# A reply of known length up to this is sent in one write; if it breaks half-way the client gets a clear error instead.
SHORT_REPLY = 256 << 10
# Header and bookkeeping of a record, for the bound on records that wait for the disk.
_RECORD_OVERHEAD = 2048
_NOTHING: frozenset[str] = frozenset()
_LENGTH = frozenset({"content-length"})  # of a reply that is framed anew
_LAST = 32  # bytes of a stream in which its last event is looked for: pieces are cut anywhere


@dataclass(slots=True)
class Forwarder:
    """Serves the OpenAI door. One per worker; `refusing` remembers hosts that do not take the usage option."""

    settings: Settings
    routes: Routes
    pool: Pool
    spool: Writer[Flight]
    tally: Tally
    refusing: set[str] = field(default_factory=set)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        flight = accept(request, "openai", keep_content=self.settings.capture == "full")
        self.tally.open += 1
        try:
            return await self._serve(request, flight)
        except Refused as refusal:
            flight.end(Outcome.REFUSED, refusal.kind, refusal.message)
            return self._failed(request, flight, refusal.status, refusal.kind, refusal.message)
        except (ClientLeft, body.BodyLost):
            flight.client_left()
            raise ConnectionResetError from None  # aiohttp's word for "nobody there"; it closes and logs nothing
        except asyncio.CancelledError:
            if request.transport is None or request.transport.is_closing():
                flight.client_left()
            else:
                flight.end(Outcome.UPSTREAM_ERROR, "shutdown", "Tracer was stopped before the call ended")
            raise
        except Exception:
            # The request edge: a fault of ours must end in one clear reply and one record, not in a lost call.
            _log.exception("call %s failed inside Tracer", flight.call_id)
            flight.end(Outcome.REFUSED, "internal", "an error inside Tracer; its log has the details")
            return self._failed(request, flight, 500, "internal", flight.error_message)
        finally:
            self.tally.open -= 1
            self._record(flight)

    async def _serve(self, request: web.BaseRequest, flight: Flight) -> web.StreamResponse:
        target = choose(self.routes, request.headers)
        flight.provider, flight.upstream = target.slug, target.host
        keys = credentials(request.headers, target, self.settings.keys)
        flight.key_hash = keys.key_hash
        flight.secrets += keys.secrets
        path = target_path(request)
        question = Question(request, target, keys, path, self.settings.propagate_traceparent)
        if websocket.is_upgrade(request):
            return await websocket.relay(question, flight, self.pool)
        sent = await body.receive(
            request, flight, path.partition("?")[0], self.settings.max_request_bytes, self.settings.capture_bytes
        )
        try:
            asking = self._asking_for_usage(sent, target)
            connection, reply = await ask(self.pool, question, sent, asking, flight, self.refusing)
            try:
                return await self._relay(request, flight, reply)
            finally:
                self.pool.give_back(target.origin, connection)
        except UpstreamFailed as error:
            if flight.body_error:
                raise flight.body_error from error
            return self._upstream_failed(request, flight, error)

    def _asking_for_usage(self, sent: body.Sent, target: Target) -> bytes | None:
        """The request's body with the usage option in it, or None where it is not to be asked for."""
        wanted = target.provider.stream_usage is StreamUsage.ASK and target.host not in self.refusing
        return with_usage_requested(sent.data, sent.parsed) if wanted and sent.data and sent.parsed else None

    async def _relay(self, request: web.BaseRequest, flight: Flight, reply: Reply) -> web.StreamResponse:
        flight.status = reply.status
        flight.response_headers = headers.recorded(reply.raw_headers)
        flight.response = tee = Tee(self.settings.capture_bytes)
        usage = _usage_filter(flight, reply)
        sized = reply.length is not None and not usage
        out = headers.downstream(reply.raw_headers, drop=_NOTHING if sized else _LENGTH)
        out += (
            (TRACE_ID.encode(), header_safe(flight.trace.trace_id).encode()),
            (CALL_ID.encode(), str(flight.call_id).encode()),
        )
        client = Downstream(request, reply.status, reply.reason, out, sized=sized)
        if reply.length is not None and reply.length <= SHORT_REPLY and not client.bodiless and not _is_event_stream(reply):
            await self._relay_whole(client, flight, reply, tee)
        else:
            await self._relay_stream(client, flight, reply, tee, usage)
        return client

    async def _relay_whole(self, client: Downstream, flight: Flight, reply: Reply, tee: Tee) -> None:
        data = reply.read_now()
        if data is None:
            data = b"".join([piece async for piece in _pieces(reply, flight, tee)])
        elif data:
            flight.upstream_end_ns = flight.first_byte_ns = flight.clock()
            tee.add(data, flight.first_byte_ns)
        self._note_status(flight)
        await self._durable(flight)
        await client.send_all(data)

    async def _relay_stream(
        self, client: Downstream, flight: Flight, reply: Reply, tee: Tee, usage: UsageFilter | None
    ) -> None:
        await client.send_head()
        held = last = b""
        try:
            while piece := await _next(reply, flight, tee):
                new = usage.feed(piece) if usage else piece
                held, last = held + new, (last + new)[-_LAST:]
                if held and not self._completes(last, tee, reply):
                    await client.send(held)
                    held = b""
        except UpstreamFailed as error:
            if held := held + (usage.close() if usage else b""):  # the client gets every byte that came before the cut
                _note_failure(flight, error)
                await self._durable(flight)
                await client.send(held)
            raise
        held += usage.close() if usage else b""
        self._note_status(flight)
        await self._durable(flight)
        if held:
            await client.send(held)
        await client.finish()

    def _completes(self, last: bytes, tee: Tee, reply: Reply) -> bool:
        """Under `strict`: whether a client that has these last bytes has, or takes itself to have, the whole answer."""
        strict = self.settings.durability == "strict"
        return strict and (tee.size == reply.length or last.rstrip().endswith(b"[DONE]"))

    def _note_status(self, flight: Flight) -> None:
        flight.end(Outcome.OK if flight.status < 400 else Outcome.UPSTREAM_ERROR)

    async def _durable(self, flight: Flight) -> None:
        """Under `strict`: record the call and wait until that is on disk, or until the disk has refused."""
        if self.settings.durability == "strict":
            on_disk = asyncio.get_running_loop().create_future()
            self._record(flight, on_disk)
            await on_disk

    def _record(self, flight: Flight, on_disk: "asyncio.Future[None] | None" = None) -> None:
        if flight.recorded:
            return
        flight.recorded = True
        flight.end_ns = flight.clock()
        flight.upstream_end_ns = flight.upstream_end_ns or flight.end_ns
        flight.end(Outcome.OK)
        self.tally.ended[flight.door, flight.outcome or Outcome.OK] += 1
        size = flight.request.size + flight.response.size + _RECORD_OVERHEAD
        if on_disk is None:
            self.spool.append(flight, size)
            return
        loop = asyncio.get_running_loop()
        self.spool.append(flight, size, partial(_tell, loop, on_disk))

    def _upstream_failed(self, request: web.BaseRequest, flight: Flight, error: UpstreamFailed) -> web.StreamResponse:
        message = _note_failure(flight, error)
        found = error.failure
        # A pooled connection that closed in the moment it was used again never took the request.
        retry = found.retry or (flight.reused and not flight.headers_ns and error.kind in ("disconnected", "reset"))
        return self._failed(request, flight, found.status, error.kind, message, retry)

    def _failed(
        self, request: web.BaseRequest, flight: Flight, status: int, kind: str, message: str, retry: bool | None = None
    ) -> web.StreamResponse:
        """A clear error, if the reply has not begun; else the connection is cut, as the provider's was."""
        trace_id, call_id = flight.trace.trace_id, str(flight.call_id)
        response = failure(status, kind, message, trace_id=trace_id, call_id=call_id, retry=retry)
        if request.writer.output_size:
            if request.transport:
                request.transport.close()
            return response
        flight.status = status
        if not request.content.is_eof():
            response.force_close()  # the rest of an unread body must not be taken for the next request
        return response


def _note_failure(flight: Flight, error: UpstreamFailed) -> str:
    """Note how the upstream failed; the message for the caller."""
    flight.upstream_end_ns = flight.clock()
    found, message = error.failure, error.message(flight.upstream)
    in_stream = 200 <= flight.status < 300 and flight.is_event_stream
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


def _is_event_stream(reply: Reply) -> bool:
    return reply.headers.get("Content-Type", "").lower().startswith("text/event-stream")


def _usage_filter(flight: Flight, reply: Reply) -> UsageFilter | None:
    if not flight.usage_requested or not _is_event_stream(reply):
        return None
    if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
        metrics.usage_chunk_kept.labels("compressed").inc()
        return None
    return UsageFilter()


def _tell(loop: asyncio.AbstractEventLoop, waiting: "asyncio.Future[None]", _on_disk: bool) -> None:
    """From the spool's thread: the commit is over. Whether the disk took it is the spool's to count; the reply goes out."""
    loop.call_soon_threadsafe(_settle, waiting)


def _settle(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():  # the client may have left meanwhile
        waiting.set_result(None)
