"""The sink's half of the spool: the next batch after a place, the records of a batch, and how many wait.

A batch never leaves its segment, so its token (log id, segment, offsets) names the same records for ever. Reading keeps no
state but what the caller passes, so any number of exporters read one log at their own pace.
"""

import mmap
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tracer.spool import segment
from tracer.spool.positions import Batch
from tracer.spool.segment import Place, Record


@dataclass(frozen=True, slots=True)
class Found:
    """A batch with its records. `damaged` places were skipped; `missing` segments had gone before they were read."""

    batch: Batch
    records: list[Record]
    damaged: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one exporter still has to take from a log."""

    records: int
    oldest_ns: int | None  # wall clock; None if nothing waits


def token(log: Path, batch: Batch) -> str:
    """The name of a batch: equal for equal records, also after a crash of anybody."""
    return f"{(log / 'id').read_text()}:{batch.segment}:{batch.start}-{batch.end}"


def next_batch(log: Path, after: Place, *, max_records: int, max_bytes: int) -> Found | None:
    """The records following `after`, or None if there are none yet."""
    present = segment.numbers(log)
    missing = 0
    for number in present:
        if number < after.segment:
            continue
        offset = after.offset if number == after.segment else 0
        if number != after.segment and after.segment:
            missing = number - after.segment - 1 - sum(after.segment < other < number for other in present)
        final = number != present[-1]
        found = _read(log, number, offset, max_records=max_records, max_bytes=max_bytes, final=final)
        if found.records or found.damaged:
            batch = Batch(number, offset, found.end, len(found.records))
            return Found(batch, found.records, found.damaged, missing)
    return None


def read_batch(log: Path, batch: Batch) -> list[Record]:
    """The records of a batch that was cut before; empty if its segment has been dropped meanwhile."""
    data = _bytes(log, batch.segment, batch.start, batch.end - batch.start)
    return segment.parse(data, batch.start, max_records=batch.records or len(data), final=True).records


def backlog(log: Path, after: Place) -> Backlog:
    """How many records follow `after`. Hops from header to header; what a closed segment holds is remembered."""
    records, oldest = 0, None
    present = segment.numbers(log)
    for number in present:
        if number < after.segment:
            continue
        offset = after.offset if number == after.segment else 0
        if oldest is None and (first := _read(log, number, offset, max_records=1, max_bytes=1 << 16, final=False).records):
            oldest = first[0].written_ns
        whole = offset == 0 and number != present[-1]
        records += _count_closed(log, number) if whole else _count(log, number, offset)
    return Backlog(records, oldest)


@lru_cache(maxsize=4096)
def _count_closed(log: Path, number: int) -> int:
    return _count(log, number, 0)


def _count(log: Path, number: int, offset: int) -> int:
    try:
        with open(segment.path(log, number), "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return segment.count(data, offset)
    except (FileNotFoundError, ValueError):  # gone, or empty: nothing can be mapped
        return 0


def age_seconds(backlog: Backlog) -> float:
    """Age of the oldest waiting record."""
    return max(0.0, (time.time_ns() - backlog.oldest_ns) / 1e9) if backlog.oldest_ns is not None else 0.0


def _read(log: Path, number: int, offset: int, *, max_records: int, max_bytes: int, final: bool) -> segment.Stretch:
    data = _bytes(log, number, offset, max_bytes)
    complete = offset + len(data) >= segment.size(log, number)
    found = segment.parse(data, offset, max_records=max_records, final=final and complete)
    if not found.records and not complete:
        # The first record alone is larger than max_bytes: it must pass all the same. Or the stretch is all damage: look on.
        wanted = max(segment.needed(data), 2 * max_bytes)
        return _read(log, number, offset, max_records=max_records, max_bytes=wanted, final=final)
    return found


def _bytes(log: Path, number: int, offset: int, size: int) -> bytes:
    try:
        file = os.open(segment.path(log, number), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(file, size, offset)
    finally:
        os.close(file)
