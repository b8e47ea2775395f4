"""A Call as the bytes of an OpenTelemetry span. Pure, no I/O, no clock.

One CLIENT span per call, with the ids that were derived when the call was accepted, so the same call always gives the same
span, however often it is sent, and the same ids as its row in SQL.

Rules
- The name is the conventions' `{operation} {model}`; the name that the caller sent is `tracer.span_name`.

Two thirds of what a span says, it says like many others (`alike` in attributes.py). That part is looked up by the fields that
it is made of and not made again.
"""

from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from exporters import semconv, wire
from exporters.attributes import SUCCESS, alike, encodable, of_many, own
from exporters.messages import content_attributes
from tracer import __version__
from tracer.records import Call

SCOPE = InstrumentationScope("tracer", __version__, semconv.SCHEMA_URL)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DESCRIPTION_CHARS = 1024

_MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 4096

_remembered: dict[tuple[object, ...], tuple[str, bytes]] = {}


def encode(call: Call, with_content: bool) -> bytes:
    """The span of one call; message content is on it only if `with_content`.

    Raises UnicodeEncodeError, TypeError or struct.error for what a span cannot hold.
    """
    name, shared = _name_and_shared(call)
    said = own(call)
    if with_content and call.content is not None:
        said.update(content_attributes(call.content, call.operation))
    start_ns = unix_ns(call.started_at)
    return wire.message(
        trace_id=int(call.otel_trace_id, 16),
        span_id=int(call.otel_span_id, 16),
        parent_id=int(call.otel_parent_span_id, 16) if call.otel_parent_span_id else 0,
        parent_is_remote=True,
        name=name,
        kind=SpanKind.CLIENT,
        start_ns=start_ns,
        end_ns=start_ns + max(0, round(call.duration_ms * 1e6)),
        attributes=shared + wire.attributes(said),
        status=status(call),
    )


def _name_and_shared(call: Call) -> tuple[str, bytes]:
    key = of_many(call)
    found = _remembered.get(key)
    if found is None:
        found = span_name(call), wire.attributes(alike(call))
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        if len(found[1]) <= _LONGEST_REMEMBERED:
            _remembered[key] = found
    return found


def span_name(call: Call) -> str:
    """The conventions' name of it."""
    if call.operation:
        return encodable(f"{call.operation} {call.request_model}".rstrip())
    return encodable(f"{call.method} {call.endpoint.partition('?')[0]}".strip() or call.span_name)


_UNSET = Status(StatusCode.UNSET)


def status(call: Call) -> Status:
    """Unset for what went well, as the conventions ask."""
    if call.outcome in SUCCESS:
        return _UNSET
    reason = call.error_message or call.error_type or call.outcome
    return Status(StatusCode.ERROR, encodable(reason[:DESCRIPTION_CHARS]))


def span_context(trace_id: int, span_id: str, is_remote: bool) -> SpanContext:
    """Ids as OpenTelemetry's exporters take them; they skip a span that is not marked as sampled."""
    return SpanContext(trace_id, int(span_id, 16), is_remote, TraceFlags(TraceFlags.SAMPLED))


def unix_ns(moment: datetime) -> int:
    """Exact: a float of seconds since the epoch is off by some hundred nanoseconds."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000
