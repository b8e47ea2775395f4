"""Applications' spans in Scale's JSON: what comes in, checked as FastAPI would, and what goes out. Pure.

Told from SGP's public API: `input`, `output`, `metadata` and `expected` are objects only, ids take 256 bytes, an end is not
before its start, `obs_*` are W3C ids of which the span's needs the trace's. A `type` may be any word: new ones come with SDKs.

A start must lie in the days that rows are kept, or it would be a row that is deleted as it is written; and each day is a
partition of its own, of which one request must not make thousands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

import orjson
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_core import PydanticCustomError

from tracer.api.texts import json_text, storable
from tracer.redact import Secrets
from tracer.registry.records import Caller
from tracer.scale.errors import Fault, unprocessable
from tracer.signals import AppSpan, latest, without_secrets

MOST_ITEMS = 1000
LONGEST_ID_BYTES = 256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_NS = 86_400 * 10**9
_MOST_FAULTS = 20  # that a reply lists
_HEX = {32: re.compile("[0-9a-f]{32}"), 16: re.compile("[0-9a-f]{16}")}


def _id(value: str) -> str:
    value = storable(value)
    if not 0 < len(value.encode()) <= LONGEST_ID_BYTES:
        raise PydanticCustomError("string_length", "Should be a string of 1 to 256 bytes")
    return value


def _hex(digits: int) -> AfterValidator:
    def check(value: str) -> str:
        if not (_HEX[digits].fullmatch(value) and value.strip("0")):
            raise PydanticCustomError("string_pattern_mismatch", f"Should be a W3C id: {digits} lowercase hex characters")
        return value

    return AfterValidator(check)


Id = Annotated[str, AfterValidator(_id)]
Text = Annotated[str, AfterValidator(storable)]
Word = Annotated[str, Field(max_length=64), AfterValidator(storable)]
Object = dict[str, Any] | None


class Item(BaseModel):
    """One span as it comes. What is not here is ignored."""

    name: Text
    start_timestamp: datetime
    trace_id: Id
    id: Id | None = None
    parent_id: Id | None = None
    group_id: Id | None = None
    end_timestamp: datetime | None = None
    type: Word | None = None
    status: Literal["SUCCESS", "ERROR", "CANCELED"] | None = None
    input: Object = None
    output: Object = None
    metadata: Object = None
    expected: Object = None
    application_variant_id: Id | None = None
    application_interaction_id: Id | None = None
    obs_trace_id: Annotated[str, _hex(32)] | None = None
    obs_span_id: Annotated[str, _hex(16)] | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """What all spans of one request share. `content`: whether what they hold is kept."""

    caller: Caller
    account: str
    content: bool
    secrets: Secrets
    received_ns: int
    kept_days: int


def read_one(body: Any, sender: Sender) -> list[AppSpan]:
    """The span that a body is. Raises Refused."""
    return _read([((), body)], sender)


def read_many(body: Any, sender: Sender) -> list[AppSpan]:
    """The spans in a body, each once, in the version that counts. Raises Refused with every fault's place."""
    if not isinstance(body, dict):
        raise unprocessable([Fault((), "Input should be a valid dictionary", "model_attributes_type")])
    items = body.get("items")
    if not isinstance(items, list):
        fault = "Field required" if "items" not in body else "Input should be a valid list"
        raise unprocessable([Fault(("items",), fault, "missing" if "items" not in body else "list_type")])
    if len(items) > MOST_ITEMS:
        raise unprocessable([Fault(("items",), f"List should have at most {MOST_ITEMS} items", "too_long")])
    return latest(_read([(("items", place), item) for place, item in enumerate(items)], sender))


def shown(span: AppSpan) -> dict[str, Any]:
    """The span as SGP's SDKs read it."""
    return {
        "object": "span",
        "id": span.id,
        "account_id": span.account or span.workspace,
        "trace_id": span.trace_id,
        "parent_id": span.parent_id or None,
        "group_id": span.group_id or None,
        "name": span.name,
        "type": span.type or None,
        "status": span.status or None,
        "start_timestamp": span.started_at.isoformat(),
        "end_timestamp": span.ended_at.isoformat() if span.ended_at else None,
        "input": _object(span.input),
        "output": _object(span.output),
        "metadata": _object(span.metadata),
        "expected": _object(span.expected),
        "application_variant_id": span.application_variant_id or None,
        "application_interaction_id": span.application_interaction_id or None,
        "obs_trace_id": span.obs_trace_id or None,
        "obs_span_id": span.obs_span_id or None,
        "created_by": {"id": span.key_id, "type": "service_account"} if span.key_id else None,
    }


@dataclass(slots=True)
class _Found:
    spans: list[AppSpan] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def _read(placed: Sequence[tuple[tuple[str | int, ...], Any]], sender: Sender) -> list[AppSpan]:
    found = _Found()
    for number, (place, raw) in enumerate(placed):
        try:
            item = Item.model_validate(raw)
        except ValidationError as error:
            found.faults += [Fault((*place, *each["loc"]), each["msg"], each["type"]) for each in error.errors()]
            continue
        faults = [Fault((*place, where), what) for where, what in _wrong(item, sender)]
        found.faults += faults
        if not faults:
            found.spans.append(without_secrets(_span(item, sender, number), sender.secrets))
    if found.faults:
        raise unprocessable(found.faults[:_MOST_FAULTS])
    return found.spans


def _wrong(item: Item, sender: Sender) -> list[tuple[str, str]]:
    """What no single field tells: which field, and why."""
    start, end = _ns(item.start_timestamp), _ns(item.end_timestamp) if item.end_timestamp else 0
    latest_ns = sender.received_ns + _DAY_NS
    found = []
    if end and end < start:
        found.append(("end_timestamp", "end_timestamp must not precede start_timestamp"))
    if start < sender.received_ns - sender.kept_days * _DAY_NS:
        found.append(("start_timestamp", f"Rows are kept for {sender.kept_days} days (TRACER_RETENTION_DAYS); this is older"))
    found += [
        (name, "Lies more than a day ahead of this machine's clock")
        for name, ns in (("start_timestamp", start), ("end_timestamp", end))
        if ns > latest_ns
    ]
    if item.obs_span_id and not item.obs_trace_id:
        found.append(("obs_span_id", "obs_span_id requires obs_trace_id"))
    return found


def _span(item: Item, sender: Sender, number: int) -> AppSpan:
    caller = sender.caller
    return AppSpan(
        id=item.id or str(uuid4()),
        trace_id=item.trace_id,
        parent_id=item.parent_id or "",
        group_id=item.group_id or "",
        name=item.name,
        type=item.type or "",
        status=item.status or "",
        start_ns=_ns(item.start_timestamp),
        end_ns=_ns(item.end_timestamp) if item.end_timestamp else 0,
        input=_text(item.input) if sender.content else "",
        output=_text(item.output) if sender.content else "",
        expected=_text(item.expected) if sender.content else "",
        metadata=_text(item.metadata),
        application_variant_id=item.application_variant_id or "",
        application_interaction_id=item.application_interaction_id or "",
        obs_trace_id=item.obs_trace_id or "",
        obs_span_id=item.obs_span_id or "",
        account=sender.account,
        tags=dict(caller.tags),
        received_ns=sender.received_ns + number,  # the order in which they stand
        key_id=caller.key_id,
        workspace=caller.workspace,
    )


def _text(value: Object) -> str:
    try:
        return json_text(value) if value else ""
    except RecursionError:
        raise unprocessable([Fault((), "An object is nested too deeply", "recursion_loop")]) from None


def _object(text: str) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:  # NaN and the like, which JSON has no words for
        return None


def _ns(moment: datetime) -> int:
    """Since the epoch, to the microsecond; a time without a zone is UTC's."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000
