"""A real `tracer up`: its processes, its rows, and ways to be rude to it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90.0


def tracer(
    *arguments: str, environ: Mapping[str, str], cwd: Path, timeout_s: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """`python -m tracer ARGUMENTS`, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tracer", *arguments],
        env=environment(environ),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), "TZ": "America/New_York", **environ}


def until(true: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


@dataclass
class Up:
    """`tracer up` in `directory`; ends with the context, whatever state it is in."""

    directory: Path
    port: int
    store_port: int
    extra: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    @property
    def environ(self) -> dict[str, str]:
        own = {
            "TRACER_DATA_DIR": str(self.directory / "data"),
            "TRACER_PORT": str(self.port),
            "TRACER_STORE_PORT": str(self.store_port),
            "TRACER_UI": "false",  # tests/ui/test_main.py has them on
            "TRACER_BATCH_WAIT": "0",
            "TRACER_SHUTDOWN_GRACE": "10",
        }
        return {**own, **self.extra}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.directory / "up.log").read_text()

    def __enter__(self) -> "Up":
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "up.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tracer", "up", *self.arguments],
                env=environment(self.environ),
                cwd=self.directory,
                stderr=log,
                stdout=log,
            )
        until(lambda: self.answers("/ready") or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.log
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        children = [pid for kinds in self.children().values() for pid in kinds]
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        for pid in [self.process.pid, *children]:  # only of this test: read from the process itself
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def children(self) -> dict[str, list[int]]:
        """Process ids by kind: worker, sink, store."""
        found: dict[str, list[int]] = {}
        try:
            pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except FileNotFoundError:
            return found
        for pid in pids:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                if "tracer.child" in words:
                    found.setdefault(words[words.index("tracer.child") + 1], []).append(int(pid))
        return found

    def kill(self, kind: str) -> None:
        """SIGKILL the first process of a kind and wait until another has its place."""
        before = self.children()
        os.kill(before[kind][0], signal.SIGKILL)
        same = len(before[kind])
        until(lambda: len(pids := self.children().get(kind, [])) == same and before[kind][0] not in pids, f"{kind} back")

    def query(self, sql: str) -> str:
        """An answer of the running store; empty while it does not run."""
        url = f"http://127.0.0.1:{self.store_port}/?" + urllib.parse.urlencode({"query": sql})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode().strip())
        except (urllib.error.URLError, OSError):
            return ""


def alive(pid: int) -> bool:
    """Whether a process runs (one that is dead and not yet waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
