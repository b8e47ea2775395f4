"""What a fault is, and what a run of it found. Results are kept in docs/fault-matrix.json."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Run:
    """How one fault is to be run: where its files go, how often it happens, and who hears of it."""

    place: Path
    times: int
    say: Callable[[str], None]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the matrix. Counts are of calls unless the name says otherwise."""

    times: int = 0  # how often the fault happened
    sent: int = 0
    answered: int = 0  # whole and right, as the client saw it
    errors: int = 0  # whole replies that said no: Tracer's own, or the provider's
    cut: int = 0  # the connection broke before the end of the reply
    refused: int = 0  # no connection: nobody accepted anything
    left: int = 0  # the client went away on purpose
    served: int = 0  # replies that the provider sent to their end
    stored: int = 0  # distinct calls with a row
    crashed: int = 0  # of these, rows of calls that their worker's death cut (outcome proxy_crash)
    spans: int = 0  # distinct calls with a span; -1: no collector in this one
    spans_again: int = 0  # spans that came more than once
    doubled: int = 0  # calls with more than one row
    dropped: dict[str, int] = {}  # counted by Tracer, by reason
    lost: int = 0  # answered, or an error told, but neither row nor counted reason
    lost_ms: float = 0.0  # the longest that one of these had been answered when its worker was killed
    unrecorded: int = 0  # cut or left, the provider had been asked, and no row
    level_s: float = -1.0  # from the end of the fault until nothing waited in the spool; -1: never
    p50_ms: float = 0.0  # of plain calls before the fault
    p99_ms: float = 0.0
    added_p50_ms: float = 0.0  # while it lasted, more than before
    added_p99_ms: float = 0.0
    broken: tuple[str, ...] = ()  # promises that did not hold
    notes: tuple[str, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """A fault's row and when it was taken; `missing` says why there is none."""

    name: str
    promised: str
    taken: str
    took_s: float
    row: Row = Row()
    missing: str = ""


class Matrix(msgspec.Struct, frozen=True):
    """All results, in the order of the table, and the machine they are of."""

    machine: dict[str, str] = {}
    results: tuple[Result, ...] = ()

    @property
    def broken(self) -> int:
        return sum(len(result.row.broken) for result in self.results)


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table: `happens` runs it. `times` is how often in a full run, `least` in the smallest."""

    name: str
    promised: str
    happens: Callable[[Run], Awaitable[Row]]
    times: int = 1
    least: int = 1
    limit_s: float = 300.0

    def scaled(self, times: int | None) -> int:
        """How often, when what happens a hundred times in a full run is to happen `times` times."""
        if times is None:
            return self.times
        return min(self.times, max(self.least, round(self.times * times / 100)))


class CannotRun(Exception):
    """This machine does not let the fault happen; the message says what it lacks."""


def load(path: Path) -> Matrix:
    """What is on record; nothing if there is no file yet."""
    return msgspec.json.decode(path.read_bytes(), type=Matrix) if path.exists() else Matrix()


def save(path: Path, matrix: Matrix) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(matrix), indent=2) + b"\n")
