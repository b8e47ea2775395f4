"""A disk that is full, a data directory that became read-only, a spool at its bound, a damaged page."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faults.books import Books
from tests.faults.records import CannotRun, Row, Run
from tests.faults.scene import (
    BEHIND,
    Promise,
    level,
    nothing_doubled,
    nothing_lost,
    nothing_unrecorded,
    replies_go_on,
    scene,
)
from tests.faults.stack import Tracer
from tracer.spool import logs, segment
from tracer.spool.segment import Record
from tracer.store.damage import LOOK_SECONDS

LASTS_S = 6.0
DISK_MB = 600
PAGE_BYTES = 4096


async def full(run: Run) -> Row:
    """The data directory is a file system of its own, which somebody else fills to the last byte for a while."""
    async with _small_disk(run.place / "data"), scene(run) as at:
        ballast = at.tracer.data / "ballast"
        async with at.fault():
            await asyncio.to_thread(_fill, ballast)
            await asyncio.sleep(LASTS_S)
            refused = "No space left" in at.tracer.log
            ballast.unlink()
            ended = await _ended_by_itself(at.tracer)

        def met(row: Row, books: Books) -> tuple[bool, str]:
            return refused, "no process met the full disk"

        notes = [f"a tmpfs of {DISK_MB} MB, full for {LASTS_S:.0f} s"]
        notes += ["a write of the store's failed, so it ended by itself, and was started again as its supervisor would"] * ended
        return await at.row(*BEHIND, met, notes=notes)


async def _ended_by_itself(tracer: Tracer) -> bool:
    """Whether the store did (tracer/store/damage.py), within a second of the write that failed; another is started then."""
    await asyncio.sleep(2 * LOOK_SECONDS)
    if tracer.processes["store"].poll() != os.EX_IOERR:
        return False
    tracer.kill("store")
    await tracer.start("store")
    return True


@asynccontextmanager
async def _small_disk(where: Path) -> AsyncIterator[None]:
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=700", "tracer-faults", str(where)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"no file system can be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def _fill(path: Path) -> None:
    block = b"\0" * (1 << 20)
    with path.open("wb", buffering=0) as file:
        for size in (len(block), 4096, 1):
            try:
                while True:
                    if file.write(block[:size]) < size:
                        break
            except OSError:
                continue


async def read_only(run: Run) -> Row:
    """Every file and folder of the spool and of the sink's notes refuses to be changed (`chattr +i`), open ones too."""
    async with scene(run) as at:
        spool = at.tracer.data / "spool"
        async with at.fault():
            await asyncio.to_thread(_immutable, spool, "+i")
            try:
                await asyncio.sleep(LASTS_S)
            finally:
                await asyncio.to_thread(_immutable, spool, "-i")
        refused = "cannot write the spool" in at.tracer.log

        def met(row: Row, books: Books) -> tuple[bool, str]:
            return refused, "the worker could write all the same"

        return await at.row(*BEHIND, met, notes=[f"<data_dir>/spool was immutable for {LASTS_S:.0f} s"])


def _immutable(folder: Path, how: str) -> None:
    try:
        done = subprocess.run(["chattr", "-R", "-f", how, str(folder)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotRun("no chattr (Debian: apt-get install e2fsprogs)") from None
    if how == "+i" and not _refuses(folder):
        raise CannotRun(f"files cannot be made immutable here: {done.stderr.strip()}")


def _refuses(folder: Path) -> bool:
    try:
        (folder / "probe").touch()
    except OSError:
        return True
    (folder / "probe").unlink()
    return False


async def bound_drop_old(run: Run) -> Row:
    return await _bound(run, "drop_old")


async def bound_drop_new(run: Run) -> Row:
    return await _bound(run, "drop_new")


async def _bound(run: Run, policy: str) -> Row:
    """ClickHouse is away until the spool holds no more; what goes is counted, to the record."""
    settings: Any = {"TRACER_SPOOL_MAX_BYTES": "1MiB", "TRACER_SEGMENT_BYTES": "128KiB", "TRACER_SPOOL_FULL": policy}
    async with scene(run, gated=True, spans=False, **settings) as at:
        assert at.gate
        async with at.fault():
            await at.gate.close()
            for _ in range(60):
                await asyncio.sleep(0.5)
                if (await at.tracer.metrics()).get("tracer_dropped_records_total{spool_full}", 0) > 100:
                    break
            await at.gate.open()

        def to_the_record(row: Row, books: Books) -> tuple[bool, str]:
            missing, counted = len(books.missing), row.dropped.get("spool_full", 0)
            return missing == counted > 0, f"{missing} calls have no row, {counted} are counted as dropped"

        promises: tuple[Promise, ...] = (nothing_lost, nothing_doubled, nothing_unrecorded, replies_go_on, level)
        return await at.row(*promises, to_the_record, notes=["a bound of 1 MiB, in segments of 128 KiB"])


async def damaged(run: Run) -> Row:
    """While ClickHouse is away, one page in the middle of a closed segment turns to zeros."""
    async with scene(run, gated=True, spans=False, TRACER_SEGMENT_BYTES="128KiB") as at:
        assert at.gate
        touched = 0
        async with at.fault():
            await at.gate.close()
            begin = _newest(at.tracer)  # of this one and those before, a batch may have been cut already
            while not (closed := _closed(at.tracer, begin)):
                await asyncio.sleep(0.2)
            touched = _damage(closed)
            await at.gate.open()

        def only_the_page(row: Row, books: Books) -> tuple[bool, str]:
            missing = len(books.missing)
            return missing == touched, f"{missing} calls have no row, the page touched {touched} records"

        def counted(row: Row, books: Books) -> tuple[bool, str]:
            return row.dropped == {"spool_damaged": 1}, f"counted: {row.dropped}"

        notes = [f"a page of {PAGE_BYTES} bytes, which held {touched} records or parts of them; the counter counts places"]
        return await at.row(only_the_page, counted, nothing_doubled, nothing_unrecorded, replies_go_on, level, notes=notes)


def _newest(tracer: Tracer) -> int:
    (log,) = logs(tracer.data)
    return segment.numbers(log)[-1]


def _closed(tracer: Tracer, after: int) -> tuple[Path, list[Record]] | None:
    """The second newest segment of the worker's log, once it is closed, and its records."""
    (log,) = logs(tracer.data)
    numbers = segment.numbers(log)
    if numbers[-1] < after + 2:
        return None
    path = segment.path(log, numbers[-2])
    found = segment.parse(path.read_bytes(), 0, max_records=1 << 30, final=True)
    return (path, found.records) if found.end > 3 * PAGE_BYTES else None


def _damage(closed: tuple[Path, list[Record]]) -> int:
    path, records = closed
    begin = os.path.getsize(path) // 2 // PAGE_BYTES * PAGE_BYTES
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\0" * PAGE_BYTES)
    starts = [0, *(record.end for record in records[:-1])]
    return sum(start < begin + PAGE_BYTES and record.end > begin for start, record in zip(starts, records, strict=True))
