"""When an answer came, as far as a call's row tells: a strip from acceptance to the end, and how far apart its tokens were.

A row keeps the times of the head, the first byte and the first token, and a digest of all gaps between tokens. So this strip
shows the phases of a call, and the gaps by how many there were of each length. The arrival of each piece is kept with the
bodies and is drawn below the strip (tracer/ui/arrivals.py) as long as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer.ui.waterfall import AXIS, Tick, round_time, ticks

# Buckets of a digest (tracer/sink/latency.py: four to a doubling, the first up to 0.25 ms) that make one bar here.
_FIRST_MS = 0.25
_TO_A_DOUBLING = 4
_LAST_BUCKET = 73
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the strip; `tone` is a class of the style sheet."""

    label: str
    ms: float
    left: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the strip."""

    label: str
    ms: float
    at: float


@dataclass(frozen=True, slots=True)
class Strip:
    """One call's time."""

    phases: tuple[Phase, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """How many gaps between tokens had about this length; `share` is of the most frequent."""

    label: str
    count: int
    share: float


def strip(call: Row) -> Strip | None:
    """The phases of a call; None if it took no time."""
    end: float = call["duration_ms"]
    if not end or end <= 0:
        return None
    first_byte, first_token = _within(call["ttfb_ms"], end), _within(call["ttft_ms"], end)
    bounds: list[tuple[str, float, float, str]] = []
    if first_byte is None:
        bounds.append(("no answer came", 0.0, end, "wait"))
    else:
        began = first_byte if first_token is None else max(first_token, first_byte)
        bounds.append(("waiting for the first byte", 0.0, first_byte, "wait"))
        if began > first_byte:
            bounds.append(("first byte, no token yet", first_byte, began, "head"))
        bounds.append(("answer arriving", began, end, "body"))
    phases = tuple(
        Phase(label, to - since, since / end * AXIS, (to - since) / end * AXIS, tone) for label, since, to, tone in bounds
    )
    named = (
        ("head of the answer", _within(call["headers_ms"], end)),
        ("first byte", first_byte),
        ("first token", first_token),
        ("client left", _within(call["client_gone_ms"], end)),
    )
    marks = tuple(Mark(label, at, at / end * AXIS) for label, at in named if at is not None)
    return Strip(phases, marks, ticks(end))


def gaps(digest: Sequence[int]) -> tuple[Gaps, ...]:
    """The digest by doublings of the length, from the shortest gap to the longest."""
    groups: dict[int, int] = {}
    for bucket, number in enumerate(digest):
        if number:
            group = 0 if bucket == 0 else (bucket - 1) // _TO_A_DOUBLING + 1
            groups[group] = groups.get(group, 0) + number
    if not groups:
        return ()
    most = max(groups.values())
    return tuple(
        Gaps(_label(group), groups.get(group, 0), groups.get(group, 0) / most) for group in range(min(groups), max(groups) + 1)
    )


def _label(group: int) -> str:
    if group == 0:
        return f"≤ {round_time(_FIRST_MS)}"
    low = _FIRST_MS * 2 ** (group - 1)
    if (group - 1) * _TO_A_DOUBLING + 1 >= _LAST_BUCKET:
        return f"> {round_time(low)}"
    return f"{round_time(low)} – {round_time(low * 2)}"


def _within(ms: float | None, end: float) -> float | None:
    return None if ms is None else min(max(ms, 0.0), end)
