"""CPU microseconds per call of the sink with both exporters, and of the embedded store that takes its rows.

    spool (written here) ─► sink ─┬─► embedded store
                                  └─► nginx that takes any OTLP batch

Bodies are those of the recorded corpus where it is there, else the scripted provider's (tests/bench/bodies.py); the output says
which. The sink starts on an empty spool and is left to settle, so its start is not counted; then the calls are written all at
once, and counted when both exporters have acknowledged the last one. CPU time: of all the threads.
"""

import argparse
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import msgspec

from tests.bench import processes
from tests.bench.bodies import bodies, calls
from tests.ports import free_port
from tracer.config import child_environ, environment
from tracer.records import Exchange
from tracer.spool import logs, positions, reader, spool_dir
from tracer.spool.writer import Writer

EXPORTERS = 2
# Appended before waiting for the disk: below the writer's bound for waiting records.
SLICE = 2000
WARM_UP = 2 * SLICE


@dataclass(frozen=True, slots=True)
class Round:
    sink_us: float
    store_us: float
    calls_per_s: float


def spool_calls(data_dir: Path, count: int, found: Sequence[Exchange]) -> None:
    """Put `count` calls with these bodies into the spool as a worker would."""
    writer = Writer[Exchange](
        spool_dir(data_dir) / "w0", msgspec.msgpack.encode, max_bytes=8 << 30, segment_bytes=32 << 20, gather_seconds=0
    )
    on_disk = threading.Event()
    for number, exchange in enumerate(calls(count, found), 1):
        if number % SLICE == 0 or number == count:
            on_disk.clear()
            writer.append(exchange, 4000, lambda _: on_disk.set())
            on_disk.wait()
        else:
            writer.append(exchange, 4000)
    writer.close()


def all_taken(data_dir: Path) -> bool:
    """Whether every exporter has acknowledged every record."""
    found = logs(data_dir)
    names = {path.name.removesuffix(".position") for log in found for path in log.glob("*.position")}
    if len(names) < EXPORTERS:
        return False
    return not any(reader.backlog(log, positions.load(log, name).taken).records for log in found for name in names)


@contextmanager
def started(place: Path) -> Iterator[tuple[Path, int, int]]:
    """Store, OTLP endpoint and sink; the data directory and the pids of sink and store."""
    otlp, store_port = free_port(), free_port()
    takes_all = (
        f"server {{ listen 127.0.0.1:{otlp}; client_max_body_size 0; "
        "location / { default_type application/x-protobuf; return 200; } }"
    )
    environ = environment(
        TRACER_DATA_DIR=str(place / "data"),
        TRACER_STORE_PORT=str(store_port),
        TRACER_CONFIG="/dev/null",
        TRACER_UI="false",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{otlp}",
    )
    metrics = place / "data" / "metrics"
    metrics.mkdir(parents=True)
    environ["PROMETHEUS_MULTIPROC_DIR"] = child_environ(metrics, None)["PROMETHEUS_MULTIPROC_DIR"]
    child = [sys.executable, "-m", "tracer.child"]
    with ExitStack() as stack:
        stack.enter_context(processes.nginx(place / "otlp", takes_all, otlp))
        store = stack.enter_context(processes.running([*child, "store"], environ))
        processes.wait_for(lambda: processes.listens(store_port), store)
        sink = stack.enter_context(processes.running([*child, "sink"], environ))
        yield place / "data", sink.pid, store.pid


def bench(count: int, rounds: int, place: Path, found: Sequence[Exchange], flames: Path | None) -> Round:
    """The median of all rounds."""
    with started(place) as (data_dir, sink, store):
        spool_calls(data_dir, WARM_UP, found)  # opens connections, makes tables, loads what is loaded late
        _wait(lambda: all_taken(data_dir))
        done = []
        for number in range(1, rounds + 1):
            done.append(measure(data_dir, sink, store, count, found))
            print(f"round {number}/{rounds}  {_line(done[-1])}", flush=True)
        if flames is not None:
            _profile(flames, data_dir, sink, store, count, found)
    return Round(*(statistics.median(column) for column in zip(*map(astuple, done), strict=True)))


def measure(data_dir: Path, sink: int, store: int, count: int, found: Sequence[Exchange]) -> Round:
    before = processes.cpu_seconds(sink), processes.cpu_seconds(store)
    started_at = time.monotonic()
    spool_calls(data_dir, count, found)
    _wait(lambda: all_taken(data_dir))
    took = time.monotonic() - started_at
    after = processes.cpu_seconds(sink), processes.cpu_seconds(store)
    return Round((after[0] - before[0]) / count * 1e6, (after[1] - before[1]) / count * 1e6, count / took)


def _profile(flames: Path, data_dir: Path, sink: int, store: int, count: int, found: Sequence[Exchange]) -> None:
    """One more round, which does not count, under py-spy: of each moment, the thread that held the interpreter's lock."""
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    record = [
        spy,
        "record",
        "--pid",
        str(sink),
        "--rate",
        "250",
        "--gil",
        "--function",
        "--format",
        "flamegraph",
        "--output",
        str(flames),
    ]
    with subprocess.Popen(record, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as recording:
        time.sleep(0.5)
        measure(data_dir, sink, store, count, found)
        recording.send_signal(signal.SIGINT)


def _line(done: Round) -> str:
    per_core = 1e6 / done.sink_us
    return (
        f"sink {done.sink_us:6.1f} µs CPU a call = {per_core:.0f} calls/s and core"
        f"   store {done.store_us:6.1f} µs   both on this machine {done.calls_per_s:.0f} calls/s"
    )


def _wait(true: Callable[[], bool], timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"the sink has not delivered everything within {timeout_s:.0f} s")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sink", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bodies", choices=("either", "recorded", "scripted"), default="either")
    parser.add_argument("--json", type=Path, help="where to write the figures too")
    parser.add_argument("--flames", type=Path, help="where to write a flame graph of one more round (needs py-spy)")
    asked = parser.parse_args()
    processes.require("nginx")
    what, found = bodies(asked.bodies)
    print(what)
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as place:
        Path(place).chmod(0o755)
        median = bench(asked.calls, asked.rounds, Path(place), found, asked.flames)
    print(f"\nmedians, {asked.calls} calls a round, ClickHouse and OTLP\n  {_line(median)}")
    if asked.json is not None:
        figures = {"bodies": what, "calls": asked.calls, "rounds": asked.rounds, **asdict(median)}
        asked.json.write_text(json.dumps({"name": "sink", "figures": figures | {"calls_per_s_and_core": 1e6 / median.sink_us}}))


if __name__ == "__main__":
    main()
