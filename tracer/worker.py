"""A proxy worker's process: one event loop, one listener on the shared port, one spool. Here its parts are put together.

Before the first call the registry is read: a proxy that asks for keys must know them (TRACER_REQUIRE_KEY), so while a
configured PostgreSQL is away at the start, the worker waits for it. Once read, it may go away and calls do not notice.

SIGTERM: stop listening, let the calls in flight end (`shutdown_grace`), commit the spool, leave.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
from collections.abc import AsyncIterator, Mapping

import msgspec
import uvloop

from tracer.api.directory import directory
from tracer.api.questions import Questions
from tracer.cache.cache import open_cache
from tracer.cache.rule import policy
from tracer.config import Settings
from tracer.patterns.redactor import Redactor, redactor_of
from tracer.prompts.door import PromptsDoor
from tracer.proxy import doors
from tracer.proxy.answer import Answerer
from tracer.proxy.app import Listener, refuse
from tracer.proxy.express import Express
from tracer.proxy.flight import Flight, encode
from tracer.proxy.forward import Forwarder
from tracer.proxy.open_calls import OpenCalls
from tracer.proxy.pool import open_pool
from tracer.proxy.recorder import Recorder
from tracer.proxy.route import routes
from tracer.proxy.server import Server
from tracer.proxy.tally import Tally
from tracer.records import Exchange
from tracer.registry.database import Database
from tracer.registry.snapshot import Watcher
from tracer.scale.translate import PATHS, ScaleDoor
from tracer.signals import AppSpan, Feedback, encode_signal, weight_of
from tracer.spool import spool_dir
from tracer.spool.writer import Writer

_log = logging.getLogger(__name__)

BACKLOG = 1024
# While the registry cannot be read at the start.
RETRY_SECONDS = 1.0
# Of a spooled exchange, beside its bodies.
_EXCHANGE_BYTES = 2048

Record = Flight | Exchange | Feedback | AppSpan


def open_spool(settings: Settings, worker: int) -> Writer[Record]:
    """This worker's log. Raises SpoolInUse and OSError."""
    redactor = _redactor(settings)

    def spooled(record: Record) -> bytes:
        if isinstance(record, Flight):
            return encode(record, settings.capture_bytes, redactor)
        if isinstance(record, Exchange):
            return _encode_exchange(redactor.exchange(record) if redactor else record)
        return encode_signal(redactor.signal(record) if redactor else record)

    return Writer(
        spool_dir(settings.data_dir) / f"w{worker}",
        spooled,
        max_bytes=settings.spool_max_bytes // settings.workers,
        segment_bytes=settings.segment_bytes,
        drop_old=settings.spool_full == "drop_old",
    )


def _redactor(settings: Settings) -> Redactor | None:
    return redactor_of(settings.redact, settings.redact_patterns)


_encode_exchange = msgspec.msgpack.Encoder().encode


def _weight(record: Exchange | Feedback | AppSpan) -> int:
    if isinstance(record, Exchange):
        return record.request.size + record.response.size + _EXCHANGE_BYTES
    return weight_of(record)


@contextlib.asynccontextmanager
async def _reading_registry(settings: Settings) -> AsyncIterator[tuple[Database, Watcher]]:
    """The registry, read once and watched from then on."""
    database = Database(settings)
    watcher = Watcher(database)
    try:
        await _first_read(watcher, database.where)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watcher.run())
            yield database, watcher
            watching.cancel()
    finally:
        await database.close()


async def _first_read(watcher: Watcher, where: str) -> None:
    if await watcher.refresh():
        return
    _log.warning("waiting for the registry (%s): without it nobody's key can be told, so no call is taken yet", where)
    while not await watcher.refresh():  # noqa: ASYNC110  # there is no event: the database is another program
        await asyncio.sleep(RETRY_SECONDS)


@contextlib.asynccontextmanager
async def serving(settings: Settings, spool: Writer[Record]) -> AsyncIterator[int]:
    """Serve on the configured address; yields the port."""
    async with contextlib.AsyncExitStack() as parts:
        pool = await parts.enter_async_context(open_pool(settings))
        cache = await parts.enter_async_context(open_cache(settings))
        database, watcher = await parts.enter_async_context(_reading_registry(settings))
        questions = Questions(settings)
        parts.callback(questions.close)
        tally = Tally()
        redactor = _redactor(settings)
        open_calls = OpenCalls(spool.notes, redactor)
        recorder = Recorder(spool, tally, settings.durability == "strict", open_calls, redactor is not None)
        where = routes(settings)
        scale = ScaleDoor.of(settings, where)
        answerer = Answerer(pool, cache, recorder, settings.capture_bytes)
        forwarder = Forwarder(settings, where, lambda: watcher.current, policy(settings), recorder, answerer)

        def append(record: Exchange | Feedback | AppSpan) -> bool:
            return spool.append(record, _weight(record))

        def unready() -> Mapping[str, str]:
            spool_fault = {} if spool.healthy else {"spool": "cannot be written"}
            return spool_fault if watcher.healthy else {**spool_fault, "registry": "cannot be read"}

        listener = Listener(
            forwarder,
            doors.Prompts(PromptsDoor(lambda: watcher.current), where),
            doors.Scale(scale),
            PATHS,
            directory(settings, database, watcher, append, questions, scale, pool.session),
            unready,
        )
        server = Server(listener, Express(forwarder), refuse)
        listening = await asyncio.get_running_loop().create_server(
            server, settings.host, settings.port, backlog=BACKLOG, reuse_port=True
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(tally.keep_flushing()), group.create_task(open_calls.keep_noting())]
                yield listening.sockets[0].getsockname()[1]
                for task in tasks:
                    task.cancel()
        finally:
            listening.close()
            await server.drain(settings.shutdown_grace)
            tally.flush()


def run(settings: Settings, worker: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A stream takes two sockets, and the usual soft limit is 1024.
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_run(settings, worker))


async def _run(settings: Settings, worker: int) -> None:
    stop, serves = asyncio.Event(), asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end() -> None:
        stop.set()
        if not serves.is_set():  # it may be waiting for a database that never comes
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    spool = open_spool(settings, worker)
    try:
        async with serving(settings, spool) as port:
            serves.set()
            # What is loaded by now lives as long as the process: the collector need not look at it again, nor after every 700
            # new objects, of which a call makes dozens and frees them all by counting.
            gc.freeze()
            gc.set_threshold(10_000, 20, 50)
            _log.info("worker %d serves on %s:%d", worker, settings.host, port)
            await stop.wait()
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        await asyncio.to_thread(spool.close)
