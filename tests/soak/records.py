"""What a long run measures and finds. Results are kept in docs/soak.json; times are seconds since the load began."""

from pathlib import Path

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """One process at one moment."""

    pid: int
    memory_mb: float  # proportional set size
    descriptors: int
    threads: int
    cpu_s: float


class Sample(msgspec.Struct, frozen=True):
    """One moment. `processes` by name: worker 0, worker 1, sink, store."""

    at: float
    processes: dict[str, Usage]
    spool_mb: float = 0.0
    store_mb: float = 0.0
    live_mb: float = 0.0  # of the store: parts that queries read; the rest was merged, or is being written
    other_mb: float = 0.0  # the data directory's rest: cache, keys and prompts, metrics, notes
    files: int = 0
    waiting: int = 0  # records, of the exporter that is further behind
    lag_s: float = 0.0
    calls: int = 0  # ended


class Event(msgspec.Struct, frozen=True):
    """A fault that happened."""

    at: float
    name: str
    kind: str  # kill, restart, clickhouse, otlp, provider, clients, disk
    lasted_s: float


class Verdict(msgspec.Struct, frozen=True):
    """One promise; `held` is None if the run was too short to tell."""

    what: str
    found: str
    allowed: str
    held: bool | None


class Ends(msgspec.Struct, frozen=True):
    """How the calls of one kind ended, as their clients saw it and as their rows say."""

    kind: str
    sent: int
    ends: dict[str, int]
    outcomes: dict[str, int]


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    machine: dict[str, str] = {}
    taken: str = ""
    minutes: float = 0.0
    seed: int = 0
    rate: float = 0.0
    settle_s: float = 0.0  # until nothing waited, after the load's end
    counts: dict[str, int] = {}
    dropped: dict[str, int] = {}
    kinds: tuple[Ends, ...] = ()
    equal: tuple[Verdict, ...] = ()  # what was sent against what is there
    flat: tuple[Verdict, ...] = ()  # what must not grow
    figures: dict[str, str] = {}
    events: tuple[Event, ...] = ()
    samples: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def broken(self) -> list[Verdict]:
        return [verdict for verdict in (*self.equal, *self.flat) if verdict.held is False]


def load(path: Path) -> Soak:
    """What is on record; an empty run if there is no file yet."""
    return msgspec.json.decode(path.read_bytes(), type=Soak) if path.exists() else Soak()


def save(path: Path, soak: Soak) -> None:
    """Each sample on a line of its own, so that the file can be read and compared."""
    head = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(soak, samples=())), indent=1).decode()
    lines = ",\n".join(msgspec.json.encode(sample).decode() for sample in soak.samples)
    path.write_text(head.replace('"samples": []', f'"samples": [\n{lines}\n]') + "\n")
