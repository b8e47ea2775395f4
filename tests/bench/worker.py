"""One Tracer proxy worker, as `tracer up` starts it, without sink and store: what the load is put on.

Everything is on unless a benchmark says otherwise: bodies captured in full, a durable spool with its syncs, metrics. What the
worker spools is read by nobody, so the spool only grows; its bound is far above.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import processes
from tests.ports import free_port
from tracer.config import child_environ, environment

MODEL_PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Program:
    """Something that answers calls: its name in the results, the process whose group is charged for them, where to call."""

    name: str
    pid: int
    port: int
    headers: dict[str, str] = field(default_factory=dict)
    path: str = MODEL_PATH


def settings(place: Path, port: int, upstream: int, **others: str) -> dict[str, str]:
    """The environment of a Tracer of the benchmark's own."""
    metrics = place / "data" / "metrics"
    metrics.mkdir(parents=True)
    environ = environment(
        TRACER_DATA_DIR=str(place / "data"),
        TRACER_PORT=str(port),
        TRACER_UPSTREAM=f"http://127.0.0.1:{upstream}/v1",
        TRACER_CONFIG="/dev/null",
        TRACER_UI="false",
        TRACER_SHUTDOWN_GRACE="1",
        **{"TRACER_CAPTURE": "full", "TRACER_LOG_LEVEL": "warning"} | others,
    )
    return {**environ, "PROMETHEUS_MULTIPROC_DIR": child_environ(metrics, None)["PROMETHEUS_MULTIPROC_DIR"]}


@contextmanager
def tracer_worker(
    place: Path, upstream: int, core: int | None = None, name: str = "tracer", **others: str
) -> Iterator[Program]:
    """A worker that has answered `/health`."""
    port = free_port()
    environ = settings(place, port, upstream, **others)
    with processes.running([sys.executable, "-m", "tracer.child", "worker", "0"], environ, core) as worker:
        processes.wait_for(lambda: processes.answers(port, "/health"), worker)
        yield Program(name, worker.pid, port)
