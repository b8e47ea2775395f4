"""A call in flight: what forward.py notes while it works, and the Exchange that comes of it.

The note-taking half is mutable and cheap (one per request, on the event loop). `to_exchange` runs later on the spool's thread
and does what costs (keep.py): hiding secrets, replacing media, bounding, blanking when content is not to be kept.
"""

import copy
import random
import time
from array import array
from collections.abc import Sequence
from uuid import UUID

import msgspec

from tracer.ids import otel_span_id, otel_trace_id, uuid7
from tracer.patterns.redactor import Redactor
from tracer.proxy.context import own_span_id
from tracer.proxy.keep import Kept, keep, keep_whole, value
from tracer.proxy.streams import framing, was_whole
from tracer.proxy.tee import Copy, Tee, Whole
from tracer.records import Body, Exchange, Headers, Outcome, TraceContext
from tracer.redact import Secrets, hidden

# What is noted of one attempt to ask the upstream, and not of the call as a whole.
_OF_AN_ATTEMPT = (
    "status",
    "response",
    "response_headers",
    "outcome",
    "error_type",
    "error_message",
    "connect_ns",
    "reused",
    "sent_ns",
    "headers_ns",
    "first_byte_ns",
    "upstream_end_ns",
)
NO_COPY = Copy(b"", b"", 0, array("Q"), array("I"))
# What is noted of a body.
Noted = Tee | Copy | Whole


class Flight:
    """Notes on one call. Times are nanoseconds since it was accepted, by the monotonic clock.

    Defaults stand on the class and not in a generated __init__: one flight is made per call, and most of them stay so.
    """

    provider: str = ""
    upstream: str = ""
    key_hash: str = ""
    usage_requested: bool = False
    request: Noted = NO_COPY
    response: Noted = NO_COPY
    status: int = 0
    response_headers: Headers = ()
    outcome: Outcome | None = None
    error_type: str = ""
    error_message: str = ""
    request_end_ns: int = 0
    connect_ns: int = 0
    reused: bool = False  # the upstream connection had served before
    sent_ns: int = 0
    headers_ns: int = 0
    first_byte_ns: int = 0
    upstream_end_ns: int = 0
    client_gone_ns: int = 0
    end_ns: int = 0
    websocket: bool = False
    messages_up: int = 0
    messages_down: int = 0
    recorded: bool = False
    body_error: Exception | None = None  # why the request body could not be read to its end
    raw_response_headers: Sequence[tuple[bytes, bytes]] = ()  # as they came, for the cache
    original: Noted = NO_COPY  # the client's body, where another one was made of it
    prompt_id: str = ""
    prompt_version: str = ""
    cache_status: str = "DISABLED"
    key_id: str = ""
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        call_id: UUID,
        started_ns: int,
        began_ns: int,  # when the call was accepted, by the performance counter
        trace: TraceContext,
        door: str,
        method: str,
        path: str,
        request_headers: Headers,
        content: bool,
        client: str = "",
        attempt: int = 0,
        secrets: tuple[bytes, ...] = (),
    ) -> None:
        self.call_id = call_id
        self.started_ns = started_ns
        self.began_ns = began_ns
        self.trace = trace
        self.door = door
        self.method = method
        self.path = path
        self.request_headers = request_headers
        self.content = content
        self.client = client
        self.attempt = attempt
        self.secrets = secrets

    def clock(self) -> int:
        """Nanoseconds since the call was accepted."""
        return time.perf_counter_ns() - self.began_ns

    def end(self, outcome: Outcome, error_type: str = "", message: str = "") -> None:
        """Note how the call ended. The first word counts: what follows a failure is its consequence."""
        if self.outcome is None:
            self.outcome, self.error_type, self.error_message = outcome, error_type, message

    def client_left(self) -> None:
        """Note that the client has closed. One that had the whole answer may: OpenAI's SDK does at `[DONE]`, without
        waiting for the end of the body."""
        self.client_gone_ns = self.client_gone_ns or self.clock()
        seen = copy_of(self.response)
        self.end(Outcome.OK if was_whole(seen.head + seen.tail) else Outcome.CLIENT_GONE)

    def stopped(self) -> None:
        """Note that Tracer itself was stopped."""
        self.end(Outcome.UPSTREAM_ERROR, "shutdown", "Tracer was stopped before the call ended")

    def attempt_failed(self, began_ns: int, number: int) -> "Flight":
        """Another flight with all that was noted since `began_ns`: an attempt that failed, as a child of this call. What was
        noted of it is forgotten here, so that the next attempt starts clean."""
        started_ns = self.started_ns + began_ns
        attempt = copy.copy(self)
        attempt.call_id = uuid7(started_ns, random.getrandbits(80))
        attempt.started_ns = started_ns
        attempt.began_ns = self.began_ns + began_ns
        span_id = own_span_id(attempt.call_id)
        attempt.trace = msgspec.structs.replace(
            self.trace,
            span_id=span_id,
            otel_span_id=span_id,
            parent_span_id=self.trace.span_id,
            otel_parent_span_id=self.trace.otel_span_id,
            span_name=f"attempt {number + 1}",
        )
        for name in _OF_AN_ATTEMPT:
            self.__dict__.pop(name, None)  # back to the default on the class
            if (value := getattr(attempt, name)) and name.endswith("_ns") and name != "connect_ns":
                setattr(attempt, name, value - began_ns)
        attempt.request_end_ns = 0
        attempt.notes = (*self.notes, f"attempt {number + 1} of call {self.call_id}")
        return attempt

    @property
    def is_stream(self) -> bool:
        return framing(value(self.response_headers, "content-type"), self.path) is not None


_encoder = msgspec.msgpack.Encoder()


def encode(flight: Flight, capture_bytes: int, redactor: Redactor | None = None) -> bytes:
    """The spooled form of a finished flight. No secret of the call is in it, nor anything that the redactor finds."""
    exchange = to_exchange(flight, capture_bytes)
    if redactor is not None:
        # Secrets first: of one in which a kind is found, the rest would be recognised by nobody.
        return _encoder.encode(redactor.exchange(_hidden(exchange, flight.secrets) if flight.secrets else exchange))
    encoded = _encoder.encode(exchange)
    for secret in flight.secrets:  # one look at all of it is cheaper than one at each text and body
        if secret in encoded:
            return _encoder.encode(_hidden(exchange, flight.secrets))
    return encoded


def to_exchange(flight: Flight, capture_bytes: int) -> Exchange:
    """What may be kept of a finished flight, its bodies bounded by `capture_bytes`; secrets may be in it yet."""
    request = _kept(flight, flight.request, flight.request_headers, capture_bytes)
    response = _kept(flight, flight.response, flight.response_headers, capture_bytes)
    return Exchange(
        call_id=flight.call_id,
        started_ns=flight.started_ns,
        trace=flight.trace,
        door=flight.door,
        provider=flight.provider,
        upstream=flight.upstream,
        method=flight.method,
        path=flight.path,
        client=flight.client,
        attempt=flight.attempt,
        key_hash=flight.key_hash,
        content=flight.content,
        usage_requested_by_us=flight.usage_requested,
        request_headers=request.headers,
        request=request.body,
        status=flight.status,
        response_headers=response.headers,
        response=response.body,
        chunks=response.chunks,
        outcome=flight.outcome or Outcome.OK,
        error_type=flight.error_type,
        error_message=flight.error_message,
        request_end_ns=flight.request_end_ns,
        connect_ns=flight.connect_ns,
        sent_ns=flight.sent_ns,
        headers_ns=flight.headers_ns,
        first_byte_ns=flight.first_byte_ns,
        upstream_end_ns=flight.upstream_end_ns,
        client_gone_ns=flight.client_gone_ns,
        end_ns=flight.end_ns,
        websocket=flight.websocket,
        messages_up=flight.messages_up,
        messages_down=flight.messages_down,
        original=_kept_original(flight, capture_bytes),
        prompt_id=flight.prompt_id,
        prompt_version=flight.prompt_version,
        cache_status=flight.cache_status,
        key_id=flight.key_id,
        notes=flight.notes,
    )


def copy_of(noted: Noted) -> Copy:
    """The copy of a body as far as it has been noted."""
    return noted if isinstance(noted, Copy) else noted.copy()


def _kept(flight: Flight, noted: Noted, headers: Headers, limit: int) -> Kept:
    if type(noted) is Whole and flight.content and (kept := keep_whole(noted, headers, limit=limit, secrets=flight.secrets)):
        return kept
    return keep(copy_of(noted), headers, content=flight.content, limit=limit, secrets=flight.secrets)


def _kept_original(flight: Flight, limit: int) -> Body:
    return Body() if flight.original is NO_COPY else _kept(flight, flight.original, flight.request_headers, limit).body


def _hidden(exchange: Exchange, secrets: Secrets) -> Exchange:
    """An exchange without secrets: callers put keys into metadata, providers echo them in headers and errors."""

    def hide(text: str) -> str:
        return hidden(text.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")

    def hide_values(headers: Headers) -> Headers:
        return tuple((name, hide(text)) for name, text in headers)

    def hide_body(body: Body) -> Body:
        return msgspec.structs.replace(body, head=hidden(body.head, secrets), tail=hidden(body.tail, secrets))

    trace = exchange.trace
    trace_id, span_id, parent_id = hide(trace.trace_id), hide(trace.span_id), hide(trace.parent_span_id)
    return msgspec.structs.replace(
        exchange,
        trace=msgspec.structs.replace(
            trace,
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=parent_id,
            span_name=hide(trace.span_name),
            metadata={hide(key): hide(text) for key, text in trace.metadata.items()},
            otel_trace_id=otel_trace_id(trace_id),
            otel_span_id=otel_span_id(span_id),
            otel_parent_span_id=otel_span_id(parent_id) if parent_id else "",
        ),
        path=hide(exchange.path),
        client=hide(exchange.client),
        request_headers=hide_values(exchange.request_headers),
        response_headers=hide_values(exchange.response_headers),
        error_message=hide(exchange.error_message),
        request=hide_body(exchange.request),
        response=hide_body(exchange.response),
        original=hide_body(exchange.original),
    )
