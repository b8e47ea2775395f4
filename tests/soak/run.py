"""One long run: start everything, load and faults for so long, wait until nothing waits, judge."""

import asyncio
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.machine import described
from tests.bench.processes import CORES, busy_seconds
from tests.faults.records import Run
from tests.faults.scene import scene
from tests.faults.stack import ROOT
from tests.soak import counts, flat
from tests.soak.counts import Closed
from tests.soak.disk import own_disk
from tests.soak.happenings import HAPPENINGS, HARD_SHARE, Happening, order
from tests.soak.measure import live, take, watch
from tests.soak.mix import Mixed
from tests.soak.records import Event, Sample, Soak, Verdict
from tests.soak.state import State

SEGMENT_MB = 4
WORKERS = 2
SETTINGS = {
    "TRACER_WORKERS": str(WORKERS),
    "TRACER_SEGMENT_BYTES": f"{SEGMENT_MB}MiB",  # small, so that files come and go all the time
    "TRACER_RESPONSE_TIMEOUT": "2",
}
LEVEL_S = 600.0
PROGRESS_S = 30.0
# What docs/soak.json keeps.
MOST_SAMPLES = 300
# From then on it is told what other programs took of the processors.
OTHERS_SHARE = 0.1
# The cache's file, keys, metrics of processes that were killed: bounded, and each small.
OTHER_MB = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is to be."""

    seconds: float
    seed: int
    rate: float
    spell_s: float
    pause_s: float
    every_s: float
    happenings: tuple[Happening, ...] = HAPPENINGS


def plan(seconds: float, seed: int, rate: float) -> Plan:
    """Short runs have short spells, so that each fault happens once within a minute or two."""
    brief = seconds < 240
    return Plan(seconds, seed, rate, 1.2 if brief else 6.0, 1.0 if brief else 9.0, 1.0 if brief else 3.0)


async def soak(plan: Plan, place: Path, say: Callable[[str], None]) -> Soak:
    """A whole run, with what it found."""
    began, used, own = time.monotonic(), *busy_seconds()
    found = await _through(plan, place, say)
    all_used, all_own = (after - before for after, before in zip(busy_seconds(), (used, own), strict=True))
    others = max(0.0, all_used - all_own) / (time.monotonic() - began) / len(CORES)
    said = f"{others:.0%} of the processors went to other programs"
    notes = (*found.notes, f"{said}: what lagged may have lagged for that.") if others > OTHERS_SHARE else found.notes
    return msgspec.structs.replace(found, figures=found.figures | {"beside": said}, notes=notes)


async def _through(plan: Plan, place: Path, say: Callable[[str], None]) -> Soak:
    random.seed(plan.seed)
    taken = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    wants_disk = any(one.kind == "disk" for one in plan.happenings)
    with own_disk(place / "disk.img", place / "data") if wants_disk else nullcontext("") as problem:
        own = SETTINGS | {"PYTHONPATH": os.pathsep.join(map(str, (_as_it_is(place / "code"), ROOT)))}
        async with scene(Run(place, 1, say), start=("up",), rate=plan.rate, load_of=Mixed, **own) as at:
            state = State(at, time.monotonic(), plan.seconds)
            if problem:
                say(f"no disk that can be full here: {problem}")
                state.notes.append(f"The disk was never full: {problem}")
            among = tuple(one for one in plan.happenings if not problem or one.kind != "disk")
            await _goes_on(state, plan, among, say)
            say("the load ends; waiting until nothing waits")
            await _settled(state, plan)
            parts = await live(at.tracer, state.samples[-1].live_mb if state.samples else 0.0)
            closed = await _closed(state)
            state.samples.append(await asyncio.to_thread(take, state, None, parts))
            return _found(state, plan, closed, taken)


def _as_it_is(place: Path) -> Path:
    """A copy of the code: who works on it for the next hour must not change what the processes are when they start again."""
    for package in ("tracer", "exporters", "dashboards"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    return place


async def _goes_on(state: State, plan: Plan, among: tuple[Happening, ...], say: Callable[[str], None]) -> None:
    """Until the time is over. What breaks down is noted, and the books are closed all the same."""
    beside = [asyncio.ensure_future(watch(state, plan.every_s)), asyncio.ensure_future(_tell(state, say))]
    faults = asyncio.ensure_future(_happen(state, plan, among))
    try:
        await asyncio.wait([faults, beside[0]], return_when=asyncio.FIRST_COMPLETED)
        for task in (faults, beside[0]):
            if task.done() and (problem := task.exception()):
                state.notes.append(f"BROKE DOWN: {type(problem).__name__}: {problem}"[:2000])
                say(state.notes[-1])
    finally:
        for task in (faults, *beside):
            task.cancel()
        await asyncio.gather(faults, *beside, return_exceptions=True)
    state.load.spell = ""


async def _happen(state: State, plan: Plan, among: tuple[Happening, ...]) -> None:
    chance = random.Random(plan.seed)
    await asyncio.sleep(min(30.0, 2 + plan.seconds / 60))
    tail = min(60.0, 3 + plan.seconds / 20)  # the last faults' ends are part of the run
    for one in order(chance, among):
        lasts, pause = chance.uniform(0.5, 1.5) * plan.spell_s, chance.uniform(0.6, 1.6) * plan.pause_s
        if state.left < tail:
            break
        if one.hard and state.left < (1 - HARD_SHARE) * state.seconds:
            continue
        began = time.monotonic()
        await one.happens(state, lasts)
        state.events.append(Event(round(began - state.began, 1), one.name, one.kind, round(time.monotonic() - began, 1)))
        await asyncio.sleep(pause)
    await asyncio.sleep(max(0.0, state.left))


async def _tell(state: State, say: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(min(PROGRESS_S, state.seconds / 6))
        ends: dict[str, int] = {}
        for told in state.load.told:
            ends[told.end] = ends.get(told.end, 0) + 1
        last = state.samples[-1] if state.samples else Sample(0, {})
        memory = ", ".join(f"{name} {one.memory_mb:.0f}" for name, one in sorted(last.processes.items()))
        faults = f"{len(state.events)} faults" + (f", last {state.events[-1].name}" if state.events else "")
        seen = ", ".join(f"{name} {count:,}" for name, count in sorted(ends.items()))
        say(
            f"{seen} | waiting {last.waiting:,} | MB: {memory}, "
            f"spool {last.spool_mb:.0f}, store's disk {last.store_mb:.0f} | {faults}"
        )


async def _settled(state: State, plan: Plan) -> None:
    at, watching = state.at, asyncio.ensure_future(watch(state, plan.every_s))
    if at.collector:
        at.collector.well()
    at.fault_ended, at.fault_ended_ns = time.monotonic(), time.time_ns()
    await at.level(LEVEL_S)
    state.notes += at.notes
    await asyncio.sleep(1.5)  # the sink removes what all have taken
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def _closed(state: State) -> Closed:
    tracer = state.at.tracer
    sums = {}
    for name, table in (("minutes", "calls_by_minute"), ("hours", "calls_by_hour")):
        try:
            sums[name] = int((await tracer.rows(f"SELECT sum(calls) FROM llm.{table}"))[0][0])
        except AssertionError as error:  # a table that cannot be read is a finding; the hour's other figures stand
            sums[name] = -1
            state.notes.append(f"BROKE DOWN: llm.{table} cannot be read: {str(error)[:300]}")
    books = replace(await state.at.books(), metrics=state.counters())
    exits = tracer.exits.get("up", [])
    return Closed(books, state.gaps, state.terminations, list(exits), sums)


def _found(state: State, plan: Plan, closed: Closed, taken: str) -> Soak:
    samples = state.samples
    equal = counts.judged(closed)
    notes = [*state.notes, *counts.missing(closed, state.began)]
    if broke := [note for note in state.notes if note.startswith("BROKE DOWN")]:
        equal.append(Verdict("the run went on to its end", "; ".join(broke), "yes", False))
    return Soak(
        machine=described(),
        taken=taken,
        minutes=round(plan.seconds / 60, 2),
        seed=plan.seed,
        rate=plan.rate,
        settle_s=round(state.at.level_s, 1),
        counts=counts.counts(closed),
        dropped=closed.row().dropped,
        kinds=counts.ends(closed.books),
        equal=tuple(equal),
        flat=tuple(_flat(samples)),
        figures=_figures(state, closed),
        events=tuple(state.events),
        samples=tuple(samples[:: max(1, -(-len(samples) // MOST_SAMPLES))]),
        notes=tuple(notes),
    )


def _flat(samples: list[Sample]) -> list[Verdict]:
    last = samples[-1]
    bound = 2.0 * WORKERS * SEGMENT_MB
    return [
        *flat.judged(samples),
        flat.settles("spool on disk", [(one.at, one.spool_mb) for one in samples], WORKERS * SEGMENT_MB),
        flat.settles("the data directory beside spool and store", [(one.at, one.other_mb) for one in samples], OTHER_MB),
        Verdict("spool on disk at the end", f"{last.spool_mb:.1f} MB", f"{bound:.0f} MB", last.spool_mb <= bound),
        flat.per_call(samples),
        flat.not_live(samples),
    ]


def _figures(state: State, closed: Closed) -> dict[str, str]:
    """What is worth knowing and nobody promised."""
    told = [one for one in closed.books.told if one.phase == "plain" and one.end == "answered"]
    early = [one.seconds for one in told if one.sent < state.began + 0.1 * state.seconds]
    late = [one.seconds for one in told if one.sent > state.began + 0.9 * state.seconds]
    samples, found = state.samples, {}
    if early and late:
        found["median of plain calls"] = (
            f"{median(early) * 1000:.1f} ms in the first tenth, {median(late) * 1000:.1f} in the last"
        )
    found["longest lag of an exporter"] = f"{max(one.lag_s for one in samples):.0f} s"
    found["most records that waited"] = f"{max(one.waiting for one in samples):,}"
    found["faults"] = f"{len(state.events):,}"
    for name in flat.processes(samples):
        lives = flat.lives(samples, name)
        cpu = sum(life[-1][1].cpu_s - life[0][1].cpu_s for life in lives)
        found[f"CPU of {name}"] = f"{cpu * 1000 / max(1, samples[-1].calls):.2f} ms a call, {len(lives)} lives"
    with suppress(ValueError):
        last = samples[-1]
        found["data directory at the end"] = (
            f"{last.store_mb:.0f} MB of store, {last.live_mb:.0f} MB of them live; {last.files:,} files, all rooms"
        )
    return found
