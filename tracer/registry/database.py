"""The registry's SQL database: an SQLite file in the data directory, or a PostgreSQL for several hosts.

Every change counts the one `revision` row up as its first statement. That does two things: watchers see that something
changed by reading one number, and, as that row's lock is held until the commit, changes happen one after another over all
processes. So commands may look first and write then (is the slug free? which version is next?) without races, and revisions
become visible in their order.

Traps: SQLite must BEGIN IMMEDIATE for a change, since a transaction that read first cannot be upgraded once another one wrote;
its driver begins transactions on its own terms unless told to leave that to us. A PostgreSQL that restarted leaves dead
connections in the pool (pool_pre_ping). SQLAlchemy's messages may quote parameters, prompts and hashes among them
(hide_parameters).
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import URL, Connection, event, func, insert, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tracer.config import Settings
from tracer.registry import tables

SCHEMA = 1
# Statements that lead from a schema's number to the next; tables that are new need none.
MIGRATIONS: Mapping[int, tuple[str, ...]] = {}
UNIVERSAL_LABELS = {
    "production": "0b6c9d52-6a0e-4c6c-9a52-000000000001",
    "staging": "0b6c9d52-6a0e-4c6c-9a52-000000000002",
    "development": "0b6c9d52-6a0e-4c6c-9a52-000000000003",
}
_LOCK = 0x74726163  # any number will do, as long as every Tracer takes the same
_WAIT_S = 10.0
_CHANGING = {"tracer_changing": True}


class Unavailable(Exception):
    """The registry's database does not answer, or is not one that this version of Tracer can use."""


class Database:
    """Connections to the registry. `open()` first; from then on `reading()` and `changing()` each hold one transaction."""

    def __init__(self, settings: Settings) -> None:
        url = settings.database
        self.where = "PostgreSQL" if url else str(settings.data_dir / "registry.sqlite")
        self._engine = _postgresql(url.get_secret_value()) if url else _sqlite(settings.data_dir / "registry.sqlite")
        self._is_open = False

    async def open(self) -> None:
        """Create or migrate the tables, once; safe while other processes do the same."""
        if self._is_open:
            return
        async with self._transaction(_CHANGING) as connection:
            if self._engine.dialect.name == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            await _migrate(connection)
        self._is_open = True

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the registry throughout."""
        async with self._transaction() as connection:
            yield connection

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write; no other change, in any process, happens meanwhile. Leave it soon."""
        async with self._transaction(_CHANGING) as connection:
            await connection.execute(update(tables.revision).values(number=tables.revision.c.number + 1))
            yield connection

    @asynccontextmanager
    async def _transaction(self, options: Mapping[str, Any] | None = None) -> AsyncIterator[AsyncConnection]:
        options = options or ({} if self._engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"})
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(**options)
                async with connection.begin():
                    yield connection
        except (IntegrityError, ProgrammingError, DataError):
            raise  # the program's fault
        except DBAPIError as error:
            raise Unavailable(f"{self.where}: {error.orig}") from error
        except (OSError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable(f"{self.where}: {error or type(error).__name__}") from error


async def revision(connection: AsyncConnection) -> int:
    """The number of the last change that this transaction sees."""
    return int(await connection.scalar(select(tables.revision.c.number)) or 0)


async def _migrate(connection: AsyncConnection) -> None:
    await connection.run_sync(tables.metadata.create_all)
    schema = await connection.scalar(select(tables.revision.c.schema))
    if schema is None:
        await connection.execute(insert(tables.revision).values(id=1, number=0, schema=SCHEMA))
        rows = [{"id": id, "name": name, "universal": True} for name, id in UNIVERSAL_LABELS.items()]
        await connection.execute(insert(tables.labels), rows)
    elif schema > SCHEMA:
        raise Unavailable(f"the registry's tables have schema {schema}, this Tracer knows {SCHEMA}: use a newer Tracer")
    else:
        for number in range(schema, SCHEMA):
            for statement in MIGRATIONS[number]:
                await connection.execute(text(statement))
        await connection.execute(update(tables.revision).values(schema=SCHEMA))


def _postgresql(url: str) -> AsyncEngine:
    address = "postgresql://" + url.partition("://")[2]  # asyncpg reads the rest as libpq does

    async def connect() -> "asyncpg.Connection[Any]":
        return await asyncpg.connect(address, timeout=_WAIT_S, command_timeout=_WAIT_S)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=2,
        max_overflow=3,
        pool_timeout=_WAIT_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def _sqlite(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": _WAIT_S, "isolation_level": None},
        pool_size=2,  # each is a thread
        max_overflow=3,
        pool_timeout=_WAIT_S,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "do_connect", lambda *_: _private(path))
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _private(path: Path) -> None:
    """SQLite gives its other files the mode of this one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    changing = connection.get_execution_options().get("tracer_changing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if changing else "BEGIN")
