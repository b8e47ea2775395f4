"""Whether something grows. Pure: samples in, verdicts out.

Growth is looked for within one process's life, since a restart hides it: of each kind of process the longest life, which is
why kills of the long-lived ones end at HARD_SHARE of the run (happenings.py). From it the first WARM_SHARE is left out: caches
fill, the interpreter's arenas find their size. Over the rest goes Theil and Sen's line (the median slope of all pairs), which
a fault's short peak does not move. What it rises over the judged stretch must be less than a share of the level, or than a
floor below which the noise of the allocator lies.
Connections go to the workers that are left when one is killed, a few more each time, so the descriptors of workers are looked
at together, while one of them lives.

A second look goes across lives: the level at equal age (AGE) in an early life and in the last ones. A process that starts with
more each time would pass the first look. The early life is the second if there are more than three: the first begins with an
empty store, and has nothing to open and nothing to merge.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from msgspec.structs import replace

from tests.soak.records import Sample, Usage, Verdict
from tracer.sink.main import SHARED_BYTES

Points = list[tuple[float, float]]
WARM_SHARE = 0.25
# Less than this says nothing about an hour.
LEAST_S = 240.0
AGE = (20.0, 60.0)
MOST_POINTS = 400
# The embedded engine's open files are those of its parts, which come and go with merges; its threads are pools that grow when
# they are needed; its memory has caches, and what merges hold. All are bounded, and swing more than a Python process's.
SLACK = {"store": 3.0}
# The sink holds batches for its slower exporter up to a bound: a life that begins with a backlog has as much more than one that
# begins without.
HOLDS_MB = {"sink": SHARED_BYTES / 1e6}


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is looked at, and by how much it may rise: by a share of its level, or by `floor`, whichever is more."""

    name: str
    unit: str
    of: Callable[[Usage], float]
    share: float
    floor: float


DESCRIPTORS = Quantity("descriptors", "", lambda usage: float(usage.descriptors), 0.10, 6.0)
QUANTITIES = (
    Quantity("memory", "MB", lambda usage: usage.memory_mb, 0.10, 8.0),
    DESCRIPTORS,
    Quantity("threads", "", lambda usage: float(usage.threads), 0.10, 2.0),
)
_WORKER = "worker "


def rise(points: Points) -> float:
    """By how much the values go up from the first to the last point, by the median of all slopes between two."""
    points = _thinned(points)
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for number, earlier in enumerate(points)
        for later in points[number + 1 :]
        if later[0] > earlier[0]
    ]
    return median(slopes) * (points[-1][0] - points[0][0]) if slopes else 0.0


def lives(samples: Iterable[Sample], name: str) -> list[list[tuple[float, Usage]]]:
    """The samples of each process that had this name, one list a process."""
    found: dict[int, list[tuple[float, Usage]]] = {}
    for sample in samples:
        if usage := sample.processes.get(name):
            found.setdefault(usage.pid, []).append((sample.at, usage))
    return list(found.values())


def processes(samples: Sequence[Sample]) -> list[str]:
    return sorted({name for sample in samples for name in sample.processes})


def judged(samples: Sequence[Sample]) -> list[Verdict]:
    """Each quantity of each process, within its longest life and across its lives."""
    found = []
    for name in processes(samples):
        every = lives(samples, name)
        longest = max(every, key=lambda life: life[-1][0] - life[0][0])
        for quantity in QUANTITIES:
            if quantity is DESCRIPTORS and name.startswith(_WORKER):
                found.append(within(f"all workers, while {name} lives", quantity, of_workers(samples, longest)))
            else:
                found.append(within(name, quantity, longest))
            if len(every) > 1:
                found.append(across(name, quantity, every))
    return found


def within(name: str, quantity: Quantity, life: Sequence[tuple[float, Usage]]) -> Verdict:
    """Whether a quantity rises while one process lives."""
    begin = life[0][0] + (life[-1][0] - life[0][0]) * WARM_SHARE
    points = [(at, quantity.of(usage)) for at, usage in life if at >= begin]
    what = f"{quantity.name} of {name}, within one life"
    span = points[-1][0] - points[0][0]
    if span < LEAST_S:
        return Verdict(what, f"{span:.0f} s are too short to tell", f"{LEAST_S:.0f} s at least", None)
    level = median(value for _, value in points)
    grown, allowed = rise(points), max(quantity.share * level, quantity.floor) * SLACK.get(name, 1.0)
    most = max(value for _, value in points)
    said = f"{grown:+.1f}{_unit(quantity)} in {span / 60:.0f} min at {level:.0f}{_unit(quantity)} (most {most:.0f})"
    return Verdict(what, said, f"+{allowed:.1f}{_unit(quantity)}", grown <= allowed)


def of_workers(samples: Iterable[Sample], life: Sequence[tuple[float, Usage]]) -> list[tuple[float, Usage]]:
    """One worker's life with the descriptors of all workers that there were at each of its moments."""
    open_at = {
        one.at: sum(usage.descriptors for name, usage in one.processes.items() if name.startswith(_WORKER)) for one in samples
    }
    return [(at, replace(usage, descriptors=open_at[at])) for at, usage in life]


def across(name: str, quantity: Quantity, every: Sequence[Sequence[tuple[float, Usage]]]) -> Verdict:
    """Whether later processes of this name have more than an early one, at the same age."""
    old = [life for life in every if life[-1][0] - life[0][0] >= AGE[1]]  # of a shorter one there would be a younger stretch
    aged = [[quantity.of(usage) for at, usage in life if AGE[0] <= at - life[0][0] <= AGE[1]] for life in old]
    levels = [median(values) for values in aged if values]
    what = f"{quantity.name} of {name}, later lives against an early one at {AGE[0]:.0f} to {AGE[1]:.0f} s of age"
    if len(levels) < 2:
        return Verdict(what, "too few lives were so long", "two at least", None)
    first, last = levels[len(levels) > 3], median(levels[-3:])
    allowed = max(2 * quantity.share * first, 2 * quantity.floor) * SLACK.get(name, 1.0)
    if quantity.name == "memory":
        allowed = max(allowed, HOLDS_MB.get(name, 0.0))
    said = f"{last - first:+.1f}{_unit(quantity)} over {len(levels)} lives, from {first:.0f}"
    return Verdict(what, said, f"+{allowed:.1f}{_unit(quantity)}", last - first <= allowed)


def floor_of(points: Points, window_s: float) -> Points:
    """The least value of each stretch of time: what is left when a backlog is gone."""
    lows: dict[int, tuple[float, float]] = {}
    for at, value in points:
        key = int(at / window_s)
        if key not in lows or value < lows[key][1]:
            lows[key] = (at, value)
    return [lows[key] for key in sorted(lows)]


def settles(what: str, points: Points, allowed_mb: float, window_s: float = 60.0) -> Verdict:
    """Whether what comes and goes with faults goes back to the same floor."""
    points = points[int(len(points) * WARM_SHARE) :]
    if len(points) < 3 or points[-1][0] - points[0][0] < LEAST_S:
        return Verdict(what, "too short to tell", f"{LEAST_S:.0f} s at least", None)
    lows = floor_of(points, window_s)
    grown, most = rise(lows), max(value for _, value in points)
    low = median(value for _, value in lows)
    said = f"{grown:+.1f} MB in {(points[-1][0] - points[0][0]) / 60:.0f} min, by the least of each minute; {low:.1f} of them"
    return Verdict(what, f"{said} (most {most:.1f})", f"+{allowed_mb:.0f} MB", grown <= allowed_mb)


def per_call(samples: Sequence[Sample], share: float = 1.5) -> Verdict:
    """Whether what queries read grows by more a call in the second half than in the first."""
    what = "live parts of the store, a call"
    points = [(sample.calls, sample.live_mb) for sample in samples if sample.live_mb and sample.calls]
    if not points or samples[-1].at - samples[0].at < 2 * LEAST_S:
        return Verdict(what, "too short to tell", f"{2 * LEAST_S:.0f} s at least", None)
    middle = min(points, key=lambda point: abs(point[0] - (points[0][0] + points[-1][0]) / 2))
    early, late = _bytes_each(points[0], middle), _bytes_each(middle, points[-1])
    said = f"{late:,.0f} bytes in the second half of the calls, {early:,.0f} in the first"
    return Verdict(what, said, f"{share:g} times the first half", late <= share * max(early, 1.0))


def not_live(samples: Sequence[Sample], share: float = 0.5) -> Verdict:
    """Whether the store keeps more and more beside what is live, for each byte of that, while one process of it lives.

    What parts were merged of stays for a time, and each file takes whole blocks: some multiple of what is live.
    """
    what = "disk of the store for each live byte, within one life"
    every: dict[int, Points] = {}
    for sample in samples:
        if (store := sample.processes.get("store")) and sample.live_mb:
            every.setdefault(store.pid, []).append((sample.at, sample.store_mb / sample.live_mb))
    points = max(every.values(), key=lambda life: life[-1][0] - life[0][0], default=[])
    points = points[int(len(points) * WARM_SHARE) :]
    if len(points) < 2 or points[-1][0] - points[0][0] < LEAST_S:
        return Verdict(what, "too short to tell", f"{LEAST_S:.0f} s at least", None)
    grown, level, most = rise(points), median(value for _, value in points), max(value for _, value in points)
    said = f"{grown:+.1f} in {(points[-1][0] - points[0][0]) / 60:.0f} min at {level:.1f} (most {most:.1f})"
    return Verdict(what, said, f"+{share * level:.1f}", grown <= share * level)


def _bytes_each(one: tuple[int, float], other: tuple[int, float]) -> float:
    return (other[1] - one[1]) * 1e6 / max(1, other[0] - one[0])


def _thinned(points: Points) -> Points:
    step = max(1, len(points) // MOST_POINTS)
    return points[::step]


def _unit(quantity: Quantity) -> str:
    return f" {quantity.unit}" if quantity.unit else ""
