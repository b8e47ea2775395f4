import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from tests.postgres import Postgresql
from tests.registry.acting import CHAT, change, create, label_id
from tracer import metrics
from tracer.config import Settings
from tracer.registry import labels, partials, prompts, snapshot, tables, versioned
from tracer.registry.database import Database
from tracer.registry.records import EMPTY, Key, SavedConfig
from tracer.registry.snapshot import Watcher, load
from tracer.registry.stored import Content
from tracer.registry.versioned import PROMPT


@pytest.fixture
async def watcher(registry_settings: Settings) -> AsyncIterator[Watcher]:
    """The watcher of another worker, with its own connections."""
    database = Database(registry_settings)
    yield Watcher(database, poll_s=0.02)
    await database.close()


@contextlib.asynccontextmanager
async def running(watcher: Watcher) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watcher.run())
        try:
            yield
        finally:
            task.cancel()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def failures() -> float:
    return metrics.registry_failures._value.get()


async def test_nothing_was_loaded_before_the_first_look(watcher: Watcher) -> None:
    assert (watcher.current, watcher.loaded) == (EMPTY, False)
    assert await watcher.refresh()
    assert watcher.loaded


async def test_a_prompt_as_calls_see_it(database: Database, watcher: Watcher) -> None:
    content = Content(CHAT, {"model": "m", "name": "", "stop": None}, True, "anthropic", {"a": 1}, [{"type": "function"}])
    item, version = await change(database, lambda c: prompts.create_prompt(c, prompts.Place("a"), "x", content))
    staging = await label_id(database, "staging")
    await change(database, lambda c: prompts.label_version(c, "", item.id, version.id, staging))
    await watcher.refresh()
    prompt = watcher.current.prompts[item.slug]
    assert watcher.current.prompts[item.id] is prompt
    assert (prompt.workspace, prompt.published, list(prompt.versions)) == ("a", 1, [1])
    seen = prompt.versions[1]
    assert seen.parameters == {"model": "m", "stop": None}  # without the template's variable
    assert (seen.labels, seen.raw, seen.provider) == (frozenset({"staging"}), True, "anthropic")
    assert (seen.tools, seen.functions, seen.tool_choice) == (({"type": "function"},), (), None)


async def test_configs_and_keys(database: Database, watcher: Watcher) -> None:
    async with database.changing() as connection:
        config = {"id": "c", "slug": "pc-x", "name": "x", "workspace": "a", "config": {"retry": {"attempts": 2}}}
        await connection.execute(insert(tables.configs).values(**config))
        key = {"id": "key_1", "name": "n", "sha256": "ab" * 32, "tags": {"team": "x"}, "admin": True}
        await connection.execute(insert(tables.keys).values(**key))
    await watcher.refresh()
    expected = SavedConfig("c", "pc-x", "a", {"retry": {"attempts": 2}})
    assert watcher.current.configs == {"c": expected, "pc-x": expected}
    assert watcher.current.keys == {"ab" * 32: Key("key_1", "n", "ab" * 32, tags={"team": "x"}, admin=True)}


async def test_another_worker_sees_every_kind_of_change(database: Database, watcher: Watcher) -> None:
    async with running(watcher):
        item, first = await create(database)
        await until(lambda: item.slug in watcher.current.prompts)
        _, second = await change(database, lambda c: prompts.update_prompt(c, "", item.id, changes={"string": "[]"}))
        assert second is not None
        await until(lambda: 2 in watcher.current.prompts[item.slug].versions)
        assert watcher.current.prompts[item.slug].published == 1
        await change(database, lambda c: versioned.publish(c, PROMPT, item, 2))
        await until(lambda: watcher.current.prompts[item.slug].published == 2)
        label = await change(database, lambda c: labels.create(c, "", "qa"))
        await change(database, lambda c: prompts.label_version(c, "", item.id, first.id, label.id))
        await until(lambda: watcher.current.prompts[item.slug].versions[1].labels == {"qa"})
        await change(database, lambda c: labels.change(c, "", label.id, {"name": "tested"}))
        await until(lambda: watcher.current.prompts[item.slug].versions[1].labels == {"tested"})
        await change(database, lambda c: labels.remove(c, "", label.id))
        await until(lambda: not watcher.current.prompts[item.slug].versions[1].labels)
        partial, _ = await change(database, lambda c: partials.create_partial(c, "", "Tone", "kind"))
        await until(lambda: partial.slug in watcher.current.partials)
        await change(database, lambda c: versioned.remove(c, PROMPT, item))
        await until(lambda: not watcher.current.prompts)


async def test_what_did_not_change_is_not_read_again(database: Database, watcher: Watcher) -> None:
    item, _ = await create(database)
    await watcher.refresh()
    before = watcher.current.prompts[item.slug]
    other, _ = await create(database)
    await watcher.refresh()
    assert watcher.current.prompts[item.slug] is before
    assert other.slug in watcher.current.prompts
    snapshot = watcher.current
    await watcher.refresh()
    assert watcher.current is snapshot


async def test_many_prompts(database: Database, watcher: Watcher) -> None:
    """More than are read at once."""
    async with database.changing() as connection:
        for n in range(230):
            await prompts.create_prompt(connection, prompts.Place(""), f"p{n}", Content(str(n)), slug=f"p{n}")
    await watcher.refresh()
    assert {slug: p.versions[1].string for slug, p in watcher.current.prompts.items() if slug == p.slug} == {
        f"p{n}": str(n) for n in range(230)
    }


async def test_calls_go_on_while_many_versions_are_read(
    database: Database, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, _ = await create(database)
    empty = dict.fromkeys(("tools", "functions", "tool_choice")) | {"parameters": {}, "template_metadata": {}}
    rows = [{"id": f"v{n}", "prompt_id": item.id, "number": n, **empty} for n in range(2, 1001)]
    async with database.changing() as connection:
        await connection.execute(insert(tables.prompt_versions), rows)
    turns, read_in_turn = 0, Counter[int]()
    read = snapshot._prompt_version

    def counted(*row: Any) -> Any:
        read_in_turn[turns] += 1
        return read(*row)

    async def call() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(snapshot, "_prompt_version", counted)
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(call())
        await watcher.refresh()
        calling.cancel()
    assert len(watcher.current.prompts[item.id].versions) == read_in_turn.total() == 1000
    assert max(read_in_turn.values()) <= 50


async def test_a_restored_backup_is_read_as_it_is(database: Database, watcher: Watcher) -> None:
    """Its revision is lower, and what is held may be of a time that never was."""
    item, _ = await create(database)
    await create(database)
    await watcher.refresh()
    async with database.changing() as connection:
        await connection.execute(update(tables.revision).values(number=1))
        await connection.execute(update(tables.prompts).values(name="restored"))
        await connection.execute(delete(tables.prompts).where(tables.prompts.c.id != item.id))
    await watcher.refresh()
    assert {prompt.name for prompt in watcher.current.prompts.values()} == {"restored"}


async def test_a_database_that_goes_and_comes_back(
    postgresql: Postgresql,
    postgresql_url: str,
    load_settings: Callable[..., Settings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Database(load_settings(TRACER_DATABASE=postgresql_url))
    await database.open()
    item, _ = await create(database)
    watcher = Watcher(Database(load_settings(TRACER_DATABASE=postgresql_url)), poll_s=0.02)
    async with running(watcher):
        await until(lambda: item.slug in watcher.current.prompts)
        before = failures()
        postgresql.stop()
        await until(lambda: not watcher.healthy and failures() > before + 1)
        assert item.slug in watcher.current.prompts
        postgresql.start()
        await until(lambda: watcher.healthy)
        other, _ = await create(database)
        await until(lambda: other.slug in watcher.current.prompts)
    assert [record.levelno for record in caplog.records if record.name == "tracer.registry.snapshot"] == [logging.WARNING]
    await watcher._database.close()
    await database.close()


async def test_after_an_outage_nothing_is_taken_for_known(
    postgresql: Postgresql, postgresql_url: str, load_settings: Callable[..., Settings]
) -> None:
    """A copy that took over may have missed the last changes, and have given their numbers to others."""
    database = Database(load_settings(TRACER_DATABASE=postgresql_url))
    await database.open()
    item, _ = await create(database)
    watcher = Watcher(database)
    await watcher.refresh()
    postgresql.stop()
    assert not await watcher.refresh()
    postgresql.start()
    async with database.changing() as connection:
        await connection.execute(update(tables.revision).values(number=watcher.current.revision))
        await connection.execute(update(tables.prompts).values(name="of another history"))
    assert await watcher.refresh()
    assert watcher.current.prompts[item.slug].name == "of another history"
    await database.close()


async def test_a_database_that_is_away_at_the_start(
    load_settings: Callable[..., Settings], free_port: Callable[[], int]
) -> None:
    database = Database(load_settings(TRACER_DATABASE=f"postgresql://me@127.0.0.1:{free_port()}/x"))
    watcher = Watcher(database)
    assert not await watcher.refresh()
    assert (watcher.loaded, watcher.healthy, watcher.current) == (False, False, EMPTY)
    await database.close()


async def test_rows_that_make_no_sense_leave_the_old_snapshot(database: Database, watcher: Watcher) -> None:
    item, _ = await create(database)
    await watcher.refresh()
    async with database.changing() as connection:
        await connection.execute(text("UPDATE tracer_prompt_versions SET parameters = 'broken'"))
        await versioned.touch(connection, PROMPT, item.id)
    before = failures()
    assert not await watcher.refresh()
    assert failures() == before + 1
    assert watcher.current.prompts[item.slug].versions[1].parameters == {"model": "gpt-4o"}


async def test_looking_once(database: Database) -> None:
    item, _ = await create(database)
    assert (await load(database)).prompts[item.slug].published == 1
