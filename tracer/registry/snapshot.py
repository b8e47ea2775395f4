"""The registry in memory: a Snapshot that calls look into, and the Watcher that keeps it fresh.

The watcher reads one number four times a second. When it differs, it loads what changed since: prompts and partials carry the
revision of their last change, so an edit of one among thousands costs each worker one prompt and not all. A load is one
transaction, so a snapshot is the registry as it was at one revision. When the database is away the old snapshot stays, counted
and logged; calls do not notice.

Traps: a restored backup counts backwards, so "differs" and not "grew", and nothing held is trusted then. Nor is it after an
outage: a database that fails over to a copy may have lost its last changes and count the same numbers again for others. A load
gives way to calls in between (they share its event loop).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Row, Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from tracer import metrics
from tracer.registry import labels, tables
from tracer.registry.database import Database, Unavailable, revision
from tracer.registry.records import EMPTY, Key, Partial, Prompt, PromptVersion, SavedConfig, Snapshot
from tracer.registry.variables import without_variables

_log = logging.getLogger(__name__)
_AT_ONCE = 100  # prompts asked for in one query
_ROWS = 50  # versions read between two looks at the other work of the loop: a few ms
T = TypeVar("T")
Held = dict[str, tuple[int, T]]  # by id: the revision of its last change, and what it was then


class Watcher:
    """`current` is the registry now, or a quarter of a second ago."""

    def __init__(self, database: Database, poll_s: float = 0.25) -> None:
        self.current: Snapshot = EMPTY
        self.loaded = False  # `current` is a registry that was read, not the empty one from before
        self.healthy = True  # the last look at the database worked
        self._database = database
        self._poll_s = poll_s
        self._doubted = False  # the database was away since the last load
        self._busy = asyncio.Lock()
        self._prompts: Held[Prompt] = {}
        self._partials: Held[Partial] = {}

    async def run(self) -> None:
        """Watch for ever; give this to a TaskGroup."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._poll_s)

    async def refresh(self) -> bool:
        """Take over what changed; whether the database answered. After this a worker sees what it has just written."""
        async with self._busy:
            try:
                await self._database.open()
                async with self._database.reading() as connection:
                    number = await revision(connection)
                    if number != self.current.revision or not self.loaded or self._doubted:
                        await self._load(connection, number)
            except (Unavailable, SQLAlchemyError, ValueError) as error:
                metrics.registry_failures.inc()
                self._doubted = self._doubted or isinstance(error, Unavailable)
                if self.healthy:
                    meanwhile = "its last state stays in use" if self.loaded else "and there is no earlier state of it"
                    _log.warning("the registry cannot be read, %s: %s", meanwhile, error)
                self.healthy = False
            else:
                if not self.healthy:
                    _log.info("the registry is read again")
                self.healthy = True
            return self.healthy

    async def _load(self, connection: AsyncConnection, number: int) -> None:
        trusted = number >= self.current.revision and not self._doubted
        prompts = await _prompts(connection, self._prompts if trusted else {})
        partials = await _partials(connection, self._partials if trusted else {})
        snapshot = Snapshot(
            number,
            _by_name(value for _, value in prompts.values()),
            _by_name(value for _, value in partials.values()),
            _by_name([_config(row) for row in await connection.execute(select(tables.configs))]),
            {row.sha256: _key(row) for row in await connection.execute(select(tables.keys))},
        )
        self._prompts, self._partials, self.current, self.loaded = prompts, partials, snapshot, True
        self._doubted = False


async def load(database: Database) -> Snapshot:
    """The registry as it is now; for programs that look once."""
    watcher = Watcher(database)
    async with database.reading() as connection:
        await watcher._load(connection, await revision(connection))
    return watcher.current


async def _prompts(connection: AsyncConnection, held: Held[Prompt]) -> Held[Prompt]:
    table, versions = tables.prompts, tables.prompt_versions
    kept, stale = await _changed(connection, select(table.c.id, table.c.changed), held)
    for ids in _batches(stale):
        on = await labels.on_versions(connection, ids)
        of: dict[str, dict[int, PromptVersion]] = {id: {} for id in ids}
        async for row in _given_way(connection, select(versions).where(versions.c.prompt_id.in_(ids))):
            names = frozenset(label.name for label in on.get((row.prompt_id, row.number), ()))
            of[row.prompt_id][row.number] = _prompt_version(row, names)
        for row in await connection.execute(select(table).where(table.c.id.in_(ids))):
            prompt = Prompt(row.id, row.slug, row.name, row.workspace, row.published, of[row.id])
            kept[row.id] = (row.changed, prompt)
    return kept


async def _partials(connection: AsyncConnection, held: Held[Partial]) -> Held[Partial]:
    table, versions = tables.partials, tables.partial_versions
    kept, stale = await _changed(connection, select(table.c.id, table.c.changed), held)
    for ids in _batches(stale):
        of: dict[str, dict[int, str]] = {id: {} for id in ids}
        async for row in _given_way(connection, select(versions).where(versions.c.partial_id.in_(ids))):
            of[row.partial_id][row.number] = row.string
        for row in await connection.execute(select(table).where(table.c.id.in_(ids))):
            kept[row.id] = (row.changed, Partial(row.id, row.slug, row.workspace, row.published, of[row.id]))
    return kept


async def _changed(connection: AsyncConnection, query: Select[tuple[str, int]], held: Held[T]) -> tuple[Held[T], list[str]]:
    """What is held and still true, and the ids of what must be read."""
    kept: Held[T] = {}
    stale: list[str] = []
    for row in await connection.execute(query):
        id, changed = row.id, row.changed
        if id in held and held[id][0] == changed:
            kept[id] = held[id]
        else:
            stale.append(id)
    return kept, stale


async def _given_way(connection: AsyncConnection, query: Select[Any]) -> AsyncIterator[Row[Any]]:
    """The rows of a query, a few at a time."""
    async for rows in (await connection.stream(query)).partitions(_ROWS):
        for row in rows:
            yield row
        await asyncio.sleep(0)


def _batches(ids: list[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch


def _by_name(values: Any) -> Mapping[str, Any]:
    """By slug and by id; the one is never the other (rules.slug)."""
    return {name: value for value in values for name in (value.slug, value.id)}


def _prompt_version(row: Any, names: frozenset[str]) -> PromptVersion:
    return PromptVersion(
        number=row.number,
        string=row.string,
        parameters=without_variables(row.parameters, row.string),
        raw=row.raw,
        labels=names,
        provider=row.provider,
        template_metadata=row.template_metadata,
        tools=tuple(row.tools or ()),
        functions=tuple(row.functions or ()),
        tool_choice=row.tool_choice,
        description=row.description,
        created_at=row.created_at,
    )


def _config(row: Any) -> SavedConfig:
    return SavedConfig(row.id, row.slug, row.workspace, row.config)


def _key(row: Any) -> Key:
    return Key(row.id, row.name, row.sha256, row.workspace, row.provider, row.credential, row.tags, row.admin, row.revoked)
