"""The store's process: the engine on <data_dir>/store, served until SIGTERM or SIGINT.

Order at the start: the directory (a second store stops here), the port, the schema. At the end: no new requests, running
queries end, inserts finish, the directory is let go. Killed instead, nothing that was acknowledged is lost. If a write to the
disk has failed the process ends like that, by itself and at once (damage.py).
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal

import uvloop
from aiohttp import web

from tracer.config import Settings
from tracer.store import client, damage, schema
from tracer.store.engine import Engine
from tracer.store.errors import StoreCannotStart, StoreError
from tracer.store.limits import Limits
from tracer.store.question import MAX_BODY_BYTES
from tracer.store.runner import Runner
from tracer.store.secret import password
from tracer.store.server import KEEP_ALIVE_SECONDS, Server
from tracer.store.users import Users

_log = logging.getLogger(__name__)

# As ClickHouse's http_max_uri_size: GET has the query in the URL, and every request its parameters.
_MAX_URI_BYTES = 1 << 20
# For clients that are slow to take what there still is for them; inserts are waited for anyway.
_LAST_SECONDS = 3.0
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def run(settings: Settings) -> None:
    """Serve until told to stop. Raises StoreError, with what to do about it, if it cannot."""
    secret = password(settings.data_dir)
    limits = Limits.shared(
        settings.store_memory, settings.store_queries, settings.store_query_seconds, settings.store_result_bytes
    )
    engine = Engine(settings.data_dir / "store", settings.store_memory, settings.store_allow_writes, limits)
    try:
        uvloop.run(_serve(settings, engine, secret))
    finally:
        engine.close()


async def _serve(settings: Settings, engine: Engine, secret: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = Runner(engine, settings.store_queries, settings.store_queue_wait)
    server = Server(engine, Users(secret, settings.store_users), runner, settings.store_allow_writes)
    # The store decodes bodies itself: aiohttp knows no lz4, and would do it on the event loop.
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", server.answer)
    serving = web.AppRunner(
        app,
        auto_decompress=False,
        access_log=None,
        max_line_size=_MAX_URI_BYTES,
        handler_cancellation=True,  # a query whose client is gone is ended
        keepalive_timeout=KEEP_ALIVE_SECONDS + 5,
        shutdown_timeout=_LAST_SECONDS,
    )
    await serving.setup()
    try:
        await _listen(serving, settings)
        await _create_tables(settings)
        if settings.host not in _THIS_MACHINE and not settings.store_users:
            _log.warning("store: whoever reaches %s can query; TRACER_STORE_USERS asks for a password", settings.host)
        _log.info("store: http://%s:%s, %s", settings.host, settings.store_port, settings.data_dir / "store")
        await _stopped_or_damaged(stop, engine)
    finally:
        closing = asyncio.to_thread(engine.close)  # ends the queries that requests wait for
        await asyncio.gather(closing, serving.cleanup())
        runner.close()


async def _stopped_or_damaged(stop: asyncio.Event, engine: Engine) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), damage.LOOK_SECONDS)
        if failed := await asyncio.to_thread(engine.failed_writes):
            _log.critical("store: %d writes failed: %s", failed, damage.ADVICE)
            logging.shutdown()
            os._exit(os.EX_IOERR)  # the engine's own end would write, and could remove what the next opening needs


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.store_port, reuse_address=True).start()
    except OSError as error:
        where = f"{settings.host}:{settings.store_port}"
        if error.errno == errno.EADDRINUSE:
            raise StoreCannotStart(
                f"{where} is in use; set TRACER_STORE_PORT to a free port, or stop what listens there"
            ) from error
        raise StoreCannotStart(f"listening on {where}: {error}; see TRACER_HOST and TRACER_STORE_PORT") from error


async def _create_tables(settings: Settings) -> None:
    """So that a query finds the tables before the first call does. The exporter does it too, and says what fails."""

    def migrate() -> None:
        with client.embedded(settings, write=True) as connected:
            schema.migrate(connected, settings)

    try:
        await asyncio.to_thread(migrate)
    except StoreError as error:
        _log.error("store: creating the tables: %s", error)
