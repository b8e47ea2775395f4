"""The power goes: what the file system had not been told to keep is gone, of the spool, the sink's notes and the store alike.

The data directory is an ext4 of its own on a loop device. At the cut every process is stopped, the file system is shut down
(FS_IOC_SHUTDOWN, without its log: nothing that waits in memory reaches the device any more), the processes are killed and the
same device is mounted again. Renames and allocations are committed by themselves only every five minutes here, not every five
seconds as usual, so that what nobody synced is lost and not saved by chance.

A machine that comes up again has another boot id, which the spool looks at: the processes here are told one.
"""

import asyncio
import fcntl
import os
import random
import signal
import struct
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

from tests.faults import killed
from tests.faults.books import Books
from tests.faults.records import CannotRun, Row, Run
from tests.faults.scene import Promise, Scene, level, nothing_doubled, scene, spans_all
from tests.faults.stack import Tracer

DISK_MB = 1500
OPTIONS = "loop,noauto_da_alloc,commit=300"
KINDS = ("store", "sink", "worker")
_SHUTDOWN, _WITHOUT_LOG = 0x8004587D, 2
_BOOTED = """
import sys
from pathlib import Path
from tracer import child
from tracer.spool import unfinished

unfinished._BOOT_ID = Path(sys.argv.pop(1))
child.main()
"""


async def fast(run: Run) -> Row:
    return await _power(run, "fast", killed.last_commit_only)


async def strict(run: Run) -> Row:
    return await _power(run, "strict", _none_missing)


def _none_missing(row: Row, books: Books) -> tuple[bool, str]:
    """Not even with a counter that owns up to it."""
    return not books.missing, f"{len(books.missing)} calls with a whole reply have no row"


def _only_torn(row: Row, books: Books) -> tuple[bool, str]:
    """What was being written at a cut may be there in part: one damaged place at the end of a segment."""
    counted = set(row.dropped) <= {"spool_damaged"} and sum(row.dropped.values()) <= row.times
    return counted, f"dropped: {row.dropped}, at {row.times} cuts"


async def _power(run: Run, durability: str, promise: Promise) -> Row:
    """Every other time as soon as a batch is under way to the store, else at any moment."""
    boot, hits = run.place / "boot", 0
    boot.write_text(uuid4().hex)

    def booted(tracer: Tracer) -> None:
        tracer.commands |= {kind: ["-c", _BOOTED, str(boot), kind, "0"] for kind in KINDS}

    async with (
        _disk(run.place / "disk.img", run.place / "data") as device,
        scene(run, ready=booted, TRACER_DURABILITY=durability, TRACER_BATCH_WAIT="0.3") as at,
    ):
        async with at.fault():
            for number in range(run.times):
                if number % 2:
                    hits += await killed.mid_batch(at)
                else:
                    await asyncio.sleep(random.uniform(0.7, 1.5))
                at.kills.append(_cut(at, run.place / "data"))
                await asyncio.to_thread(_mount_again, device, run.place / "data")
                boot.write_text(uuid4().hex)
                await at.tracer.start(*KINDS)
                killed.progress(run, number)
        await at.level()
        doubled = await at.tracer.rows("SELECT call_id FROM llm.bodies GROUP BY call_id HAVING count() > 1")

        def bodies_once(row: Row, books: Books) -> tuple[bool, str]:
            return not doubled, f"{len(doubled)} bodies are there more than once"

        notes = [f"ext4, its log not flushed; a batch was under way to the store at {hits} of {run.times} cuts"]
        return await at.row(promise, _only_torn, nothing_doubled, bodies_once, spans_all, level, notes=notes)


def _cut(at: Scene, data: Path) -> float:
    """The moment. Stopped first, in the order in which they tell each other things, so that none sees the others' end."""
    running = [at.tracer.processes[kind] for kind in ("worker", "sink", "store")]
    for process in running:
        os.kill(process.pid, signal.SIGSTOP)
    moment = time.monotonic()
    folder = os.open(data, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _WITHOUT_LOG))
    finally:
        os.close(folder)
    at.tracer.kill_all()
    return moment


@asynccontextmanager
async def _disk(image: Path, data: Path) -> AsyncIterator[Path]:
    """A file system in a file; raises CannotRun where none can be made or mounted."""
    data.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    for command in (["mkfs.ext4", "-q", "-F", str(image)], ["mount", "-o", OPTIONS, str(image), str(data)]):
        try:
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise CannotRun(f"no {command[0]} (Debian: apt-get install e2fsprogs mount)") from None
        if done.returncode:
            raise CannotRun(f"no file system can be mounted: {done.stderr.strip()}")
    data.chmod(0o700)
    try:
        yield image
    finally:
        subprocess.run(["umount", "-l", str(data)], check=False)
        with suppress(OSError):
            image.unlink()


def _mount_again(image: Path, data: Path) -> None:
    for _ in range(100):  # the dead processes' files close a moment after them
        if subprocess.run(["umount", str(data)], capture_output=True, check=False).returncode == 0:
            break
        time.sleep(0.05)
    subprocess.run(["mount", "-o", OPTIONS, str(image), str(data)], check=True)
