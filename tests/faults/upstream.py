"""Providers that reset, stall, stop half-way or talk garbage, one call in two of them."""

import asyncio

from tests.faults.books import Books
from tests.faults.records import Row, Run
from tests.faults.scene import level, nothing_doubled, nothing_dropped, nothing_lost, nothing_unrecorded, scene, spans_all

LASTS_S = 6.0
_SAID = {
    "reset": ("stream_error", "upstream_error"),
    "half": ("stream_error", "upstream_error"),
    "stalled": ("timeout",),
    "garbage": ("upstream_error",),
}


async def resets(run: Run) -> Row:
    return await _upstream(run, "reset")


async def half_sends(run: Run) -> Row:
    return await _upstream(run, "half")


async def stalls(run: Run) -> Row:
    return await _upstream(run, "stalled")


async def garbles(run: Run) -> Row:
    return await _upstream(run, "garbage")


async def _upstream(run: Run, fault: str) -> Row:
    async with scene(run, TRACER_RESPONSE_TIMEOUT="2") as at:
        async with at.fault():
            for _ in range(int(LASTS_S / 0.1)):
                at.load.more = {"x-fault": fault} if not at.load.more else {}
                await asyncio.sleep(0.1)
            at.load.more = {}

        def said_so(row: Row, books: Books) -> tuple[bool, str]:
            """Every call that its caller did not get whole says why, and no whole one says that it failed."""
            failed = {told.token: told.end for told in books.told if told.end in ("cut", "error")}
            wrong = [
                outcome
                for token, (_, outcome) in books.rows.items()
                if (outcome not in _SAID[fault])
                if token in failed or outcome != "ok"
            ]
            return not wrong and bool(
                failed
            ), f"{len(failed)} calls failed; {len(wrong)} rows say otherwise: {sorted(set(wrong))}"

        promises = (nothing_lost, nothing_dropped, nothing_doubled, nothing_unrecorded, spans_all, level, said_so)
        return await at.row(*promises, notes=[f"every other tenth of a second, for {LASTS_S:.0f} s"])
