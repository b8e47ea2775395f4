"""A new version starts on the data directory of the one before: a store with the schema before last, and a full spool."""

import asyncio
from contextlib import suppress
from importlib import resources
from typing import Any

from tests.faults import spooled
from tests.faults.books import Books
from tests.faults.records import Row, Run
from tests.faults.scene import BEHIND, LEVEL_S, scene
from tests.faults.stack import Tracer
from tracer.store import schema

_APPLIED = "SELECT DISTINCT name FROM llm.migrations ORDER BY name"
_MIGRATIONS = sum(file.name.endswith(".sql") for file in resources.files(schema).iterdir())
# The previous version's store: the same, without the newest migration.
_OLD = """
from tracer import child
from tracer.store import schema

newest = schema.migrations
schema.migrations = lambda settings: newest(settings)[:-1]
child.main()
"""


async def upgrade(run: Run) -> Row:
    """`run.times` records wait in the spool as the new version comes up."""

    def old(tracer: Tracer) -> None:
        spooled.put_ahead(tracer.data, run.times)
        tracer.commands["store"] = ["-c", _OLD, "store", "0"]

    async with scene(run, start=("store", "worker"), ready=old, spans=False) as at:
        applied: list[Any] = []
        while len(applied) < _MIGRATIONS - 1:
            await asyncio.sleep(0.1)
            with suppress(AssertionError):  # it answers before it has tables
                applied = await at.tracer.rows(_APPLIED)
        async with at.fault():
            await at.tracer.stop("store")
            del at.tracer.commands["store"]
            await at.tracer.start("store", "sink")
        await at.level(LEVEL_S + run.times / 500)
        now = await at.tracer.rows(_APPLIED)
        there = f"SELECT count(), uniqExact(trace_id) FROM llm.calls WHERE startsWith(trace_id, '{spooled.AHEAD}')"
        ((count, distinct),) = await at.tracer.rows(there)

        def upgraded(row: Row, books: Books) -> tuple[bool, str]:
            return len(applied) + 1 == len(now) == _MIGRATIONS, f"migrations before: {len(applied)}, after: {len(now)}"

        def all_there(row: Row, books: Books) -> tuple[bool, str]:
            return count == distinct == run.times, f"{count} rows of {distinct} calls for {run.times} records"

        notes = [f"{run.times} records waited; {now[-1][0]} was applied; {distinct} of them have rows"]
        return await at.row(*BEHIND[:5], BEHIND[6], upgraded, all_there, notes=notes)
