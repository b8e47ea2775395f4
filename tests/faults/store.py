"""ClickHouse that refuses, hangs, errs, is read-only, slow or mute, keeps half of a batch, or comes back to a long backlog."""

import asyncio
import time

from tests.faults import spooled
from tests.faults.books import Books
from tests.faults.gate import IN_BLOCKS
from tests.faults.records import Row, Run
from tests.faults.scene import BEHIND, LEVEL_S, RATE, Promise, Scene, scene
from tests.faults.stack import Tracer

LASTS_S = 8.0
# Beyond the silence that an insert is granted and the longest pause between two tries: what comes after is a hello.
MUTE_S = 28.0
SHARE = 0.7
LARGE_BYTES = 300_000
# What the store keeps of every call: one body each, and nothing twice in the figures by the minute.
_KEPT = """SELECT count(), uniqExact(call_id), (SELECT count() FROM llm.calls), (SELECT sum(calls) FROM llm.calls_by_minute)
FROM llm.bodies"""


async def _fault(at: Scene, lasts_s: float = LASTS_S) -> Promise:
    """Let the fault last; whether spans went on meanwhile is for the end."""
    assert at.collector
    await asyncio.sleep(lasts_s)
    answered = sum(told.end == "answered" for told in at.load.told)
    spans = len(at.collector.taken)
    return lambda row, books: (spans > SHARE * answered, f"{spans} spans for {answered} answers while ClickHouse failed")


async def _kept_once(at: Scene) -> Promise:
    """Once level: bodies and roll-ups come with a batch, and must be there as often as its calls."""
    await at.level()
    ((bodies, distinct, calls, rolled),) = await at.tracer.rows(_KEPT)
    same = int(bodies) == int(distinct) == int(calls) == int(rolled)
    return lambda row, books: (same, f"{calls} calls, {bodies} bodies of {distinct}, {rolled} in the roll-up")


async def refuses(run: Run) -> Row:
    """Nobody listens."""
    async with scene(run, gated=True) as at:
        assert at.gate
        async with at.fault():
            await at.gate.close()
            spans = await _fault(at)
            struck = await _failures(at)
            await at.gate.open()
        return await at.row(*BEHIND, _met(struck), spans, await _kept_once(at), notes=[_said(struck)])


async def _mode(run: Run, mode: str, lasts_s: float = LASTS_S) -> Row:
    async with scene(run, gated=True) as at:
        assert at.gate
        async with at.fault():
            at.gate.be(mode)
            spans = await _fault(at, lasts_s)
            before = spooled.taken(at.tracer.data, "clickhouse")
            at.gate.be("pass")
        while spooled.taken(at.tracer.data, "clickhouse") == before and time.monotonic() < at.fault_ended + LEVEL_S / 2:
            await asyncio.sleep(0.02)
        notes = [_said(at.gate.struck, lasts_s), f"the next batch was in {time.monotonic() - at.fault_ended:.1f} s after it"]
        return await at.row(*BEHIND, _met(at.gate.struck), spans, await _kept_once(at), notes=notes)


async def _failures(at: Scene) -> int:
    """Tries of the sink that failed."""
    return int((await at.tracer.metrics()).get("tracer_export_failures_total{clickhouse,transient}", 0))


def _met(struck: int) -> Promise:
    return lambda row, books: (struck > 0, "no request met the fault")


def _said(struck: int, lasts_s: float = LASTS_S) -> str:
    return f"{struck} requests met it in {lasts_s:.0f} s"


async def hangs(run: Run) -> Row:
    """It hears and does nothing; then it starts again, and what hung is cut."""
    return await _mode(run, "hang")


async def mute(run: Run) -> Row:
    """It does what it is asked and never says so. What it was asked meanwhile stays without an answer for ever."""
    return await _mode(run, "mute", MUTE_S)


async def errs(run: Run) -> Row:
    return await _mode(run, "error")


async def read_only_user(run: Run) -> Row:
    """The user's profile says `readonly = 1` for a while; the engine refuses with its own error, 164."""
    return await _mode(run, "read-only-user")


async def read_only(run: Run) -> Row:
    """The engine itself has its tables read-only for a while."""
    async with scene(run) as at:
        async with at.fault():
            await at.tracer.command("ALTER TABLE llm.calls MODIFY SETTING table_readonly = 1")
            await at.tracer.command("ALTER TABLE llm.bodies MODIFY SETTING table_readonly = 1")
            spans = await _fault(at)
            struck = await _failures(at)
            await at.tracer.command("ALTER TABLE llm.bodies MODIFY SETTING table_readonly = 0")
            await at.tracer.command("ALTER TABLE llm.calls MODIFY SETTING table_readonly = 0")
        return await at.row(*BEHIND, _met(struck), spans, await _kept_once(at), notes=[_said(struck)])


async def slow(run: Run) -> Row:
    return await _mode(run, "slow")


async def cut_before(run: Run) -> Row:
    return await _mode(run, "cut-before")


async def cut_after(run: Run) -> Row:
    return await _mode(run, "cut-after")


async def cut_half(run: Run) -> Row:
    """It has taken the calls of a batch and the first of their bodies, in blocks, when the connection breaks."""
    async with scene(run, gated=True, rate=RATE / 4, TRACER_BATCH_WAIT="2") as at:
        assert at.gate
        at.load.padding = LARGE_BYTES  # several blocks of the protocol in each batch
        at.gate.settings = IN_BLOCKS
        async with at.fault():
            at.gate.be("cut-half")
            spans = await _fault(at)
            at.gate.be("pass")
        halved = at.gate.halved

        def half(row: Row, books: Books) -> tuple[bool, str]:
            return halved > 0, "nothing of an insert that broke off was stored: no half to be completed"

        notes = [_said(at.gate.struck), f"{halved} bodies were stored by inserts that broke off after them"]
        return await at.row(*BEHIND, _met(at.gate.struck), half, spans, await _kept_once(at), notes=notes)


async def backlog(run: Run) -> Row:
    """`run.times` records wait as ClickHouse comes, and calls go on."""
    ahead: list[spooled.Ahead] = []

    def fill(tracer: Tracer) -> None:
        run.say("  filling the spool")
        ahead.append(spooled.put_ahead(tracer.data, run.times))

    limit_s = LEVEL_S + run.times / 500
    async with scene(run, start=("worker",), ready=fill, spans=False) as at:
        async with at.fault():
            await at.tracer.start("store", "sink")
            came, came_ns = time.monotonic(), time.time_ns()
            while not spooled.is_past(at.tracer.data, "clickhouse", came_ns) and time.monotonic() < came + limit_s:
                await asyncio.sleep(0.2)
        took_s = time.monotonic() - came
        await at.level(limit_s)
        at.level_s = took_s if at.level_s >= 0 else -1.0
        ((count, distinct),) = await at.tracer.rows(
            f"SELECT count(), uniqExact(trace_id) FROM llm.calls WHERE startsWith(trace_id, '{spooled.AHEAD}')"
        )
        ((bodies,),) = await at.tracer.rows("SELECT count() FROM llm.bodies")
        ((calls,),) = await at.tracer.rows("SELECT count() FROM llm.calls")

        def all_there(row: Row, books: Books) -> tuple[bool, str]:
            found = int(count) == int(distinct) == ahead[0].count and int(bodies) == int(calls)
            return found, f"{count} rows of {distinct} calls for {ahead[0].count} records; {calls} calls, {bodies} bodies"

        note = (
            f"{ahead[0].count:,} records ({ahead[0].bytes >> 20} MB) waited, as of {ahead[0].count / 100 / 60:.0f} minutes at "
            f"100 calls/s, written by the worker's own writer; {int(distinct):,} of them have rows, "
            f"{ahead[0].count / took_s:,.0f} a second"
        )
        return await at.row(*BEHIND[:5], BEHIND[6], all_there, notes=[note])
