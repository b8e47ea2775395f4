"""The wall clock of the worker and the sink jumps, both ways; the monotonic clock goes on, as in real life."""

import asyncio

from tests.faults.books import Books
from tests.faults.clocked import set_clock
from tests.faults.records import Row, Run
from tests.faults.scene import BEHIND, scene
from tests.faults.stack import Tracer

LASTS_S = 4.0
DAY_S = 86_400


async def jumps(run: Run) -> Row:
    """A day ahead, then two days back, then right again."""
    clock = run.place / "clock"

    def faked(tracer: Tracer) -> None:
        for kind in ("worker", "sink"):
            tracer.commands[kind] = ["-m", "tests.faults.clocked", str(clock), kind, "0"]

    set_clock(clock, 0)
    async with scene(run, ready=faked) as at:
        async with at.fault():
            for seconds in (DAY_S, -DAY_S, 0):
                set_clock(clock, seconds)
                await asyncio.sleep(LASTS_S)
        ((hours, shortest),) = await at.tracer.rows(
            "SELECT dateDiff('hour', min(started_at), max(started_at)), min(duration_ms) FROM llm.calls"
        )

        def jumped(row: Row, books: Books) -> tuple[bool, str]:
            return hours >= 47, f"the rows are within {hours} hours: the clock did not jump"

        def no_negative_time(row: Row, books: Books) -> tuple[bool, str]:
            return shortest >= 0, f"a row has a duration of {shortest} ms"

        notes = [f"Python's clock, patched in the worker and the sink; rows are spread over {hours} hours"]
        return await at.row(*BEHIND, jumped, no_negative_time, notes=notes)
