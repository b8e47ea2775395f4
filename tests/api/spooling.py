"""Endpoints that write, with what comes behind them: a real spool, a real drain, a real store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exporters import clickhouse
from tests.store.running import RunningStore
from tracer.signals import Signal, encode_signal, weight_of
from tracer.sink.contents import decoder
from tracer.sink.drain import Drain, Limits
from tracer.spool import spool_dir
from tracer.spool.writer import Writer

_LIMITS = Limits(rows=2000, bytes=32 << 20, wait_seconds=0.0, max_age_seconds=3600.0)


@dataclass
class Spooling:
    """`append` is what an endpoint gets; `deliver` moves what it has written to the store. `full`: the spool takes nothing."""

    store: RunningStore
    directory: Path
    writer: Writer[Signal]
    full: bool = False
    taken: list[Signal] = field(default_factory=list)

    def append(self, record: Signal) -> bool:
        if self.full:
            return False
        self.taken.append(record)
        self.writer.append(record, weight_of(record))
        return True

    def deliver(self) -> None:
        done = threading.Event()
        self.writer.append(
            self.taken[-1], 0, lambda _: done.set()
        )  # once more: it changes nothing, and says when all are there
        assert done.wait(10)
        exporter = clickhouse.open(self.store.settings)
        stop = threading.Event()
        stop.set()
        Drain(self.directory, exporter, [exporter.name], decoder(_no_calls), _LIMITS, stop).run()
        exporter.close()


@contextmanager
def spooling(store: RunningStore, directory: Path) -> Iterator[Spooling]:
    """On a log of its own in `directory`."""
    log = spool_dir(directory) / "w0"
    writer: Writer[Signal] = Writer(log, encode_signal, max_bytes=1 << 30, segment_bytes=1 << 20, gather_seconds=0.0)
    try:
        yield Spooling(store, directory, writer)
    finally:
        writer.close()


def _no_calls(_exchange: object) -> object:
    raise AssertionError("there are no exchanges in this spool")
