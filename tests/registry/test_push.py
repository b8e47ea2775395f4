from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.registry.acting import change, create, label_id
from tests.registry.test_folder import GREETING
from tracer.config import Settings
from tracer.registry import labels, prompts, versioned
from tracer.registry.database import Database, revision
from tracer.registry.folder import FileError, read_file
from tracer.registry.prompts import Place
from tracer.registry.push import Done, pull, push
from tracer.registry.snapshot import load
from tracer.registry.stored import Content
from tracer.registry.versioned import PARTIAL, PROMPT


@pytest.fixture
async def registry(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "prompts"
    (made / "partials").mkdir(parents=True)
    (made / "greeting.toml").write_text(GREETING)
    (made / "partials" / "tone.toml").write_text('name = "Tone"\ntemplate = "Be kind."\n')
    return made


async def current(registry: Database) -> int:
    async with registry.reading() as connection:
        return await revision(connection)


async def test_a_first_push(database: Database, folder: Path) -> None:
    done = await push(database, folder, "")
    assert done == [
        Done("tone", "created, version 1 published"),
        Done("greeting", "created, version 1 published"),
        Done("greeting", "label 'staging' on version 1"),
        Done("greeting", "label 'qa' created"),
        Done("greeting", "label 'qa' on version 1"),
    ]
    snapshot = await load(database)
    version = snapshot.prompts["greeting"].versions[1]
    assert version.labels == {"staging", "qa"}
    assert version.parameters == {"model": "m", "temperature": 0.5, "stop": ["\n"]}
    assert snapshot.partials["tone"].versions == {1: "Be kind."}


async def test_a_second_push_changes_nothing(registry: Database, folder: Path) -> None:
    await push(registry, folder, "")
    before = await current(registry)
    assert await push(registry, folder, "") == []
    assert await current(registry) == before


async def test_a_changed_file_is_a_new_version(registry: Database, folder: Path) -> None:
    await push(registry, folder, "")
    path = folder / "greeting.toml"
    path.write_text(GREETING.replace("0.5", "0.7").replace('"Greeting"', '"Hello"'))
    assert [one.what for one in await push(registry, folder, "")] == [
        "renamed to 'Hello'",
        "version 2",
        "label 'staging' on version 2",
        "label 'qa' on version 2",
    ]
    prompt = (await load(registry)).prompts["greeting"]
    assert (prompt.name, prompt.published, prompt.versions[1].labels) == ("Hello", 1, frozenset())
    path.write_text(path.read_text().replace("publish = false", "publish = true").replace('"staging", "qa"', '"qa"'))
    assert [one.what for one in await push(registry, folder, "")] == [
        "version 2 published",
        "label 'staging' off version 2",
    ]
    prompt = (await load(registry)).prompts["greeting"]
    assert (prompt.published, prompt.versions[2].labels) == (2, {"qa"})


async def test_a_file_without_labels_leaves_them_alone(registry: Database, folder: Path) -> None:
    await push(registry, folder, "")
    (folder / "greeting.toml").write_text(GREETING.replace('labels = ["staging", "qa"]\n', ""))
    assert await push(registry, folder, "") == []
    assert (await load(registry)).prompts["greeting"].versions[1].labels == {"staging", "qa"}


async def test_a_dry_run_says_the_same_and_does_nothing(registry: Database, folder: Path) -> None:
    before = await current(registry)
    said = await push(registry, folder, "", dry_run=True)
    assert await current(registry) == before
    assert not (await load(registry)).prompts
    assert await push(registry, folder, "") == said


async def test_one_file_that_cannot_be_pushed_stops_all(registry: Database, folder: Path) -> None:
    await create(registry, workspace="other", slug="taken")
    (folder / "taken.toml").write_text("template = 'x'")
    with pytest.raises(FileError, match=r"taken\.toml: there is a prompt 'taken' already"):
        await push(registry, folder, "mine")
    assert set((await load(registry)).prompts) & {"greeting", "tone"} == set()


async def test_a_workspace_is_where_new_prompts_go(registry: Database, folder: Path) -> None:
    await push(registry, folder, "team")
    assert (await load(registry)).prompts["greeting"].workspace == "team"
    async with registry.reading() as connection:
        assert await labels.named(connection, "team", "qa")
        assert await labels.named(connection, "", "qa") is None


async def test_what_is_in_no_file_stays(registry: Database, folder: Path) -> None:
    item, _ = await create(registry)
    await push(registry, folder, "")
    assert item.slug in (await load(registry)).prompts


async def test_pull_and_push_again(database: Database, tmp_path: Path) -> None:
    """Through files into a registry, nothing is lost, whatever the API was given."""
    folder = tmp_path / "prompts"
    awkward = Content(
        '[{"role": "assistant", "content": null, "tool_calls": []}]',
        {"model": "m", "stop": None, "topic": ""},
        template_metadata={"a": {"b": None}},
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        tool_choice={"type": "function"},
    )
    raw = Content("[{{#all}}{},{{/all}}{}]\r\n'''", raw=True, tool_choice="auto")
    first, _ = await change(database, lambda c: prompts.create_prompt(c, Place(""), "Awkward", awkward))
    second, version = await change(database, lambda c: prompts.create_prompt(c, Place(""), "Raw", raw, "why"))
    staging = await label_id(database, "staging")
    await change(database, lambda c: prompts.label_version(c, "", second.id, version.id, staging))
    await change(database, lambda c: prompts.update_prompt(c, "", first.id, changes={"provider": "openai"}))
    partial, _ = await change(database, lambda c: versioned.create(c, PARTIAL, "", "Tone", Content("Be\nkind.")))
    written = await pull(database, folder, "")
    assert {path.relative_to(folder).as_posix() for path in written} == {
        f"partials/{partial.slug}.toml",
        f"{first.slug}.toml",
        f"{second.slug}.toml",
    }
    assert not read_file(folder / f"{first.slug}.toml", partial=False).publish, "its newest version is not the published one"
    assert await push(database, folder, "") == []
    assert await pull(database, folder, "") == []
    before = await load(database)
    async with database.changing() as connection:
        for kind, item in ((PROMPT, first), (PROMPT, second), (PARTIAL, partial)):
            await versioned.remove(connection, kind, item)
    await push(database, folder, "")
    after = await load(database)
    newest = before.prompts[first.slug].versions[2]
    again = after.prompts[first.slug].versions[1]
    assert (again.parameters, again.tools, again.tool_choice) == (newest.parameters, newest.tools, newest.tool_choice)
    assert again.provider == "openai"
    assert after.prompts[second.slug].versions == before.prompts[second.slug].versions
    assert after.partials[partial.slug].versions == before.partials[partial.slug].versions


async def test_a_pull_of_one_workspace(registry: Database, tmp_path: Path) -> None:
    await create(registry, workspace="a", slug="of-a")
    await create(registry, workspace="b", slug="of-b")
    assert await pull(registry, tmp_path, "a") == [tmp_path / "of-a.toml"]
