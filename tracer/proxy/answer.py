"""Where a call's reply comes from: the cache, or the upstream, asked as often as the caller's config wants."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from multidict import CIMultiDict

from tracer.cache.cache import Cache
from tracer.cache.entry import Entry
from tracer.cache.key import cache_key, identity
from tracer.cache.rule import Rule
from tracer.proxy.ask import Question, accepted, ask
from tracer.proxy.body import Sent
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight, copy_of
from tracer.proxy.headers import HeaderList, RawHeaders
from tracer.proxy.pool import Pool
from tracer.proxy.portkey_config import Retry
from tracer.proxy.recorder import Recorder
from tracer.proxy.relay import Filter, Relaying, relay
from tracer.proxy.replies import RETRY_COUNT
from tracer.proxy.reply import Receiver, Reply
from tracer.proxy.request import Request
from tracer.proxy.retry import ask_until
from tracer.proxy.upstream import Connection
from tracer.records import Outcome
from tracer.registry.records import Caller

_NOTHING: frozenset[str] = frozenset()
_CODING = frozenset({"accept-encoding"})


class Order(NamedTuple):
    """A call that is ready to be made. `asking`: the body with the usage option in it, where that is to be asked for."""

    request: Request
    flight: Flight
    question: Question
    sent: Sent
    asking: bytes | None
    caller: Caller
    filters: Sequence[Filter] = ()
    retry: Retry | None = None
    rule: Rule | None = None  # of the cache; None = not from there


@dataclass(slots=True)
class Answerer:
    """Fetches replies and passes them on. `refusing` remembers hosts that do not take the usage option."""

    pool: Pool
    cache: Cache
    recorder: Recorder
    capture_bytes: int
    refusing: set[str] = field(default_factory=set)

    async def __call__(self, order: Order) -> bool:
        """Answer; whether the connection may serve another request. Raises UpstreamFailed, Refused, BodyLost, ClientLeft."""
        key = _cache_key(order) if order.rule else None
        if key is None or order.rule is None:
            return await self._from_upstream(order)
        flight = order.flight
        async with self.cache.turn(key, order.rule) as turn:
            flight.cache_status = turn.status
            if turn.entry is not None:
                return await self._replay(order, turn.entry)
            try:
                return await self._from_upstream(order)
            finally:
                usage = flight.usage_requested or _asks_for_usage(order.sent.parsed)
                seen = copy_of(flight.response)
                whole = None if seen.truncated else seen.head + seen.tail
                turn.keep(flight.status, flight.raw_response_headers, whole, call_id=str(flight.call_id), usage_requested=usage)

    async def carry_on(self, order: Order, connection: Connection, reply: Reply) -> bool:
        """Answer from a reply whose head is there, and that may object to the usage option."""
        question, flight = order.question, order.flight
        found = accepted(self.pool, question, order.sent, order.asking, flight, self.refusing, connection, reply)
        return await self._passed_on(order, *await found)

    async def _from_upstream(self, order: Order) -> bool:
        question, flight = order.question, order.flight
        asked = partial(ask, self.pool, question, order.sent, order.asking, flight, self.refusing)
        try:
            if order.retry is None or order.sent.pieces is not None:
                return await self._passed_on(order, *await asked())
            origin = question.target.origin
            (connection, reply), retries = await ask_until(asked, order.retry, flight, self.recorder, self.pool, origin)
            return await self._passed_on(order, connection, reply, [(RETRY_COUNT.encode(), b"%d" % retries)])
        except UpstreamFailed as error:
            if flight.body_error:
                raise flight.body_error from error
            raise

    async def _passed_on(self, order: Order, connection: Connection, reply: Reply, added: HeaderList | None = None) -> bool:
        order.flight.raw_response_headers = reply.raw_headers
        try:
            how = Relaying(self.recorder, self.capture_bytes, order.filters, added)
            return await relay(order.request, order.flight, reply, how)
        finally:
            self.pool.give_back(order.question.target.origin, connection)

    async def _replay(self, order: Order, entry: Entry) -> bool:
        """The stored bytes again. Of two callers who share an entry one may not have asked for usage: from his it is taken."""
        flight = order.flight
        flight.end(Outcome.CACHE_HIT)
        flight.usage_requested = entry.usage_requested and order.asking is not None
        return await relay(
            order.request, flight, StoredReply(entry), Relaying(self.recorder, self.capture_bytes, order.filters)
        )


class StoredReply:
    """A reply from the cache, passed on like an upstream's."""

    status = 200
    reason = "OK"
    complete = True

    def __init__(self, entry: Entry) -> None:
        headers = CIMultiDict(entry.headers)
        self.content_type: str = headers.get("Content-Type", "")
        self.content_encoding: str = headers.get("Content-Encoding", "")
        self.length: int | None = len(entry.body)
        length = (b"Content-Length", b"%d" % len(entry.body))
        self.raw_headers: RawHeaders = [*((name.encode(), value.encode()) for name, value in entry.headers), length]
        self._body = entry.body

    def pass_to(self, receiver: Receiver) -> None:
        if self._body:
            receiver.piece(self._body)
        receiver.end()

    def hold(self) -> None:
        """The whole of it is there: nothing to hold."""

    def go_on(self) -> None:
        """Nothing was held."""


def _cache_key(order: Order) -> str | None:
    body = order.asking or order.sent.data
    if body is None or order.rule is None:
        return None
    question, caller = order.question, order.caller
    return cache_key(
        order.rule,
        identity=identity(caller.workspace, caller.key_id, order.flight.key_hash),
        method=order.request.method,
        url=question.url,
        body=body,
        # Where the usage is asked for, the stream is asked for uncompressed, whatever the caller takes (ask.py).
        headers=question.headers(order.flight, _CODING if order.asking else _NOTHING),
        added=question.added,
    )


def _asks_for_usage(parsed: object) -> bool:
    options = parsed.get("stream_options") if isinstance(parsed, dict) else None
    return isinstance(options, dict) and options.get("include_usage") is True
