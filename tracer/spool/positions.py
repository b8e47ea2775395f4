"""What each exporter has taken of each log, on disk, and removal of what all have taken.

One small JSON file per exporter and log, replaced whole (write, sync, rename), so it is always one state or the next.
`pending` is the batch on its way: it is stored before the export and cleared by the acknowledgement, so after a crash the
very same range goes again under the same token, and a backend that knows the token keeps the rows once.

The rename is synced too. A `pending` that a power cut undid would let another range be cut from the same place, whose token
the backend does not know; a `taken` that it undid, after the segment was removed, would point to what is gone.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tracer.spool import durable, segment
from tracer.spool.segment import Place

_SUFFIX = ".position"


@dataclass(frozen=True, slots=True)
class Batch:
    """A byte range of one segment; `records` of it are intact."""

    segment: int
    start: int
    end: int
    records: int = 0

    @property
    def after(self) -> Place:
        return Place(self.segment, self.end)


@dataclass(frozen=True, slots=True)
class Position:
    """How far one exporter has come in one log."""

    taken: Place = field(default_factory=Place)
    pending: Batch | None = None


def load(log: Path, exporter: str) -> Position:
    """The stored position; the beginning if there is none. A damaged file is the beginning too: better twice than never."""
    try:
        stored = json.loads(_path(log, exporter).read_text())
        pending = stored["pending"]
        return Position(Place(**stored["taken"]), Batch(**pending) if pending else None)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Position()


def store(log: Path, exporter: str, position: Position) -> None:
    """Replace the stored position. Raises OSError."""
    durable.replace(_path(log, exporter), json.dumps(asdict(position)).encode())


def remove_taken(log: Path, exporters: list[str]) -> None:
    """Delete the segments that all of `exporters` have taken. The newest stays: it is being written."""
    slowest = min(load(log, name).taken for name in exporters)
    for number in segment.numbers(log)[:-1]:
        if number < slowest.segment or (number == slowest.segment and slowest.offset >= segment.size(log, number)):
            segment.path(log, number).unlink(missing_ok=True)


def undelivered(log: Path, number: int) -> int:
    """Records of a segment that at least one exporter that has a position here has not taken, nor has on its way.

    What is on its way is in the exporter's hands: it is delivered though the segment goes, or counted there (drain.py).
    """
    names = [path.name.removesuffix(_SUFFIX) for path in log.glob("*" + _SUFFIX)]
    held = [position.pending.after if position.pending else position.taken for position in (load(log, name) for name in names)]
    slowest = min(held, default=Place())
    if slowest.segment > number:
        return 0
    data = segment.path(log, number).read_bytes()
    return segment.count(data, slowest.offset if slowest.segment == number else 0)


def _path(log: Path, exporter: str) -> Path:
    return log / f"{exporter}{_SUFFIX}"
