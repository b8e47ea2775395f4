"""Batches that one drain has read and decoded, kept for the others that come to the same place of a log.

    drain A ─ cuts a batch, decodes it ─► shelf ─► drain B takes the same batch, decoded

Understanding a call costs more than shipping it, so it is done once while the exporters keep step. Each keeps its own
position on disk and never needs the shelf: what is not here it reads and decodes itself.

Rules
- A batch stays until every exporter has taken it, or until `most_bytes` are here, spooled and decoded, and the oldest must go.
  So an exporter whose backend is away costs that much memory and no more, and holds up nobody.
- A batch that became too much when it was decoded (contents.py) is shorter from then on, for all that have not stored it as
  pending yet. Who has, takes it as it was stored.
- Who has fallen behind cuts its batches where others have cut theirs, so that it can be in step again.
- The first exporter (the store) waits for nobody. Another that is ahead of it, in a backlog, lets it catch up while it moves:
  otherwise the two would drift apart beyond what is kept here, and everything would be decoded twice.
- What was decoded is never changed by anybody: records are frozen.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tracer.sink.contents import Contents
from tracer.spool import reader
from tracer.spool.reader import Found
from tracer.spool.segment import Place
from tracer.spool.segment import Record as Spooled

# An exporter that has delivered nothing for so long is not waited for.
PATIENCE_SECONDS = 2.0


Read = Callable[[Sequence[Spooled], bool], Contents]  # what records are; of the first of them, if it may be fewer


@dataclass(slots=True)
class _Kept:
    found: Found
    size: int
    contents: Contents | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Shelf:
    """Shared by the drains of these exporters; any thread may call anything."""

    def __init__(self, names: Sequence[str], most_bytes: int) -> None:
        self._names = tuple(names)
        self._most = most_bytes if len(self._names) > 1 else 0
        self._kept: dict[tuple[Path, Place], _Kept] = {}  # by the place after which it begins; oldest first
        self._bytes = 0
        self._at: dict[tuple[Path, str], Place] = {}  # how far each has come
        self._moved: dict[str, float] = {}
        self._lock = threading.Lock()

    def found(self, log: Path, after: Place) -> Found | None:
        """The batch that another drain has cut behind this place."""
        kept = self._kept.get((log, after))
        return kept.found if kept is not None else None

    def cut(self, log: Path, after: Place, found: Found) -> Found:
        """A batch behind this place: `found`, which is kept, unless another drain was quicker."""
        key = log, after
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                return kept.found
            made = _Kept(found, _spooled_bytes(found))
            if made.size <= self._most and sum(self._awaits(name, key) for name in self._names) > 1:
                self._kept[key] = made
                self._bytes += made.size
                while self._bytes > self._most:
                    self._drop(next(iter(self._kept)))
            return found

    def room(self, log: Path, after: Place, most: int) -> int:
        """Bytes behind this place up to the next one where another drain has cut; `most` if that is farther."""
        with self._lock:
            cuts = [kept.found.batch for (where, _), kept in self._kept.items() if where == log]
        ahead = (cut.start - after.offset for cut in cuts if cut.segment == after.segment and cut.start > after.offset)
        return min(ahead, default=most)

    def contents(self, log: Path, after: Place, found: Found, read: Read, *, pending: bool = False) -> tuple[Found, Contents]:
        """A batch and what it holds; read by whoever comes first, while the others wait for that.

        The batch may be shorter than `found` was, unless it is `pending`: then it is what was stored.
        """
        kept = self._kept.get((log, after))
        if kept is not None:
            with kept.lock:
                if not pending or kept.found.batch == found.batch:
                    if kept.contents is None:
                        kept.found, kept.contents = _read(log, after, kept.found, read, pending=pending)
                        self._weigh(kept, (log, after))
                    return kept.found, kept.contents
        return _read(log, after, found, read, pending=pending)

    def _weigh(self, kept: _Kept, key: tuple[Path, Place]) -> None:
        """Count what a batch is now."""
        with self._lock:
            if self._kept.get(key) is kept:
                size = _spooled_bytes(kept.found) + (kept.contents.size if kept.contents else 0)
                self._bytes += size - kept.size
                kept.size = size
                while self._bytes > self._most:
                    self._drop(next(iter(self._kept)))

    def done(self, name: str, log: Path, at: Place) -> None:
        """An exporter has come this far; what all have taken is dropped."""
        with self._lock:
            self._at[log, name] = at
            self._moved[name] = time.monotonic()
            for key in [key for key in self._kept if key[0] == log and not self._is_awaited(key)]:
                self._drop(key)

    def is_ahead(self, name: str) -> bool:
        """Whether this exporter should wait a moment for the first one."""
        first = self._names[0]
        if name == first or time.monotonic() - self._moved.get(first, 0.0) > PATIENCE_SECONDS:
            return False
        with self._lock:
            return 2 * sum(kept.size for key, kept in self._kept.items() if self._awaits(first, key)) > self._most

    def _drop(self, key: tuple[Path, Place]) -> None:
        self._bytes -= self._kept.pop(key).size

    def _awaits(self, name: str, key: tuple[Path, Place]) -> bool:
        return self._at.get((key[0], name), Place()) <= key[1]

    def _is_awaited(self, key: tuple[Path, Place]) -> bool:
        return any(self._awaits(name, key) for name in self._names)


def _spooled_bytes(found: Found) -> int:
    return sum(len(record.payload) for record in found.records)


def _read(log: Path, after: Place, found: Found, read: Read, *, pending: bool) -> tuple[Found, Contents]:
    """A batch as far as it was read."""
    contents = read(found.records, not pending)
    count = len(contents)
    if count == len(found.records):
        return found, contents
    records = found.records[:count]
    if found.damaged:  # some of it may lie behind
        again = reader.next_batch(log, after, max_records=count, max_bytes=found.batch.end - found.batch.start)
        damaged = again.damaged if again is not None else 0
    else:
        damaged = 0
    batch = replace(found.batch, end=records[-1].end, records=count)
    return replace(found, batch=batch, records=records, damaged=damaged), contents
