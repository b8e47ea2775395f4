"""What a long run notes while it goes on, beside the samples: gaps in service, faults, and counters across restarts."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from tests.faults.scene import Scene
from tests.soak.mix import Mixed
from tests.soak.records import Event, Sample
from tracer.supervisor import kept_metrics, metrics_in_memory

# Between a process's death and its clients hearing of it.
CLOSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which calls may fail: all that touch it, or (`open_only`) those that were open when it began."""

    begin: float
    end: float
    open_only: bool

    def explains(self, sent: float, ended: float) -> bool:
        """Whether a call's failure is this gap's."""
        last = self.begin if self.open_only else self.end
        return sent <= last + CLOSE_S and ended >= self.begin - CLOSE_S


@dataclass
class State:
    """One run, as far as it has gone. Moments are of the monotonic clock."""

    at: Scene
    began: float
    seconds: float
    events: list[Event] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    terminations: list[Gap] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    before: Counter[str] = field(default_factory=Counter)  # counters of supervisors that have ended

    @property
    def load(self) -> Mixed:
        assert isinstance(self.at.load, Mixed)
        return self.at.load

    @property
    def left(self) -> float:
        return self.began + self.seconds - time.monotonic()

    @contextmanager
    def gap(self, *, open_only: bool = False) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.gaps.append(Gap(begin, time.monotonic(), open_only))

    def close_counters(self) -> None:
        """Before `tracer up` starts again, which begins new ones."""
        self.before.update(counters(self.at.tracer.data))

    def counters(self) -> dict[str, float]:
        """Since the run began. A bucket of a histogram counts up to its bound, so that sums over restarts hold too."""
        return dict(self.before + Counter(counters(self.at.tracer.data)))


def counters(data: Path) -> dict[str, float]:
    """Of all processes since `tracer up` started, from its files: they are whole after a kill, and nobody need answer."""
    return {name: value for name, value in metrics(data).items() if name.partition("{")[0].endswith(("_total", "_bucket"))}


def metrics(data: Path) -> dict[str, float]:
    """Counters and gauges, named as tests/faults/stack.py names them."""
    folder = next((folder for folder in (metrics_in_memory(data), kept_metrics(data)) if folder.is_dir()), None)
    if folder is None:
        return {}
    registry = CollectorRegistry()
    collector = MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return {
        sample.name + (f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""): sample.value
        for family in collector.collect()  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
