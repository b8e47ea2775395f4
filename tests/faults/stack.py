"""Tracer's processes as its users have them: each child by itself, as `tracer up` starts it, or `tracer up` and all below it.

A child by itself is what most faults need: the supervisor waits ever longer before it starts a process again that dies often,
and a fault that happens a hundred times would measure that. Only processes that were started here are ever ended.
"""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from tracer.store.secret import WRITER, password

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@dataclass
class Tracer:
    """The processes on one data directory."""

    directory: Path
    port: int
    store_port: int
    settings: dict[str, str]
    environs: dict[str, dict[str, str]] = field(default_factory=dict)  # more for one kind of process
    limits: dict[str, Callable[[int], None]] = field(default_factory=dict)  # told the id of each new process of a kind
    commands: dict[str, list[str]] = field(default_factory=dict)  # instead of `-m tracer.child KIND 0`
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    exits: dict[str, list[int]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.directory.glob("*.log")))

    def environ(self, kind: str) -> dict[str, str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "PYTHONPATH": str(ROOT),
            "TRACER_DATA_DIR": str(self.data),
            "TRACER_PORT": str(self.port),
            "TRACER_STORE_PORT": str(self.store_port),
            "TRACER_UI": "false",
            "TRACER_SHUTDOWN_GRACE": "10",
        }
        shared = {} if kind == "up" else {"PROMETHEUS_MULTIPROC_DIR": str(self.data / "metrics")}
        return {**own, **shared, **self.settings, **self.environs.get(kind, {})}

    async def start(self, *kinds: str) -> None:
        """Start these and wait until they are ready: `worker`, `sink`, `store`, or `up` for all by their supervisor."""
        for kind in kinds:
            (self.data / "metrics").mkdir(parents=True, exist_ok=True)
            own = ["-m", "tracer", "up"] if kind == "up" else ["-m", "tracer.child", kind, "0"]
            with (self.directory / f"{kind}.log").open("ab") as log:
                self.processes[kind] = subprocess.Popen(
                    [sys.executable, *self.commands.get(kind, own)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=self.environ(kind),
                    cwd=self.directory,
                    start_new_session=True,
                )
            if kind in self.limits:
                self.limits[kind](self.processes[kind].pid)
        for kind in kinds:
            await self.ready(kind)

    async def ready(self, kind: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not await self._answers(kind):
            if self.processes[kind].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{kind} did not come up\n{self.log[-3000:]}")
            await asyncio.sleep(0.02)

    async def _answers(self, kind: str) -> bool:
        where = {"worker": [self.port], "store": [self.store_port], "up": [self.port, self.store_port]}.get(kind, [])
        return all([await answers(port, "/ping" if port == self.store_port else "/health") for port in where])

    def children(self) -> list[int]:
        """What the supervisor has started."""
        parent, found = self.processes["up"].pid, []
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                if "tracer.child" in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                    found.append(int(pid))
        return found

    def kill(self, kind: str) -> float:
        """SIGKILL, at once; the moment."""
        process = self.processes.pop(kind)
        process.kill()
        at = time.monotonic()
        process.wait()
        if process.stdin:
            process.stdin.close()
        return at

    def kill_all(self) -> float:
        """The supervisor and its children, or every process that runs, with nothing between."""
        if "up" in self.processes:
            for pid in [self.processes["up"].pid, *self.children()]:
                os.kill(pid, signal.SIGKILL)
        for process in self.processes.values():
            process.kill()
        at = time.monotonic()
        for kind in list(self.processes):
            self.kill(kind)
        return at

    async def stop(self, *kinds: str) -> None:
        """SIGTERM, in this order, each to its end; one that does not end is killed."""
        for kind in kinds:
            process = self.processes.pop(kind, None)
            if process is None:
                continue
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, PATIENCE_S)
            if process.poll() is None:
                process.kill()
                process.wait()
            self.exits.setdefault(kind, []).append(process.returncode)
            if process.stdin:
                process.stdin.close()

    async def stop_all(self) -> None:
        await self.stop("up", "worker", "sink", "store")

    async def rows(self, sql: str) -> list[list[Any]]:
        """Rows of a query of the store, which must be up."""
        url = f"http://127.0.0.1:{self.store_port}/?default_format=JSONCompactEachRow"
        async with aiohttp.ClientSession() as session, session.post(url, data=sql) as answer:
            got = await answer.read()
            assert answer.status == 200, got
            return [orjson.loads(line) for line in got.splitlines()]

    async def command(self, sql: str) -> None:
        """What only Tracer's own user of the store may do."""
        who = {"X-ClickHouse-User": WRITER, "X-ClickHouse-Key": password(self.data)}
        url = f"http://127.0.0.1:{self.store_port}/"
        async with aiohttp.ClientSession() as session, session.post(url, data=sql, headers=who) as answer:
            assert answer.status == 200, await answer.text()

    async def metrics(self) -> dict[str, float]:
        """Samples of /metrics as `name{value,value}`."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
            return {
                sample.name + (f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""): sample.value
                for family in families
                for sample in family.samples
            }

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


async def answers(port: int, path: str) -> bool:
    """Whether GET `path` says 200."""
    try:
        url, patience = f"http://127.0.0.1:{port}{path}", aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=patience) as session, session.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


def at_most(what: int, amount: int) -> Callable[[int], None]:
    """A resource limit (resource.RLIMIT_…) for a process that has just been started."""

    def limit(pid: int) -> None:
        resource.prlimit(pid, what, (amount, amount))

    return limit
