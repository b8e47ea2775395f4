"""`tracer up`: starts the processes, restarts one that dies, stops them in order.

    start   store, sink, pages and workers at once: a worker needs none of the others, the spool waits for store and sink
    stop    pages and workers (calls in flight end), then the sink (delivers what is left), then the store

Children have sessions of their own, so Ctrl-C reaches the supervisor alone and the order holds. If the supervisor itself is
killed, the closing of their standard input stops them (child.py).
"""

import contextlib
import hashlib
import logging
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import multiprocess

from tracer.child import CANNOT_START
from tracer.config import Settings, child_environ

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
# A metric's file is mapped, and to write into one for which the disk has no room is SIGBUS: on a full disk no worker would
# start. In memory there is room.
_MEMORY = Path("/dev/shm")
# A child that dies at once is started again ever more slowly.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
SETTLED_SECONDS = 10.0
# What the sink and the store get to finish, once nothing new comes.
SINK_SECONDS = 20.0
UI_SECONDS = 8.0
STORE_SECONDS = 20.0
# Beyond the grace that calls in flight get.
MARGIN_SECONDS = 5.0


class CannotStart(Exception):
    """A child said that it cannot run as configured."""


@dataclass(slots=True)
class Child:
    """One process and its history."""

    kind: str
    index: int
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    start_at: float = 0.0
    pause: float = field(default=FIRST_PAUSE)

    @property
    def name(self) -> str:
        return f"worker {self.index}" if self.kind == "worker" else self.kind


class Supervisor:
    """The children of one `tracer up`."""

    def __init__(self, settings: Settings, config_file: Path | None = None) -> None:
        self._config_file = config_file
        self._data_dir = settings.data_dir
        self._metrics = kept_metrics(settings.data_dir)
        self._grace = settings.shutdown_grace
        self._stop = threading.Event()
        kinds = [("store", 0)] if settings.clickhouse is None else []
        kinds += [("ui", 0)] if settings.ui else []
        kinds += [("sink", 0), *(("worker", i) for i in range(settings.workers))]
        self._children = [Child(kind, index) for kind, index in kinds]

    def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises CannotStart after stopping the rest."""
        self._metrics = _new_metrics_folder(self._data_dir)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            while not self._stop.is_set():
                for child in self._children:
                    self._tend(child)
                self._stop.wait(POLL_SECONDS)
        finally:
            self._stop_all()
            self._keep_metrics()

    def _keep_metrics(self) -> None:
        """The last word of the counters, where one would look for it; what was dropped while stopping is in it."""
        kept = kept_metrics(self._data_dir)
        if self._metrics != kept:
            with contextlib.suppress(OSError, shutil.Error):
                shutil.copytree(self._metrics, kept, dirs_exist_ok=True)
            shutil.rmtree(self._metrics, ignore_errors=True)

    def _tend(self, child: Child) -> None:
        """Start a child that is due, and see to one that has died."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                child.process, child.started = self._start(child), now
            return
        code = child.process.poll()
        if code is None:
            return
        self._forget(child)
        if code == CANNOT_START:
            raise CannotStart(f"{child.name} cannot run as configured; its own message stands above")
        child.pause = FIRST_PAUSE if now - child.started > SETTLED_SECONDS else min(LONGEST_PAUSE, child.pause * 2)
        child.start_at = now + child.pause
        _log.error("%s died (%s); starting it again in %.1f s", child.name, _how(code), child.pause)

    def _start(self, child: Child) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tracer.child", child.kind, str(child.index)]
        environ = child_environ(self._metrics, self._config_file)
        return subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, start_new_session=True)

    def _forget(self, child: Child) -> None:
        assert child.process is not None
        if child.process.stdin:
            child.process.stdin.close()
        # Live gauges of a process that is gone must not be summed with those of its successor; counters stay.
        multiprocess.mark_process_dead(child.process.pid, str(self._metrics))  # type: ignore[no-untyped-call]
        child.process = None

    def _stop_all(self) -> None:
        self._stop_kind("ui", UI_SECONDS)
        self._stop_kind("worker", self._grace + MARGIN_SECONDS)
        self._stop_kind("sink", SINK_SECONDS)
        self._stop_kind("store", STORE_SECONDS)

    def _stop_kind(self, kind: str, seconds: float) -> None:
        running = [child for child in self._children if child.kind == kind and child.process is not None]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + seconds
        for child in running:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.error("%s did not stop within %.0f s and is killed", child.name, seconds)
                child.process.kill()
                child.process.wait()
            self._forget(child)


def metrics_in_memory(data_dir: Path) -> Path:
    """Where the processes of a running `tracer up` share their metrics, if the system has such a place."""
    return _MEMORY / f"tracer-{hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]}"


def kept_metrics(data_dir: Path) -> Path:
    """Where they are afterwards, and all the time where the system has no such place."""
    return data_dir / "metrics"


def _new_metrics_folder(data_dir: Path) -> Path:
    kept = kept_metrics(data_dir)
    for folder in (metrics_in_memory(data_dir), kept):
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # no such place, or somebody else's folder of that name
        metrics_in_memory(data_dir).mkdir(mode=0o700)
        return metrics_in_memory(data_dir)
    kept.mkdir(parents=True, mode=0o700)
    return kept


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
