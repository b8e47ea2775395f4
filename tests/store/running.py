"""A real store in a process of its own, as in real life (one engine path per process), and rows to put into it."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pytest

from tests.ports import free_port
from tracer import config
from tracer.config import Settings
from tracer.store import schema
from tracer.store.secret import password

_RUN = "from tracer import config; from tracer.store.main import run; run(config.load()[0])"
_PATIENCE_S = 30.0


@dataclass
class RunningStore:
    """Starts on entering; `kill` and `start` again as often as a test likes."""

    directory: Path
    extra: dict[str, str] = field(default_factory=dict)
    wrapped: tuple[str, ...] = ()  # the command that it is run by
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> dict[str, str]:
        return {"TRACER_DATA_DIR": str(self.directory), "TRACER_STORE_PORT": str(self.port), **self.extra}

    @property
    def settings(self) -> Settings:
        return config.load(self.environ)[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = self.spawn()
        deadline = time.monotonic() + _PATIENCE_S
        while not self._ready():
            assert self.process.poll() is None, self.process.communicate()[1].decode()
            assert time.monotonic() < deadline, "the store did not come up"
            time.sleep(0.02)

    def spawn(self) -> subprocess.Popen[bytes]:
        # A time zone far from UTC: nothing may depend on the machine's.
        environ = {"PATH": os.environ["PATH"], "TZ": "America/New_York", **self.environ}
        return subprocess.Popen([*self.wrapped, sys.executable, "-c", _RUN], env=environ, stderr=subprocess.PIPE)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(kill=False)

    def kill(self) -> None:
        self._end(kill=True)

    def __enter__(self) -> "RunningStore":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _end(self, kill: bool) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.kill() if kill else process.terminate()
        process.communicate(timeout=_PATIENCE_S)
        return process.returncode

    def _ready(self) -> bool:
        asked = {"query": "SELECT count() FROM llm.migrations", "user": "tracer", "password": password(self.directory)}
        try:
            with urllib.request.urlopen(f"{self.url}?{urllib.parse.urlencode(asked)}", timeout=5) as answer:
                return int(answer.read()) >= len(schema.migrations(self.settings))
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """One store for the whole run. Tests that count rows ask for `empty_store`."""
    with RunningStore(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def empty_store(store: RunningStore) -> RunningStore:
    from tracer.store import client

    with client.embedded(store.settings, write=True) as writer:
        for table in ("calls", "bodies", "feedback", "spans", "span_bodies", "calls_by_minute", "calls_by_hour", "prices"):
            writer.command(f"TRUNCATE TABLE llm.{table}")
    return store
