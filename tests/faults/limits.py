"""A worker with 300 MB of memory, and one with few file descriptors."""

import asyncio
import os
import random
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from tests.faults.books import Books
from tests.faults.load import call
from tests.faults.records import Row, Run
from tests.faults.scene import (
    Scene,
    level,
    nothing_doubled,
    nothing_dropped,
    nothing_lost,
    nothing_unrecorded,
    scene,
    spans_all,
)
from tests.faults.stack import Tracer, at_most

MEMORY_BYTES = 300 << 20
LARGE_BYTES = 1 << 20
LARGE_CLIENTS = 30  # each sends one a second
DESCRIPTORS = 128
STREAMS_AT_ONCE = 200
LASTS_S = 8.0
_GROUPS = Path("/sys/fs/cgroup/memory")
_PROMISES = (nothing_lost, nothing_dropped, nothing_doubled, nothing_unrecorded, spans_all, level)


async def memory(run: Run) -> Row:
    """Clients that send 1 MiB a second each, beside the steady load, on a worker that may have 300 MB."""
    async with _limited() as (limit, peak, how):

        def limited(tracer: Tracer) -> None:
            tracer.limits["worker"] = limit

        async with scene(run, ready=limited) as at:
            worker = at.tracer.processes["worker"]
            async with at.fault():
                await _large(at)
            ended = worker.poll()
            if ended is not None:  # as the supervisor would
                at.tracer.processes.pop("worker")
                await at.tracer.start("worker")

            def survived(row: Row, books: Books) -> tuple[bool, str]:
                return ended is None, f"the worker ended with {ended}"

            said = f"limited by {how}; {peak()}; {LARGE_CLIENTS} clients sent 1 MiB a second each, for {LASTS_S:.0f} s"
            return await at.row(*_PROMISES, survived, notes=[said])


@asynccontextmanager
async def _limited() -> AsyncIterator[tuple[Callable[[int], None], Callable[[], str], str]]:
    """Limits a process; tells its peak; says how it is limited."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line.partition(":memory:")[2] for line in lines if ":memory:" in line), "")
    group = _GROUPS / own.lstrip("/") / f"tracer-faults-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES))
    except OSError:
        yield at_most(resource.RLIMIT_AS, MEMORY_BYTES), lambda: "peak not known", "RLIMIT_AS, which counts more than is used"
        return

    def join(pid: int) -> None:
        (group / "cgroup.procs").write_text(str(pid))

    def peak() -> str:
        at_peak = int((group / "memory.max_usage_in_bytes").read_text()) / 1e6
        return f"it used {at_peak:.0f} MB at its peak, its files' cache included"

    try:
        yield join, peak, "a control group"
    finally:
        await _remove(group)


async def _remove(group: Path) -> None:
    """Once the process is out of it."""
    for _ in range(50):
        with suppress(OSError):
            group.rmdir()
            return
        await asyncio.sleep(0.1)


async def _large(at: Scene) -> None:
    url, deadline = at.load.url, asyncio.get_running_loop().time() + LASTS_S
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def again() -> None:
            while asyncio.get_running_loop().time() < deadline:
                at.told.append(await call(session, url, "large", False, {}, LARGE_BYTES))
                await asyncio.sleep(random.uniform(0.5, 1.5))

        async with asyncio.TaskGroup() as group:
            for _ in range(LARGE_CLIENTS):
                group.create_task(again())


async def descriptors(run: Run) -> Row:
    """More streams at once than the worker has descriptors for. What it accepts ends one way or the other, with a row."""

    def few(tracer: Tracer) -> None:
        tracer.limits["worker"] = at_most(resource.RLIMIT_NOFILE, DESCRIPTORS)

    async with scene(run, ready=few, rate=20) as at:
        worker = at.tracer.processes["worker"]
        timeout = aiohttp.ClientTimeout(total=20)
        connector = aiohttp.TCPConnector(limit=0)
        async with at.fault(), aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            calls = [call(session, at.load.url, "many", True, {"x-gap-ms": "200"}) for _ in range(STREAMS_AT_ONCE)]
            at.told += await asyncio.gather(*calls)

        def back_to_normal(row: Row, books: Books) -> tuple[bool, str]:
            after = at.load.calls("after")
            failed = [told.end for told in after if told.end != "answered"]
            return bool(
                after
            ) and not failed and worker.poll() is None, f"afterwards {len(failed)} of {len(after)} calls failed"

        def met(row: Row, books: Books) -> tuple[bool, str]:
            refused = [told for told in at.told if told.end != "answered"]
            return bool(refused), "the worker had descriptors enough"

        return await at.row(
            *_PROMISES, met, back_to_normal, notes=[f"RLIMIT_NOFILE of {DESCRIPTORS}, {STREAMS_AT_ONCE} streams at once"]
        )
