"""`POST /v1/logs`: calls that were made elsewhere, as records like those of calls that passed the proxy. No I/O.

Ids and metadata come from `metadata` (traceId or trace_id, …), from the entry itself where Portkey's callbacks put them, and
from the request's own headers, which win. They then go through the very rules of the proxy (proxy/context.py), as bodies and
headers do (proxy/keep.py, proxy/headers.py): secrets of the logging request and of the logged one are overwritten everywhere.

Invariants
- An entry becomes one Exchange or the whole request is refused, with the entry and the field named.
- The time of a call is its own, so it may lie back; not further than OLDEST_DAYS, since ClickHouse takes one insert for at most
  100 days (max_partitions_per_insert_block) and a batch that it never takes would hold up all that follow.
"""

import random
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from tracer.api.errors import ApiError
from tracer.api.log_parts import Body, answered, as_json, asked
from tracer.ids import random_uuid, uuid7
from tracer.proxy.context import text, trace_context
from tracer.proxy.headers import RawHeaders, recorded, recorded_target
from tracer.proxy.keep import Kept, keep
from tracer.proxy.tee import Copy
from tracer.records import Exchange, Headers, TraceContext
from tracer.redact import Secrets, callers_secrets, hidden, in_json
from tracer.registry.records import Caller

DOOR = "logs"
MOST_ENTRIES = 1000
OLDEST_DAYS = 60
_DAY_NS = 86_400 * 10**9
_LONGEST_ID = 1024
_MOST_METADATA = 256
_LONGEST_CLIENT = 128

# Header of the proxy, and the names under which metadata or an entry carries the same.
_IDS = (
    ("x-portkey-trace-id", "traceId", "trace_id"),
    ("x-portkey-span-id", "spanId", "span_id"),
    ("x-portkey-parent-span-id", "parentSpanId", "parent_span_id"),
    ("x-portkey-span-name", "spanName", "span_name"),
)
_STARTS = ("startTime", "start_time")
_NOT_METADATA = frozenset({name for names in _IDS for name in names[1:]} | {*_STARTS, "endTime", "end_time"})
# Of an answer's headers, those that belong to bytes on a wire, which these are not.
_FRAMING = frozenset({"content-encoding", "content-length", "content-type", "transfer-encoding"})
_UNITS_NS = ((10**17, 1), (10**14, 10**3), (10**11, 10**6), (10**8, 10**9))


@dataclass(frozen=True, slots=True)
class Sender:
    """What all entries of one request share. `headers` is case-insensitive."""

    headers: Mapping[str, str]
    raw_headers: RawHeaders
    target: str
    caller: Caller
    content: bool  # whether bodies may be kept
    capture_bytes: int
    now_ns: int


def exchanges(document: Any, sender: Sender) -> list[Exchange]:
    """The records of a request's entries, in their order. Raises ApiError."""
    entries = document if isinstance(document, list) else [document]
    if not entries:
        raise ApiError(400, "the body should be a log entry or a list of them, and the list is empty")
    if len(entries) > MOST_ENTRIES:
        raise ApiError(413, f"the body holds {len(entries)} log entries; at most {MOST_ENTRIES} are taken at once")
    # Spans of one tree that nobody gave a trace belong together.
    tree = random_uuid()
    alone = not isinstance(document, list)
    return [_exchange(entry, sender, tree, "" if alone else f"entry {place}: ") for place, entry in enumerate(entries)]


def _exchange(entry: Any, sender: Sender, tree: str, where: str) -> Exchange:
    if not isinstance(entry, dict):
        raise ApiError(400, f"{where}should be an object of request, response and metadata")
    for name in ("request", "response"):
        if name not in entry:
            raise ApiError(400, f"{where}{name}: required")
    request, response = asked(entry["request"], where), answered(entry["response"], where)
    metadata = _object(entry, "metadata", where)
    started_ns = _started_ns(entry, metadata, sender.now_ns - response.duration_ns, sender.now_ns, where)
    call_id = uuid7(started_ns, random.getrandbits(80))
    secrets = callers_secrets(sender.raw_headers, sender.target) + callers_secrets(request.headers, request.target)
    secrets = in_json(secrets)  # bodies were written as JSON again
    target = recorded_target(_hide(request.target, secrets))
    headers = _trace_headers(entry, metadata, sender, where)
    trace = trace_context(
        {name: _hide(value, secrets) for name, value in headers.items()},
        request.method,
        target.partition("?")[0],
        call_id,
        (lambda: tree) if "x-portkey-span-id" in headers else random_uuid,
        lambda: f"{random.getrandbits(64) or 1:016x}",
    )
    kept_request = _kept(request.body, request.headers, secrets, sender)
    kept_response = _kept(response.body, response.headers, secrets, sender)
    return Exchange(
        call_id=call_id,
        started_ns=started_ns,
        trace=_tagged(trace, sender.caller),
        door=DOOR,
        provider=_hide(request.provider, secrets),
        upstream=_hide(request.upstream, secrets),
        method=request.method,
        path=target,
        client=_hide(text(sender.headers.get("User-Agent")), secrets)[:_LONGEST_CLIENT],
        content=sender.content,
        key_id=sender.caller.key_id,
        request_headers=kept_request.headers,
        request=kept_request.body,
        response_headers=kept_response.headers,
        response=kept_response.body,
        chunks=kept_response.chunks,
        status=response.status,
        upstream_end_ns=response.duration_ns,
        end_ns=response.duration_ns,
    )


def _kept(body: Body, raw: RawHeaders, secrets: Secrets, sender: Sender) -> Kept:
    named = [(name.strip(b" \t"), value) for name, value in raw]
    headers: Headers = tuple((name, _hide(value, secrets)) for name, value in recorded(named) if name not in _FRAMING)
    if body.media:
        headers = (*headers, ("content-type", body.media))
    data = hidden(body.data, secrets)
    copy = Copy(data, b"", len(data), array("Q"), array("I", (len(data),)))
    return keep(copy, headers, content=sender.content, limit=sender.capture_bytes, secrets=secrets)


def _trace_headers(entry: Mapping[str, Any], metadata: Mapping[str, Any], sender: Sender, where: str) -> dict[str, str]:
    """The headers with which the proxy would have been told the same."""
    own = _header_metadata(sender.headers.get("x-portkey-metadata"))
    merged = {**metadata, **own}
    headers = {name: sender.headers[name] for name in ("traceparent", "baggage") if name in sender.headers}
    for header, *names in _IDS:
        fields = [(f"{where}metadata.{name}", merged.get(name)) for name in names]
        fields += [(f"{where}{name}", entry.get(name)) for name in names]
        given = (_id(value, field) for field, value in fields)
        value = sender.headers.get(header) or next((value for value in given if value), "")
        if value:
            headers[header] = value
    kept = {name: value for name, value in merged.items() if name not in _NOT_METADATA}
    if len(kept) > _MOST_METADATA:
        raise ApiError(400, f"{where}metadata: should be at most {_MOST_METADATA} names")
    headers["x-portkey-metadata"] = as_json(kept).decode()
    return headers


def _header_metadata(sent: str | None) -> dict[str, Any]:
    """Of the request itself; what is not an object is ignored, as for calls."""
    try:
        value = orjson.loads(text(sent)) if sent else None
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {}


def _id(value: Any, field: str) -> str:
    """An id or a name: text, or a number as OpenTelemetry's ids come. LangChain's callback writes "None" for no parent."""
    if value is None or value == "None":
        return ""
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        raise ApiError(400, f"{field}: should be a text of at most {_LONGEST_ID} characters")
    return value


def _object(entry: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = entry.get(name)
    if value is not None and not isinstance(value, dict):
        raise ApiError(400, f"{where}{name}: should be an object")
    return value or {}


def _started_ns(entry: Mapping[str, Any], metadata: Mapping[str, Any], otherwise: int, now_ns: int, where: str) -> int:
    """When the call began, by the entry's own word or else so that it ended just now."""
    given = ((f"metadata.{name}", metadata.get(name)) for name in _STARTS)
    field, value = next(
        ((field, value) for field, value in given if value is not None), ("start_time", entry.get("start_time"))
    )
    started_ns = otherwise if value is None else _ns(value)
    if started_ns is None:
        raise ApiError(400, f"{where}{field}: should be a time: seconds, milliseconds or nanoseconds since 1970, or ISO 8601")
    if not now_ns - OLDEST_DAYS * _DAY_NS <= started_ns <= now_ns + _DAY_NS // 24:
        raise ApiError(400, f"{where}{field}: should be within the last {OLDEST_DAYS} days")
    return started_ns


def _ns(value: Any) -> int | None:
    """Nanoseconds since 1970 from a time in whatever unit its size says."""
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
            return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1 << 63:
        return None
    unit = next((unit for least, unit in _UNITS_NS if value >= least), None)
    if unit is None:
        return None
    return value * unit if isinstance(value, int) else int(value * min(unit, 10**6)) * (unit // min(unit, 10**6))


def _tagged(trace: TraceContext, caller: Caller) -> TraceContext:
    """With the tags of the caller's key, which win."""
    return msgspec.structs.replace(trace, metadata={**trace.metadata, **caller.tags}) if caller.tags else trace


def _hide(value: str, secrets: Secrets) -> str:
    return hidden(value.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")
