"""ClickHouse that refuses, hangs, errs, is read-only or slow, loses its answers, or comes back to a long backlog."""

import asyncio

from tests.faults import spooled
from tests.faults.books import Books
from tests.faults.records import Row, Run
from tests.faults.scene import BEHIND, LEVEL_S, RATE, scene
from tests.faults.stack import Tracer

LASTS_S = 8.0


async def refuses(run: Run) -> Row:
    """Nobody listens."""
    async with scene(run, gated=True) as at:
        assert at.gate
        async with at.fault():
            await at.gate.close()
            await asyncio.sleep(LASTS_S)
            await at.gate.open()
        return await at.row(*BEHIND)


async def _mode(run: Run, mode: str) -> Row:
    async with scene(run, gated=True) as at:
        assert at.gate
        async with at.fault():
            at.gate.be(mode)
            await asyncio.sleep(LASTS_S)
            at.gate.be("pass")
        struck = at.gate.struck

        def met(row: Row, books: Books) -> tuple[bool, str]:
            return struck > 0, "no request met the fault"

        return await at.row(*BEHIND, met, notes=[f"{struck} requests met it in {LASTS_S:.0f} s"])


async def hangs(run: Run) -> Row:
    return await _mode(run, "hang")


async def errs(run: Run) -> Row:
    return await _mode(run, "error")


async def read_only(run: Run) -> Row:
    return await _mode(run, "read-only")


async def slow(run: Run) -> Row:
    return await _mode(run, "slow")


async def cut_before(run: Run) -> Row:
    return await _mode(run, "cut-before")


async def cut_half(run: Run) -> Row:
    return await _mode(run, "cut-half")


async def cut_after(run: Run) -> Row:
    return await _mode(run, "cut-after")


async def backlog(run: Run) -> Row:
    """`run.times` records wait when the store and the sink come up."""
    ahead: list[spooled.Ahead] = []

    def fill(tracer: Tracer) -> None:
        ahead.append(spooled.put_ahead(tracer.data, run.times))

    async with scene(run, start=("worker",), ready=fill, spans=False) as at:
        async with at.fault():
            await at.tracer.start("store", "sink")
        limit_s = LEVEL_S + run.times / 500
        await at.level(limit_s)
        ((count, distinct),) = await at.tracer.rows(
            f"SELECT count(), uniqExact(trace_id) FROM llm.calls WHERE startsWith(trace_id, '{spooled.AHEAD}')"
        )
        note = (
            f"{ahead[0].count} records ({ahead[0].bytes >> 20} MB) waited, as of {ahead[0].count / RATE / 60:.0f} minutes at "
            f"{RATE:.0f} calls/s; {distinct} of them have rows"
        )

        def all_there(row: Row, books: Books) -> tuple[bool, str]:
            return count == distinct == ahead[0].count, f"{count} rows of {distinct} calls for {ahead[0].count} records"

        return await at.row(*BEHIND[:5], BEHIND[6], all_there, notes=[note])
