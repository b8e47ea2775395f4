"""A trace as rows under a time axis. Values in, geometry out; the order and the parents are tracer/store/tree.py's.

Rows stand from the top down. Each row that has others below it opens a fold, and the last row below closes it (`closes` says
how many folds end behind a row), so a template writes nested `<details>` without recursion. Browsers stop nesting at some
hundred levels: below DEEPEST rows are no further indented and open no folds of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracer.store.tree import Span, walk
from tracer.ui import formats

DEEPEST = 24
AXIS = 1000.0  # width of the axis, in units of the drawing
_THINNEST = 4.0  # a bar that took no time is seen all the same
_TICKS = 6
_GOOD = frozenset({"ok", "cache_hit", "client_gone", "SUCCESS", "CANCELED", ""})


@dataclass(frozen=True, slots=True)
class Row:
    """One call, or one span of the application's."""

    span: Span
    depth: int
    opens: bool
    closes: int
    below: int  # how many rows a fold hides
    left: float
    width: float
    first_token: float | None  # where on the axis
    starts_ms: float  # since the trace began

    @property
    def ended(self) -> bool:
        return self.span.duration_ms is not None

    @property
    def failed(self) -> bool:
        return self.span.outcome not in _GOOD


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the rows."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What all rows come to. `cost_usd` is of those with a price."""

    calls: int
    spans: int
    failed: int
    retries: int
    duration_ms: float
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    unpriced: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """All of a trace that is drawn."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    totals: Totals
    started_us: int


def waterfall(spans: Sequence[Span]) -> Waterfall:
    """The drawing of spans, which stand earliest first; there must be one at least."""
    start = min(span.started_us for span in spans)
    length_ms = _length_ms(spans, start)
    depths: dict[int, int] = {}
    order: list[tuple[int, int]] = []
    for above, index in walk(spans):
        depths[index] = 0 if above is None else depths[above] + 1
        order.append((index, min(depths[index], DEEPEST)))
    below = _below([depth for _, depth in order])
    rows = []
    for place, (index, depth) in enumerate(order):
        following = order[place + 1][1] if place + 1 < len(order) else 0
        rows.append(_row(spans[index], depth, following, below[place], start, length_ms))
    return Waterfall(tuple(rows), ticks(length_ms), _totals(spans, length_ms), start)


def ticks(length_ms: float) -> tuple[Tick, ...]:
    """Lines at round times: a few, the first at 0."""
    if length_ms <= 0:
        return (Tick(0.0, round_time(0)),)
    step = _round_step(length_ms / _TICKS)
    count = int(length_ms / step + 1e-9)
    return tuple(Tick(number * step / length_ms * AXIS, round_time(number * step)) for number in range(count + 1))


def round_time(ms: float) -> str:
    """A time on an axis, without digits that say nothing: 0, 250 ms, 1.5 s."""
    if ms == 0:
        return "0"
    if ms >= 60_000:
        return formats.duration(ms)
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50, … (and their fractions) that is not below `least`."""
    size = 10.0 ** _exponent(least)
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= least * (1 - 1e-9))


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def _length_ms(spans: Iterable[Span], start: int) -> float:
    return max((span.started_us - start) / 1000 + (span.duration_ms or 0.0) for span in spans)


def _row(span: Span, depth: int, following: int, below: int, start: int, length_ms: float) -> Row:
    scale = AXIS / length_ms if length_ms > 0 else 0.0
    starts_ms = (span.started_us - start) / 1000
    lasts_ms = span.duration_ms if span.duration_ms is not None else length_ms - starts_ms
    width = min(max(lasts_ms * scale, _THINNEST), AXIS)
    left = min(starts_ms * scale, AXIS - width)
    token = None if span.ttft_ms is None else min(left + span.ttft_ms * scale, AXIS)
    return Row(span, depth, following > depth, max(depth - following, 0), below, left, width, token, starts_ms)


def _below(depths: Sequence[int]) -> list[int]:
    """For each place in the order, how many of those right behind it are deeper."""
    counts = [0] * len(depths)
    open_places: list[int] = []
    for place, depth in enumerate(depths):
        while open_places and depths[open_places[-1]] >= depth:
            opened = open_places.pop()
            counts[opened] = place - opened - 1
        open_places.append(place)
    for opened in open_places:
        counts[opened] = len(depths) - opened - 1
    return counts


def _totals(spans: Sequence[Span], length_ms: float) -> Totals:
    calls = [span for span in spans if not span.type]
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    return Totals(
        calls=len(calls),
        spans=len(spans) - len(calls),
        failed=sum(span.outcome not in _GOOD for span in spans),
        retries=sum(call.attempt > 0 for call in calls),
        duration_ms=length_ms,
        input_tokens=_sum(call.input_tokens for call in calls),
        output_tokens=_sum(call.output_tokens for call in calls),
        cost_usd=sum(costs, Decimal()) if costs else None,
        unpriced=len(calls) - len(costs),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
