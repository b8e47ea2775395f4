"""`tracer doctor`: what is configured, reachable and writable, and how deep the spool is. Looks, changes nothing."""

import asyncio
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError

from tracer.config import ConfigError, Settings, shown
from tracer.proxy.route import routes
from tracer.registry import tables
from tracer.registry.database import Database, Unavailable
from tracer.sink import dead
from tracer.spool import logs, positions, reader
from tracer.store import client

TIMEOUT_SECONDS = 3.0
# HTTP_PROXY is not for this machine's own ports.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `ok` None: neither good nor bad."""

    ok: bool | None
    what: str
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, as its result comes."""
    yield _data_dir(settings)
    yield _proxy(settings)
    yield _upstream(settings)
    yield from shared(settings)
    yield _clickhouse(settings)
    yield from _clickhouse_reader(settings)
    yield _pages(settings)
    yield _otlp(settings)
    yield from _spool(settings)
    for exporter, letters in dead.count(settings.data_dir).items():
        yield Finding(False, f"dead letters, {exporter}", f"{letters} in {settings.data_dir / 'dead'}")


def shared(settings: Settings) -> Iterator[Finding]:
    """What several hosts may have in common: the registry and the cache."""
    yield asyncio.run(_registry(settings))
    yield _cache(settings)


def exporter_names(settings: Settings) -> list[str]:
    """Names of the exporters that these settings open, as they stand in the spool."""
    return ["clickhouse", *(["otlp"] if settings.otel.traces or settings.otel.metrics else [])]


def _data_dir(settings: Settings) -> Finding:
    path = settings.data_dir
    existing = next(p for p in (path, *path.parents) if p.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    return Finding(writable, "data directory", f"{path} {'is' if writable else 'is not'} writable")


def _proxy(settings: Settings) -> Finding:
    url = f"http://{settings.host}:{settings.port}/ready"
    try:
        with _direct.open(url, timeout=TIMEOUT_SECONDS) as reply:
            return Finding(True, "proxy", f"{url}: {reply.read(200).decode(errors='replace')}")
    except urllib.error.HTTPError as error:
        return Finding(False, "proxy", f"{url}: {error.read(200).decode(errors='replace')}")
    except OSError as error:
        return Finding(None, "proxy", f"nothing answers on {settings.host}:{settings.port} ({error}); `tracer up` starts it")


def _upstream(settings: Settings) -> Finding:
    try:
        target = routes(settings).default
    except ConfigError as error:
        return Finding(False, "default upstream", str(error))
    parts = urlsplit(target.base_url)
    address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection(address, TIMEOUT_SECONDS).close()
    except OSError as error:
        return Finding(False, "default upstream", f"{target.slug} at {target.base_url} cannot be reached: {error}")
    return Finding(True, "default upstream", f"{target.slug} at {target.base_url}")


async def _registry(settings: Settings) -> Finding:
    what, file = "registry", settings.data_dir / "registry.sqlite"
    if settings.database is None and not file.exists():
        return Finding(None, what, f"{file} is not there yet; `tracer up` makes it")
    where = shown(settings)["database"] or file
    database = Database(settings)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), database.reading() as connection:
            prompts = await connection.scalar(select(func.count()).select_from(tables.prompts))
            keys = await connection.scalar(select(func.count()).select_from(tables.keys))
    except ProgrammingError:
        return Finding(True, what, f"{where} answers, and has no tables yet; `tracer up` makes them")
    except Unavailable as error:
        return Finding(False, what, f"{where} cannot be used: {error}")
    except TimeoutError:
        return Finding(False, what, f"{where} does not answer within {TIMEOUT_SECONDS:.0f} s")
    finally:
        await database.close()
    asked = settings.require_key == "always" or (settings.require_key == "auto" and keys)
    callers = "callers need a key" if asked else "callers need no key"
    return Finding(
        True, what, f"{where}: prompts {prompts}, keys {keys}; {callers} (TRACER_REQUIRE_KEY={settings.require_key})"
    )


def _cache(settings: Settings) -> Finding:
    used = "for every call" if settings.cache == "simple" else "for calls whose config asks for it"
    if settings.cache_url is None:
        return Finding(None, "cache", f"{settings.data_dir / 'cache.sqlite'}, {used}")
    from tracer.cache.redis import fault

    where = shown(settings)["cache_url"]
    if error := fault(settings.cache_url.get_secret_value(), TIMEOUT_SECONDS):
        return Finding(False, "cache", f"{where} cannot be used: {error}")
    return Finding(True, "cache", f"{where}, {used}")


def _clickhouse(settings: Settings) -> Finding:
    what = "embedded store" if settings.clickhouse is None else "ClickHouse"
    if settings.clickhouse is not None and (refused := client.fault(settings)):
        return Finding(False, what, refused)
    try:
        rows = b"".join(client.run_query(settings, "SELECT count() FROM llm.calls", "TabSeparated")).decode().strip()
    except client.StoreError as error:
        return Finding(False, what, str(error))
    return Finding(True, what, f"{rows} calls stored")


def _clickhouse_reader(settings: Settings) -> Iterator[Finding]:
    """Who reads, where that is not the embedded store's own reader."""
    if settings.clickhouse is None:
        return
    what = "ClickHouse, reading"
    try:
        with client.connect(settings, write=False) as reader:
            fenced = client.is_fenced(reader)
    except client.StoreError as error:
        yield Finding(False, what, str(error))
        return
    who = "TRACER_CLICKHOUSE" if settings.clickhouse_reader is None else "TRACER_CLICKHOUSE_READER"
    if fenced:
        yield Finding(None, what, f"as the user of {who}, who could write: each query is sent with readonly=2 (docs/store.md)")
    else:
        yield Finding(True, what, f"as the user of {who}, who cannot write")


def _pages(settings: Settings) -> Finding:
    if not settings.ui:
        return Finding(None, "pages", "switched off (TRACER_UI)")
    url = f"http://{settings.host}:{settings.ui_port}/"
    try:
        with _direct.open(url + "health", timeout=TIMEOUT_SECONDS):
            return Finding(True, "pages", url)
    except OSError as error:
        return Finding(None, "pages", f"nothing answers on {settings.host}:{settings.ui_port} ({error}); `tracer up` starts it")


def _otlp(settings: Settings) -> Finding:
    if not (settings.otel.traces or settings.otel.metrics):
        return Finding(None, "OTLP", "no endpoint configured (OTEL_EXPORTER_OTLP_ENDPOINT); spans are not exported")
    otel = settings.otel
    return Finding(True, "OTLP", f"spans: {otel.traces}, metrics: {otel.metrics}, {otel.traces_protocol}")


def _spool(settings: Settings) -> Iterator[Finding]:
    found = logs(settings.data_dir)
    for name in exporter_names(settings):
        waiting = [reader.backlog(log, positions.load(log, name).taken) for log in found]
        records = sum(backlog.records for backlog in waiting)
        lag = max(map(reader.age_seconds, waiting), default=0.0)
        yield Finding(True, f"spool, {name}", f"depth {records} records, lag {lag:.1f} s")
