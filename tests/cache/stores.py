"""What the cache's tests share: a clock to move by hand, a store that misbehaves, a cache on any store, calls that use it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import REGISTRY

from tracer.cache.backend import Backend
from tracer.cache.cache import Cache
from tracer.cache.entry import Entry
from tracer.cache.rule import Rule
from tracer.cache.status import CacheStatus

JSON = [(b"Content-Type", b"application/json"), (b"x-request-id", b"req_1")]
ANSWER = b'{"id":"c","choices":[]}'
RULE = Rule(max_age_s=100)
HIT, MISS, REFRESH = CacheStatus.HIT, CacheStatus.MISS, CacheStatus.REFRESH


class Clock:
    """Seconds; stands still."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Memory:
    """A backend in a dict. `held`: what `get` and `put` wait for, `broken`: what every use raises."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.ttl_s: dict[str, float] = {}
        self.asked: list[str] = []
        self.broken: Exception | None = None
        self.held = asyncio.Event()
        self.held.set()

    async def get(self, key: str) -> bytes | None:
        await self._use("get")
        return self.kept.get(key)

    async def put(self, key: str, data: bytes, ttl_s: float) -> None:
        await self._use("put")
        self.kept[key], self.ttl_s[key] = data, ttl_s

    async def delete(self, key: str) -> None:
        await self._use("delete")
        self.kept.pop(key, None)

    async def close(self) -> None:
        pass

    async def _use(self, operation: str) -> None:
        self.asked.append(operation)
        await self.held.wait()
        if self.broken is not None:
            raise self.broken


@contextlib.asynccontextmanager
async def cache_on(backend: Backend, **options: Any) -> AsyncIterator[Cache]:
    """A cache on this backend; what it is writing is written when it closes."""
    defaults: dict[str, Any] = {"max_entry_bytes": 1 << 20, "longest_wait_s": 30.0}
    async with asyncio.TaskGroup() as tasks:
        yield Cache(backend, tasks, **{**defaults, **options})


def counted(name: str, **labels: str) -> float:
    """A counter's value."""
    return REGISTRY.get_sample_value(f"tracer_{name}_total", labels) or 0.0


async def call(
    cache: Cache, key: str = "k", rule: Rule = RULE, *, body: bytes | None = ANSWER, status: int = 200
) -> tuple[CacheStatus, bytes | None]:
    """A whole call: the status, and what the client got."""
    async with cache.turn(key, rule) as turn:
        if turn.entry is not None:
            return turn.status, turn.entry.body
        turn.keep(status, JSON, body, call_id="id-1", usage_requested=True)
        return turn.status, body


async def stored(cache: Cache, key: str = "k") -> Entry | None:
    """The entry once nothing is being written."""
    await asyncio.sleep(0)
    while cache._storing:
        await asyncio.sleep(0.001)
    return await cache.lookup(key)
