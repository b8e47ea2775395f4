import asyncio
import re

import pytest
from sqlalchemy import func, select

from tests.registry.acting import CHAT, change, create, label_id
from tracer.config import Settings
from tracer.registry import collections, labels, partials, prompts, tables, versioned
from tracer.registry.database import Database
from tracer.registry.prompts import Place
from tracer.registry.rules import Conflict, Invalid, NotFound
from tracer.registry.stored import Content, Item, Page
from tracer.registry.versioned import PARTIAL, PROMPT


async def test_a_new_prompt_has_a_published_first_version(database: Database) -> None:
    item, version = await create(database)
    assert re.fullmatch(r"pp-gira-summa-[0-9a-f]{6}", item.slug)
    assert (item.published, version.number) == (1, 1)
    async with database.reading() as connection:
        assert await versioned.find(connection, PROMPT, "", item.id) == item
        assert await versioned.find(connection, PROMPT, "", item.slug) == item
        assert (await versioned.version(connection, PROMPT, item.id, 1)).content == Content(CHAT, {"model": "gpt-4o"})


async def test_an_update_is_a_new_version_and_publishes_nothing(database: Database) -> None:
    item, first = await create(database)
    changes = {"string": "[]", "parameters": {"temperature": 0}}
    after, second = await change(
        database,
        lambda connection: prompts.update_prompt(connection, "", item.slug, changes=changes, description="colder"),
    )
    assert second is not None
    assert (after.published, second.number, second.description) == (1, 2, "colder")
    assert second.content.parameters == {"temperature": 0, "model": "gpt-4o"}  # a model that is not mentioned stays
    async with database.reading() as connection:
        assert await versioned.versions(connection, PROMPT, item.id) == [second, first]


async def test_a_name_alone_makes_no_version(database: Database) -> None:
    item, _ = await create(database)
    after, made = await change(database, lambda connection: prompts.update_prompt(connection, "", item.id, name=" New "))
    assert made is None
    assert (after.name, after.slug, after.published) == ("New", item.slug, 1)


async def test_publishing(database: Database) -> None:
    item, _ = await create(database)
    await change(database, lambda connection: prompts.update_prompt(connection, "", item.id, changes={"string": "[]"}))
    await change(database, lambda connection: versioned.publish(connection, PROMPT, item, 2))
    async with database.reading() as connection:
        assert (await versioned.find(connection, PROMPT, "", item.id)).published == 2
    for number in (0, 3, -1, 2**31, 2**70):
        with pytest.raises(NotFound):
            await change(database, lambda connection, n=number: versioned.publish(connection, PROMPT, item, n))


async def test_creators_at_once_get_different_versions(registry_settings: Settings, database: Database) -> None:
    item, _ = await create(database)
    other = Database(registry_settings)

    async def update(via: Database, text: str) -> int:
        _, made = await change(via, lambda connection: prompts.update_prompt(connection, "", item.id, changes={"string": text}))
        assert made is not None
        assert made.content.string == text
        return made.number

    numbers = await asyncio.gather(*(update((database, other)[n % 2], str(n)) for n in range(10)))
    assert sorted(numbers) == list(range(2, 12))
    await other.close()


async def test_two_cannot_have_one_slug(registry_settings: Settings, database: Database) -> None:
    other = Database(registry_settings)
    got = await asyncio.gather(*(create(via, slug="greeting") for via in (database, other) * 2), return_exceptions=True)
    assert sorted(type(one).__name__ for one in got) == ["Conflict", "Conflict", "Conflict", "tuple"]
    await other.close()


async def test_deleting_takes_versions_and_labels_along(database: Database) -> None:
    item, version = await create(database)
    production = await label_id(database, "production")
    await change(database, lambda connection: prompts.label_version(connection, "", item.id, version.id, production))
    await change(database, lambda connection: versioned.remove(connection, PROMPT, item))
    async with database.reading() as connection:
        for table in (tables.prompts, tables.prompt_versions, tables.prompt_labels):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0
        with pytest.raises(NotFound):
            await versioned.find(connection, PROMPT, "", item.id)


# Labels


async def labelled(database: Database, item: Item) -> dict[int, list[str]]:
    async with database.reading() as connection:
        found = await prompts.labels_of(connection, item)
        return {number: sorted(label.name for label in on) for number, on in found.items()}


async def test_a_label_is_on_one_version_and_a_version_has_many(database: Database) -> None:
    item, first = await create(database)
    _, second = await change(database, lambda c: prompts.update_prompt(c, "", item.id, changes={"string": "[]"}))
    assert second is not None
    production, staging = [await label_id(database, name) for name in ("production", "staging")]
    for label in (production, staging):
        await change(database, lambda c, one=label: prompts.label_version(c, "", item.id, first.id, one))
    assert await labelled(database, item) == {1: ["production", "staging"]}
    await change(database, lambda c: prompts.label_version(c, "", item.id, second.id, production))
    assert await labelled(database, item) == {1: ["staging"], 2: ["production"]}
    await change(database, lambda c: prompts.label_version(c, "", item.id, second.id, None))
    assert await labelled(database, item) == {1: ["staging"]}


@pytest.mark.parametrize("name", ["production", "staging", "development"])
async def test_universal_labels_stay(database: Database, name: str) -> None:
    label = await label_id(database, name)
    with pytest.raises(Invalid):
        await change(database, lambda c: labels.remove(c, "", label))
    with pytest.raises(Invalid):
        await change(database, lambda c: labels.change(c, "", label, {"name": "other"}))
    with pytest.raises(Conflict):
        await change(database, lambda c: labels.create(c, "somewhere", name))


async def test_a_deleted_label_is_on_nothing(database: Database) -> None:
    item, version = await create(database)
    label = await change(database, lambda c: labels.create(c, "", "v1.2"))
    await change(database, lambda c: prompts.label_version(c, "", item.id, version.id, label.id))
    await change(database, lambda c: labels.remove(c, "", label.id))
    assert await labelled(database, item) == {}


@pytest.mark.parametrize(
    "name", ["latest", "default", "12", "v1.2.3", "a b", "a@b", "", " ", "a\nb", "x" * 201, "a\0", "ab\N{SNOWMAN}\N{SNOWMAN}"]
)
async def test_names_that_cannot_be_labels(database: Database, name: str) -> None:
    with pytest.raises(Invalid):
        await change(database, lambda c: labels.create(c, "", name))


@pytest.mark.parametrize("name", ["v1.2", "qa", "A_b-3", "12a", "ä", "latest1"])
async def test_names_that_can_be_labels(database: Database, name: str) -> None:
    assert (await change(database, lambda c: labels.create(c, "", name))).name == name


# Workspaces


async def test_another_workspace_is_not_found_in_the_words_of_what_is_missing(database: Database) -> None:
    item, version = await create(database, workspace="a")

    async def refusal(key: str, workspace: str) -> str:
        async with database.reading() as connection:
            with pytest.raises(NotFound) as raised:
                await versioned.find(connection, PROMPT, workspace, key)
            return str(raised.value)

    missing = await refusal("pp-nothing-000000", "b")
    assert missing == "Invalid prompt id"
    assert await refusal(item.slug, "b") == await refusal(item.id, "b") == missing
    with pytest.raises(NotFound, match=missing):
        await change(database, lambda c: prompts.update_prompt(c, "b", item.slug, name="mine"))
    with pytest.raises(NotFound, match=missing):
        await change(database, lambda c: prompts.label_version(c, "b", item.slug, version.id, None))
    async with database.reading() as connection:
        for workspace, count in (("a", 1), ("b", 0), ("", 1)):
            assert (await versioned.listed(connection, PROMPT, workspace, Page()))[0] == count


async def test_a_prompt_goes_where_its_collection_is(database: Database) -> None:
    async with database.changing() as connection:
        folder = await collections.create(connection, "a", "Support")
        where = await prompts.place(connection, "", folder.slug)
        assert where == Place("a", folder.id)
        item, _ = await prompts.create_prompt(connection, where, "x", Content("[]"))
        with pytest.raises(NotFound):
            await prompts.place(connection, "b", folder.id)
        elsewhere = await collections.create(connection, "b", "Other")
        with pytest.raises(Invalid):
            await prompts.update_prompt(connection, "", item.id, collection=elsewhere.id)
        with pytest.raises(Conflict, match="not empty"):
            await collections.remove(connection, "", folder.id)
        await versioned.remove(connection, PROMPT, item)
        await collections.remove(connection, "", folder.id)
        with pytest.raises(NotFound):
            await collections.find(connection, "", folder.id)


async def test_a_label_of_another_workspace_does_not_fit(database: Database) -> None:
    item, version = await create(database, workspace="a")
    foreign = await change(database, lambda c: labels.create(c, "b", "qa"))
    own = await change(database, lambda c: labels.create(c, "a", "qa"))
    with pytest.raises(NotFound):
        await change(database, lambda c: prompts.label_version(c, "", item.id, version.id, foreign.id))
    await change(database, lambda c: prompts.label_version(c, "a", item.id, version.id, own.id))
    assert await labelled(database, item) == {1: ["qa"]}


# Names, slugs and texts that want to be something else

HOSTILE = [
    "'; DROP TABLE tracer_prompts; --",
    '" OR 1=1 --',
    "%",
    "_",
    "\\",
    "$1",
    ":name",
    "{{x}}",
    "../../etc",
    "🧪 Ünï",
    "x" * 200,
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_are_only_names(database: Database, name: str) -> None:
    item, _ = await create(database, name=name, string=name)
    await create(database, name="bystander")
    assert re.fullmatch(r"pp-([a-z0-9-]+-)?[0-9a-f]{6}", item.slug)
    async with database.reading() as connection:
        assert (await versioned.find(connection, PROMPT, "", item.slug)).name == name
        total, found = await versioned.listed(connection, PROMPT, "", Page(), search=name)
        assert [one.name for one, _ in found] == [name]
        assert total == 1
        with pytest.raises(NotFound):
            await versioned.find(connection, PROMPT, "", name)
        with pytest.raises(NotFound):
            await versioned.find(connection, PROMPT, name, "bystander")


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\nb", "x" * 201])
async def test_names_that_are_none(database: Database, name: str) -> None:
    with pytest.raises(Invalid):
        await create(database, name=name)


@pytest.mark.parametrize(
    "slug", ["partials", "a/b", "a@1", "..", "a b", "-a", "ä", "x" * 101, "8105d4bf-baa6-4b3c-8de8-bce5a1b5dc57", "a\0", "a\n"]
)
async def test_slugs_that_cannot_be(database: Database, slug: str) -> None:
    with pytest.raises(Invalid):
        await create(database, slug=slug)


@pytest.mark.parametrize(
    "content",
    [
        Content("a\0b"),
        Content("x" * (1 << 20) + "x"),
        Content("x", {"n": 2**64}),
        Content("x", {"a": "b" * (1 << 20)}),
        Content("x", provider="a\0"),
    ],
    ids=["NUL in text", "long text", "large number", "long value", "NUL in provider"],
)
async def test_contents_that_cannot_be_kept(database: Database, content: Content) -> None:
    with pytest.raises(Invalid):
        await change(database, lambda c: prompts.create_prompt(c, Place(""), "x", content))


async def test_a_value_too_deep_to_be_written_again(database: Database) -> None:
    value: object = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(Invalid):
        await change(database, lambda c: prompts.create_prompt(c, Place(""), "x", Content("x", {"deep": value})))


async def test_json_comes_back_as_it_went_in(database: Database) -> None:
    given = {"b": 1, "a": [1.5, None, True, "\0ü\n"], "z": {"y": {}}}
    item, version = await change(
        database, lambda c: prompts.create_prompt(c, Place(""), "x", Content("x", given, tools=[], tool_choice="auto"))
    )
    assert version.content.parameters == given
    assert list(version.content.parameters) == ["b", "a", "z"]
    assert (version.content.tools, version.content.functions, version.content.tool_choice) == ([], None, "auto")
    assert item.published == 1


# Partials and pages


async def test_partials_have_versions_too(database: Database) -> None:
    item, _ = await change(database, lambda c: partials.create_partial(c, "", "Tone", "Be kind."))
    assert re.fullmatch(r"pl-tone-[0-9a-f]{6}", item.slug)
    _, made = await change(database, lambda c: partials.update_partial(c, "", item.slug, None, "Be brief.", "shorter"))
    assert made is not None
    assert (made.number, made.content.string) == (2, "Be brief.")
    await change(database, lambda c: versioned.publish(c, PARTIAL, item, 2))
    async with database.reading() as connection:
        ((listed, published),) = (await versioned.listed(connection, PARTIAL, "", Page()))[1]
        assert (listed.published, published.content.string) == (2, "Be brief.")


async def test_pages(database: Database) -> None:
    async with database.changing() as connection:
        for n in range(5):
            await prompts.create_prompt(connection, Place(""), f"Prompt {n}", Content("[]"), slug=f"p{n}")
    async with database.reading() as connection:
        seen = []
        for number in range(4):
            total, found = await versioned.listed(connection, PROMPT, "", Page(number, 2))
            assert total == 5
            seen += [item.slug for item, _ in found]
        assert sorted(seen) == ["p0", "p1", "p2", "p3", "p4"]
