"""How figures read."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.ui import formats


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        *((None, "–"), (float("nan"), "–"), (0, "$0"), (Decimal("0.000000000001"), "<$0.000001"), (0.00000218, "$0.00000218")),
        *(
            (0.001234, "$0.00123"),
            (0.0996, "$0.0996"),
            (0.12, "$0.12"),
            (12.3, "$12.30"),
            (999.999, "$1,000"),
            (1234.5, "$1,234"),
        ),
        (-0.5, "-$0.50"),
    ],
)
def test_money(usd: float | Decimal | None, text: str) -> None:
    assert formats.money(usd) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [(None, "–"), (0, "$0"), (1e-9, "<$0.00001"), (0.0118, "$0.01180"), (1234.5, "$1,234.50000"), (-1, "-$1.00000")],
)
def test_cost(usd: float | None, text: str) -> None:
    assert formats.cost(usd) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        *(
            (None, "–"),
            (0, "0 ms"),
            (0.4, "0.40 ms"),
            (96.72, "96.7 ms"),
            (999.4, "999 ms"),
            (999.6, "1.00 s"),
            (12345, "12.3 s"),
        ),
        *((59_951, "1 m 00 s"), (123_000, "2 m 03 s"), (3_599_999, "1 h 00 m"), (7_500_000, "2 h 05 m")),
    ],
)
def test_duration(ms: float | None, text: str) -> None:
    assert formats.duration(ms) == text


@pytest.mark.parametrize(
    ("number", "short", "count", "size"),
    [
        (None, "–", "–", "–"),
        (0, "0", "0", "0 B"),
        (999, "999", "999", "999 B"),
        (1234, "1.23k", "1,234", "1.23 kB"),
        (999_999, "1.00M", "999,999", "1000 kB"),
        (5_600_000_000, "5.60G", "5,600,000,000", "5.6 GB"),
    ],
)
def test_numbers(number: int | None, short: str, count: str, size: str) -> None:
    assert (formats.short(number), formats.count(number), formats.size(number)) == (short, count, size)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0, "0 %"),
        (1, "100 %"),
        (0.00001, "<0.01 %"),
        (0.0004, "0.04 %"),
        (0.031, "3.1 %"),
        (0.9998, "99.98 %"),
        (0.5, "50.0 %"),
    ],
)
def test_percent(share: float | None, text: str) -> None:
    assert formats.percent(share) == text


@given(st.floats(0.0001, 0.9999))
def test_a_share_that_is_not_all_never_reads_as_all(share: float) -> None:
    assert formats.percent(share) not in ("0 %", "100 %", "100.0 %", "0.0 %")


@given(st.floats(0, 1e12))
def test_what_is_known_always_reads_as_something(value: float) -> None:
    for read in (formats.money, formats.cost, formats.short, formats.duration, formats.size, formats.count, formats.percent):
        assert any(each.isdigit() for each in read(value))


@pytest.mark.parametrize(
    ("text", "short"),
    [("$4.00", "$4"), ("2.50 s", "2.5 s"), ("600", "600"), ("1.00k", "1k"), ("0.40 ms", "0.4 ms"), ("$0.0100", "$0.01")],
)
def test_trimmed(text: str, short: str) -> None:
    assert formats.trimmed(text) == short


def test_moment() -> None:
    text = "2026-11-22T13:04:05.123456Z"
    assert formats.moment(text) == (
        '<time datetime="2026-11-22T13:04:05.123456+00:00" title="2026-11-22 13:04:05.123 UTC">13:04:05</time>'
    )
    assert ">22 Nov 13:04:05<" in formats.moment(text, "date")
    assert ">22 Nov 2026<" in formats.moment(text, "day")
    assert ">2026-11-22 13:04:05.123 UTC<" in formats.moment(text, "full")
    assert formats.moment(None) == formats.moment("yesterday") == "–"
    assert formats.parse_time("2026-11-22 13:04:05.000000") == datetime(2026, 11, 22, 13, 4, 5, tzinfo=UTC)
