"""What a run of the benchmarks found: figures by name, grouped by the part that measured them, kept in docs/benchmarks.json."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from tests.bench import wrk
from tests.bench.peers import Way
from tests.bench.worker import Program


class Figure(msgspec.Struct, frozen=True):
    """One measured number: the median of its rounds, and the least and most of them."""

    name: str
    value: float
    unit: str
    low: float
    high: float

    @staticmethod
    def of(name: str, rounds: Sequence[float], unit: str) -> "Figure":
        low, middle, high = (_rounded(found) for found in (min(rounds), statistics.median(rounds), max(rounds)))
        return Figure(name, middle, unit, low, high)

    @staticmethod
    def one(name: str, value: float, unit: str) -> "Figure":
        return Figure.of(name, [value], unit)


class Part(msgspec.Struct, frozen=True):
    """What one part of the benchmarks measured, when, and what must be said about it.

    `others_percent` is what other programs used of the processors meanwhile: a machine at rest has 0 to 3.
    """

    taken: str
    took_s: float
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""
    others_percent: float = 0


class Results(msgspec.Struct, frozen=True):
    """Of one machine; each part is of its own time."""

    machine: dict[str, str] = {}
    peers: dict[str, str] = {}
    parts: dict[str, Part] = {}

    def figure(self, name: str) -> Figure | None:
        return next((one for one in self.figures() if one.name == name), None)

    def figures(self) -> Iterator[Figure]:
        for part in self.parts.values():
            yield from part.figures


class NotMeasured(Exception):
    """A part could not be measured here; the message says why."""


class Run(msgspec.Struct, frozen=True):
    """What a part is told: where it may write, how long a round takes; and whom it tells of its progress and what to note."""

    place: Path
    seconds: float
    rounds: int
    say: Callable[[str], None]
    note: Callable[[str], None]
    pipeline_seconds: float = 60
    pipeline_rate: float = 0
    workers: int = 1
    ways: tuple[Way, ...] = ()

    def told(self, number: int, program: Program, done: wrk.Round) -> None:
        """Tell of a round of wrk."""
        self.say(f"round {number}/{self.rounds}  {program.name:26} {wrk.line(done)}")


def load(path: Path) -> Results:
    """Results of a file; none if there is no such file yet."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def save(path: Path, results: Results) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def _rounded(value: float) -> float:
    """Four digits: more is noise, and would make every run a new file."""
    return float(f"{value:.4g}")
