"""The time range of a URL."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.ui.times import SINCES, time_range

NOW = datetime(2026, 11, 22, 13, 4, 5, 678, tzinfo=UTC)


def test_since() -> None:
    range = time_range({"since": "6h"}, NOW)
    assert (range.start, range.end) == (datetime(2026, 11, 22, 7, 4, tzinfo=UTC), NOW)
    assert range.values == {"since": "2026-11-22 07:04:00.000000", "until": "2026-11-22 13:04:05.000678"}
    assert range.query == {"since": "6h"}
    assert range.is_by_minute
    assert not range.is_hourly


@pytest.mark.parametrize(
    ("since", "start"), [("7d", datetime(2026, 11, 15, 13, tzinfo=UTC)), ("30d", datetime(2026, 10, 23, tzinfo=UTC))]
)
def test_long_ranges_begin_with_a_whole_hour_or_day(since: str, start: datetime) -> None:
    range = time_range({"since": since}, NOW)
    assert range.start == start
    assert range.is_hourly


@pytest.mark.parametrize("text", ["2026-11-01T08:00:00Z", "2026-11-01 08:00", "2026-11-01T09:00:00+01:00"])
def test_from_and_to(text: str) -> None:
    range = time_range({"from": text, "to": "2026-11-03", "since": "1h"}, NOW)
    assert (range.start, range.end) == (datetime(2026, 11, 1, 8, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    assert range.query == {"from": "2026-11-01T08:00:00Z", "to": "2026-11-03T00:00:00Z"}
    assert time_range(range.query, NOW + timedelta(days=9)) == range


def test_from_alone_goes_until_now() -> None:
    assert time_range({"from": "2026-11-01"}, NOW).end == NOW


@given(st.text())
def test_whatever_stands_there_is_a_range(text: str) -> None:
    for query in ({"since": text}, {"from": text}, {"from": text, "to": text}, {"to": text}):
        range = time_range(query, NOW)
        assert range.start < range.end


@pytest.mark.parametrize("since", SINCES)
def test_buckets_are_neither_few_nor_many(since: str) -> None:
    range = time_range({"since": since}, NOW)
    assert 25 <= range.seconds / range.bucket_s <= 91
