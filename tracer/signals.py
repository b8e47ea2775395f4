"""Records that are no calls: what people thought of an answer, and an application's own spans.

They travel like an Exchange, through the spool to every exporter, and say the same there as here: nothing has to be read
out of them. In the spool they are tagged arrays, where an Exchange is a map without a tag, so the first byte tells them apart
and what older versions spooled stays readable.

Rules
- Both may come again in a newer form: a feedback is updated, a span is sent when it starts and when it ends. The one with
  the highest `version` counts. Nothing is ever deleted.
- A spooled record outlives the program that wrote it: only add fields, at the end, with a default.
- Neither holds a secret of the request that brought it (`without_secrets`).
- Ids are as sent; OpenTelemetry's are derived from them as those of calls are, so both stand in one tree.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from tracer.ids import otel_span_id, otel_trace_id
from tracer.records import Call
from tracer.redact import Secrets, hidden, in_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Above every time in nanoseconds that can occur, and below what UInt64 and msgpack hold with a time added.
_ENDED = 1 << 63


class Feedback(Struct, frozen=True, kw_only=True, array_like=True, tag_field="kind", tag="feedback"):
    """What somebody thought of a trace; one version of it. A row of `llm.feedback`."""

    id: UUID  # version 7, made when it was first given
    trace_id: str
    value: float  # -10 … 10
    weight: float = 1.0  # 0 … 1
    metadata: dict[str, str] = {}
    created_ns: int  # since the epoch; stays with all versions
    version: int  # when this version was given, in ns; always above that of the version before
    key_id: str = ""
    workspace: str = ""

    @property
    def feedback_id(self) -> UUID:
        return self.id

    @property
    def created_at(self) -> datetime:
        return moment(self.created_ns)

    @property
    def updated_at(self) -> datetime:
        return moment(self.version)

    @property
    def otel_trace_id(self) -> str:
        return otel_trace_id(self.trace_id)


class AppSpan(Struct, frozen=True, kw_only=True, array_like=True, tag_field="kind", tag="span"):
    """A span that an application sent itself; a row of `llm.spans`, with its content in `llm.span_bodies`."""

    id: str
    trace_id: str
    parent_id: str = ""
    group_id: str = ""
    name: str
    type: str = ""
    status: str = ""  # SUCCESS, ERROR, CANCELED
    start_ns: int  # since the epoch
    end_ns: int = 0  # 0: it has not ended yet
    input: str = ""  # JSON texts of objects; empty: not given, or not to be kept
    output: str = ""
    expected: str = ""
    metadata: str = ""
    application_variant_id: str = ""
    application_interaction_id: str = ""
    obs_trace_id: str = ""  # W3C ids of the trace and span that it ran in, if the application has such
    obs_span_id: str = ""
    account: str = ""
    tags: dict[str, str] = {}  # of the key that it came with
    received_ns: int
    key_id: str = ""
    workspace: str = ""

    @property
    def version(self) -> int:
        """Ended spans win over those that go on, else the later one."""
        return self.received_ns + (_ENDED if self.end_ns else 0)

    @property
    def span_id(self) -> str:
        return self.id

    @property
    def parent_span_id(self) -> str:
        return self.parent_id

    @property
    def otel_trace_id(self) -> str:
        return otel_trace_id(self.trace_id)

    @property
    def otel_span_id(self) -> str:
        return otel_span_id(self.id)

    @property
    def otel_parent_span_id(self) -> str:
        return otel_span_id(self.parent_id) if self.parent_id else ""

    @property
    def started_at(self) -> datetime:
        return moment(self.start_ns)

    @property
    def ended_at(self) -> datetime | None:
        return moment(self.end_ns) if self.end_ns else None

    @property
    def duration_ms(self) -> float | None:
        return (self.end_ns - self.start_ns) / 1e6 if self.end_ns else None

    @property
    def received_at(self) -> datetime:
        return moment(self.received_ns)


Signal = Feedback | AppSpan
Record = Call | Feedback | AppSpan
Key = tuple[Any, ...]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Feedback | AppSpan)

S = TypeVar("S", Feedback, AppSpan)


def encode_signal(record: Signal) -> bytes:
    """The spooled form."""
    return _encoder.encode(record)


def is_signal(payload: bytes) -> bool:
    """Whether these spooled bytes are a signal's: an array, where an Exchange is a map."""
    return payload[:1] in _ARRAYS


def decode_signal(payload: bytes) -> Signal:
    """Raises msgspec.MsgspecError."""
    try:
        signal: Signal = _decoder.decode(payload)
    except UnicodeDecodeError as error:  # msgspec lets it through for a string that is not UTF-8
        raise msgspec.DecodeError(f"not UTF-8: {error}") from None
    return signal


# msgpack's fixarray, array 16 and array 32.
_ARRAYS = frozenset(bytes((first,)) for first in (*range(0x90, 0xA0), 0xDC, 0xDD))


def weight_of(record: Signal) -> int:
    """About how many bytes its spooled form has."""
    if isinstance(record, Feedback):
        return 128 + 64 * len(record.metadata)
    return 256 + len(record.input) + len(record.output) + len(record.expected) + len(record.metadata)


def name_of(record: Record) -> str:
    """What a dead letter calls it."""
    match record:
        case Call():
            return str(record.call_id)
        case Feedback():
            return f"feedback {record.id}"
        case AppSpan():
            return f"span {record.id}"


def key_of(record: Record) -> Key:
    """Equal for a record that comes again, different for a newer version of it."""
    match record:
        case Call():
            return (record.call_id,)
        case Feedback():
            return (record.id, record.version)
        case AppSpan():
            return (record.workspace, record.trace_id, record.id, record.version)


def without_secrets(record: S, secrets: Secrets) -> S:
    """The record with these texts overwritten wherever they stand, as they are or spelt for JSON."""
    secrets = in_json(secrets)
    encoded = encode_signal(record)
    if not any(secret in encoded for secret in secrets):  # one look at all of it is cheaper than one at each text
        return record

    def hide(text: str) -> str:
        return hidden(text.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")

    changed: dict[str, Any] = {}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, str):
            changed[name] = hide(value)
        elif isinstance(value, dict):
            changed[name] = {hide(key): hide(item) for key, item in value.items()}
    return msgspec.structs.replace(record, **changed)


def latest(records: list[AppSpan]) -> list[AppSpan]:
    """One of each span, the version that counts, in the order in which they first came."""
    found: dict[Key, AppSpan] = {}
    for record in records:
        identity = (record.workspace, record.trace_id, record.id)
        if identity not in found or record.version > found[identity].version:
            found[identity] = record
    return list(found.values())


def moment(ns: int) -> datetime:
    """A time in nanoseconds since the epoch, to the microsecond: exact, where a float would be off by hundreds of ns."""
    return _EPOCH + timedelta(microseconds=ns // 1000)
