"""Prompts: what can be done with them beyond what partials can (versioned.py), which is labels and partial updates.

An update makes a new version from the newest one and what was given; nothing given is a change of the prompt's own name or
place, and makes none. Whether a version is used by calls is another question: publish, or put a label on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import collections, labels, rules
from tracer.registry.rules import Invalid
from tracer.registry.stored import Content, Item, Label, Version
from tracer.registry.versioned import NEWEST, PROMPT, add_version, create, find, touch, version, version_by_id


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new prompt goes: a workspace and, in it, a collection's id."""

    workspace: str
    collection: str | None = None


async def place(connection: AsyncConnection, workspace: str, collection: str) -> Place:
    """Into a collection, which says which workspace that is; without one, into the workspace itself."""
    if not collection:
        return Place(workspace)
    found = await collections.find(connection, workspace, collection)
    return Place(found.workspace, found.id)


async def create_prompt(
    connection: AsyncConnection, where: Place, name: str, content: Content, description: str = "", slug: str = ""
) -> tuple[Item, Version]:
    """A new prompt with its first version, published."""
    return await create(
        connection,
        PROMPT,
        where.workspace,
        name,
        content,
        description=description,
        collection=where.collection,
        slug=slug,
    )


async def update_prompt(
    connection: AsyncConnection,
    workspace: str,
    key: str,
    *,
    name: str | None = None,
    collection: str | None = None,
    changes: Mapping[str, Any] | None = None,
    description: str = "",
) -> tuple[Item, Version | None]:
    """Rename, move, and make a new version with `changes` (see `changed`), each where given."""
    item = await find(connection, PROMPT, workspace, key)
    own: dict[str, object] = {}
    if name is not None:
        own["name"] = rules.name(name)
    if collection is not None:
        where = await place(connection, workspace, collection)
        if where.workspace != item.workspace:
            raise Invalid("a prompt cannot move to a collection of another workspace")
        own["collection_id"] = where.collection
    if own:
        await touch(connection, PROMPT, item.id, **own)
    made = None
    if changes:
        newest = await version(connection, PROMPT, item.id, NEWEST)
        made = await add_version(connection, PROMPT, item, changed(newest.content, changes), description)
    return await find(connection, PROMPT, workspace, item.id), made


def changed(content: Content, changes: Mapping[str, Any]) -> Content:
    """`content` with other values of its fields. `model` counts as one: parameters that name none keep the model there was."""
    rest = dict(changes)
    model = rest.pop("model", content.model)
    parameters = dict(rest.pop("parameters", content.parameters))
    if model and ("model" in changes or "model" not in parameters):
        parameters["model"] = model
    return replace(content, **rest, parameters=parameters)


async def label_version(connection: AsyncConnection, workspace: str, key: str, version_id: str, label_id: str | None) -> None:
    """Put a label on a version; None takes all of them off it."""
    item = await find(connection, PROMPT, workspace, key)
    found = await version_by_id(connection, PROMPT, item.id, version_id)
    if label_id is None:
        await labels.take_off(connection, item, found.number)
    else:
        await labels.put(connection, item, found.number, await labels.find(connection, workspace, label_id))


async def labels_of(connection: AsyncConnection, item: Item) -> dict[int, list[Label]]:
    """A prompt's labels by version."""
    found = await labels.on_versions(connection, [item.id])
    return {number: on for (_, number), on in found.items()}
