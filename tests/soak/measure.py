"""What Tracer's processes and its data directory take, every few seconds."""

import asyncio
import os
import re
import struct
import time
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.bench.processes import cpu_seconds
from tests.faults.stack import Tracer
from tests.soak.records import Sample, Usage
from tests.soak.state import State, metrics

# A folder of the store has thousands of files: look at the disk less often than at the processes.
DISK_EVERY = 4
# More than that, and something is wrong: the run ends before the machine's disk does.
MOST_MB = 10_000.0
_LIVE = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active"
_ANSWERS_S = 2.0


class TooLarge(Exception):
    """The data directory is beyond what a run may take."""


def children(tracer: Tracer) -> dict[str, int]:
    """The supervisor's children by name, as it is itself in its log: worker 0, sink, store."""
    found: dict[str, int] = {}
    if "up" not in tracer.processes:
        return found
    with suppress(OSError):
        for pid in tracer.children():
            with suppress(OSError, ValueError):  # it has just ended, and has no command line any more
                words = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
                kind, index = words[words.index("tracer.child") + 1 :][:2]
                found[f"worker {index}" if kind == "worker" else kind] = pid
    return found


def usage(pid: int) -> Usage:
    """OSError if the process is gone."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    status = Path(f"/proc/{pid}/status").read_text()
    memory, threads = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE), re.search(r"^Threads:\s+(\d+)", status, re.MULTILINE)
    if not memory or not threads:
        raise ProcessLookupError(pid)
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return Usage(pid, round(int(memory[1]) / 1024, 2), descriptors, int(threads[1]), round(cpu_seconds(pid), 2))


def disk(data: Path) -> tuple[float, float, float, int]:
    """MB on disk of the spool, of the store, and of the rest; files."""
    taken, files = {"spool": 0, "store": 0, "": 0}, 0
    for folder, _, names in os.walk(data):
        room = Path(folder).relative_to(data).parts[:1]
        key = room[0] if room and room[0] in taken else ""
        for name in names:
            if name != "ballast":
                with suppress(OSError):
                    taken[key] += os.lstat(os.path.join(folder, name)).st_blocks * 512
                    files += 1
    spool, store, rest = (round(taken[key] / 1e6, 2) for key in ("spool", "store", ""))
    return spool, store, rest, files


async def live(tracer: Tracer, before: float) -> float:
    """MB of parts that queries of the store read; `before` if it does not answer."""
    try:
        async with asyncio.timeout(_ANSWERS_S):
            return round(float((await tracer.rows(_LIVE))[0][0]) / 1e6, 2)
    except (OSError, aiohttp.ClientError, AssertionError):  # a fault of the store is on
        return before


def _gauge(found: dict[str, float], name: str) -> float:
    return max((value for key, value in found.items() if key.startswith(name)), default=0.0)


def take(state: State, before: tuple[float, float, float, int] | None, live_mb: float = 0.0) -> Sample:
    """All of it; of the disk what was `before`, if that is given."""
    tracer, processes = state.at.tracer, {}
    for name, pid in children(tracer).items():
        with suppress(OSError):
            processes[name] = usage(pid)
    said: dict[str, float] = {}
    with suppress(OSError, ValueError, RuntimeError, struct.error):  # the files are written while they are read
        said = metrics(tracer.data)
    spool, store, rest, files = before or disk(tracer.data)
    return Sample(
        at=round(time.monotonic() - state.began, 1),
        processes=processes,
        spool_mb=spool,
        store_mb=store,
        live_mb=live_mb,
        other_mb=rest,
        files=files,
        waiting=int(_gauge(said, "tracer_spool_depth{")),
        lag_s=round(_gauge(said, "tracer_lag_seconds{"), 1),
        calls=len(state.load.told),
    )


async def watch(state: State, every_s: float) -> None:
    """Samples, until it is cancelled."""
    number, parts = 0, 0.0
    while True:
        last = state.samples[-1] if state.samples else None
        if number % DISK_EVERY == 0:
            parts = await live(state.at.tracer, parts)
        same = None if last is None or number % DISK_EVERY == 0 else (last.spool_mb, last.store_mb, last.other_mb, last.files)
        state.samples.append(sample := await asyncio.to_thread(take, state, same, parts))
        if sample.spool_mb + sample.store_mb + sample.other_mb > MOST_MB:
            raise TooLarge(
                f"the data directory has {sample.store_mb:.0f} MB in the store and {sample.spool_mb:.0f} in the spool"
            )
        number += 1
        await asyncio.sleep(every_s)
