"""How a time's figures differ from those of the time before it, as the overview says it: +12 %, −3 %, ×14, +0.4 points.

There is nothing to compare with where Tracer was not there for all of the time before, or had no calls in it. What is said is
rounded: it is for the eye, and the two times are as long to within half an hour in days (times.TimeRange.before).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracer.ui.times import TimeRange

# From here on a factor says more than a percentage.
_MANIFOLD = 10
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `tone` is a class of the style sheet, for what is better or worse whoever looks."""

    text: str
    tone: str = ""


def changes(now: Row, before: Row | None) -> Mapping[str, Change]:
    """By figure, the differences that can be told. Rows of `overview-buckets`."""
    if not before or not before["calls"] or not now["calls"]:
        return {}
    found = {
        "calls": relative(now["calls"], before["calls"]),
        "failed": points(_failed(now), _failed(before)),
        "cost": relative(now["cost"], before["cost"]),
        "tokens": relative(_tokens(now), _tokens(before)),
        "ttft": relative(now["ttft_p50"], before["ttft_p50"], worse_when_more=True),
        "duration": relative(now["duration_p50"], before["duration_p50"], worse_when_more=True),
    }
    return {name: change for name, change in found.items() if change is not None}


def relative(now: float | None, before: float | None, worse_when_more: bool = False) -> Change | None:
    """By how much more or less of it there is."""
    if not now or not before:
        return None
    factor = now / before
    if not 1 / _MANIFOLD < factor < _MANIFOLD:
        text = f"×{factor:.3g}"
    else:
        percent = round((factor - 1) * 100)
        text = f"{_sign(percent)}{abs(percent)} %"
    # A tenth is what a reader should look at; less comes and goes.
    tone = "" if not worse_when_more or abs(factor - 1) < 0.1 else "worse" if factor > 1 else "better"
    return Change(text, tone)


def points(now: float, before: float) -> Change:
    """By how many points of a hundred a share changed."""
    difference = round((now - before) * 100, 1)
    tone = "" if abs(difference) < 1 else "worse" if difference > 0 else "better"
    return Change(f"{_sign(difference)}{abs(difference):g} points", tone)


def is_comparable(time: TimeRange, first_at: float) -> bool:
    """Whether Tracer was there for all of the time before, its first call being at `first_at`."""
    return first_at <= time.before.start.timestamp()


def _sign(number: float) -> str:
    return "±" if number == 0 else "+" if number > 0 else "−"


def _failed(row: Row) -> float:
    return float((row["bad"] + row["refused"]) / row["calls"])


def _tokens(row: Row) -> int:
    return (row["input_tokens"] or 0) + (row["output_tokens"] or 0)
