"""What prompts and partials have in common: a slug, versions that never change, and one of them published.

Every function runs in the caller's transaction: those that write need `Database.changing()`, which makes "look first, then
write" safe. Version 1 is published with its creation, as in Portkey; later ones only by `publish`.
"""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Column, Table, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import rules, tables
from tracer.registry.rules import Conflict, NotFound
from tracer.registry.scope import THIS_CHANGE, containing, one, paged, seen
from tracer.registry.stored import Content, Item, Page, Version


@dataclass(frozen=True, slots=True)
class Kind:
    """Which of the two."""

    word: str
    prefix: str
    table: Table
    versions: Table
    owner: "Column[Any]"

    @property
    def content(self) -> list[str]:
        """The columns that are a version's content."""
        return [field.name for field in fields(Content) if field.name in self.versions.c]


PROMPT = Kind("prompt", "pp", tables.prompts, tables.prompt_versions, tables.prompt_versions.c.prompt_id)
PARTIAL = Kind("partial", "pl", tables.partials, tables.partial_versions, tables.partial_versions.c.partial_id)
NEWEST = None  # in place of a version's number
_MOST_VERSIONS = 2**31 - 1  # what the column can hold


async def find(connection: AsyncConnection, kind: Kind, workspace: str, key: str) -> Item:
    """The one with this slug or id."""
    return _item(await one(connection, kind.table, workspace, key, kind.word))


async def listed(
    connection: AsyncConnection, kind: Kind, workspace: str, page: Page, collection: str = "", search: str = ""
) -> tuple[int, list[tuple[Item, Version]]]:
    """All that the caller sees, oldest first, each with its published version."""
    query = _with_published(kind).where(seen(kind.table, workspace)).order_by(kind.table.c.created_at, kind.table.c.id)
    if collection:
        query = query.where(kind.table.c.collection_id == collection)
    if search:
        query = query.where(or_(containing(kind.table.c.name, search), containing(kind.table.c.slug, search)))
    total, rows = await paged(connection, query, page)
    split = len(kind.table.c)
    names, version_names = kind.table.c.keys(), kind.versions.c.keys()
    return total, [
        (
            _item_of(dict(zip(names, row[:split], strict=True))),
            _version_of(kind, dict(zip(version_names, row[split:], strict=True))),
        )
        for row in rows
    ]


async def create(
    connection: AsyncConnection,
    kind: Kind,
    workspace: str,
    name: str,
    content: Content,
    *,
    description: str = "",
    collection: str | None = None,
    slug: str = "",
) -> tuple[Item, Version]:
    """A new one with its version 1, published. `workspace` is where it goes, `collection` an id."""
    name = rules.name(name)
    id = rules.new_id()
    slug = await _free_slug(connection, kind, rules.slug(slug)) if slug else await _made_slug(connection, kind, name)
    values = {"id": id, "slug": slug, "name": name, "workspace": workspace, "collection_id": collection, "published": 1}
    await connection.execute(insert(kind.table).values(**values, changed=THIS_CHANGE))
    await _insert_version(connection, kind, id, 1, content, description)
    return await find(connection, kind, workspace, id), await version(connection, kind, id, 1)


async def add_version(connection: AsyncConnection, kind: Kind, item: Item, content: Content, description: str = "") -> Version:
    """A new version, not published."""
    newest = await version(connection, kind, item.id, NEWEST)
    await _insert_version(connection, kind, item.id, newest.number + 1, content, description)
    await touch(connection, kind, item.id)
    return await version(connection, kind, item.id, NEWEST)


async def touch(connection: AsyncConnection, kind: Kind, id: str, **values: object) -> None:
    """Note that something of this one changed, together with what is in its own row."""
    await connection.execute(update(kind.table).where(kind.table.c.id == id).values(**values, changed=THIS_CHANGE))


async def publish(connection: AsyncConnection, kind: Kind, item: Item, number: int) -> None:
    """Make a version the one that a plain slug means."""
    await version(connection, kind, item.id, number)
    await touch(connection, kind, item.id, published=number)


async def remove(connection: AsyncConnection, kind: Kind, item: Item) -> None:
    """Delete it with all its versions."""
    await connection.execute(delete(kind.table).where(kind.table.c.id == item.id))


async def version(connection: AsyncConnection, kind: Kind, id: str, number: int | None) -> Version:
    """One version by its number, or the newest."""
    query = select(kind.versions).where(kind.owner == id).order_by(kind.versions.c.number.desc()).limit(1)
    if number is not NEWEST:
        if not 0 < number <= _MOST_VERSIONS:
            raise NotFound(f"{kind.word} version")
        query = query.where(kind.versions.c.number == number)
    return _found_version(kind, (await connection.execute(query)).one_or_none())


async def version_by_id(connection: AsyncConnection, kind: Kind, id: str, version_id: str) -> Version:
    """One version by its own id."""
    query = select(kind.versions).where(kind.owner == id, kind.versions.c.id == version_id)
    return _found_version(kind, (await connection.execute(query)).one_or_none())


async def versions(connection: AsyncConnection, kind: Kind, id: str) -> list[Version]:
    """All versions, newest first."""
    query = select(kind.versions).where(kind.owner == id).order_by(kind.versions.c.number.desc())
    return [_version_of(kind, row._asdict()) for row in await connection.execute(query)]


async def _insert_version(
    connection: AsyncConnection, kind: Kind, id: str, number: int, content: Content, description: str
) -> None:
    values = {name: getattr(content, name) for name in kind.content}
    rules.text(f"the {kind.word}", content.string)
    rules.text("the description", description)
    rules.text("the provider", content.provider)
    for name in ("parameters", "template_metadata", "tools", "functions", "tool_choice"):
        rules.json_value(f"`{name}`", getattr(content, name))
    values |= {"id": rules.new_id(), kind.owner.name: id, "number": number, "description": description}
    await connection.execute(insert(kind.versions).values(**values))


async def _made_slug(connection: AsyncConnection, kind: Kind, name: str) -> str:
    while True:
        slug = rules.new_slug(kind.prefix, name)
        if not await _taken(connection, kind, slug):
            return slug


async def _free_slug(connection: AsyncConnection, kind: Kind, slug: str) -> str:
    if await _taken(connection, kind, slug):
        raise Conflict(f"there is a {kind.word} {slug!r} already")
    return slug


async def _taken(connection: AsyncConnection, kind: Kind, slug: str) -> bool:
    query = select(func.count()).select_from(kind.table).where(kind.table.c.slug == slug)
    return bool(await connection.scalar(query))


def _with_published(kind: Kind) -> Any:
    joined = kind.table.join(
        kind.versions, (kind.owner == kind.table.c.id) & (kind.versions.c.number == kind.table.c.published)
    )
    return select(kind.table, kind.versions).select_from(joined)


def _found_version(kind: Kind, row: Any) -> Version:
    if row is None:
        raise NotFound(f"{kind.word} version")
    return _version_of(kind, row._asdict())


def _item(row: Any) -> Item:
    return _item_of(row._asdict())


def _item_of(values: dict[str, Any]) -> Item:
    return Item(**{field.name: values[field.name] for field in fields(Item)})


def _version_of(kind: Kind, values: dict[str, Any]) -> Version:
    content = Content(**{name: values[name] for name in kind.content})
    return Version(values["id"], values["number"], values["description"], values["created_at"], content)
