"""Real processes for the end-to-end tests: `tracer up` as its user runs it, and a real OTLP collector."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
    store_port: int

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

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
        """What `tracer query SQL --format JSONEachRow` prints, without the start of a program each time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.store_port, timeout=60)
        try:
            connection.request("POST", "/?default_format=JSONEachRow", sql)
            reply = connection.getresponse()
            printed = reply.read()
        finally:
            connection.close()
        assert reply.status == 200, printed
        return [json.loads(line) for line in printed.splitlines()]

    def wait_for_calls(self, count: int, where: str = "1") -> list[dict[str, Any]]:
        """The rows of `llm.calls` once there are `count`; exactly so many, also a moment later."""
        return self.wait_for_rows(count, f"SELECT * FROM llm.calls WHERE {where} ORDER BY started_at")

    def wait_for_rows(self, count: int, sql: str, timeout_s: float = 30) -> list[dict[str, Any]]:
        """The rows of a query once there are `count`; exactly so many, also a moment later."""
        deadline = time.monotonic() + timeout_s
        while len(found := self.rows(sql)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} rows after {timeout_s} s"
            time.sleep(0.1)
        time.sleep(0.5)
        found = self.rows(sql)
        assert len(found) == count
        return found

    def body_of(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The row of `llm.bodies` of a call."""
        (found,) = self.rows(f"SELECT * FROM llm.bodies WHERE call_id = '{call['call_id']}'")
        return found

    def pids(self, kind: str) -> list[int]:
        """Process ids of the supervisor's children of a kind: worker, sink or store."""
        parent, found = self.child.process.pid, []
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                if "tracer.child" in words and kind in words:
                    found.append(int(pid))
        return found

    def kill(self, kind: str) -> None:
        for pid in self.pids(kind):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def tracer_up(directory: Path, free_port: Callable[[], int], settings: Mapping[str, str]) -> Iterator[Stack]:
    """`tracer up` on free ports with its own data directory; it must stop cleanly."""
    port, store_port = free_port(), free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TRACER_", "OTEL_"))},
        "TRACER_DATA_DIR": str(directory / "data"),
        "TRACER_PORT": str(port),
        "TRACER_STORE_PORT": str(store_port),
        "TRACER_CONFIG": str(directory / "tracer.toml"),
        "TRACER_UI": "false",
        **settings,
    }
    (directory / "tracer.toml").touch()
    with running("tracer up", ["tracer", "up"], environ, directory / "tracer.log") as child:
        child.wait_until(lambda: answers(port, "/ready") and answers(store_port, "/ping"), 60)
        yield Stack(child, environ, port, store_port)
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


def wait_for_spans(spans: Path, span_ids: list[str]) -> str:
    """All that the collector has printed, once these spans are there."""
    deadline = time.monotonic() + 30
    while missing := [i for i in span_ids if i not in (printed := spans.read_text())]:
        assert time.monotonic() < deadline, f"spans {missing} did not arrive"
        time.sleep(0.1)
    return printed
