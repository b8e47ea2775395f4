"""Finished calls to the spool: each once, and under `strict` durability before the client has the end of its reply."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from tracer.proxy.flight import Flight
from tracer.proxy.tally import Tally
from tracer.records import Outcome
from tracer.spool.writer import Done

# Header and bookkeeping of a record, for the bound on records that wait for the disk.
_RECORD_OVERHEAD = 2048


class Spool(Protocol):
    """Where finished calls go."""

    def append(self, item: Flight, size: int, done: Done | None = None) -> bool: ...


@dataclass(slots=True)
class Recorder:
    """Where flights end. `strict`: see `durable`."""

    spool: Spool
    tally: Tally
    strict: bool

    def record(self, flight: Flight, on_disk: "asyncio.Future[None] | None" = None) -> None:
        """Hand a flight over; only the first time counts."""
        if flight.recorded:
            return
        flight.recorded = True
        flight.end_ns = flight.clock()
        flight.upstream_end_ns = flight.upstream_end_ns or flight.end_ns
        flight.end(Outcome.OK)
        self.tally.ended[flight.door, flight.outcome or Outcome.OK] += 1
        size = flight.request.size + flight.response.size + _RECORD_OVERHEAD
        if on_disk is None:
            self.spool.append(flight, size)
            return
        loop = asyncio.get_running_loop()
        self.spool.append(flight, size, partial(_tell, loop, on_disk))

    async def durable(self, flight: Flight) -> None:
        """Under `strict`: record the call and wait until that is on disk, or until the disk has refused."""
        if self.strict:
            on_disk = asyncio.get_running_loop().create_future()
            self.record(flight, on_disk)
            await on_disk


def _tell(loop: asyncio.AbstractEventLoop, waiting: "asyncio.Future[None]", _on_disk: bool) -> None:
    """From the spool's thread: the commit is over. Whether the disk took it is the spool's to count; the reply goes out."""
    loop.call_soon_threadsafe(_settle, waiting)


def _settle(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():  # the client may have left meanwhile
        waiting.set_result(None)
