"""A call's span as the object that OpenTelemetry's own encoder takes, from the parts that the exporter makes its bytes of."""

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from exporters import span
from exporters.attributes import Attributes, alike, own
from exporters.messages import content_attributes
from tracer.records import Call


def attributes(call: Call, with_content: bool) -> Attributes:
    """Everything that the span says about the call."""
    found = {**alike(call), **own(call)}
    if with_content and call.content is not None:
        found.update(content_attributes(call.content, call.operation))
    return found


def to_span(call: Call, resource: Resource, with_content: bool) -> ReadableSpan:
    trace_id, parent_id = int(call.otel_trace_id, 16), call.otel_parent_span_id
    start_ns = span.unix_ns(call.started_at)
    return ReadableSpan(
        name=span.span_name(call),
        context=span.span_context(trace_id, call.otel_span_id, is_remote=False),
        parent=span.span_context(trace_id, parent_id, is_remote=True) if parent_id else None,
        resource=resource,
        attributes=attributes(call, with_content),
        kind=SpanKind.CLIENT,
        status=span.status(call),
        start_time=start_ns,
        end_time=start_ns + max(0, round(call.duration_ms * 1e6)),
        instrumentation_scope=span.SCOPE,
    )
