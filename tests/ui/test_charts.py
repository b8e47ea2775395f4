"""Charts' geometry: nothing is drawn outside, stacks add up, gaps stay gaps."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.ui import formats
from tracer.ui.charts import HEIGHT, WIDTH, Series, TimeChart, nice, time_chart
from tracer.ui.times import TimeRange, time_range

NOW = datetime(2026, 11, 22, 13, 4, 5, tzinfo=UTC)
values = st.lists(st.none() | st.just(0.0) | st.floats(1e-12, 1e15), min_size=1, max_size=80)


def chart(kind: str, *series: list[float | None]) -> TimeChart:
    times = tuple(datetime.fromtimestamp(1_800_000_000 + 60 * n, UTC) for n in range(len(series[0])))
    return TimeChart(
        "t", "u", times, tuple(Series(str(n), tuple(each), f"c{n + 1}") for n, each in enumerate(series)), 60, kind
    )  # type: ignore[arg-type]


@given(values)
def test_bars_stay_inside_and_stack(given_values: list[float | None]) -> None:
    made = chart("bars", given_values, given_values)
    for bar in made.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 1e-6
        assert -1e-6 <= bar.y <= bar.y + bar.height <= HEIGHT + 1e-6
    heights = sum(bar.height for bar in made.bars)
    assert heights == pytest.approx(sum(2 * (value or 0) for value in given_values) / made.top * HEIGHT)


@given(values)
def test_lines_stay_inside_and_have_gaps(given_values: list[float | None]) -> None:
    [(tone, path)] = chart("lines", given_values).lines
    points = re.findall(r"[ML]([\d.]+) (-?[\d.]+)", path)
    assert tone == "c1"
    assert len(points) == sum(value is not None for value in given_values)
    assert all(0 <= float(x) <= WIDTH and -0.01 <= float(y) <= HEIGHT for x, y in points)
    runs = sum(value is not None and (n == 0 or given_values[n - 1] is None) for n, value in enumerate(given_values))
    assert path.count("M") == runs


@given(st.floats(1e-12, 1e15))
def test_nice_is_a_little_more(value: float) -> None:
    assert value <= nice(value) * (1 + 1e-8) <= value * 2.6


def test_nice_of_nothing() -> None:
    assert nice(0) == nice(float("nan")) == nice(-1) == 1


def test_rows_become_a_chart_without_holes() -> None:
    range = TimeRange(datetime(2026, 11, 22, 12, 1, tzinfo=UTC), datetime(2026, 11, 22, 12, 59, tzinfo=UTC), "")
    width = range.bucket_s
    bucket = int(datetime(2026, 11, 22, 12, 30, tzinfo=UTC).timestamp()) // width * width
    rows = [{"bucket": bucket, "n": 3, "ms": None}]
    bars = time_chart("Calls", rows, {"n": ("calls", "ok")}, range)
    assert sum(value or 0 for value in bars.series[0].values) == 3
    assert None not in bars.series[0].values
    assert bars.times[0] <= range.start
    assert bars.times[-1] < range.end
    lines = time_chart("Latency", rows, {"ms": ("p50", "c1")}, range, kind="lines", format=formats.duration)
    assert set(lines.series[0].values) == {None}
    assert lines.is_empty
    assert not bars.is_empty


@pytest.mark.parametrize("since", ["15m", "1h", "6h", "24h", "7d", "30d", "90d", "1000d"])
def test_a_few_round_times_below(since: str) -> None:
    made = time_chart("t", [], {"n": ("n", "ok")}, time_range({"since": since}, NOW))
    ticks = made.x_ticks
    assert 2 <= len(ticks) <= 8, [tick.text for tick in ticks]
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)
    assert all(0 <= tick.at <= 100 for tick in ticks)
    assert [tick.text for tick in made.y_ticks] == ["0.5", "1"]
