"""The faults of a long run, each of them on a real `tracer up`, and the order in which a seed lets them happen.

Those that end a long-lived process (`hard`) happen in the first HARD_SHARE of the run only: what is left is long enough to see
whether a process grows (flat.py). Worker 0 is killed to the end; worker 1, the sink and the store then live on.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tests.faults import clients
from tests.soak.measure import children
from tests.soak.state import Gap, State

HARD_SHARE = 0.55
LEAVING, SIPPING = 40, 6
RETURNS_S = 30.0
# A disk that has room again is tried within 0.2 s, and what waited is written then; a kill must not come in between.
DISK_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Happening:
    """A fault. `copies`: how often in a deck of all."""

    name: str
    kind: str
    happens: Callable[[State, float], Awaitable[None]]
    hard: bool = False
    copies: int = 1


def _pid(state: State, name: str) -> int | None:
    return children(state.at.tracer).get(name)


async def _back(state: State, name: str, not_pid: int) -> None:
    """Wait for the supervisor to have started another."""
    deadline = time.monotonic() + RETURNS_S
    while _pid(state, name) in (None, not_pid):
        if time.monotonic() > deadline:
            raise AssertionError(f"{name} was not started again within {RETURNS_S:.0f} s")
        await asyncio.sleep(0.05)


async def _kill(state: State, name: str) -> None:
    pid = _pid(state, name)
    if pid is None:
        return
    os.kill(pid, signal.SIGKILL)
    if name.startswith("worker"):
        now = time.monotonic()
        state.at.kills.append(now)
        state.gaps.append(Gap(now, now, open_only=True))
    await _back(state, name, pid)


def _killed(name: str) -> Callable[[State, float], Awaitable[None]]:
    async def happens(state: State, lasts_s: float) -> None:
        await _kill(state, name)

    return happens


async def everything_killed(state: State, lasts_s: float) -> None:
    with state.gap():
        state.at.kills.append(state.at.tracer.kill_all())
        state.close_counters()
        await state.at.tracer.start("up")


async def everything_stopped(state: State, lasts_s: float) -> None:
    """SIGTERM to `tracer up`, to its end, and up again."""
    with state.gap():
        await state.at.tracer.stop("up")
        state.close_counters()
        await state.at.tracer.start("up")
    state.terminations.append(state.gaps[-1])


async def store_hangs(state: State, lasts_s: float) -> None:
    """It stands still: connections are taken by the kernel, and nobody answers."""
    pid = _pid(state, "store")
    if pid is None:
        return
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(lasts_s)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def store_refuses(state: State, lasts_s: float) -> None:
    """It is killed again and again as it comes up, at whatever it was about to do."""
    deadline, last = time.monotonic() + lasts_s, 0
    while time.monotonic() < deadline:
        if pid := _pid(state, "store"):
            os.kill(pid, signal.SIGKILL)
            last = pid
        await asyncio.sleep(random.uniform(0.02, 0.3))
    await _back(state, "store", last)


def _otlp(status: int, **headers: str) -> Callable[[State, float], Awaitable[None]]:
    async def happens(state: State, lasts_s: float) -> None:
        collector = state.at.collector
        assert collector
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        collector.answer = lambda: web.Response(status=status, headers=named)
        await asyncio.sleep(lasts_s)
        collector.well()

    return happens


async def otlp_hangs(state: State, lasts_s: float) -> None:
    assert state.at.collector
    state.at.collector.hang()
    await asyncio.sleep(lasts_s)
    state.at.collector.well()


async def otlp_refuses(state: State, lasts_s: float) -> None:
    assert state.at.collector
    await state.at.collector.close()
    await asyncio.sleep(lasts_s)
    await state.at.collector.open()


def _provider(spell: str) -> Callable[[State, float], Awaitable[None]]:
    async def happens(state: State, lasts_s: float) -> None:
        state.load.spell = spell
        await asyncio.sleep(lasts_s)
        state.load.spell = ""

    return happens


async def clients_leave(state: State, lasts_s: float) -> None:
    await asyncio.gather(*(clients.leaves(state.at) for _ in range(LEAVING)))


async def clients_sip(state: State, lasts_s: float) -> None:
    await asyncio.gather(*(clients.sips(state.at) for _ in range(SIPPING)))


async def disk_full(state: State, lasts_s: float) -> None:
    """Somebody else fills the data directory's file system, to the last byte."""
    ballast = state.at.tracer.data / "ballast"
    try:
        await asyncio.to_thread(_fill, ballast)
        await asyncio.sleep(lasts_s)
    finally:
        ballast.unlink(missing_ok=True)
    await asyncio.sleep(DISK_PAUSE_S)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        free = os.statvfs(path).f_bavail * os.statvfs(path).f_frsize
        with suppress(OSError):  # it takes what there is, then says that there is no more
            os.posix_fallocate(file.fileno(), 0, free + (64 << 20))
        file.seek(0, os.SEEK_END)
        with suppress(OSError):
            while file.write(b"\0" * 4096):
                pass


HAPPENINGS = (
    Happening("worker-killed", "kill", _killed("worker 0"), copies=3),
    Happening("sink-killed", "kill", _killed("sink"), hard=True, copies=2),
    Happening("store-killed", "kill", _killed("store"), hard=True, copies=2),
    Happening("store-refuses", "clickhouse", store_refuses, hard=True),
    Happening("everything-killed", "restart", everything_killed, hard=True),
    Happening("sigterm", "restart", everything_stopped, hard=True),
    Happening("store-hangs", "clickhouse", store_hangs, copies=2),
    Happening("otlp-429", "otlp", _otlp(429, Retry_After="2")),
    Happening("otlp-500", "otlp", _otlp(500)),
    Happening("otlp-hangs", "otlp", otlp_hangs),
    Happening("otlp-refuses", "otlp", otlp_refuses),
    *(Happening(f"provider-{name}", "provider", _provider(name)) for name in ("reset", "half", "stalled", "garbage", "429")),
    Happening("clients-leave", "clients", clients_leave),
    Happening("clients-sip", "clients", clients_sip),
    Happening("disk-full", "disk", disk_full, hard=True, copies=2),  # the store ends by itself when a write fails
)


def order(chance: random.Random, among: tuple[Happening, ...] = HAPPENINGS) -> Iterator[Happening]:
    """Without end: first each once, those that are hard soonest; then decks of all, shuffled."""
    hard, soft = ([one for one in among if one.hard is wanted] for wanted in (True, False))
    chance.shuffle(hard)
    chance.shuffle(soft)
    while hard or soft:
        yield from (pile.pop() for pile in (hard, soft) if pile)
    deck = [one for one in among for _ in range(one.copies)]
    while deck:
        chance.shuffle(deck)
        yield from deck
