"""The process `ui`: pages on TRACER_UI_PORT until SIGTERM or SIGINT.

The registry is read before the first page, as in a worker: pages that ask for keys must know them.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from aiohttp import web

from tracer.config import ConfigError, Settings
from tracer.registry.database import Database
from tracer.registry.snapshot import Watcher
from tracer.ui.app import application
from tracer.ui.secret import signing_secret

_log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
_SHUTDOWN_SECONDS = 5.0


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """Serve on the configured address. Raises ConfigError if it is taken."""
    database = Database(settings)
    watcher = Watcher(database)
    try:
        while not await watcher.refresh():  # noqa: ASYNC110  # there is no event: the database is another program
            await asyncio.sleep(RETRY_SECONDS)
        app = application(settings, watcher, signing_secret(Path(settings.data_dir)))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await _listen(runner, settings)
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(watcher.run())
                yield
                watching.cancel()
        finally:
            await runner.cleanup()
    finally:
        await database.close()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.ui_port, reuse_address=True).start()
    except OSError as error:
        where = f"{settings.host}:{settings.ui_port}"
        raise ConfigError(f"TRACER_UI_PORT: {where} cannot be listened on ({error.strerror}); set it to a free port") from error


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop, serves = asyncio.Event(), asyncio.Event()
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        stop.set()
        if not serves.is_set():  # it may be waiting for a database that never comes
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        async with serving(settings):
            serves.set()
            _log.info("pages at http://%s:%d/", settings.host, settings.ui_port)
            await stop.wait()
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
