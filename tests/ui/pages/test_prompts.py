"""The pages of prompts: the registry and the store, joined; versions side by side; nothing of other workspaces."""

import re
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from tests.store.running import RunningStore
from tests.store.samples import STARTED, call, feedback
from tests.ui import talks
from tests.ui.conftest import OpenPages, Pages
from tests.ui.hostile import hostile_call
from tests.ui.reading import HOSTILE, Html, Tag
from tracer.registry.database import Database
from tracer.registry.records import Key, Prompt, PromptVersion, Snapshot
from tracer.registry.snapshot import Watcher

SLUG = "pp-support-a1b2"


def words(tag: Tag) -> str:
    return " ".join(" ".join(tag.texts).split())


def lines(page: Html) -> list[str]:
    return [re.sub(r"\d+ [A-Z][a-z]{2} (?:\d{4}|\d\d:\d\d:\d\d)\b", "DATE", words(tag)) for tag in page.all("tr")][1:]


def prompt(slug: str, workspace: str = "", **versions: str) -> Prompt:
    made = {int(number[1:]): PromptVersion(int(number[1:]), text, {"model": "gpt-4o"}) for number, text in versions.items()}
    return Prompt(f"id-{slug}", slug, slug.title(), workspace, max(made), made)


def snapshot(*prompts: Prompt, keys: tuple[Key, ...] = ()) -> Snapshot:
    by_name = {name: each for each in prompts for name in (each.slug, each.id)}
    return Snapshot(prompts=MappingProxyType(by_name), keys={key.sha256: key for key in keys})


@pytest.fixture
async def opened(empty_store: RunningStore, open_pages: OpenPages) -> Pages:
    return await open_pages(empty_store.settings)


def called(number: int, version: str, slug: str = SLUG, **fields: Any) -> Any:
    return call(number, started_at=STARTED + timedelta(seconds=number), prompt_id=slug, prompt_version=version, **fields)


async def registered(pages: Pages, store: RunningStore) -> None:
    """The registry as a process that serves pages reads it."""
    await talks.write_prompts(store.settings, (SLUG,))
    database = Database(store.settings)
    watcher = Watcher(database)
    assert await watcher.refresh()
    pages.watcher.current = watcher.current
    await database.close()


async def test_versions_side_by_side(opened: Pages, empty_store: RunningStore) -> None:
    await registered(opened, empty_store)
    talks.write(
        empty_store.settings,
        [
            *(called(n, "3", cost_usd=Decimal("0.002"), duration_ms=100.0) for n in range(1, 11)),
            *(called(n, "4", cost_usd=Decimal("0.004"), duration_ms=300.0) for n in range(11, 19)),
            *(called(n, "4", outcome="upstream_error", status_code=500, cost_usd=None) for n in range(19, 21)),
            *(feedback(n, trace_id=f"trace-{n}", value=5.0) for n in range(1, 4)),
            feedback(11, trace_id="trace-11", value=-5.0),
            feedback(12, trace_id="nobody's", value=9.0),
        ],
    )
    page = await opened.get(f"/prompts/{SLUG}")
    four, three, two, one = lines(page)[:4]
    assert four.startswith("v4 staging DATE Cooler, and a larger model gpt-4o 10 20.0 % -5.0 1 $0.00400 10 5")
    assert three.startswith("v3 published DATE Warmer gpt-4o 10 0 % +5.0 3 $0.00200 10 5")
    assert two.startswith("v2 DATE Asks for the order gpt-4o-mini 0 – – –")
    assert one.startswith("v1 DATE gpt-4o-mini 0")
    assert "compare" in four
    assert "compare" not in three
    latest = lines(page)[5:]
    assert len(latest) == 20
    assert page.all("a", href=f"/calls/{called(20, '4').call_id}")

    assert re.search(r"Version 3 published made \d{4}-\d\d-\d\d [\d:.]+ UTC Warmer ", words(page.one("body")))
    assert [words(tag) for tag in page.all("article")] == [
        "system {{>tone}} You help customers.",
        "user Greet {{name}} warmly, who asks about order {{order}} . Say when it comes.",
    ]
    assert [tag.text for tag in page.all("span", class_="t-tag")] == ["{{>tone}}", "{{name}}", "{{order}}"]
    assert "from version 2 to 3" in page.text
    assert [words(tag) for tag in page.all("em")] == ["warmly", "80", "120"]
    assert "/v1/prompts/pp-support-a1b2/completions" in page.text

    other = await opened.get(f"/prompts/{SLUG}?version=4&with=1")
    assert "from version 1 to 4" in other.text
    assert any("gpt-4o-mini" in tag.text for tag in other.all("div", class_="is-removed"))
    for query in ("version=99", "version=x&with=y", "version=4&with=4", "with=-1"):
        await opened.get(f"/prompts/{SLUG}?{query}")

    by_id = await opened.get(f"/prompts/{opened.watcher.current.prompts[SLUG].id}")
    assert lines(by_id)[0] == four

    everything = await opened.get("/prompts")
    assert lines(everything)[0].startswith("Support pp-support-a1b2 gpt-4o v3 of 4 staging v4 20 10.0 %")


async def test_prompts_that_are_in_one_place_only(opened: Pages, empty_store: RunningStore) -> None:
    opened.watcher.current = snapshot(prompt("pp-new", v1="Hello"))
    talks.write(empty_store.settings, [called(1, "2", "pp-old"), called(2, "", "pp-old")])
    page = await opened.get("/prompts")
    old, new = lines(page)
    assert old.startswith("pp-old not in the registry – – 2 ")
    assert new.startswith("Pp-New pp-new gpt-4o v1 of 1 0 – – – –")
    deleted = await opened.get("/prompts/pp-old")
    assert lines(deleted)[0].startswith("v2 gpt-4o 1 ")
    assert lines(deleted)[1].startswith("no version gpt-4o 1 ")
    assert "What changed" not in deleted.text
    assert "Nobody called it in the last 30 days" in (await opened.get("/prompts/pp-new")).text
    await opened.get("/prompts/pp-none", 404)
    found = await opened.get("/prompts?search=NEW")
    assert len(lines(found)) == 1
    assert "No such prompt" in (await opened.get("/prompts?search=zzz")).text


async def test_nothing_yet(empty_pages: Pages) -> None:
    page = await empty_pages.get("/prompts")
    assert "No prompts yet" in page.text
    assert "tracer prompts push prompts/" in page.text


@pytest.mark.parametrize(
    "text",
    ['[{"role":"user","content":[{"type":"text","text":"Hi {{name}}"}]}]', "Hi {{name}}", '[{"x": 1}]', "[", "[]", '"x"', ""],
)
async def test_templates_of_every_form(opened: Pages, text: str) -> None:
    opened.watcher.current = snapshot(prompt("pp-x", v1=text, v2=text + " "))
    page = await opened.get("/prompts/pp-x")
    assert len(page.all("article")) == 1
    if "name" in text:
        assert page.one("span", class_="t-tag").text == "{{name}}"


async def test_raw_templates(opened: Pages) -> None:
    version = PromptVersion(
        1, '[{{#each}}{"role":"user"},{{/each}}]', raw=True, tools=({"type": "function"},), tool_choice="auto"
    )
    opened.watcher.current = snapshot(Prompt("i", "pp-x", "X", "", 1, {1: version}))
    page = await opened.get("/prompts/pp-x")
    assert words(page.one("article")).startswith("raw template [ {{#each}} ")
    assert '"tool_choice": "auto"' in page.text


async def test_hostile_texts_stay_texts(opened: Pages, empty_store: RunningStore) -> None:
    version = PromptVersion(1, HOSTILE, {HOSTILE: HOSTILE}, labels=frozenset({HOSTILE}), provider=HOSTILE, description=HOSTILE)
    message = '[{"role":"<xss-probe onclick=alert(1)>","content":"{{<xss-probe onclick=alert(1)>}}"}]'
    hostile = Prompt("i", "pp-x", HOSTILE, HOSTILE, 2, {1: version, 2: PromptVersion(2, message)})
    opened.watcher.current = snapshot(hostile)
    talks.write(empty_store.settings, [hostile_call(1), hostile_call(2, prompt_id="pp-x")])
    page = await opened.get("/prompts")
    assert page.text.count("<xss-probe onclick=alert(1)>") > 3
    for query in ("", "?version=1&with=2", "?version=2"):
        page = await opened.get(f"/prompts/pp-x{query}")
        assert page.text.count("<xss-probe onclick=alert(1)>") > 3


async def test_prompts_of_another_workspace_are_not_there(opened: Pages, empty_store: RunningStore) -> None:
    key = Key("key_1", "mine", "b" * 64, workspace="w")
    opened.watcher.current = snapshot(prompt("pp-ours", "w", v1="a"), prompt("pp-theirs", "x", v1="SECRET"), keys=(key,))
    talks.write(
        empty_store.settings,
        [
            called(1, "1", "pp-ours", key_id="key_1"),
            called(2, "1", "pp-ours", key_id="key_2"),
            called(3, "1", "pp-theirs", key_id="key_2"),
        ],
    )
    opened.log_in(key)
    page = await opened.get("/prompts")
    assert len(lines(page)) == 1
    assert lines(page)[0].startswith("Pp-Ours")
    assert "pp-theirs" not in page.source
    assert lines(await opened.get("/prompts/pp-ours"))[0].startswith("v1 published gpt-4o 1 ")
    await opened.get("/prompts/pp-theirs", 404)
