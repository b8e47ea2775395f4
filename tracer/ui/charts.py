"""Charts over time: values in, geometry out. `part.chart` in templates/parts.html draws it as SVG that CSS colours.

The plot is drawn in 1000 × 100 units and stretched to whatever width there is; words stand in a second, unstretched SVG at
percentages. So one picture serves a phone and a wide screen, with no script and no inline style. Each bucket carries its values
as hover text, and the whole is repeated as a table for who cannot see it. docs/decisions says why this is no chart library.

Bars stack from zero; a bucket without rows is 0. Lines have gaps where nobody knows a value.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal

from tracer.ui import formats
from tracer.ui.times import TimeRange

WIDTH, HEIGHT = 1000.0, 100.0
_GAP = 0.14  # of a bucket, between two bars
_MOST_TICKS = 6
_STEPS_S = (
    60,
    300,
    900,
    1800,
    3600,
    2 * 3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86400,
    2 * 86400,
    7 * 86400,
    14 * 86400,
    28 * 86400,
)
_DAY_S = 86400

Format = Callable[[float | None], str]
Kind = Literal["bars", "lines"]


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a value for each bucket, None where nobody knows."""

    name: str
    values: tuple[float | None, ...]
    tone: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, in percent, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One coloured rectangle."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """A column of the chart: where it is, and what to say about it."""

    x: float
    width: float
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimeChart:
    """A chart and all that is drawn of it."""

    title: str
    unit: str
    times: tuple[datetime, ...]
    series: tuple[Series, ...]
    bucket_s: int
    kind: Kind = "bars"
    format: Format = formats.short

    @property
    def is_empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    @property
    def top(self) -> float:
        """The value at the upper edge."""
        if self.kind == "bars":
            sums = (sum(values) for values in zip(*(map(_zero, each.values) for each in self.series), strict=True))
            return nice(max(sums, default=0.0))
        return nice(max((_zero(value) for each in self.series for value in each.values), default=0.0))

    @property
    def y_ticks(self) -> list[Tick]:
        return [Tick(100 * (1 - share), formats.trimmed(self.format(self.top * share))) for share in (0.5, 1.0)]

    @property
    def x_ticks(self) -> list[Tick]:
        """Round times, a few."""
        if not self.times:
            return []
        start, length = self.times[0].timestamp(), self.bucket_s * len(self.times)
        step = next((step for step in _STEPS_S if length / step <= _MOST_TICKS), math.ceil(length / _MOST_TICKS))
        ticks, moment = [], math.ceil(start / step) * step
        while moment < start + length:
            at = 100 * (moment - start) / length
            if 3 <= at <= 97:  # words at the very edge would be cut
                ticks.append(Tick(at, _short_time(datetime.fromtimestamp(moment, UTC), step)))
            moment += step
        return ticks

    @property
    def buckets(self) -> list[Bucket]:
        width = WIDTH / max(1, len(self.times))
        return [
            Bucket(index * width, width, _label(when, self.bucket_s), tuple(self.format(s.values[index]) for s in self.series))
            for index, when in enumerate(self.times)
        ]

    @property
    def bars(self) -> list[Bar]:
        width, top, drawn = WIDTH / max(1, len(self.times)), self.top, []
        for index in range(len(self.times)):
            below = 0.0
            for series in self.series:
                value = _zero(series.values[index])
                if value:
                    height = HEIGHT * value / top
                    x = index * width + width * _GAP / 2
                    drawn.append(Bar(x, HEIGHT - below - height, width * (1 - _GAP), height, series.tone))
                    below += height
        return drawn

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(tone, path) of each series; a lone value is a dot."""
        return [(series.tone, self._path(series.values)) for series in self.series]

    def _path(self, values: Sequence[float | None]) -> str:
        width, top, parts = WIDTH / max(1, len(values)), self.top, []
        for index, (before, value) in enumerate(pairwise((None, *values))):
            if value is not None:
                x, y = (index + 0.5) * width, HEIGHT * (1 - value / top)
                after = values[index + 1] if index + 1 < len(values) else None
                parts.append(f"{'M' if before is None else 'L'}{x:.1f} {y:.2f}" + ("h0" if before is after is None else ""))
        return "".join(parts)


def time_chart(
    title: str,
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, tuple[str, str]],
    range: TimeRange,
    *,
    unit: str = "",
    kind: Kind = "bars",
    format: Format = formats.short,
) -> TimeChart:
    """A chart of rows that have a `bucket` (seconds since 1970): column → (name, tone)."""
    width = range.bucket_s
    first, last = int(range.start.timestamp()) // width, math.ceil(range.end.timestamp() / width)
    by_bucket = {int(row["bucket"]) // width: row for row in rows}
    numbers = [*_numbers(first, last)]
    absent = 0.0 if kind == "bars" else None
    series = tuple(
        Series(name, tuple(by_bucket[n][column] if n in by_bucket else absent for n in numbers), tone)
        for column, (name, tone) in columns.items()
    )
    times = tuple(datetime.fromtimestamp(number * width, UTC) for number in numbers)
    return TimeChart(title, unit, times, series, width, kind, format)


def nice(value: float) -> float:
    """The next round number from here up: 1, 2, 2.5, 5 times a power of ten."""
    if value < 1e-15 or not math.isfinite(value):  # less than any figure here
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((power * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if value <= power * step * (1 + 1e-9)), power * 10)


def _numbers(first: int, last: int) -> range:
    return range(first, max(first + 1, last))


def _zero(value: float | None) -> float:
    return value or 0.0


def _short_time(when: datetime, step_s: float) -> str:
    if step_s >= _DAY_S or (when.hour, when.minute) == (0, 0):
        return f"{when.day} {when:%b}"
    return f"{when:%H:%M}"


def _label(when: datetime, bucket_s: int) -> str:
    if bucket_s >= _DAY_S:
        return f"{when.day} {when:%b %Y}"
    return f"{when.day} {when:%b %H:%M:%S}" if bucket_s < 60 else f"{when.day} {when:%b %H:%M}"
