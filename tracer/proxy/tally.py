"""Counts of a worker, kept in plain numbers and passed on to /metrics once a second.

A counter that all processes share costs a few microseconds each time it is touched; a call would touch four.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from tracer import metrics
from tracer.records import Outcome

FLUSH_SECONDS = 1.0


@dataclass(slots=True)
class Tally:
    """Calls open now, and calls that ended since the last flush by (door, outcome)."""

    open: int = 0
    ended: Counter[tuple[str, Outcome]] = field(default_factory=Counter)

    def flush(self) -> None:
        """Pass the counts on."""
        ended, self.ended = self.ended, Counter()
        for (door, outcome), count in ended.items():
            metrics.calls.labels(door, outcome).inc(count)
        metrics.open_requests.set(self.open)

    async def keep_flushing(self) -> None:
        """Flush for ever, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                self.flush()
        finally:
            self.flush()
