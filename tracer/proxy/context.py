"""Trace context and metadata of a request, from Portkey's headers and W3C's. Values in, values out.

- `x-portkey-*` wins over `traceparent` field by field; a malformed `traceparent`, `baggage` or metadata header is ignored.
- `traceparent` names the parent, not the span: the span gets a new id and the name "METHOD path".
- Without a span id, the end of the call's own id is used: unique and never empty. Ids are kept as sent and never used as keys,
  since callers repeat them (a Portkey Node client keeps one for all its calls).
- Metadata keys and values become text of at most 128 characters; `baggage` fills what the metadata header left out.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote
from uuid import UUID

import orjson

from tracer.ids import otel_span_id, otel_trace_id
from tracer.records import TraceContext
from tracer.redact import Secrets, shortened

LONGEST = 128
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def trace_context(
    headers: Mapping[str, str],
    method: str,
    path: str,
    call_id: UUID,
    new_trace_id: Callable[[], str],
    new_span_id: Callable[[], str],
    secrets: Secrets = (),
) -> TraceContext:
    """`headers` is case-insensitive; `new_trace_id` gives a random UUID, `new_span_id` 16 random hex digits."""
    sent = headers.get("traceparent")
    parent = _traceparent(sent) if sent else None
    metadata = _metadata(headers.get("x-portkey-metadata"), headers.get("baggage"), secrets)
    trace_id = text(headers.get("x-portkey-trace-id")) or (parent[0] if parent else new_trace_id())
    own = new_span_id() if parent else own_span_id(call_id)
    span_id = text(headers.get("x-portkey-span-id")) or own
    parent_id = text(headers.get("x-portkey-parent-span-id")) or (parent[1] if parent else "")
    name = text(headers.get("x-portkey-span-name")) or (f"{method} {path}" if parent else metadata.get("span_name") or "llm")
    ours = span_id is own
    return TraceContext(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        span_name=name,
        metadata=metadata,
        otel_trace_id=otel_trace_id(trace_id),
        otel_span_id=span_id if ours else otel_span_id(span_id),
        otel_parent_span_id=otel_span_id(parent_id) if parent_id else "",
        sampled=bool(int(parent[2], 16) & 1) if parent else True,
    )


def untraced(call_id: UUID, new_trace_id: str) -> TraceContext:
    """The context of a call that says nothing of one; `new_trace_id` is a UUID's text."""
    span_id = own_span_id(call_id)
    return TraceContext(
        trace_id=new_trace_id, span_id=span_id, otel_trace_id=new_trace_id.replace("-", ""), otel_span_id=span_id
    )


def own_span_id(call_id: UUID) -> str:
    """The span id of a call that was given none: the last 16 digits of its id, which are random and fit OTLP as they are."""
    return f"{call_id.int & 0xFFFF_FFFF_FFFF_FFFF:016x}"


def traceparent(trace: TraceContext) -> str:
    """The header that makes the upstream a child of our span."""
    return f"00-{trace.otel_trace_id}-{trace.otel_span_id}-{'01' if trace.sampled else '00'}"


def text(value: str | None) -> str:
    """A header's value as text that can be stored: bytes that are not UTF-8 become U+FFFD."""
    if value is None or value.isascii():
        return value or ""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _traceparent(value: str) -> tuple[str, str, str] | None:
    """(trace id, parent span id, flags), or None."""
    match = _TRACEPARENT.fullmatch(value.strip().lower())
    if not match:
        return None
    version, trace_id, span_id, flags = match.groups()
    if version == "ff" or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return trace_id, span_id, flags


def _metadata(value: str | None, baggage: str | None, secrets: Secrets) -> dict[str, str]:
    merged = _baggage(baggage) if baggage else {}
    if value:
        try:
            parsed = orjson.loads(text(value))
        except orjson.JSONDecodeError:
            parsed = None
        if isinstance(parsed, dict):
            merged.update((key, _plain(item)) for key, item in parsed.items())
    return {shortened(key, LONGEST, secrets): shortened(item, LONGEST, secrets) for key, item in merged.items()}


def _plain(value: object) -> str:
    """Text of a metadata value: null and other empty values are empty, objects and lists their JSON."""
    if not value and value is not False and value != 0:
        return ""
    try:
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
        return ""


def _baggage(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for member in value.split(","):
        key, separator, rest = member.partition("=")
        if separator and key.strip():
            found[text(key.strip())] = text(unquote(rest.partition(";")[0].strip()))
    return found
