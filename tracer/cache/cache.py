"""The cache as the proxy uses it: a turn for each call, answered from the cache, from an identical call in flight, or upstream.

    async with cache.turn(key, rule) as turn:
        if turn.entry is None:          # MISS or REFRESH: ask upstream and relay, then
            turn.keep(status, headers, body, …)

Invariants
- A backend that fails, is slow or is damaged is a miss and a counter, never an error. After a few failures in a row it is
  left alone for a while (circuit.py).
- `keep` costs the call nothing: the reply is checked, given to those who wait and written by a task of the cache's own, which a
  client that leaves does not take with it.
- Whoever leads gives the lead away exactly once, whichever way the turn ends (flights.py).
- A worker finds what it has just stored, also while that is being written.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import TypeVar

from tracer import metrics
from tracer.cache.backend import Backend
from tracer.cache.circuit import Circuit
from tracer.cache.entry import Entry, HeaderPairs, complete, decode, encode, replayed
from tracer.cache.flights import LEAD, Flights
from tracer.cache.rule import Rule
from tracer.cache.sqlite import SqliteBackend
from tracer.cache.status import CacheStatus
from tracer.config import Settings

_log = logging.getLogger(__name__)

T = TypeVar("T")

# The most that a look-up may add to a call.
_SLOWEST_S = 1.0
# Replies being checked and written at once; with the bound of one entry that bounds the memory.
_MOST_STORING = 64
# Reading a reply of this size takes the event loop's time of a few chunks; a larger one is read on another thread.
_CHECKED_HERE = 128 << 10


class Turn:
    """One call's use of the cache. `coalesced`: the entry was brought by a call that was in flight."""

    __slots__ = ("_cache", "_kept", "_key", "_leads", "_rule", "coalesced", "entry", "status")

    def __init__(self, cache: "Cache", key: str, rule: Rule) -> None:
        self._cache = cache
        self._key = key
        self._rule = rule
        self._leads = False
        self._kept = False
        self.entry: Entry | None = None
        self.status = CacheStatus.REFRESH if rule.refresh else CacheStatus.MISS
        self.coalesced = False

    async def __aenter__(self) -> "Turn":
        try:
            await (self._refresh() if self._rule.refresh else self._look_up())
        except BaseException:
            self._leave()
            raise
        metrics.cache_calls.labels(self.status).inc()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def keep(self, status: int, headers: HeaderPairs, body: bytes | None, *, call_id: str, usage_requested: bool) -> None:
        """Store this reply if it is a whole answer. `body`: all bytes as the provider sent them, or None if some are gone."""
        if self.entry is None and not self._kept:
            leads, self._leads, self._kept = self._leads, False, True
            entry = self._cache.entry(self._rule, headers, body or b"", call_id, usage_requested)
            self._cache.keep(self._key, leads, status, headers, entry)

    async def _look_up(self) -> None:
        found = await self._cache.flights.join(self._key)
        if isinstance(found, Entry):
            self.entry, self.coalesced = found, True
        else:
            self._leads = found is LEAD
            self.entry = await self._cache.lookup(self._key)
        if self.entry is None:
            return
        self.status = CacheStatus.HIT
        if self._leads:
            self._leads = False
            self._cache.flights.land(self._key, self.entry)

    async def _refresh(self) -> None:
        # It waits for nobody, since what is in flight was asked before; but who comes now may have what this one brings.
        self._leads = self._cache.flights.take(self._key)
        await self._cache.forget(self._key)

    def _leave(self) -> None:
        if self._leads:
            self._leads = False
            self._cache.flights.leave(self._key)


class Cache:
    """One per worker. `tasks` runs what outlives a call; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        backend: Backend,
        tasks: asyncio.TaskGroup,
        *,
        max_entry_bytes: int,
        longest_wait_s: float,
        clock: Callable[[], float] = time.time,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.flights: Flights[Entry] = Flights(longest_wait_s)
        self._backend = backend
        self._tasks = tasks
        self._max_entry_bytes = max_entry_bytes
        self._clock = clock
        self._circuit = Circuit(steady_clock)
        self._storing = 0
        self._fresh: dict[str, Entry] = {}  # being written

    def turn(self, key: str, rule: Rule) -> Turn:
        """To be entered by the call with this key."""
        return Turn(self, key, rule)

    async def lookup(self, key: str) -> Entry | None:
        """The entry under `key`, if there is one whose time is not over."""
        entry = self._fresh.get(key)
        if entry is None:
            stored = await self._tried("get", partial(self._backend.get, key))
            entry = decode(stored) if stored is not None else None
            if stored is not None and entry is None:
                metrics.cache_errors.labels("get", "damaged").inc()
        return entry if entry is not None and entry.expires_at_ms > self._now_ms() else None

    async def store(self, key: str, entry: Entry) -> None:
        """Keep `entry` until its time is over."""
        self._fresh[key] = entry
        try:
            ttl_s = (entry.expires_at_ms - self._now_ms()) / 1000
            if ttl_s > 0:
                await self._tried("put", lambda: self._backend.put(key, encode(entry), ttl_s))
        finally:
            if self._fresh.get(key) is entry:
                del self._fresh[key]

    async def forget(self, key: str) -> None:
        """Remove what is under `key`."""
        self._fresh.pop(key, None)
        await self._tried("delete", partial(self._backend.delete, key))

    def entry(self, rule: Rule, headers: HeaderPairs, body: bytes, call_id: str, usage_requested: bool) -> Entry:
        """A reply as it would be kept from now on."""
        now = self._now_ms()
        return Entry(
            headers=replayed(headers),
            body=body,
            stored_at_ms=now,
            expires_at_ms=now + rule.max_age_s * 1000,
            usage_requested=usage_requested,
            call_id=call_id,
        )

    def keep(self, key: str, leads: bool, status: int, headers: HeaderPairs, entry: Entry) -> None:
        """Check and store a reply later, and see to those who wait for it if its call `leads`."""
        reason = self._why_not(status, entry.body)
        if reason:
            metrics.cache_not_stored.labels(reason).inc()
            if leads:
                self.flights.leave(key)
            return
        self._storing += 1
        self._tasks.create_task(self._keep(key, leads, headers, entry))

    def _why_not(self, status: int, body: bytes) -> str:
        if status != 200:
            return "status"
        if not body or len(body) > self._max_entry_bytes:
            return "size"
        return "busy" if self._storing >= _MOST_STORING else ""

    async def _keep(self, key: str, leads: bool, headers: HeaderPairs, entry: Entry) -> None:
        try:
            _, whole = await self._safely("check", partial(self._complete, headers, entry.body))
            if not whole:
                metrics.cache_not_stored.labels("incomplete").inc()
                return
            if leads:
                leads = False
                self.flights.land(key, entry)
            await self.store(key, entry)
        finally:
            self._storing -= 1
            if leads:
                self.flights.leave(key)

    async def _complete(self, headers: HeaderPairs, body: bytes) -> bool:
        if len(body) <= _CHECKED_HERE:
            return complete(200, headers, body)
        return await asyncio.to_thread(complete, 200, headers, body)

    async def _tried(self, operation: str, attempt: Callable[[], Awaitable[T]]) -> T | None:
        if not self._circuit.may_try():
            metrics.cache_errors.labels(operation, "paused").inc()
            return None
        worked, result = await self._safely(operation, attempt)
        if worked:
            self._circuit.worked()
        elif self._circuit.failed():
            _log.warning("the cache fails and is left alone for a while")
        return result

    async def _safely(self, operation: str, attempt: Callable[[], Awaitable[T]]) -> tuple[bool, T | None]:
        try:
            async with asyncio.timeout(_SLOWEST_S):
                return True, await attempt()
        except Exception as error:
            # Files, databases and networks fail in ways of their own, and none of them may cost a call.
            metrics.cache_errors.labels(operation, type(error).__name__).inc()
            _log.debug("cache: %s failed", operation, exc_info=error)
            return False, None

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


@asynccontextmanager
async def open_cache(settings: Settings) -> AsyncIterator[Cache]:
    """This worker's cache. Nothing is opened until a call uses it; what is being written when it closes is written."""
    backend = _backend(settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            yield Cache(backend, tasks, max_entry_bytes=settings.cache_max_entry_bytes, longest_wait_s=settings.cache_wait)
    finally:
        await backend.close()


def _backend(settings: Settings) -> Backend:
    if settings.cache_url is None:
        return SqliteBackend(settings.data_dir, settings.cache_max_bytes, time.time)
    from tracer.cache.redis import RedisBackend

    return RedisBackend(settings.cache_url.get_secret_value())
