"""One fault's stage: provider, collector, Tracer and its clients, from steady load before the fault until nothing waits.

async with scene(run) as at:
    async with at.fault():      # steady load before; then the calls of the fault are told apart
        at.tracer.kill("sink")
        ...
    return await at.row(promises)
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field

import aiohttp

from tests.faults import books, provider, spooled
from tests.faults.books import Books
from tests.faults.collector import Collector, collecting
from tests.faults.gate import Gate, gate
from tests.faults.load import Load, Told
from tests.faults.records import Row, Run
from tests.faults.stack import Tracer, answers
from tests.ports import free_port
from tracer.store.secret import password

RATE = 80.0
WARM_S, WARM_MOST_S, BEFORE_S = 2.0, 10.0, 4.0
LEVEL_S = 90.0
SETTLED_S, AFTER_S = 0.5, 1.0

Promise = Callable[[Row, Books], tuple[bool, str]]


@dataclass
class Scene:
    """Everything that one fault needs."""

    run: Run
    tracer: Tracer
    load: Load
    provider_port: int
    collector: Collector | None
    gate: Gate | None
    kills: list[float] = field(default_factory=list)
    fault_ended: float = 0.0
    fault_ended_ns: int = 0  # by the wall clock
    notes: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)  # of clients beside the steady load
    level_s: float = -1.0

    @asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """Steady load before; what is sent until the block ends is sent during the fault."""
        await self._warm()
        self.load.phase = "before"
        await asyncio.sleep(BEFORE_S)
        self.load.phase = "during"
        yield
        self.load.phase = "after"
        self.fault_ended, self.fault_ended_ns = time.monotonic(), time.time_ns()

    async def _warm(self) -> None:
        """Starting takes seconds of a core: measure from when the first batch was delivered."""
        await asyncio.sleep(WARM_S)
        has_sink = bool({"up", "sink"} & self.tracer.processes.keys())
        deadline = time.monotonic() + WARM_MOST_S
        while has_sink and not spooled.has_begun(self.tracer.data, "clickhouse") and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    async def level(self, limit_s: float = LEVEL_S) -> None:
        """Wait, under load, until all from before the fault's end is delivered; then, without load, until nothing waits."""
        names = spooled.NAMES if self.collector else spooled.NAMES[:1]
        deadline = time.monotonic() + limit_s
        while not all(spooled.is_past(self.tracer.data, name, self.fault_ended_ns) for name in names):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        self.level_s = time.monotonic() - self.fault_ended
        await asyncio.sleep(max(0.0, AFTER_S - self.level_s))
        await self.load.stop()
        await asyncio.sleep(SETTLED_S)  # the last record is on its way to the disk
        while left := sum(spooled.waiting(self.tracer.data, name) for name in names):
            if time.monotonic() > deadline:
                self.notes.append(f"{left} records still waited {limit_s:.0f} s after the fault")
                self.level_s = -1.0
                return
            await asyncio.sleep(0.1)

    async def books(self) -> Books:
        """All books; the store and a worker must be up."""
        rows = await self.tracer.rows("SELECT trace_id, count(), any(outcome) FROM llm.calls GROUP BY trace_id")
        ((count, distinct),) = await self.tracer.rows("SELECT count(), uniqExact(call_id) FROM llm.calls")
        counts = await self._counts()
        return Books(
            told=[*self.load.told, *self.told],
            asked=counts["asked"],
            served=counts["served"],
            rows={str(token): (int(found), str(outcome)) for token, found, outcome in rows},
            call_ids=(int(count), int(distinct)),
            spans=dict(self.collector.taken) if self.collector else None,
            metrics=await self.tracer.metrics(),
            kills=self.kills,
            level_s=self.level_s,
        )

    async def row(self, *promises: Promise, notes: Iterable[str] = (), limit_s: float = LEVEL_S) -> Row:
        """Wait for level, close the books, and hold them against the promises."""
        if self.level_s < 0:
            await self.level(limit_s)
        closed = await self.books()
        row = closed.row(self.run.times)
        return books.with_verdict(row, [promise(row, closed) for promise in promises], [*self.notes, *notes])

    async def _counts(self) -> dict[str, dict[str, int]]:
        url = f"http://127.0.0.1:{self.provider_port}/counts"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            counts = await answer.json()
        if counts["malformed"]:
            self.notes.append(f"{len(counts['malformed'])} malformed requests reached the provider: {counts['malformed'][0]}")
        return dict(counts)


@asynccontextmanager
async def scene(
    run: Run,
    *,
    start: tuple[str, ...] = ("store", "sink", "worker"),
    rate: float = RATE,
    gated: bool = False,
    spans: bool = True,
    ready: Callable[[Tracer], None] | None = None,
    load_of: type[Load] = Load,
    **settings: str,
) -> AsyncIterator[Scene]:
    """Start all of it, with load running; `gated` puts a gate before the store, as if it were a server. Ends all of it."""
    port = free_port()
    tracer = Tracer(run.place, free_port(), free_port(), {"TRACER_UPSTREAM_OPENAI": f"http://127.0.0.1:{port}"} | settings)
    tracer.data.mkdir(parents=True, exist_ok=True)
    gate_port = free_port()
    if gated:
        dsn = f"http://tracer:{password(tracer.data)}@127.0.0.1:{gate_port}/"
        tracer.environs |= {kind: {"TRACER_CLICKHOUSE": dsn} for kind in ("sink", "worker")}
    source = await _provider(port, tracer)
    async with (
        collecting(free_port()) if spans else nullcontext() as collector,
        gate(gate_port, tracer.store_port) if gated else nullcontext() as barred,
    ):
        if collector:
            tracer.settings |= collector.settings
        try:
            if ready:
                ready(tracer)
            await tracer.start(*start)
            load = load_of(tracer.url, rate)
            load.start()
            try:
                yield Scene(run, tracer, load, port, collector, barred)
            finally:
                await load.stop()
        finally:
            if collector:
                collector.well()
            if barred:
                barred.be("pass")
            await tracer.stop_all()
            with suppress(ProcessLookupError):  # Ctrl-C went to it too
                source.terminate()
            await source.wait()


async def _provider(port: int, tracer: Tracer) -> asyncio.subprocess.Process:
    with (tracer.directory / "provider.log").open("wb") as log:
        source = await asyncio.create_subprocess_exec(
            sys.executable, "-m", provider.__name__, "--port", str(port), env=tracer.environ("worker"), stdout=log, stderr=log
        )
    while not await answers(port, "/counts"):
        assert source.returncode is None, (tracer.directory / "provider.log").read_text()
        await asyncio.sleep(0.02)
    return source


def nothing_lost(row: Row, books: Books) -> tuple[bool, str]:
    return row.lost == 0, f"{row.lost} calls with a whole reply have neither row nor counted reason"


def nothing_dropped(row: Row, books: Books) -> tuple[bool, str]:
    return not row.dropped, f"dropped: {row.dropped}"


def nothing_doubled(row: Row, books: Books) -> tuple[bool, str]:
    return row.doubled == 0, f"{row.doubled} calls have more than one row"


def nothing_unrecorded(row: Row, books: Books) -> tuple[bool, str]:
    return row.unrecorded == 0, f"{row.unrecorded} calls that were broken off have no row"


def replies_go_on(row: Row, books: Books) -> tuple[bool, str]:
    """Behind the spool nothing fails a reply, nor holds it back."""
    failed = row.errors + row.cut + row.refused
    return failed == 0 and row.added_p50_ms < 10, f"{failed} replies failed, {row.added_p50_ms} ms added to the median"


def spans_all(row: Row, books: Books) -> tuple[bool, str]:
    missing = sum(token not in (books.spans or {}) for token in {told.token for told in books.told} & books.rows.keys())
    return missing == 0, f"{missing} rows have no span"


def level(row: Row, books: Books) -> tuple[bool, str]:
    return row.level_s >= 0, "records still wait in the spool"


BEHIND = (nothing_lost, nothing_dropped, nothing_doubled, nothing_unrecorded, replies_go_on, spans_all, level)
