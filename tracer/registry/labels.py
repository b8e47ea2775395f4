"""Labels: names for versions, such as `production`, that calls may use instead of a number (`pp-x@production`).

Three are universal: every workspace has them and nobody can change or delete them. The others belong to a workspace and fit
on prompts of the same one only, so that a name means one version at most. A label that moves to another version leaves the
old one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import rules, tables
from tracer.registry.rules import Conflict, Invalid, NotFound
from tracer.registry.scope import THIS_CHANGE, containing, paged, seen
from tracer.registry.stored import Item, Label, Page
from tracer.registry.versioned import PROMPT, touch

_TABLE = tables.labels


async def listed(connection: AsyncConnection, workspace: str, page: Page, search: str = "") -> tuple[int, list[Label]]:
    """The universal ones first, then the caller's."""
    query = select(_TABLE).where(_seen(workspace)).order_by(_TABLE.c.universal.desc(), _TABLE.c.name, _TABLE.c.id)
    if search:
        query = query.where(containing(_TABLE.c.name, search))
    total, rows = await paged(connection, query, page)
    return total, [_label(row) for row in rows]


async def find(connection: AsyncConnection, workspace: str, key: str) -> Label:
    """The label of this id."""
    query = select(_TABLE).where(_TABLE.c.id == key, _seen(workspace))
    row = None if "\0" in key else (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("label")
    return _label(row)


async def create(connection: AsyncConnection, workspace: str, name: str, description: str = "", color: str = "") -> Label:
    """A new label of this workspace."""
    name = rules.label_name(name)
    await _must_be_free(connection, workspace, name)
    values = {"name": name, "description": rules.text("the description", description), "color": rules.text("the color", color)}
    id = rules.new_id()
    await connection.execute(insert(_TABLE).values(id=id, workspace=workspace, universal=False, **values))
    return await find(connection, "", id)


async def change(connection: AsyncConnection, workspace: str, key: str, values: Mapping[str, str]) -> None:
    """Give a label another `name`, `description` or `color`."""
    label = _own(await find(connection, workspace, key))
    if "name" in values and rules.label_name(values["name"]) != label.name:
        await _must_be_free(connection, label.workspace, values["name"])
        await _touch_prompts(connection, label.id)
    for what, value in values.items():
        rules.text(f"the {what}", value)
    if values:
        await connection.execute(update(_TABLE).where(_TABLE.c.id == label.id).values(**values))


async def remove(connection: AsyncConnection, workspace: str, key: str) -> None:
    """Delete a label; calls that name it fail from now on."""
    label = _own(await find(connection, workspace, key))
    await _touch_prompts(connection, label.id)
    await connection.execute(delete(_TABLE).where(_TABLE.c.id == label.id))


async def put(connection: AsyncConnection, prompt: Item, number: int, label: Label) -> None:
    """Put a label on a version, from whichever other it was on."""
    if not label.universal and label.workspace != prompt.workspace:
        raise NotFound("label")
    on = tables.prompt_labels
    await connection.execute(delete(on).where(on.c.prompt_id == prompt.id, on.c.label_id == label.id))
    await connection.execute(insert(on).values(prompt_id=prompt.id, label_id=label.id, number=number))
    await touch(connection, PROMPT, prompt.id)


async def take_off(connection: AsyncConnection, prompt: Item, number: int, only: Sequence[str] | None = None) -> None:
    """Take labels off a version: those with these ids, or all of them."""
    on = tables.prompt_labels
    query = delete(on).where(on.c.prompt_id == prompt.id, on.c.number == number)
    await connection.execute(query if only is None else query.where(on.c.label_id.in_(only)))
    await touch(connection, PROMPT, prompt.id)


async def on_versions(connection: AsyncConnection, prompt_ids: Sequence[str]) -> dict[tuple[str, int], list[Label]]:
    """The labels of each (prompt's id, version's number), the last one put there first."""
    on = tables.prompt_labels
    query = (
        select(on.c.prompt_id, on.c.number, *_TABLE.c)
        .join(_TABLE, _TABLE.c.id == on.c.label_id)
        .where(on.c.prompt_id.in_(prompt_ids))
        .order_by(on.c.created_at.desc(), _TABLE.c.name)
    )
    found: dict[tuple[str, int], list[Label]] = {}
    for row in await connection.execute(query):
        found.setdefault((row.prompt_id, row.number), []).append(_label(row))
    return found


async def named(connection: AsyncConnection, workspace: str, name: str) -> Label | None:
    """The label that prompts of exactly this workspace know by this name."""
    query = select(_TABLE).where(_TABLE.c.name == name, or_(_TABLE.c.universal, _TABLE.c.workspace == workspace))
    row = (await connection.execute(query)).one_or_none()
    return _label(row) if row else None


def _seen(workspace: str) -> Any:
    return or_(_TABLE.c.universal, seen(_TABLE, workspace))


def _own(label: Label) -> Label:
    if label.universal:
        raise Invalid(f"the label {label.name!r} is there for everybody and stays as it is")
    return label


async def _must_be_free(connection: AsyncConnection, workspace: str, name: str) -> None:
    if await named(connection, workspace, name):
        raise Conflict(f"there is a label {name!r} already")


async def _touch_prompts(connection: AsyncConnection, label_id: str) -> None:
    """The snapshot's prompts hold the names of their labels."""
    on = tables.prompt_labels
    having = select(on.c.prompt_id).where(on.c.label_id == label_id)
    await connection.execute(update(tables.prompts).where(tables.prompts.c.id.in_(having)).values(changed=THIS_CHANGE))


def _label(row: Any) -> Label:
    return Label(row.id, row.name, row.description, row.color, row.workspace, row.universal, row.created_at, row.updated_at)
