"""A proxy in the test's own loop in front of a scripted provider, and the exchanges it left in its spool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import msgspec
import pytest

from tests.provider import Provider
from tracer.config import Settings
from tracer.records import Exchange
from tracer.spool import logs, reader
from tracer.spool.segment import Place
from tracer.worker import open_spool, serving

_decode = msgspec.msgpack.Decoder(Exchange).decode


@dataclass
class Proxy:
    """A running proxy. `client` sends to it with nothing added to what a test says."""

    url: str
    settings: Settings
    client: aiohttp.ClientSession

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def exchanges(self, count: int, timeout_s: float = 10) -> list[Exchange]:
        """The recorded exchanges once there are `count`; exactly so many, also a moment later."""
        async with asyncio.timeout(timeout_s):
            while len(found := self._spooled()) < count:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        found = self._spooled()
        assert len(found) == count, found
        return found

    async def exchange(self) -> Exchange:
        (only,) = await self.exchanges(1)
        return only

    def _spooled(self) -> list[Exchange]:
        found: list[Exchange] = []
        for log in logs(self.settings.data_dir):
            after = Place()
            while batch := reader.next_batch(log, after, max_records=1000, max_bytes=1 << 26):
                found += [_decode(record.payload) for record in batch.records]
                after = batch.batch.after
        return sorted(found, key=lambda e: e.started_ns)


Start = Callable[..., "contextlib.AbstractAsyncContextManager[Proxy]"]


@pytest.fixture
def start_proxy(load_settings: Callable[..., Settings]) -> Start:
    """`async with start_proxy(TRACER_…=…) as proxy`"""

    @contextlib.asynccontextmanager
    async def start(**environ: str) -> AsyncIterator[Proxy]:
        settings = load_settings(TRACER_HOST="127.0.0.1", TRACER_SHUTDOWN_GRACE="1", **environ)
        spool = open_spool(settings, 0)
        try:
            async with (
                serving(settings, spool) as port,
                aiohttp.ClientSession(
                    auto_decompress=False, skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding")
                ) as client,
            ):
                yield Proxy(f"http://127.0.0.1:{port}", settings, client)
        finally:
            await asyncio.to_thread(spool.close)

    return start


@pytest.fixture
async def proxy(start_proxy: Start, provider: Provider) -> AsyncIterator[Proxy]:
    """A proxy whose provider `openai` is the scripted one."""
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as running:
        yield running
