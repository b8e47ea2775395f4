"""Collections: folders that people sort prompts and partials into. They mean nothing to a call.

What is put into a collection belongs to its workspace. One that still holds something cannot be deleted: prompts would go with
it, or lose their place, and neither was asked for.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import rules, tables
from tracer.registry.rules import Conflict, Invalid
from tracer.registry.scope import containing, one, paged, seen
from tracer.registry.stored import Collection, Page

_TABLE = tables.collections


@dataclass(frozen=True, slots=True)
class Holds:
    """What is in a collection, counted."""

    collections: int
    collections_updated_at: str | None
    prompts: int
    prompts_updated_at: str | None


async def find(connection: AsyncConnection, workspace: str, key: str) -> Collection:
    """The collection with this slug or id."""
    return _collection(await one(connection, _TABLE, workspace, key, "collection"))


async def listed(connection: AsyncConnection, workspace: str, page: Page, search: str = "") -> tuple[int, list[Collection]]:
    """All that the caller sees, oldest first."""
    query = select(_TABLE).where(seen(_TABLE, workspace)).order_by(_TABLE.c.created_at, _TABLE.c.id)
    if search:
        query = query.where(containing(_TABLE.c.name, search))
    total, rows = await paged(connection, query, page)
    return total, [_collection(row) for row in rows]


async def children(connection: AsyncConnection, collection: Collection) -> list[Collection]:
    """The collections right inside this one."""
    query = select(_TABLE).where(_TABLE.c.parent_id == collection.id).order_by(_TABLE.c.created_at, _TABLE.c.id)
    return [_collection(row) for row in await connection.execute(query)]


async def holds(connection: AsyncConnection, collections: list[Collection]) -> dict[str, Holds]:
    """What is in each of them, by id."""
    inner = await _counted(connection, _TABLE, "parent_id", collections)
    prompts = await _counted(connection, tables.prompts, "collection_id", collections)
    return {c.id: Holds(*inner.get(c.id, (0, None)), *prompts.get(c.id, (0, None))) for c in collections}


async def create(connection: AsyncConnection, workspace: str, name: str, parent: Collection | None = None) -> Collection:
    """A new collection; inside another one it is of that one's workspace."""
    if parent and workspace and parent.workspace != workspace:
        raise Invalid("a collection belongs to the same workspace as the one that it is in")
    name = rules.name(name)
    values = {"id": rules.new_id(), "slug": rules.new_slug("", name), "name": name, "parent_id": parent.id if parent else None}
    await connection.execute(insert(_TABLE).values(**values, workspace=parent.workspace if parent else workspace))
    return await find(connection, "", str(values["id"]))


async def rename(connection: AsyncConnection, workspace: str, key: str, name: str) -> None:
    """Give a collection another name; its slug stays."""
    found = await find(connection, workspace, key)
    await connection.execute(update(_TABLE).where(_TABLE.c.id == found.id).values(name=rules.name(name)))


async def remove(connection: AsyncConnection, workspace: str, key: str) -> None:
    """Delete a collection that holds nothing."""
    found = await find(connection, workspace, key)
    for table, column in ((_TABLE, "parent_id"), (tables.prompts, "collection_id"), (tables.partials, "collection_id")):
        if await connection.scalar(select(func.count()).select_from(table).where(table.c[column] == found.id)):
            raise Conflict(f"the collection {found.name!r} is not empty")
    await connection.execute(delete(_TABLE).where(_TABLE.c.id == found.id))


async def _counted(
    connection: AsyncConnection, table: Table, column: str, collections: list[Collection]
) -> dict[str, tuple[int, str]]:
    owner = table.c[column]
    query = (
        select(owner, func.count(), func.max(table.c.updated_at))
        .where(owner.in_([collection.id for collection in collections]))
        .group_by(owner)
    )
    return {row[0]: (row[1], row[2]) for row in await connection.execute(query)}


def _collection(row: Any) -> Collection:
    return Collection(row.id, row.slug, row.name, row.workspace, row.parent_id, row.created_at, row.updated_at)
