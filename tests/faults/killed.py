"""Processes that are killed (SIGKILL) or told to stop (SIGTERM) while calls are in flight."""

import asyncio
import random
import time

from tests.faults import books, spooled
from tests.faults.books import NOTED_S, Books
from tests.faults.records import Row, Run
from tests.faults.scene import (
    BEHIND,
    Promise,
    Scene,
    level,
    nothing_doubled,
    nothing_dropped,
    nothing_lost,
    nothing_unrecorded,
    scene,
    spans_all,
)

# What gathers under `fast`, and the client's own time between the last byte and its note of it.
GATHER_MS = 10.0
CLIENT_MS = 10.0
MID_BATCH_S = 20.0


def last_commit_only(row: Row, books_: Books) -> tuple[bool, str]:
    """Under `fast` a kill takes the calls of the last group commit: those answered so shortly before it."""
    bound = GATHER_MS + CLIENT_MS + books.slowest_commit_ms(books_.metrics)
    stray = [told for told in books_.missing if books_.before_kill(told) * 1000 > bound]
    return not stray, f"{len(stray)} calls were lost that had been answered more than {bound:.0f} ms before a kill"


def crash_rows(row: Row, books_: Books) -> tuple[bool, str]:
    """What was open when its worker was killed leaves a row, once it was open for long enough to be noted."""
    old = [told for told in books_.unrecorded if told.seconds > NOTED_S]
    return not old, f"{len(old)} cut calls, open for more than {NOTED_S * 1000:.0f} ms, have no row"


WORKER_FAST = (last_commit_only, crash_rows, nothing_dropped, nothing_doubled, spans_all, level)
WORKER_STRICT = (nothing_lost, crash_rows, nothing_dropped, nothing_doubled, spans_all, level)


async def worker_fast(run: Run) -> Row:
    return await _worker(run, "fast", WORKER_FAST)


async def worker_strict(run: Run) -> Row:
    return await _worker(run, "strict", WORKER_STRICT)


async def _worker(run: Run, durability: str, promises: tuple[Promise, ...]) -> Row:
    async with scene(run, TRACER_DURABILITY=durability) as at:
        async with at.fault():
            for number in range(run.times):
                await asyncio.sleep(random.uniform(0.3, 0.9))
                at.kills.append(at.tracer.kill("worker"))
                await at.tracer.start("worker")
                progress(run, number)
        return await at.row(*promises)


async def sink(run: Run) -> Row:
    """Killed as soon as a batch is under way, to somewhere in it."""
    return await _mid_batches(run, "sink", TRACER_BATCH_ROWS="200")


async def store(run: Run) -> Row:
    """The store, while the sink waits for it to take a batch."""
    return await _mid_batches(run, "store")


async def _mid_batches(run: Run, process: str, **environ: str) -> Row:
    async with scene(run, TRACER_BATCH_WAIT="0.2", **environ) as at:
        hits = 0
        async with at.fault():
            for number in range(run.times):
                hits += await mid_batch(at)
                at.tracer.kill(process)
                await at.tracer.start(process)
                progress(run, number)

        def met(row: Row, books_: Books) -> tuple[bool, str]:
            return hits * 2 >= run.times, f"a batch was under way at only {hits} of {run.times} kills"

        return await at.row(*BEHIND, met, notes=[f"a batch was under way at {hits} of {run.times} kills"])


async def everything(run: Run) -> Row:
    """`tracer up` and all its children at one moment, then `tracer up` again."""
    async with scene(run, start=("up",)) as at:
        async with at.fault():
            for number in range(run.times):
                await asyncio.sleep(random.uniform(2, 3))
                at.kills.append(at.tracer.kill_all())
                await at.tracer.start("up")
                progress(run, number)
        return await at.row(*WORKER_FAST)


async def sigterm(run: Run) -> Row:
    """`tracer up` is told to stop under load: what is in flight ends, and all of it is there after the next start."""
    took: list[float] = []
    async with scene(run, start=("up",)) as at:
        async with at.fault():
            for number in range(run.times):
                await asyncio.sleep(random.uniform(2, 3))
                began = time.monotonic()
                await at.tracer.stop("up")
                took.append(time.monotonic() - began)
                await at.tracer.start("up")
                progress(run, number)
        exits = at.tracer.exits["up"]

        def clean(row: Row, books_: Books) -> tuple[bool, str]:
            return not any(exits), f"exit codes {exits}"

        def nothing_answered_halfway(row: Row, books_: Books) -> tuple[bool, str]:
            asked = [told for told in books_.told if told.end == "cut" and told.token in books_.asked]
            return not asked, f"{len(asked)} calls in flight were cut off"

        promises = (nothing_lost, nothing_answered_halfway, nothing_dropped, nothing_doubled, nothing_unrecorded)
        return await at.row(*promises, spans_all, level, clean, notes=[f"it ended within {max(took):.1f} s"])


async def mid_batch(at: Scene) -> bool:
    """Wait for a batch to ClickHouse to be under way, then up to 30 ms; whether it still is."""
    await asyncio.sleep(random.uniform(0.2, 0.6))
    try:
        async with asyncio.timeout(MID_BATCH_S):
            while not spooled.is_under_way(at.tracer.data, "clickhouse"):
                await asyncio.sleep(0.001)
    except TimeoutError:
        return False
    await asyncio.sleep(random.uniform(0, 0.03))
    return spooled.is_under_way(at.tracer.data, "clickhouse")


def progress(run: Run, number: int) -> None:
    if (number + 1) % 10 == 0 or number + 1 == run.times:
        run.say(f"  {number + 1} of {run.times}")
