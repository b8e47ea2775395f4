"""WebSocket upgrades (`/v1/realtime`, and `/v1/responses`, which is both): messages pass both ways, one record is left.

The upstream is asked first, so a refusal reaches the client as an ordinary reply. Frames are taken apart and put together again
by aiohttp at both ends: messages, their kinds, order and the close code are the peer's; fragmentation and compression are each
connection's own. aiohttp would answer a close by itself, with 1000 whatever was said, so `autoclose` is off.
"""

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tracer.proxy.ask import Question
from tracer.proxy.credentials import offered_upstream
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import NO_COPY, Flight
from tracer.proxy.pool import Pool
from tracer.proxy.replies import CALL_ID, TRACE_ID, Plain, failure, header_safe
from tracer.proxy.request import Request
from tracer.records import Outcome

# Realtime audio comes in pieces of some 100 kB; OpenAI's limit for one event is 15 MB.
LARGEST_MESSAGE = 16 << 20
_HANDSHAKE = frozenset(
    ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol", "content-length"]
)
_CONTENT = frozenset({aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY})
# Close codes by which a server says that it failed: internal error, restart, overload, bad gateway.
_FAILURES = frozenset({1011, 1012, 1013, 1014})

Side = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


@dataclass(slots=True)
class _Count:
    """What passed in one direction."""

    messages: int = 0
    bytes: int = 0
    first_ns: int = 0


def is_upgrade(request: Request) -> bool:
    """Whether a request asks to become a WebSocket."""
    asked = request.headers.get("Upgrade")
    if request.method != "GET" or asked is None or asked.lower() != "websocket":
        return False
    return "upgrade" in request.headers.get("Connection", "").lower()


async def relay(question: Question, flight: Flight, pool: Pool) -> Plain | None:
    """Connect both sides and pass messages until one closes; the reply to send instead, if the upstream would not have it."""
    request = question.request
    flight.websocket = True
    flight.request_end_ns = flight.clock()
    offered = offered_upstream(request.headers.get("Sec-WebSocket-Protocol", ""))
    sent = CIMultiDict(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in question.headers(flight, _HANDSHAKE)
    )
    try:
        upstream = await pool.session.ws_connect(
            URL(question.url, encoded=True), headers=sent, protocols=offered, max_msg_size=LARGEST_MESSAGE, autoclose=False
        )
    except (aiohttp.ClientError, TimeoutError) as error:
        flight.headers_ns = flight.clock()
        return _refused(flight, error)
    flight.headers_ns = flight.clock()
    async with upstream:
        await _connected(request, flight, upstream)
    return None


def _refused(flight: Flight, error: Exception) -> Plain:
    """The upstream's own status if it has one; else what kept us from reaching it."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        failed = UpstreamFailed("websocket_refused", error)
        flight.status = error.status if error.status >= 400 else failed.failure.status
    else:
        failed = UpstreamFailed("connect_timeout" if isinstance(error, TimeoutError) else "connect_refused", error)
        flight.status = failed.failure.status
    message = failed.message(flight.upstream)
    flight.end(failed.failure.outcome, failed.kind, message)
    trace_id, call_id = flight.trace.trace_id, str(flight.call_id)
    return failure(flight.status, failed.kind, message, trace_id=trace_id, call_id=call_id, retry=failed.failure.retry)


async def _connected(request: Request, flight: Flight, upstream: aiohttp.ClientWebSocketResponse) -> None:
    chosen = (upstream.protocol,) if upstream.protocol else ()
    client = web.WebSocketResponse(protocols=chosen, max_msg_size=LARGEST_MESSAGE, autoclose=False)
    client.headers[TRACE_ID] = header_safe(flight.trace.trace_id)
    client.headers[CALL_ID] = str(flight.call_id)
    flight.status = 101
    request.begun = True
    await client.prepare(request.for_aiohttp())
    # Counted, not kept: a realtime session is audio and events for an hour.
    up, down = _Count(), _Count()
    talk = _Talk(client, upstream, flight)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(talk.pump(client, upstream, up))
            group.create_task(talk.pump(upstream, client, down))
    finally:
        flight.request, flight.response = NO_COPY._replace(size=up.bytes), NO_COPY._replace(size=down.bytes)
        flight.messages_up, flight.messages_down = up.messages, down.messages
        flight.first_byte_ns = down.first_ns
        flight.upstream_end_ns = flight.clock()


@dataclass(slots=True)
class _Talk:
    """The two sides of a conversation. Whoever ends it first says how it ended."""

    client: web.WebSocketResponse
    upstream: aiohttp.ClientWebSocketResponse
    flight: Flight
    ended: bool = False

    async def pump(self, source: Side, sink: Side, count: _Count) -> None:
        """Messages from one side to the other until the source ends; then both are closed as the source was."""
        while (message := await source.receive()).type in _CONTENT:
            count.first_ns = count.first_ns or self.flight.clock()
            count.messages += 1
            try:
                if message.type is aiohttp.WSMsgType.TEXT:
                    count.bytes += len(message.data.encode())
                    await sink.send_str(message.data)
                else:
                    count.bytes += len(message.data)
                    await sink.send_bytes(message.data)
            except ConnectionError:
                return  # the other side has gone; its own pump says how
        if self.ended:
            return  # by the other side, which closed this one too
        self.ended = True
        broken = message.type is not aiohttp.WSMsgType.CLOSE
        code = aiohttp.WSCloseCode.INTERNAL_ERROR if broken else message.data or aiohttp.WSCloseCode.OK
        self._note(source, broken, code)
        reason = b"" if broken else (message.extra or "").encode()
        # The client last: when its connection ends, aiohttp cancels all of this.
        await self.upstream.close(code=code, message=reason)
        await self.client.close(code=code, message=reason)

    def _note(self, source: Side, broken: bool, code: int) -> None:
        if source is self.client:
            self.flight.client_left() if broken else self.flight.end(Outcome.OK)
        elif broken or code in _FAILURES:
            how = "broke" if broken else f"was closed with {code}"
            self.flight.end(Outcome.STREAM_ERROR, "websocket_closed", f"the WebSocket to {self.flight.upstream} {how}")
        else:
            self.flight.end(Outcome.OK)
