from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracer.ui.comparison import Change, changes, is_comparable, points, relative
from tracer.ui.times import time_range

NOW = datetime(2026, 11, 22, 13, 44, 5, tzinfo=UTC)


def figures(**changed: Any) -> dict[str, Any]:
    values = {"calls": 100, "bad": 2, "refused": 1, "cost": 5.0, "input_tokens": 900, "output_tokens": 100}
    return {**values, "ttft_p50": 400.0, "duration_p50": 1000.0, **changed}


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "+12 %"),
        (97, 100, "−3 %"),
        (100.2, 100, "±0 %"),
        (1400, 100, "×14"),
        (1, 1000, "×0.001"),
        (999, 100, "+899 %"),
    ],
)
def test_how_much_more(now: float, before: float, text: str) -> None:
    assert relative(now, before) == Change(text)


@pytest.mark.parametrize(("now", "before"), [(None, 1.0), (1.0, None), (0, 1.0), (1.0, 0), (float("nan"), 0)])
def test_nothing_is_no_measure(now: float | None, before: float | None) -> None:
    assert relative(now, before) is None


def test_what_is_worse_and_better() -> None:
    assert relative(1300, 1000, worse_when_more=True) == Change("+30 %", "worse")
    assert relative(700, 1000, worse_when_more=True) == Change("−30 %", "better")
    assert relative(1050, 1000, worse_when_more=True) == Change("+5 %", "")
    assert points(0.051, 0.03) == Change("+2.1 points", "worse")
    assert points(0.03, 0.032) == Change("−0.2 points")
    assert points(0.01, 0.03) == Change("−2 points", "better")
    assert points(0.03, 0.03) == Change("±0 points", "")


def test_every_figure_of_the_overview() -> None:
    found = changes(figures(calls=200, bad=10, cost=6.0, output_tokens=1100, ttft_p50=None), figures())
    assert {name: change.text for name, change in found.items()} == {
        "calls": "+100 %",
        "failed": "+2.5 points",
        "cost": "+20 %",
        "tokens": "+100 %",
        "duration": "±0 %",
    }
    assert changes(figures(), None) == changes(figures(), figures(calls=0)) == changes({"calls": 0}, figures()) == {}


@pytest.mark.parametrize("since", ["15m", "1h", "6h", "24h", "7d", "30d", "90d"])
def test_the_time_before_is_as_long_and_right_before(since: str) -> None:
    time = time_range({"since": since}, NOW)
    before = time.before
    off = timedelta(minutes=30) if time.is_hourly else timedelta(seconds=30)
    assert abs((before.end - before.start) - (time.end - time.start)) <= off
    assert timedelta(0) <= time.start - before.end <= timedelta(hours=1)
    assert (before.start.minute == 0 and before.end.minute == 0) or not time.is_hourly
    assert before.start.second == before.end.second == 0 or not time.is_by_minute


def test_there_is_a_time_before_only_if_tracer_was_there() -> None:
    time = time_range({"since": "24h"}, NOW)
    began = time.before.start.timestamp()
    assert is_comparable(time, began)
    assert not is_comparable(time, began + 1)
