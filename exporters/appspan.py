"""An application's own span as an OpenTelemetry span, under the ids that calls of its trace derive too. Pure.

- INTERNAL: the application's own work, where a call is a CLIENT's.
- Only what has ended can be sent: OpenTelemetry has no unfinished spans, and of two with the same ids some backends keep the
  first. Until then a span is in SQL only.
- The span that it ran in by W3C ids, if it names one, is a link. It is no parent: one trace of an application may take many
  requests, each a W3C trace of its own, and would fall apart.
- Input, output and what was expected are content, and sent only where content is.

ReadableSpan says that users should not build it. There is no other public way to a root span with chosen ids
(open-telemetry/opentelemetry-python#4963).
"""

import re

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.status import Status, StatusCode

from exporters import semconv
from exporters.attributes import LOW_CARDINALITY, Attributes, encodable
from exporters.span import DESCRIPTION_CHARS, SCOPE, span_context
from tracer.signals import AppSpan

_HEX_32 = re.compile(r"(?!0{32})[0-9a-f]{32}")
_HEX_16 = re.compile(r"(?!0{16})[0-9a-f]{16}")
_CONTENT = (
    (semconv.TRACER_SPAN_INPUT, "input"),
    (semconv.TRACER_SPAN_OUTPUT, "output"),
    (semconv.TRACER_SPAN_EXPECTED, "expected"),
)
_COPIED = (
    (semconv.TRACER_TRACE_ID, "trace_id"),
    (semconv.TRACER_SPAN_ID, "id"),
    (semconv.TRACER_PARENT_SPAN_ID, "parent_id"),
    (semconv.TRACER_KEY_ID, "key_id"),
    (semconv.TRACER_SPAN_TYPE, "type"),
    (semconv.TRACER_SPAN_STATUS, "status"),
    (semconv.TRACER_SPAN_GROUP_ID, "group_id"),
    (semconv.TRACER_SPAN_ACCOUNT, "account"),
    (semconv.TRACER_SPAN_VARIANT_ID, "application_variant_id"),
    (semconv.TRACER_SPAN_INTERACTION_ID, "application_interaction_id"),
    (semconv.TRACER_SPAN_METADATA, "metadata"),
)


def is_sent(span: AppSpan) -> bool:
    """Whether OTLP has a form for it."""
    return bool(span.end_ns)


def to_otel(span: AppSpan, resource: Resource, with_content: bool) -> ReadableSpan:
    """The span as OpenTelemetry's exporters take it."""
    trace_id = int(span.otel_trace_id, 16)
    parent = span_context(trace_id, span.otel_parent_span_id, is_remote=True) if span.parent_id else None
    return ReadableSpan(
        name=encodable(span.name),
        context=span_context(trace_id, span.otel_span_id, is_remote=False),
        parent=parent,
        resource=resource,
        attributes=app_attributes(span, with_content),
        links=_links(span),
        kind=SpanKind.INTERNAL,
        status=_status(span),
        start_time=span.start_ns // 1000 * 1000,  # to the microsecond, as in SQL
        end_time=max(span.end_ns, span.start_ns) // 1000 * 1000,
        instrumentation_scope=SCOPE,
    )


def app_attributes(span: AppSpan, with_content: bool) -> Attributes:
    """Everything that is said about it."""
    found: Attributes = {}
    for name, field in (*_COPIED, *_CONTENT) if with_content else _COPIED:
        if value := getattr(span, field):
            found[name] = encodable(value)
    for key, value in span.tags.items():
        found[f"{semconv.TRACER_METADATA}.{encodable(key)}"] = encodable(value)
    if span.status == "ERROR":
        kind = _told(span, "error_type")
        found[semconv.ERROR_TYPE] = kind if LOW_CARDINALITY.fullmatch(kind) else semconv.ERROR_TYPE_OTHER
    return found


def _status(span: AppSpan) -> Status:
    if span.status != "ERROR":
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, encodable(_told(span, "error_message")[:DESCRIPTION_CHARS]) or None)


def _told(span: AppSpan, key: str) -> str:
    """What the metadata says of a failure, as Scale's SDK writes it there."""
    try:
        metadata = orjson.loads(span.metadata or "{}")
    except orjson.JSONDecodeError:
        return ""
    value = metadata.get(key) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""


def _links(span: AppSpan) -> tuple[Link, ...]:
    if not (_HEX_32.fullmatch(span.obs_trace_id) and _HEX_16.fullmatch(span.obs_span_id)):
        return ()
    return (Link(span_context(int(span.obs_trace_id, 16), span.obs_span_id, is_remote=True)),)
