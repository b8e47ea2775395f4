"""A query string of the analytics API as conditions on `llm.calls`: constant texts and bound values, never text from outside.

One table says which parameters there are, the condition of each, and how its text is read. A parameter that is in none of the
tables is refused: a filter that is silently ignored gives figures that are silently wrong. Amounts of money are US cents in the
API and dollars in the table.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from tracer.api.errors import ApiError

# $feedback: what the caller may see of it.
_WEIGHTED = "otel_trace_id GLOBAL IN (SELECT otel_trace_id FROM $feedback GROUP BY otel_trace_id HAVING avg(value * weight) "
VISIBLE = "has({visible_keys:Array(String)}, key_id)"
_LONGEST = 32 << 10
_MOST_VALUES = 1000
_INT64 = (-(1 << 63), (1 << 63) - 1)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,2})?")

Read = Callable[[str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filter:
    """`clause` on llm.calls with its parameters, and what makes their values of (parameter's name, text); ValueError says
    what the text should be."""

    clause: str
    read: Read


@dataclass(frozen=True, slots=True)
class Conditions:
    """What goes behind WHERE, of it what the caller may see at all, the feedback that goes with it (a subquery), and the values
    of their parameters."""

    clause: str
    visible: str
    feedback: str
    values: Mapping[str, Any]
    since: datetime
    until: datetime


def _integer(name: str, text: str) -> dict[str, Any]:
    if not _INTEGER.fullmatch(text) or not _INT64[0] <= int(text) <= _INT64[1]:
        raise ValueError("should be a whole number")
    return {name: int(text)}


def _number(name: str, text: str) -> dict[str, Any]:
    return {name: float(_decimal(text, "a number"))}


def _cents(name: str, text: str) -> dict[str, Any]:
    return {name: f"{_decimal(text, 'an amount in US cents') / 100:.18f}"}


def _decimal(text: str, what: str) -> Decimal:
    if not _NUMBER.fullmatch(text) or abs(Decimal(text)) > 10**12:
        raise ValueError(f"should be {what}")
    return Decimal(text)


def _texts(name: str, text: str) -> dict[str, Any]:
    """One value, or several with commas between them. An id of the caller's own may hold a comma, so the whole counts too."""
    values = list(dict.fromkeys([text, *(part.strip() for part in text.split(","))]))
    if len(values) > _MOST_VALUES:
        raise ValueError(f"should be at most {_MOST_VALUES} values")
    return {name: [value for value in values if value]}


def _statuses(name: str, text: str) -> dict[str, Any]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise ValueError("should be HTTP status codes with commas between them")
    return {name: [int(part) for part in parts]}


def _metadata(name: str, text: str) -> dict[str, Any]:
    try:
        wanted = orjson.loads(text)
    except orjson.JSONDecodeError:
        wanted = None
    if not isinstance(wanted, dict) or not all(isinstance(value, str | int | float) for value in wanted.values()):
        raise ValueError("should be a JSON object of texts or numbers")
    values = [value if isinstance(value, str) else orjson.dumps(value).decode() for value in wanted.values()]
    if "\0" in "".join([*wanted, *values]):  # ClickHouse's parameters end there
        raise ValueError("should hold no NUL character")
    return {"metadata_keys": list(wanted), "metadata_values": values}


FILTERS: dict[str, Filter] = {
    "total_units_min": Filter("total_tokens >= {total_units_min:Int64}", _integer),
    "total_units_max": Filter("total_tokens <= {total_units_max:Int64}", _integer),
    "prompt_token_min": Filter("input_tokens >= {prompt_token_min:Int64}", _integer),
    "prompt_token_max": Filter("input_tokens <= {prompt_token_max:Int64}", _integer),
    "completion_token_min": Filter("output_tokens >= {completion_token_min:Int64}", _integer),
    "completion_token_max": Filter("output_tokens <= {completion_token_max:Int64}", _integer),
    "cost_min": Filter("cost_usd >= {cost_min:Decimal(38, 18)}", _cents),
    "cost_max": Filter("cost_usd <= {cost_max:Decimal(38, 18)}", _cents),
    "weighted_feedback_min": Filter(_WEIGHTED + ">= {weighted_feedback_min:Float64})", _number),
    "weighted_feedback_max": Filter(_WEIGHTED + "<= {weighted_feedback_max:Float64})", _number),
    "status_code": Filter("has({status_code:Array(UInt16)}, status_code)", _statuses),
    "cache_status": Filter("has({cache_status:Array(String)}, cache_status)", _texts),
    "api_key_ids": Filter("has({api_key_ids:Array(String)}, key_id)", _texts),
    "prompt_slug": Filter("has({prompt_slug:Array(String)}, prompt_id)", _texts),
    "trace_id": Filter("has({trace_id:Array(String)}, trace_id)", _texts),
    "span_id": Filter("has({span_id:Array(String)}, span_id)", _texts),
    "ai_org_model": Filter(
        "(has({ai_org_model:Array(String)}, concat(provider, '__', request_model))"
        " OR has({ai_org_model:Array(String)}, concat(provider, '__', response_model)))",
        _texts,
    ),
    "metadata": Filter(
        "arrayAll((key, value) -> mapContains(metadata, key) AND metadata[key] = value,"
        " {metadata_keys:Array(String)}, {metadata_values:Array(String)})",
        _metadata,
    ),
}
# Filters of Portkey's that rows cannot answer, and why.
UNANSWERABLE = {
    "virtual_keys": "rows do not say under which virtual key a call was made; `api_key_ids` selects by Tracer's keys",
    "configs": "rows do not say which saved config a call used",
}
_ELSEWHERE = frozenset({"time_of_generation_min", "time_of_generation_max", "workspace_slug"})


def conditions(query: Mapping[str, str], also: Collection[str] = (), key_ids: Collection[str] | None = None) -> Conditions:
    """The conditions that `query` asks for, on rows of these keys only (None: of all).

    `also` names parameters that somebody else reads. Raises ApiError.
    """
    since, until = _time(query, "time_of_generation_min"), _time(query, "time_of_generation_max")
    if since > until:
        raise ApiError(400, "time_of_generation_min: should not be later than time_of_generation_max")
    clauses = ["started_at >= {since:DateTime64(6, 'UTC')}", "started_at <= {until:DateTime64(6, 'UTC')}"]
    values: dict[str, Any] = {"since": _for_clickhouse(since), "until": _for_clickhouse(until)}
    visible = "true" if key_ids is None else VISIBLE
    clauses.append(visible)
    feedback = f"(SELECT otel_trace_id, value, weight FROM llm.feedback FINAL WHERE {visible})"
    if key_ids is not None:
        values["visible_keys"] = sorted(key_ids)
    for name, text in query.items():
        if name in _ELSEWHERE or name in also:
            continue
        clause, bound = _read(name, text)
        clauses.append(clause)
        values.update(bound)
    return Conditions(" AND ".join(clauses).replace("$feedback", feedback), visible, feedback, values, since, until)


def _read(name: str, text: str) -> tuple[str, dict[str, Any]]:
    if name in UNANSWERABLE:
        raise ApiError(501, f"{name}: {UNANSWERABLE[name]}")
    if name not in FILTERS:
        raise ApiError(400, f"{name[:100]}: no such parameter; there are {', '.join(sorted(FILTERS))}")
    try:
        return FILTERS[name].clause, FILTERS[name].read(name, storable(name, text))
    except ValueError as error:
        raise ApiError(400, f"{name}: {error}") from None


def storable(name: str, text: str) -> str:
    """`text` if ClickHouse can be asked for it."""
    try:
        if len(text) <= _LONGEST and "\0" not in text and text.encode():
            return text
    except UnicodeEncodeError:
        pass
    raise ApiError(400, f"{name}: should be a text in UTF-8 of 1 to {_LONGEST} characters")


def _time(query: Mapping[str, str], name: str) -> datetime:
    """ISO 8601; a `+` that nobody encoded came as a blank."""
    text = query.get(name, "").strip().replace(" ", "+")
    if not text:
        raise ApiError(400, f"{name}: required, a time such as 2026-01-31T00:00:00Z")
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ApiError(400, f"{name}: should be a time such as 2026-01-31T00:00:00Z, not {text[:100]!r}") from None
    if not 1970 <= when.year < 2200:  # what the column can hold
        raise ApiError(400, f"{name}: should be a year from 1970 to 2199")
    return when


def _for_clickhouse(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")
