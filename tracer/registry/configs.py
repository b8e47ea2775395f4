"""Commands on saved configs: what a caller may name in `x-portkey-config` instead of sending it whole.

A config is stored as it came, also what Tracer does not understand of it: it may have been written for Portkey, and is read
back by the tools that wrote it. Understood it is in the proxy, call by call (proxy/portkey_config.py).

`workspace` is the caller's everywhere: "" sees all, any other sees its own only, and what it does not see is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import rules, scope
from tracer.registry.records import SavedConfig
from tracer.registry.rules import Conflict
from tracer.registry.stored import Page
from tracer.registry.tables import configs


@dataclass(frozen=True, slots=True)
class Stored:
    """A saved config with what only its keepers want to know."""

    saved: SavedConfig
    name: str
    is_default: bool
    version_id: str
    created_at: str
    updated_at: str


async def create(
    connection: AsyncConnection,
    workspace: str,
    name: str,
    config: Mapping[str, object],
    *,
    is_default: bool = False,
    slug: str = "",
) -> Stored:
    """A new config. `slug`: to keep the one that programs know from elsewhere. Raises Refusal."""
    rules.json_value("config", config)
    row = {
        "id": rules.new_id(),
        "slug": rules.slug(slug) if slug else rules.new_slug("pc", name),
        "name": rules.name(name),
        "workspace": rules.workspace(workspace),
        "config": dict(config),
        "is_default": is_default,
        "version_id": rules.new_id(),
    }
    # Slugs are everybody's: a call names a config by nothing else.
    if await connection.scalar(select(configs.c.id).where(configs.c.slug == row["slug"])):
        raise Conflict(f"there is a config with the slug {row['slug']!r} already")
    await connection.execute(insert(configs).values(row))
    return await find(connection, "", str(row["id"]))


async def find(connection: AsyncConnection, workspace: str, key: str) -> Stored:
    """The config with this slug or id. Raises NotFound."""
    return _stored(await scope.one(connection, configs, workspace, key, "config"))


async def listed(connection: AsyncConnection, workspace: str, page: Page) -> tuple[int, list[Stored]]:
    """How many there are, and those of one page, in the order in which they were made."""
    query = select(configs).where(scope.seen(configs, workspace)).order_by(configs.c.created_at, configs.c.id)
    total, rows = await scope.paged(connection, query, page)
    return total, [_stored(row) for row in rows]


async def change(
    connection: AsyncConnection,
    workspace: str,
    key: str,
    *,
    name: str | None = None,
    config: Mapping[str, object] | None = None,
) -> str:
    """Change what is given of the config with this slug or id; its new version's id. Raises Refusal."""
    new: dict[str, object] = {"version_id": rules.new_id()}
    if name is not None:
        new["name"] = rules.name(name)
    if config is not None:
        rules.json_value("config", config)
        new["config"] = dict(config)
    there = await find(connection, workspace, key)
    await connection.execute(update(configs).where(configs.c.id == there.saved.id).values(new))
    return str(new["version_id"])


async def remove(connection: AsyncConnection, workspace: str, key: str) -> None:
    """Delete the config with this slug or id. Raises NotFound."""
    there = await find(connection, workspace, key)
    await connection.execute(delete(configs).where(configs.c.id == there.saved.id))


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        saved=SavedConfig(id=row.id, slug=row.slug, workspace=row.workspace, config=row.config),
        name=row.name,
        is_default=row.is_default,
        version_id=row.version_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
