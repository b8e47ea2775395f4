"""Short ways to do something to a registry in a test."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import labels, prompts
from tracer.registry.database import Database
from tracer.registry.prompts import Place
from tracer.registry.stored import Content, Item, Version

CHAT = '[{"role": "user", "content": "Hi {{name}}"}]'
T = TypeVar("T")


async def change(database: Database, action: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """One change, in a transaction of its own."""
    async with database.changing() as connection:
        return await action(connection)


async def create(
    database: Database, name: str = "Gira Summarize Thread", workspace: str = "", slug: str = "", string: str = CHAT
) -> tuple[Item, Version]:
    """A prompt."""
    content = Content(string, {"model": "gpt-4o"})
    return await change(
        database, lambda connection: prompts.create_prompt(connection, Place(workspace), name, content, slug=slug)
    )


async def label_id(database: Database, name: str, workspace: str = "") -> str:
    """The id of a label that is there."""
    async with database.reading() as connection:
        label = await labels.named(connection, workspace, name)
        assert label is not None
        return label.id
