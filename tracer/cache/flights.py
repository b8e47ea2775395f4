"""Identical calls in flight on one worker: the first leads, the others wait for what it brings.

    join ─► Lead      ask upstream, then `land` the entry for all who wait, or `leave` the lead to the next
         ─► an entry  another call brought it
         ─► None      waited long enough: ask for yourself, nobody waits for you

Invariants (tests/cache/test_flights.py, a state machine)
- A key has at most one leader, and always one while somebody waits for it.
- When a leader brings nothing, exactly one follower leads next, the one that has waited longest.
- Nobody waits longer than `longest_wait_s` in all, however often the lead changes.
- A caller that is cancelled, at any moment, takes nothing with it but itself: a lead that was just given to it passes on.

Calls on other workers are not waited for: they find the entry a moment after it is stored, and a handful of workers ask a
handful of times at most. No locks: everything happens on one event loop, between two awaits.
"""

import asyncio
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Lead(Enum):
    """The answer to `join` for the one that asks upstream."""

    LEAD = "lead"


LEAD = Lead.LEAD


class Flights(Generic[T]):
    """Lines of waiting callers by key, oldest first; a leader without followers has an empty line."""

    def __init__(self, longest_wait_s: float) -> None:
        self._longest_wait_s = longest_wait_s
        self._lines: dict[str, dict[asyncio.Future[T | Lead], None]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def take(self, key: str) -> bool:
        """Become the leader if there is none."""
        if key in self._lines:
            return False
        self._lines[key] = {}
        return True

    async def join(self, key: str) -> T | Lead | None:
        """Lead, or wait for what the leader brings. None: it took too long."""
        if self.take(key):
            return LEAD
        if not self._longest_wait_s:
            return None
        line = self._lines[key]
        place: asyncio.Future[T | Lead] = asyncio.get_running_loop().create_future()
        line[place] = None
        try:
            await asyncio.wait((place,), timeout=self._longest_wait_s)
        except asyncio.CancelledError:
            line.pop(place, None)
            if place.done() and place.result() is LEAD:
                self.leave(key)
            raise
        if place.done():
            return place.result()
        del line[place]
        return None

    def land(self, key: str, brought: T) -> None:
        """The leader gives everybody in line what it brought."""
        for place in self._lines.pop(key):
            place.set_result(brought)

    def leave(self, key: str) -> None:
        """The leader brought nothing: the next in line leads, if there is one."""
        line = self._lines[key]
        if not line:
            del self._lines[key]
            return
        place = next(iter(line))
        del line[place]
        place.set_result(LEAD)
