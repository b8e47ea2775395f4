"""A proxy worker's process: one event loop, one listener on the shared port, one spool.

SIGTERM: stop listening, let the calls in flight end (`shutdown_grace`), commit the spool, leave.
"""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator
from functools import partial

import uvloop
from aiohttp import web

from tracer.config import Settings
from tracer.proxy.app import Listener, ProxyServer
from tracer.proxy.flight import Flight, encode
from tracer.proxy.forward import Forwarder
from tracer.proxy.pool import open_pool
from tracer.proxy.route import routes
from tracer.proxy.tally import Tally
from tracer.spool import spool_dir
from tracer.spool.writer import Writer

_log = logging.getLogger(__name__)

BACKLOG = 1024


def open_spool(settings: Settings, worker: int) -> Writer[Flight]:
    """This worker's log. Raises SpoolInUse and OSError."""
    return Writer(
        spool_dir(settings.data_dir) / f"w{worker}",
        partial(encode, capture_bytes=settings.capture_bytes),
        max_bytes=settings.spool_max_bytes // settings.workers,
        segment_bytes=settings.segment_bytes,
        drop_old=settings.spool_full == "drop_old",
    )


@contextlib.asynccontextmanager
async def serving(settings: Settings, spool: Writer[Flight]) -> AsyncIterator[int]:
    """Serve on the configured address; yields the port."""
    async with open_pool(settings) as pool:
        tally = Tally()
        forwarder = Forwarder(settings, routes(settings), pool, spool, tally)
        runner = web.ServerRunner(ProxyServer(Listener(forwarder, spool)), shutdown_timeout=settings.shutdown_grace)
        await runner.setup()
        try:
            site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG, reuse_port=True)
            await site.start()
            async with asyncio.TaskGroup() as group:
                flushing = group.create_task(tally.keep_flushing())
                yield runner.addresses[0][1]
                flushing.cancel()
        finally:
            await runner.cleanup()
            tally.flush()


def run(settings: Settings, worker: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    uvloop.run(_run(settings, worker))


async def _run(settings: Settings, worker: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    spool = open_spool(settings, worker)
    try:
        async with serving(settings, spool) as port:
            # What is loaded by now lives as long as the process: the collector need not look at it again, nor after every 700
            # new objects, of which a call makes dozens and frees them all by counting.
            gc.freeze()
            gc.set_threshold(10_000, 20, 50)
            _log.info("worker %d serves on %s:%d", worker, settings.host, port)
            await stop.wait()
    finally:
        await asyncio.to_thread(spool.close)
