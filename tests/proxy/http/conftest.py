"""A real worker process (uvloop and all) for the whole folder, in front of a scripted provider that each test has anew.

The worker is asked over sockets only; what it recorded is read from its spool. Its limits are small, so that a test may
exceed them cheaply. Providers of all tests come up on one port, which the worker knows as `openai`.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import ports
from tests.provider import Provider
from tests.proxy.http.wire import PATIENCE_S, Wire, wire
from tests.up import environment, until
from tracer.proxy.ask import ASKED_AGAIN
from tracer.records import Exchange
from tracer.spool import logs, reader
from tracer.spool.segment import Place

LARGEST_BODY = 4 << 20
LARGEST_COPY = 128 << 10
_decode = msgspec.msgpack.Decoder(Exchange).decode


@dataclass
class Worker:
    """The process, and what it has recorded so far."""

    port: int
    provider_port: int
    directory: Path
    process: subprocess.Popen[bytes]
    exchanges: dict[str, Exchange] = field(default_factory=dict, repr=False)
    _read: dict[Path, Place] = field(default_factory=dict, repr=False)

    @property
    def log(self) -> str:
        return (self.directory / "worker.log").read_text()

    @property
    def memory(self) -> int:
        """Bytes of its memory that are not shared with its program's files."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))

    async def recorded(self, call_id: str) -> Exchange:
        """What was recorded of a call, once it is on disk."""
        assert call_id, "a reply without x-tracer-call-id"
        async with asyncio.timeout(PATIENCE_S):
            while call_id not in self.exchanges:
                self.look()
                await asyncio.sleep(0.002)
        return self.exchanges[call_id]

    async def settled(self) -> dict[str, Exchange]:
        """Everything recorded, once nothing more comes."""
        count = -1
        while count != len(self.exchanges):
            count = len(self.exchanges)
            await asyncio.sleep(0.05)
            self.look()
        return self.exchanges

    def look(self) -> None:
        """Read what is new in the spool."""
        for log in logs(self.directory / "data"):
            after = self._read.get(log, Place())
            while batch := reader.next_batch(log, after, max_records=1000, max_bytes=1 << 26):
                for record in batch.records:
                    found = _decode(record.payload)
                    assert str(found.call_id) not in self.exchanges, "recorded twice"
                    self.exchanges[str(found.call_id)] = found
                after = batch.batch.after
            self._read[log] = after


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    directory = tmp_path_factory.mktemp("http")
    port, provider_port = ports.free_port(), ports.free_port()
    environ = {
        "TRACER_DATA_DIR": str(directory / "data"),
        "TRACER_PORT": str(port),
        "TRACER_UPSTREAM_OPENAI": f"http://127.0.0.1:{provider_port}",
        "TRACER_MAX_REQUEST_BYTES": str(LARGEST_BODY),
        "TRACER_CAPTURE_BYTES": str(LARGEST_COPY),
        "TRACER_RESPONSE_TIMEOUT": "20",
        "TRACER_SHUTDOWN_GRACE": "1",
    }
    with (directory / "worker.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "tracer.child", "worker", "0"],
            env=environment(environ),
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    worker = Worker(port, provider_port, directory, running)
    try:
        until(lambda: f":{port}" in worker.log or running.poll() is not None, "the worker serves")
        assert running.poll() is None, worker.log
        yield worker
        assert running.poll() is None, worker.log
    finally:
        running.terminate()
        running.wait(20)
        assert running.stdin is not None
        running.stdin.close()


@pytest.fixture
async def provider(process: Worker) -> AsyncIterator[Provider]:
    """The scripted provider; the test fails if anything malformed reached it."""
    async with Provider.start(process.provider_port) as running:
        yield running


@pytest.fixture
async def worker(process: Worker, provider: Provider) -> AsyncIterator[Worker]:
    """The worker with its provider up. After each test it must still answer, and must not have logged an error."""
    yield process
    assert process.process.poll() is None, process.log
    async with wire(process.port) as client:
        await client.write(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await client.answer()).status == 200
    assert "Traceback" not in process.log, process.log
    assert " ERROR " not in process.log, process.log


@pytest.fixture
async def client(worker: Worker) -> AsyncIterator[Wire]:
    """A connection to the worker."""
    async with wire(worker.port) as connected:
        yield connected


_DIFFERS = {"call_id", "started_ns", "chunks", "trace"}


def essence(found: Exchange) -> dict[str, Any]:
    """What of a record does not differ from call to call: all but its ids, its times, and in which pieces a body came."""
    kept = {
        name: value
        for name, value in msgspec.structs.asdict(found).items()
        if name not in _DIFFERS and not name.endswith("_ns")
    }
    kept["trace_id"], kept["metadata"] = found.trace.trace_id, found.trace.metadata
    kept["notes"] = tuple(note for note in found.notes if note != ASKED_AGAIN)  # the tests' providers come and go
    return kept
