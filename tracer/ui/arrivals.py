"""When each piece of a stream came: every piece a mark on the time axis, and the silences that a reader noticed.

A stream has up to hundreds of thousands of pieces and a screen some hundred columns of pixels. So pieces are gathered by
column: a column is as high as the bytes that came in it (by the square root, so that one large piece does not hide all
others), and no column in which something came is empty. What is drawn is bounded whatever the stream was.

A piece is what the proxy read from its connection at once; providers put one event into it, or many. Silences are counted
between pieces from the first token on: what is before it is waiting, which tracer/ui/strip.py shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from tracer.ui.waterfall import AXIS

COLUMNS = 500
HEIGHT = 40.0
_LOWEST = 7.0  # of a piece with no bytes that are kept
_GROUPS = 50  # columns that share a hint
_STALL_US = 1_000_000
_MOST_STALLS = 60
_NAMED = 0.06  # share of the axis that a label needs


@dataclass(frozen=True, slots=True)
class Column:
    """What came within one column of the drawing; `early` is before the first token."""

    at: float
    height: float
    early: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Some time of the stream, for a hint: how many pieces and bytes came in it."""

    left: float
    width: float
    since_ms: float
    until_ms: float
    pieces: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Stall:
    """A silence of more than a second; `is_named` where its length fits into the drawing."""

    left: float
    width: float
    since_ms: float
    ms: float
    is_named: bool


@dataclass(frozen=True, slots=True)
class Arrivals:
    """All pieces of one stream. `stalls` are the longest, in order of time; `stalled` counts all."""

    pieces: int
    bytes: int
    columns: tuple[Column, ...]
    spans: tuple[Span, ...]
    stalls: tuple[Stall, ...]
    stalled: int
    stalled_ms: float

    @property
    def longest(self) -> tuple[Stall, ...]:
        """The few longest silences, the longest first."""
        return tuple(sorted(self.stalls, key=lambda stall: -stall.ms)[:5])

    def path(self, early: bool) -> str:
        """The columns as one path of an SVG: a line each, up from the ground."""
        return "".join(f"M{each.at:g} {HEIGHT:g}v-{each.height:.1f}" for each in self.columns if each.early is early)


def arrivals(at_us: Sequence[int], lengths: Sequence[int], end_ms: float | None, ttft_ms: float | None) -> Arrivals | None:
    """The drawing of a stream that took `end_ms`; None where nothing is known of its pieces."""
    if not at_us or len(at_us) != len(lengths) or not end_ms or end_ms <= 0:
        return None
    counts, sizes = [0] * COLUMNS, [0] * COLUMNS
    end_us = end_ms * 1000
    for at, length in zip(at_us, lengths, strict=True):
        column = min(int(at / end_us * COLUMNS), COLUMNS - 1)
        counts[column] += 1
        sizes[column] += length
    first_us = 0.0 if ttft_ms is None else ttft_ms * 1000
    stalls = sorted(_silences(at_us, first_us, end_us), key=lambda pair: pair[0] - pair[1])
    shown = sorted(stalls[:_MOST_STALLS])
    return Arrivals(
        pieces=len(at_us),
        bytes=sum(lengths),
        columns=_columns(counts, sizes, min(first_us / end_us, 1.0) * COLUMNS),
        spans=_spans(counts, sizes, end_ms),
        stalls=tuple(_stall(since, until, end_us) for since, until in shown),
        stalled=len(stalls),
        stalled_ms=sum(until - since for since, until in stalls) / 1000,
    )


def _silences(at_us: Sequence[int], first_us: float, end_us: float) -> Iterable[tuple[float, float]]:
    """The last one may end with the call: many a client leaves because nothing comes."""
    before: float = at_us[0]
    for at in (*at_us, end_us):
        # The piece with the first token ends the wait for it: a silence begins with a token.
        if at - before > _STALL_US and before >= first_us - 1:
            yield before, at
        before = at


def _columns(counts: Sequence[int], sizes: Sequence[int], first: float) -> tuple[Column, ...]:
    most = sqrt(max(sizes)) or 1.0
    width = AXIS / COLUMNS
    return tuple(
        Column((place + 0.5) * width, _LOWEST + (HEIGHT - _LOWEST) * sqrt(size) / most, place + 1 <= first)
        for place, (count, size) in enumerate(zip(counts, sizes, strict=True))
        if count
    )


def _spans(counts: Sequence[int], sizes: Sequence[int], end_ms: float) -> tuple[Span, ...]:
    wide = COLUMNS // _GROUPS
    return tuple(
        Span(
            left=number * AXIS / _GROUPS,
            width=AXIS / _GROUPS,
            since_ms=number * end_ms / _GROUPS,
            until_ms=(number + 1) * end_ms / _GROUPS,
            pieces=sum(counts[number * wide : (number + 1) * wide]),
            bytes=sum(sizes[number * wide : (number + 1) * wide]),
        )
        for number in range(_GROUPS)
    )


def _stall(since_us: float, until_us: float, end_us: float) -> Stall:
    left, right = (min(at / end_us, 1.0) for at in (since_us, until_us))
    return Stall(left * AXIS, (right - left) * AXIS, since_us / 1000, (until_us - since_us) / 1000, right - left >= _NAMED)
