"""A call as the exporters send it: columns for ClickHouse, bytes for OTLP. What no backend takes raises here."""

from decimal import Decimal
from typing import Any

from exporters import rows, span
from tracer.records import Call


def stored(call: Call) -> None:
    """Encode a call every way; each number and text must have room where it goes."""
    for columns in (rows.call_columns([call]), rows.body_columns([call])):
        for column in columns:
            for value in column:
                _fits(value)
    assert span.encode(call, True)


def _fits(value: Any) -> None:
    match value:
        case str():
            value.encode()
        case bool():
            pass
        case int():
            assert -(2**63) <= value < 2**64
        case Decimal():
            assert abs(value) < 10**12
        case list() | tuple():
            for item in value:
                _fits(item)
        case dict():
            for item in (*value, *value.values()):
                _fits(item)
