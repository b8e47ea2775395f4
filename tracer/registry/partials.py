"""Partials: texts that prompts include by slug. An update with another text makes a new version, as for prompts."""

from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import rules
from tracer.registry.stored import Content, Item, Version
from tracer.registry.versioned import PARTIAL, add_version, create, find, touch


async def create_partial(
    connection: AsyncConnection, workspace: str, name: str, string: str, description: str = "", slug: str = ""
) -> tuple[Item, Version]:
    """A new partial with its first version, published."""
    return await create(connection, PARTIAL, workspace, name, Content(string), description=description, slug=slug)


async def update_partial(
    connection: AsyncConnection, workspace: str, key: str, name: str | None, string: str | None, description: str = ""
) -> tuple[Item, Version | None]:
    """Rename, and make a new version, each where given."""
    item = await find(connection, PARTIAL, workspace, key)
    if name is not None:
        await touch(connection, PARTIAL, item.id, name=rules.name(name))
    made = None
    if string is not None:
        made = await add_version(connection, PARTIAL, item, Content(string), description)
    return await find(connection, PARTIAL, workspace, item.id), made
