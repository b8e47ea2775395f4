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

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tracer import metrics
from tracer.config import Settings
from tracer.proxy import body, headers, websocket
from tracer.proxy.accept import accept, target_path
from tracer.proxy.context import traceparent
from tracer.proxy.credentials import Credentials, credentials
from tracer.proxy.flight import Flight
from tracer.proxy.providers import StreamUsage
from tracer.proxy.replies import ABSENT, CALL_ID, TRACE_ID, failure, header_safe
from tracer.proxy.route import Refused, Routes, Target, choose, portkey_config
from tracer.proxy.stream_usage import UsageFilter, with_usage_requested
from tracer.proxy.tee import Tee
from tracer.proxy.upstream import ERRORS, Upstreams, explain, unhung
from tracer.records import Outcome
from tracer.spool.writer import Writer

_log = logging.getLogger(__name__)

# A reply of known length up to this is sent in one write; if it breaks half-way the client gets a clear error instead.
SHORT_REPLY = 256 << 10
# An error reply is read this far to see whether the provider objects to the usage option.
_ERROR_BYTES = 64 << 10
# Header and bookkeeping of a record, for the bound on records that wait for the disk.
_RECORD_OVERHEAD = 2048
_NO_BODY = frozenset({204, 304})


class ClientLeft(Exception):
    """The client's connection broke while we wrote to it."""


@dataclass(slots=True)
class Forwarder:
    """Serves the OpenAI door. One per worker; `refusing` remembers hosts that do not take the usage option."""

    settings: Settings
    routes: Routes
    upstreams: Upstreams
    spool: Writer[Flight]
    refusing: set[str] = field(default_factory=set)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        flight = accept(request, "openai", keep_content=self.settings.capture == "full")
        metrics.open_requests.inc()
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
            metrics.open_requests.dec()
            self._record(flight)

    async def _serve(self, request: web.BaseRequest, flight: Flight) -> web.StreamResponse:
        target = choose(self.routes, request.headers)
        flight.provider, flight.upstream = target.slug, target.host
        keys = credentials(request.headers, target, self.settings.keys)
        flight.key_hash, flight.secrets = keys.key_hash, keys.secrets
        path = target_path(request)
        if websocket.is_upgrade(request):
            return await websocket.relay(
                request, flight, self.upstreams, _url(target, path), self._headers(request, flight, target, keys, frozenset())
            )
        limits = self.settings.max_request_bytes, self.settings.capture_bytes
        sent = await body.receive(request, flight, path.partition("?")[0], *limits)
        asking = self._asking_for_usage(sent, target)
        try:
            reply = await self._ask(request, flight, target, keys, path, sent, asking)
            first = b""
            if asking and reply.status in (400, 422):
                first = await reply.content.read(_ERROR_BYTES)
                if b"stream_options" in first or b"include_usage" in first:
                    reply.close()
                    self.refusing.add(target.host)
                    reply, first = await self._ask(request, flight, target, keys, path, sent, None), b""
        except ERRORS as error:
            if flight.body_error:
                raise flight.body_error from error
            return self._upstream_failed(request, flight, error)
        try:
            with unhung(reply):
                return await self._relay(request, flight, reply, first)
        finally:
            # Returns the connection to the pool after a whole reply, and closes it after anything else.
            reply.release() if reply.content.is_eof() else reply.close()

    def _asking_for_usage(self, sent: body.Sent, target: Target) -> bytes | None:
        """The request's body with the usage option in it, or None where it is not to be asked for."""
        wanted = target.provider.stream_usage is StreamUsage.ASK and target.host not in self.refusing
        return with_usage_requested(sent.data, sent.parsed) if wanted and sent.data and sent.parsed else None

    def _headers(
        self, request: web.BaseRequest, flight: Flight, target: Target, keys: Credentials, drop: frozenset[str]
    ) -> list[tuple[str, str]]:
        if keys.drop_authorization:
            drop |= {"authorization"}
        wanted = self.settings.propagate_traceparent
        propagate = target.slug in wanted or "*" in wanted
        sent = headers.upstream(request.raw_headers, drop=drop | {"traceparent"} if propagate else drop)
        if keys.header:
            sent.append(keys.header)
        if propagate:
            sent.append(("traceparent", traceparent(flight.trace)))
        return sent

    async def _ask(
        self,
        request: web.BaseRequest,
        flight: Flight,
        target: Target,
        keys: Credentials,
        path: str,
        sent: body.Sent,
        asking: bytes | None,
    ) -> aiohttp.ClientResponse:
        """Send the request up and wait for the head of the reply."""
        flight.usage_requested = asking is not None
        # To take the usage out again the stream must come uncompressed.
        changed = frozenset({"content-length", "accept-encoding"}) if asking is not None else frozenset[str]()
        out = self._headers(request, flight, target, keys, changed)
        if asking is not None:
            out += [("Accept-Encoding", "identity"), ("Content-Length", str(len(asking)))]
        data = asking or sent.data
        url = _url(target, path)
        async with asyncio.timeout(_time_limit(request)):
            reply = await self.upstreams.session(url).request(
                request.method,
                URL(url, encoded=True),
                headers=CIMultiDict(out),
                data=body.slices(data) if data else sent.pieces,
                allow_redirects=False,
                trace_request_ctx=flight,
            )
        flight.headers_ns = flight.clock()
        return reply

    async def _relay(
        self, request: web.BaseRequest, flight: Flight, reply: aiohttp.ClientResponse, first: bytes
    ) -> web.StreamResponse:
        flight.status = reply.status
        flight.response_headers = headers.recorded(reply.raw_headers)
        flight.response = tee = Tee(self.settings.capture_bytes)
        out = headers.downstream(reply.raw_headers)
        out += [(TRACE_ID, header_safe(flight.trace.trace_id)), (CALL_ID, str(flight.call_id))]
        pieces = _noted(reply, first, flight, tee)
        length = reply.content_length
        bodiless = request.method == "HEAD" or reply.status in _NO_BODY
        try:
            if length is not None and length <= SHORT_REPLY and not bodiless and not _is_event_stream(reply):
                return await self._relay_whole(request, flight, reply, out, pieces)
            return await self._relay_stream(request, flight, reply, out, pieces)
        except ERRORS as error:
            return self._upstream_failed(request, flight, error, in_stream=_is_event_stream(reply) and reply.status < 400)

    async def _relay_whole(
        self,
        request: web.BaseRequest,
        flight: Flight,
        reply: aiohttp.ClientResponse,
        out: list[tuple[str, str]],
        pieces: AsyncIterator[bytes],
    ) -> web.StreamResponse:
        data = b"".join([piece async for piece in pieces])
        self._note_status(flight)
        response = web.Response(status=reply.status, reason=reply.reason, headers=CIMultiDict(out), body=data)
        response[ABSENT] = _absent(reply)
        await self._durable(flight)
        await _client(response.prepare(request))
        await _client(response.write_eof())
        return response

    async def _relay_stream(
        self,
        request: web.BaseRequest,
        flight: Flight,
        reply: aiohttp.ClientResponse,
        out: list[tuple[str, str]],
        pieces: AsyncIterator[bytes],
    ) -> web.StreamResponse:
        usage = _usage_filter(flight, reply)
        if usage:
            out = [(name, value) for name, value in out if name.lower() != "content-length"]
        response = web.StreamResponse(status=reply.status, reason=reply.reason, headers=CIMultiDict(out))
        response[ABSENT] = _absent(reply)
        await _client(response.prepare(request))
        held = b""
        try:
            async for piece in pieces:
                if held:
                    await _client(response.write(held))
                held = usage.feed(piece) if usage else piece
                if held and not self._completes(held, flight, reply):
                    await _client(response.write(held))
                    held = b""
        except ERRORS:
            held += usage.close() if usage else b""
            if held:  # the client gets every byte that came before the cut
                await _client(response.write(held))
            raise
        held += usage.close() if usage else b""
        self._note_status(flight)
        await self._durable(flight)
        if held:
            await _client(response.write(held))
        await _client(response.write_eof())
        return response

    def _completes(self, piece: bytes, flight: Flight, reply: aiohttp.ClientResponse) -> bool:
        """Under `strict`: whether a client that has this piece has, or takes itself to have, the whole answer."""
        if self.settings.durability != "strict":
            return False
        assert isinstance(flight.response, Tee)
        return flight.response.size == reply.content_length or piece.rstrip().endswith(b"[DONE]")

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
        metrics.calls.labels(flight.door, flight.outcome).inc()
        metrics.added_seconds.observe(flight.added_ns() / 1e9)
        size = flight.request.size + flight.response.size + _RECORD_OVERHEAD
        if on_disk is None:
            self.spool.append(flight, size)
            return
        loop = asyncio.get_running_loop()
        self.spool.append(flight, size, partial(_tell, loop, on_disk))

    def _upstream_failed(
        self, request: web.BaseRequest, flight: Flight, error: BaseException, in_stream: bool = False
    ) -> web.StreamResponse:
        flight.upstream_end_ns = flight.clock()
        found = explain(error, flight.upstream)
        outcome = Outcome.STREAM_ERROR if in_stream and found.outcome is Outcome.UPSTREAM_ERROR else found.outcome
        flight.end(outcome, found.kind, found.message)
        return self._failed(request, flight, found.status, found.kind, found.message, found.retry)

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


async def _noted(reply: aiohttp.ClientResponse, first: bytes, flight: Flight, tee: Tee) -> AsyncIterator[bytes]:
    """The pieces of a reply as they arrive, noted in the tee."""
    if first:
        tee.add(first, flight.clock())
        yield first
    async for piece in reply.content.iter_any():
        now = flight.clock()
        if not flight.first_byte_ns:
            flight.first_byte_ns = now
        tee.add(piece, now)
        yield piece
    flight.upstream_end_ns = flight.clock()


async def _client(writing: "asyncio.Future[object] | object") -> None:
    """Await a write to the client; its failure is the client's, not the provider's, though aiohttp has one word for both."""
    try:
        await writing  # type: ignore[misc]
    except ConnectionError as error:
        raise ClientLeft from error


def _url(target: Target, path: str) -> str:
    return target.base_url + path.removeprefix("/v1")


def _time_limit(request: web.BaseRequest) -> float | None:
    """Seconds until the reply's head must be there, if the caller set a limit (in milliseconds)."""
    asked = request.headers.get("x-portkey-request-timeout") or portkey_config(request.headers).get("request_timeout")
    try:
        milliseconds = float(asked) if isinstance(asked, str | int | float) else 0.0
    except ValueError:
        return None
    return milliseconds / 1000 if milliseconds > 0 else None


def _is_event_stream(reply: aiohttp.ClientResponse) -> bool:
    return reply.headers.get("Content-Type", "").lower().startswith("text/event-stream")


def _usage_filter(flight: Flight, reply: aiohttp.ClientResponse) -> UsageFilter | None:
    if not flight.usage_requested or not _is_event_stream(reply):
        return None
    if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
        metrics.usage_chunk_kept.labels("compressed").inc()
        return None
    return UsageFilter()


def _absent(reply: aiohttp.ClientResponse) -> tuple[str, ...]:
    """The headers that aiohttp would make up and the provider did not send."""
    return tuple(name for name in ("Server", "Date", "Content-Type") if name not in reply.headers)


def _tell(loop: asyncio.AbstractEventLoop, waiting: "asyncio.Future[None]", _on_disk: bool) -> None:
    """From the spool's thread: the commit is over. Whether the disk took it is the spool's to count; the reply goes out."""
    loop.call_soon_threadsafe(_settle, waiting)


def _settle(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():  # the client may have left meanwhile
        waiting.set_result(None)
