"""Finished calls to the spool: each once, and under `strict` durability before the client has the end of its reply."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tracer.proxy.flight import Flight
from tracer.proxy.tally import Tally
from tracer.records import Outcome
from tracer.spool.writer import Done

# Header and bookkeeping of a record, for the bound on records that wait for the disk.
_RECORD_OVERHEAD = 2048
# Records up to this size are encoded in some microseconds, if nothing of them must be blanked.
_AT_ONCE = 160 << 10


class Spool(Protocol):
    """Where finished calls go."""

    def append(
        self, item: Flight, size: int, done: Done | None = None, *, at_once: bool = False, noted: bytes | None = None
    ) -> bool: ...


class Open(Protocol):
    """Who notes the calls that are under way (open_calls.py)."""

    def began(self, flight: Flight) -> None: ...
    def ended(self, flight: Flight) -> bytes | None: ...


@dataclass(slots=True)
class Recorder:
    """Where flights begin and end. `strict`: see `durable`. `searched`: records are searched for what must not be kept, which
    takes too long for the event loop."""

    spool: Spool
    tally: Tally
    strict: bool
    open: Open
    searched: bool = False

    def began(self, flight: Flight) -> None:
        """A call is under way."""
        self.tally.open += 1
        self.open.began(flight)

    def over(self, flight: Flight) -> None:
        """A call is no longer under way, however it ended."""
        self.tally.open -= 1
        self.record(flight)

    def record(self, flight: Flight, done: Done | None = None) -> None:
        """Hand a flight over; only the first time counts. `done` as the spool's."""
        if flight.recorded:
            return
        flight.recorded = True
        flight.end_ns = flight.clock()
        flight.upstream_end_ns = flight.upstream_end_ns or flight.end_ns
        flight.end(Outcome.OK)
        noted = self.open.ended(flight)
        self.tally.ended[flight.door, flight.outcome or Outcome.OK] += 1
        size = flight.request.kept + flight.response.kept + _RECORD_OVERHEAD
        at_once = flight.content and size <= _AT_ONCE and not self.searched
        self.spool.append(flight, size, done, at_once=at_once, noted=noted)

    def durable(self, flight: Flight, then: Callable[[], None]) -> None:
        """Go on with `then`; under `strict` only when the call's record is on disk, or the disk has refused."""
        if not self.strict or flight.recorded:
            then()
            return
        loop = asyncio.get_running_loop()

        def committed(_on_disk: bool) -> None:  # on the spool's thread; whether the disk took it is the spool's to count
            loop.call_soon_threadsafe(then)

        self.record(flight, committed)
