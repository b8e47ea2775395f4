"""Saved configs, on both databases: everybody's slugs, nobody else's content."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tracer.registry import configs
from tracer.registry.configs import Stored
from tracer.registry.database import Database
from tracer.registry.rules import Conflict, Invalid, NotFound
from tracer.registry.stored import Page

CONFIG = {"retry": {"attempts": 3}, "strategy": {"mode": "fallback"}, "targets": [{"virtual_key": "ü"}]}


async def changing(database: Database, command: Callable[..., Awaitable[Any]], *args: object, **more: object) -> Any:
    async with database.changing() as connection:
        return await command(connection, *args, **more)


async def create(database: Database, *args: object, **more: object) -> Stored:
    made = await changing(database, configs.create, *args, **more)
    assert isinstance(made, Stored)
    return made


async def find(database: Database, workspace: str, key: str) -> Stored:
    async with database.reading() as connection:
        return await configs.find(connection, workspace, key)


async def everything(database: Database, workspace: str) -> list[Stored]:
    async with database.reading() as connection:
        total, found = await configs.listed(connection, workspace, Page())
    assert total == len(found)
    return found


async def test_a_config_is_kept_as_it_came(database: Database) -> None:
    made = await create(database, "", "My first Config!", CONFIG, is_default=True)
    assert made.saved.slug.startswith("pc-my-first")
    assert made.saved.config == CONFIG
    for key in (made.saved.slug, made.saved.id):
        assert await find(database, "", key) == made
    assert await everything(database, "") == [made]


async def test_a_slug_can_be_brought_along_once(database: Database) -> None:
    made = await create(database, "", "a", CONFIG, slug="pc-prod-1a2b3c")
    assert made.saved.slug == "pc-prod-1a2b3c"
    with pytest.raises(Conflict, match="pc-prod-1a2b3c"):
        await create(database, "team-b", "b", {}, slug="pc-prod-1a2b3c")
    for wrong in ("a b", "a/b", "../x", "é", "x" * 200, made.saved.id):
        with pytest.raises(Invalid):
            await create(database, "", "c", {}, slug=wrong)
    assert len(await everything(database, "")) == 1


async def test_a_change_is_a_new_version(database: Database) -> None:
    made = await create(database, "", "a", CONFIG)
    version_id = await changing(database, configs.change, "", made.saved.slug, config={"cache": {"mode": "simple"}})
    changed = await find(database, "", made.saved.id)
    assert changed.version_id == version_id != made.version_id
    assert (changed.saved.config, changed.name, changed.saved.slug) == ({"cache": {"mode": "simple"}}, "a", made.saved.slug)
    await changing(database, configs.change, "", made.saved.id, name="b")
    renamed = await find(database, "", made.saved.id)
    assert (renamed.name, renamed.saved) == ("b", changed.saved)
    await changing(database, configs.remove, "", made.saved.slug)
    assert await everything(database, "") == []


async def test_others_configs_are_not_there_word_for_word(database: Database) -> None:
    made = await create(database, "team-a", "a", CONFIG)
    assert made.saved.workspace == "team-a"
    with pytest.raises(NotFound) as missing:
        await find(database, "team-b", "pc-nonesuch")
    for action in (
        find(database, "team-b", made.saved.slug),
        find(database, "team-b", made.saved.id),
        changing(database, configs.change, "team-b", made.saved.slug, name="x"),
        changing(database, configs.remove, "team-b", made.saved.slug),
    ):
        with pytest.raises(NotFound) as caught:
            await action
        assert str(caught.value) == str(missing.value)
    assert await everything(database, "team-b") == []
    assert await everything(database, "team-a") == await everything(database, "") == [made]


@pytest.mark.parametrize("key", ["", "nonesuch", "a\0b", "%", "\ud800".encode("utf-8", "replace").decode()])
async def test_what_is_not_there(database: Database, key: str) -> None:
    await create(database, "", "a", CONFIG)
    with pytest.raises(NotFound):
        await find(database, "", key)


async def test_what_cannot_be_kept_is_refused(database: Database) -> None:
    deep: dict[str, object] = {}
    for _ in range(600):
        deep = {"a": deep}
    for config in (deep, {"a": "x" * (2 << 20)}):
        with pytest.raises(Invalid):
            await create(database, "", "a", config)
