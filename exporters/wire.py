"""Spans as bytes: OTLP's protobuf form, put together from remembered pieces. Pure.

OpenTelemetry's own encoder builds a message object for every attribute and takes some 130 us a span; nearly all of a
span's attributes have been seen before (models, providers, doors), and a protobuf message is the concatenation of its
fields, so the bytes of those are kept and joined: some 25 us. What the library makes of the same spans is what these
bytes must read as (tests/exporters/test_wire.py compares any span, field by field). The frame around the spans, the
resource and the scope, is the library's own, made once.

Traps
- Only strings are remembered: 1, 1.0 and True are one key to a cache, and three different values on the wire.
- Values that are different in every call (ids, hashes, content) would push the others out and are not remembered.
- A lone surrogate raises UnicodeEncodeError, a value of an unknown type TypeError, a time before 1970 struct.error; span.py
  leaves out integers beyond 64 bits.

Field numbers: opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto, which never change them.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import SpanFlags
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind
from opentelemetry.trace.status import Status
from opentelemetry.util.types import AttributeValue

from exporters import semconv

_UNIQUE: Final = frozenset(
    (
        semconv.GEN_AI_RESPONSE_ID,
        semconv.GEN_AI_CONVERSATION_ID,
        semconv.SESSION_ID,
        semconv.GEN_AI_INPUT_MESSAGES,
        semconv.GEN_AI_OUTPUT_MESSAGES,
        semconv.GEN_AI_SYSTEM_INSTRUCTIONS,
        semconv.GEN_AI_TOOL_DEFINITIONS,
        semconv.TRACER_CALL_ID,
        semconv.TRACER_TRACE_ID,
        semconv.TRACER_SPAN_ID,
        semconv.TRACER_PARENT_SPAN_ID,
        semconv.TRACER_REQUEST_HASH,
        semconv.TRACER_SPAN_INPUT,
        semconv.TRACER_SPAN_OUTPUT,
        semconv.TRACER_SPAN_EXPECTED,
        semconv.TRACER_SPAN_METADATA,
    )
)
_LONGEST_REMEMBERED = 256
_UINT64 = (1 << 64) - 1
# opentelemetry.trace.SpanKind begins with INTERNAL at 0, the protocol with UNSPECIFIED.
_KINDS: Final = {kind: b"\x30" + bytes((kind.value + 1,)) for kind in SpanKind}
_FLAGS: Final = int(SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
_REMOTE: Final = int(SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
_times = struct.Struct("<BQBQ").pack
_double = struct.Struct("<d").pack
_fixed32 = struct.Struct("<I").pack


class Frame:
    """What surrounds the spans of one resource and scope in a request."""

    def __init__(self, resource: Resource, scope: InstrumentationScope) -> None:
        context = SpanContext(1, 1, is_remote=False)
        made = encode_spans([ReadableSpan("", context, resource=resource, instrumentation_scope=scope)]).resource_spans[0]
        del made.scope_spans[0].spans[:]
        self._scope = made.scope_spans[0].SerializeToString()
        del made.scope_spans[:]
        self._resource = made.SerializeToString()

    def request(self, spans: Iterable[bytes]) -> bytes:
        """An ExportTraceServiceRequest of these encoded spans."""
        held = [self._scope]
        for span in spans:
            held += (b"\x12", _varint(len(span)), span)
        within = b"".join(held)
        scoped = b"".join((self._resource, b"\x12", _varint(len(within)), within))
        return b"\x0a" + _varint(len(scoped)) + scoped


def encode(span: ReadableSpan) -> bytes:
    """One Span message. Raises UnicodeEncodeError, TypeError or struct.error for what it cannot hold."""
    context, parent = span.context, span.parent
    assert context is not None, "made by appspan.py, which gives every span its ids"
    return message(
        trace_id=context.trace_id,
        span_id=context.span_id,
        parent_id=parent.span_id if parent is not None else 0,
        parent_is_remote=parent is not None and parent.is_remote,
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        attributes=attributes(span.attributes or {}),
        links=tuple(link.context for link in span.links),
        status=span.status,
    )


def message(
    *,
    trace_id: int,
    span_id: int,
    parent_id: int,
    parent_is_remote: bool,
    name: str,
    kind: SpanKind,
    start_ns: int,
    end_ns: int,
    attributes: bytes,
    status: Status,
    links: Sequence[SpanContext] = (),
) -> bytes:
    """One Span message with these encoded attributes; `parent_id` 0: a root. Raises as `encode` does."""
    fields = [b"\x0a\x10", trace_id.to_bytes(16, "big"), b"\x12\x08", span_id.to_bytes(8, "big")]
    if parent_id:
        fields += (b"\x22\x08", parent_id.to_bytes(8, "big"))
    fields += (_text(b"\x2a", name), _KINDS[kind], _times(0x39, start_ns, 0x41, end_ns), attributes)
    for link in links:
        ids = b"\x0a\x10" + link.trace_id.to_bytes(16, "big") + b"\x12\x08" + link.span_id.to_bytes(8, "big")
        fields.append(_message(b"\x6a", ids + b"\x35" + _fixed32(_flags(link.is_remote))))
    told = _text(b"\x12", status.description) if status.description else b""
    fields.append(_message(b"\x7a", told + (b"\x18" + bytes((status.status_code.value,)) if status.status_code.value else b"")))
    fields += (b"\x85\x01", _fixed32(_flags(parent_is_remote)))
    return b"".join(fields)


def attributes(found: Mapping[str, AttributeValue]) -> bytes:
    """The attributes as fields of a Span."""
    made: list[bytes] = []
    for name, value in found.items():
        kind = type(value)
        if kind is float:
            made += (_before_real(name), _double(value))
        elif kind is str and name not in _UNIQUE and len(value) <= _LONGEST_REMEMBERED:  # type: ignore[arg-type]
            made.append(_remembered(name, value))
        else:
            made.append(_attribute(name, value))
    return b"".join(made)


@lru_cache(maxsize=4096)
def _before_real(name: str) -> bytes:
    """All of an attribute but the eight bytes of its value, which are as many for every number."""
    return _attribute(name, 0.0)[:-8]


def _flags(is_remote: bool) -> int:
    return _FLAGS | _REMOTE if is_remote else _FLAGS


def _attribute(name: str, value: AttributeValue) -> bytes:
    pair = _key(name) + _message(b"\x12", _value(value))
    return _message(b"\x4a", pair)


@lru_cache(maxsize=16384)
def _remembered(name: str, value: str) -> bytes:
    return _attribute(name, value)


@lru_cache(maxsize=4096)
def _key(name: str) -> bytes:
    return _text(b"\x0a", name)


def _value(value: AttributeValue) -> bytes:
    """An AnyValue. It is one of several fields, so that a zero too must be written."""
    if isinstance(value, str):
        return _message(b"\x0a", value.encode())
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + _varint(value & _UINT64)
    if isinstance(value, float):
        return b"\x21" + _double(value)
    if isinstance(value, Sequence):
        return _message(b"\x2a", b"".join([_message(b"\x0a", _value(item)) for item in value]))
    raise TypeError(f"no attribute value: {type(value).__name__}")


def _text(tag: bytes, text: str) -> bytes:
    return _message(tag, text.encode()) if text else b""


def _message(tag: bytes, data: bytes) -> bytes:
    return b"%b%b%b" % (tag, _varint(len(data)), data)


_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(128))


def _varint(number: int) -> bytes:
    if number < 128:
        return _ONE_BYTE[number]
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
