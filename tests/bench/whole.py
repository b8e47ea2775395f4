"""A whole `tracer up` with an upstream and a counting collector, and what can be asked of it while it runs.

Nothing is pinned to a core: proxy, sink, store, collector, upstream and load share what there is.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.bench import processes, upstream, worker
from tests.ports import free_port

_SAMPLES = re.compile(r'^(tracer_lag_seconds|tracer_spool_depth)\{exporter="(\w+)"\} (\S+)$', re.MULTILINE)
_WATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class Whole:
    """Its ports, and its processes by what they do."""

    port: int
    store_port: int
    collector_port: int
    pids: dict[str, int]

    def gauges(self, name: str) -> dict[str, float]:
        """A gauge of `/metrics` by exporter."""
        text = _got(self.port, "/metrics").decode()
        return {exporter: float(value) for found, exporter, value in _SAMPLES.findall(text) if found == name}

    def rows(self) -> dict[str, int]:
        """How many calls are in SQL, and how many of them are different."""
        sql = "SELECT count() AS rows, uniqExact(call_id) AS distinct FROM llm.calls FORMAT JSONEachRow"
        return {name: int(value) for name, value in json.loads(_got(self.store_port, "/", sql)).items()}

    def spans(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(_got(self.collector_port, "/count"))
        return found

    def wait_until_drained(self, timeout_s: float) -> None:
        """Until both exporters have delivered everything."""
        deadline = time.monotonic() + timeout_s
        while any((depth := self.gauges("tracer_spool_depth")).values()) or len(depth) < 2:
            if time.monotonic() > deadline:
                raise SystemExit(f"not delivered within {timeout_s:.0f} s: {depth}")
            time.sleep(0.2)

    def cpu(self) -> dict[str, float]:
        return {name: processes.cpu_seconds(pid) for name, pid in self.pids.items()}

    def memory(self) -> dict[str, int]:
        return {name: processes.own_bytes(pid) for name, pid in self.pids.items()}


@dataclass(slots=True)
class Watch:
    """The lag of the slower exporter and the memory of each process, second by second."""

    points: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, dict[str, int]]] = field(default_factory=list)


@contextmanager
def watching(whole: Whole) -> Iterator[Watch]:
    watch, stop = Watch(), threading.Event()

    def run() -> None:
        begin = time.monotonic()
        while not stop.wait(_WATCH_S):
            at = time.monotonic() - begin
            watch.points.append((at, max(whole.gauges("tracer_lag_seconds").values(), default=0.0)))
            watch.memory.append((at, whole.memory()))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


@contextmanager
def tracer_up(place: Path, workers: int, reply: str = upstream.REPLY) -> Iterator[Whole]:
    port, store_port, collector_port = free_port(), free_port(), free_port()
    others = {
        "TRACER_STORE_PORT": str(store_port),
        "TRACER_WORKERS": str(workers),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector_port}",
    }
    with ExitStack() as stack:
        up = stack.enter_context(upstream.fixed(place / "upstream", reply))
        counting = [sys.executable, "-m", "tests.bench.spans", "--port", str(collector_port)]
        collector = stack.enter_context(processes.running(counting))
        processes.wait_for(lambda: processes.listens(collector_port), collector)
        environ = worker.settings(place, port, up, **others)
        child = stack.enter_context(processes.running([sys.executable, "-m", "tracer", "up"], environ, log=place / "log"))
        processes.wait_for(lambda: processes.answers(port, "/ready") and processes.answers(store_port, "/ping"), child)
        pids = {kind: pid for pid in processes.group(child.pid) for kind in [_kind(pid)] if kind}
        yield Whole(port, store_port, collector_port, {**pids, "collector": collector.pid})


def _kind(pid: int) -> str:
    """What a child of `tracer up` is, with its number where there are several."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    at = words.index("tracer.child") + 1 if "tracer.child" in words else len(words)
    kind, number = [*words[at : at + 2], "", ""][:2]
    return f"worker {number}" if kind == "worker" else kind


def _got(port: int, path: str, body: str | None = None) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST" if body else "GET", path, body)
        reply = connection.getresponse()
        got = reply.read()
    finally:
        connection.close()
    if reply.status != 200:
        raise SystemExit(f"{path} on port {port} answered {reply.status}: {got[:500]!r}")
    return got
