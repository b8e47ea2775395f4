"""Real processes for the end-to-end tests: `tracer up` as its user runs it, and a real OTLP collector."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rotel

from tracer.demo.processes import Child, answers, running


@dataclass(frozen=True)
class Stack:
    """A running `tracer up`."""

    child: Child
    environ: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def command(self, *arguments: str) -> str:
        """What `tracer ARGUMENTS` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "tracer", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.command("query", sql, "--format", "JSONEachRow").splitlines()]

    def wait_for_calls(self, count: int, where: str = "1", timeout_s: float = 30) -> list[dict[str, Any]]:
        """The rows of `llm.calls` once there are `count`; exactly so many, also a moment later."""
        deadline = time.monotonic() + timeout_s
        sql = f"SELECT * FROM llm.calls WHERE {where} ORDER BY started_at"
        while len(found := self.rows(sql)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} calls after {timeout_s} s"
            time.sleep(0.2)
        time.sleep(0.7)
        found = self.rows(sql)
        assert len(found) == count
        return found

    def pids(self, kind: str) -> list[int]:
        """Process ids of the supervisor's children of a kind: worker, sink or store."""
        listed = subprocess.run(
            ["ps", "--ppid", str(self.child.process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
        ).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if f"tracer.child {kind}" in line]

    def kill(self, kind: str) -> None:
        for pid in self.pids(kind):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def tracer_up(directory: Path, free_port: Callable[[], int], settings: Mapping[str, str]) -> Iterator[Stack]:
    """`tracer up` on free ports with its own data directory; it must stop cleanly."""
    port, store_port = free_port(), free_port()
    environ = {
        **os.environ,
        "TRACER_DATA_DIR": str(directory / "data"),
        "TRACER_PORT": str(port),
        "TRACER_STORE_PORT": str(store_port),
        "TRACER_CONFIG": str(directory / "tracer.toml"),
        **settings,
    }
    (directory / "tracer.toml").touch()
    with running("tracer up", ["tracer", "up"], environ, directory / "tracer.log") as child:
        child.wait_until(lambda: answers(port, "/ready") and answers(store_port, "/ping"), 60)
        yield Stack(child, environ, port)
    assert child.process.returncode == 0, child.log.read_text()


@contextmanager
def collector(directory: Path, port: int) -> Iterator[Path]:
    """rotel, a real OTLP collector, printing each span to the file that is yielded."""
    printed = directory / "spans"
    binary = Path(rotel.__file__).parent / "rotel-agent"
    arguments = ["--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    arguments += ["--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log")]
    arguments += ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", "127.0.0.1:0"]
    with (
        printed.open("wb") as out,
        subprocess.Popen([binary, "start", *arguments], stdout=out, stderr=subprocess.STDOUT) as agent,
    ):
        try:
            yield printed
        finally:
            agent.terminate()
