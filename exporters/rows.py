"""Records as rows of ClickHouse: which table takes which record, and its values by column. Pure.

A column has the name of a record's field or property. Nothing a caller sends may make a batch fail: lone surrogates are
replaced, integers beyond 64 bits are cut to the limit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import astuple

from tracer.records import Call, Content, Price
from tracer.signals import AppSpan, Feedback, Record

CALL_COLUMNS = tuple(name for name in Call.__struct_fields__ if name not in ("content", "prices"))
PRICE_COLUMNS = Price.__struct_fields__
BODY_COLUMNS = ("call_id", "started_at", *Content.__struct_fields__)
# fmt: off
FEEDBACK_COLUMNS = (
    "feedback_id", "created_at", "updated_at", "trace_id", "otel_trace_id", "value", "weight", "metadata", "key_id",
    "workspace", "version",
)
SPAN_COLUMNS = (
    "trace_id", "span_id", "parent_span_id", "otel_trace_id", "otel_span_id", "otel_parent_span_id", "obs_trace_id",
    "obs_span_id", "group_id", "name", "type", "status", "started_at", "ended_at", "duration_ms", "metadata",
    "application_variant_id", "application_interaction_id", "account", "tags", "key_id", "workspace", "received_at", "version",
)
# fmt: on
SPAN_BODY_COLUMNS = ("trace_id", "span_id", "workspace", "started_at", "input", "output", "expected", "version")

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# Columns whose integers come from outside as they are.
_FOREIGN_INTEGERS = frozenset(
    name for name in CALL_COLUMNS if name.endswith("_tokens") or name in ("attempt", "seed", "n", "proxy_us")
)


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` picks from a batch what this table takes, `values` gives their values by column, in the order of `columns`."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Sequence[Record]], Sequence[Any]]
    values: Callable[[Sequence[Any]], list[list[Any]]]


def call_columns(calls: Sequence[Call]) -> list[list[Any]]:
    """The calls' values by column, in the order of CALL_COLUMNS."""
    # All of a record's fields at once: one by one they are eighty look-ups for every call.
    by_name = dict(zip(Call.__struct_fields__, zip(*map(astuple, calls), strict=True), strict=True)) if calls else {}
    return [_column(name, list(by_name.get(name, ()))) for name in CALL_COLUMNS]


def body_columns(calls: Sequence[Call]) -> list[list[Any]]:
    """The values of the calls' contents by column, in the order of BODY_COLUMNS."""
    contents = [call.content for call in calls]
    return _columns(("call_id", "started_at"), calls) + _columns(Content.__struct_fields__, contents)


def prices_of(records: Sequence[Record]) -> list[Price]:
    """The prices that these calls were counted by, each once."""
    tariffs = {each.prices[0].tariff_id: each.prices for each in records if isinstance(each, Call) and each.prices}
    return [price for prices in tariffs.values() for price in prices]


def _columns(names: Sequence[str], records: Sequence[Any]) -> list[list[Any]]:
    return [_column(name, [getattr(record, name) for record in records]) for name in names]


def _has_body(record: Record) -> bool:
    return isinstance(record, AppSpan) and bool(record.input or record.output or record.expected)


PRICES = "llm.prices"
# Prices stand first: who finds a call finds its price.
TABLES = (
    Table(PRICES, PRICE_COLUMNS, prices_of, lambda rows: _columns(PRICE_COLUMNS, rows)),
    Table("llm.calls", CALL_COLUMNS, lambda batch: [each for each in batch if isinstance(each, Call)], call_columns),
    Table(
        "llm.bodies",
        BODY_COLUMNS,
        lambda batch: [each for each in batch if isinstance(each, Call) and each.content is not None],
        body_columns,
    ),
    Table(
        "llm.feedback",
        FEEDBACK_COLUMNS,
        lambda batch: [each for each in batch if isinstance(each, Feedback)],
        lambda rows: _columns(FEEDBACK_COLUMNS, rows),
    ),
    Table(
        "llm.spans",
        SPAN_COLUMNS,
        lambda batch: [each for each in batch if isinstance(each, AppSpan)],
        lambda rows: _columns(SPAN_COLUMNS, rows),
    ),
    Table(
        "llm.span_bodies",
        SPAN_BODY_COLUMNS,
        lambda batch: [each for each in batch if _has_body(each)],
        lambda rows: _columns(SPAN_BODY_COLUMNS, rows),
    ),
)


def _column(name: str, values: list[Any]) -> list[Any]:
    first = next((value for value in values if value is not None), None)
    if isinstance(first, str):
        return _texts(values)
    if isinstance(first, dict):
        return [_map(value) for value in values]
    if isinstance(first, tuple):
        item = next((value[0] for value in values if value), None)
        return [[*map(_text, value)] for value in values] if isinstance(item, str) else [[*value] for value in values]
    if name in _FOREIGN_INTEGERS:
        return [value if value is None else min(max(value, _INT64_MIN), _INT64_MAX) for value in values]
    return values


def _texts(values: list[str]) -> list[str]:
    """The strings as UTF-8 can carry them."""
    return values if all(map(str.isascii, values)) else [*map(_text, values)]


def _text(value: str) -> str:
    if value.isascii():  # known of a string, not looked up
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def _map(value: dict[str, str]) -> dict[str, str]:
    if all(map(str.isascii, value)) and all(map(str.isascii, value.values())):
        return value
    return {_text(key): _text(item) for key, item in value.items()}
