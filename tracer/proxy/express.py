"""Plain calls, answered without a task: what nearly every call is.

The general way (forward.py) can wait anywhere, for a body, a connection, a cache, a retry, and pays for it with a task that is
made and woken, and with a dozen coroutines that hand the call on. A plain call waits for two things only, the head of the reply
and its pieces, and both are told by the upstream's connection. So it is a Passage: `answered`, then a Relay, then `_over`.

    client's connection ─► Express ─► Passage ─► upstream's connection ─► Passage.answered ─► Relay ─► Passage._over ─► spool

Taken is what went the general way before: the first call with some headers goes there, and what is found out about them is
remembered (profile.py). From then on a call is taken if that says nothing special (Way.plain), its whole body has come with its
head, and a connection to the upstream is open. Whatever turns out not to be plain after all, an error to be explained, a
connection that was closed, a provider that objects to the usage option, goes on in the general way from where it is.

Invariant: the bytes at both ends and the record are the same on either way (tests/proxy/test_express.py).
"""

import time
from collections.abc import Awaitable, Callable

from aiohttp.http import HttpVersion11

from tracer.proxy.accept import accept
from tracer.proxy.answer import Order
from tracer.proxy.ask import Question, closed_before, going_up, may_object, note_asked_again
from tracer.proxy.body import ASKABLE, SMALL, Sent, read_json
from tracer.proxy.client import Over
from tracer.proxy.downstream import ClientLeft
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.forward import Forwarder, note_standing, note_way
from tracer.proxy.profile import Standing, Way
from tracer.proxy.refused import Refused
from tracer.proxy.relay import Relay, Relaying
from tracer.proxy.reply import Reply
from tracer.proxy.request import Request
from tracer.proxy.route import model_prefix
from tracer.proxy.tee import Whole
from tracer.proxy.upstream import Connection
from tracer.registry.records import Snapshot

# The OpenAI door's endpoints that are called often.
PATHS = ASKABLE | {"/v1/embeddings", "/v1/responses", "/v1/moderations"}


class Express:
    """Takes plain calls for a forwarder."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self.pool = forwarder.answerer.pool
        self._registry: Callable[[], Snapshot] = forwarder.registry
        self._keep_content = forwarder.settings.capture == "full"
        self._longest = forwarder.settings.max_request_bytes

    def __call__(self, request: Request, over: Over) -> "Passage | None":
        """Begin to answer a request, if it is plain; `over` as in client.py."""
        known = self._known(request)
        if known is None:
            return None
        standing, way = known
        began_ns = time.perf_counter_ns()
        data = request.body = request.content.read_nowait()
        path = request.message.path
        parsed = None
        if path in ASKABLE:
            try:
                parsed = read_json(data) if request.profile.is_json else None
            except Refused:
                return None
            if isinstance(parsed, dict) and model_prefix(self.forwarder.routes, parsed.get("model"))[0]:
                return None
        elif len(data) > SMALL:
            return None
        if len(data) > self._longest or (connection := self.pool.take(way.target.origin)) is None:
            return None
        flight = accept(request, "openai", keep_content=self._keep_content, began_ns=began_ns)
        note_standing(flight, standing)
        note_way(flight, way)
        flight.request, flight.reused = Whole(data, None), True
        flight.request_end_ns = flight.clock()
        question = Question(request, way.target, way.keys, path, way=way)
        sent = Sent(data, None, parsed)
        asking = self.forwarder.asking_for_usage(sent, question)
        order = Order(request, flight, question, sent, asking, standing.caller)
        self.forwarder.recorder.began(flight)
        passage = Passage(self, order, connection, over)
        passage.begin()
        return passage

    def _known(self, request: Request) -> tuple[Standing, Way] | None:
        """Who asks and where it goes, if the request can be taken."""
        message = request.message
        if message.path not in PATHS or message.method != "POST" or message.version != HttpVersion11 or not request.has_body:
            return None
        profile, content = request.profile, request.content
        way, standing = profile.way, profile.standing
        if way is None or standing is None or not way.plain or not content.is_eof() or content.exception() is not None:
            return None
        return (standing, way) if standing.snapshot is self._registry() and standing.of is self.forwarder else None


class Passage:
    """One plain call under way; see the head of this file."""

    __slots__ = ("_connection", "_express", "_order", "_over", "_relay")

    def __init__(self, express: Express, order: Order, connection: Connection, over: Over) -> None:
        self._express = express
        self._order = order
        self._connection = connection
        self._over = over
        self._relay: Relay | None = None

    def begin(self) -> None:
        """Send the request up."""
        order, flight = self._order, self._order.flight
        head, body = going_up(order.question, order.sent, order.asking, flight)
        flight.sent_ns = flight.clock()
        self._connection.send(head, body, self.answered)

    def answered(self, reply: Reply | UpstreamFailed) -> None:
        """The head of the reply is there, or what kept it from coming."""
        order = self._order
        flight = order.flight
        if not isinstance(reply, Reply):
            self._unanswered(reply)
            return
        flight.headers_ns = flight.clock()
        flight.raw_response_headers = reply.raw_headers
        if order.asking is not None and may_object(reply):
            self._go_on(self._express.forwarder.answerer.carry_on(order, self._connection, reply))
            return
        try:
            how = Relaying(self._express.forwarder.recorder, self._express.forwarder.answerer.capture_bytes)
            self._relay = Relay(order.request, flight, reply, how, self._relayed)
            self._relay.start()
        except Exception as error:
            # The request edge, where no task is: the general way knows what to do with whatever went wrong.
            self._connection.close()
            self._go_on(_raising(error))

    def client_left(self) -> None:
        """The client's connection has ended."""
        self._order.flight.client_left()
        self._cut()

    def stop(self) -> None:
        """Tracer is being stopped."""
        self._order.flight.stopped()
        self._cut()
        self._over(False)

    def _cut(self) -> None:
        if self._relay is not None:
            self._relay.stop()
        self._connection.close()
        self._record()

    def _unanswered(self, error: UpstreamFailed) -> None:
        flight = self._order.flight
        if closed_before(self._connection, error, flight):
            note_asked_again(flight)
            self._go_on(self._express.forwarder.answerer(self._order))
        else:
            self._go_on(_raising(error))

    def _relayed(self, error: UpstreamFailed | ClientLeft | None) -> None:
        self._express.pool.give_back(self._order.question.target.origin, self._connection)
        if isinstance(error, UpstreamFailed):
            self._go_on(_raising(error))
            return
        if error is not None:
            self._order.flight.client_left()
        self._record()
        assert self._relay is not None
        self._over(error is None and self._relay.keeps_alive)

    def _record(self) -> None:
        self._express.forwarder.recorder.over(self._order.flight)

    def _go_on(self, answer: Awaitable[bool]) -> None:
        """In the general way."""
        order = self._order
        order.request.connection.go_on(order.request, self._express.forwarder.see_through(order.request, order.flight, answer))


async def _raising(error: Exception) -> bool:
    raise error
