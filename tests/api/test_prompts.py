"""Prompts, partials, labels and collections as Portkey's own SDK and its Terraform provider manage them."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import orjson
import portkey_ai
import pytest
from aiohttp import web
from portkey_ai.api_resources.exceptions import APIStatusError, ConflictError, NotFoundError
from yarl import URL

from tests.api.serving import Served, serving
from tracer.api import collections, labels, prompts
from tracer.api.collections import Collections
from tracer.api.labels import Labels
from tracer.api.prompts import Prompts
from tracer.config import Settings
from tracer.registry.database import UNIVERSAL_LABELS, Database
from tracer.registry.records import Caller
from tracer.registry.snapshot import Watcher

CHAT = '[{"role": "system", "content": "{{>pl-x@2}}"}, {"role": "user", "content": "{{#more}}{{topic}}{{/more}}"}]'
TEAM_A = Caller("key_a", workspace="a", admin=True)
TEAM_B = Caller("key_b", workspace="b", admin=True)
READER = Caller("key_r", workspace="a", admin=False)


@pytest.fixture
async def watcher(settings: Settings) -> AsyncIterator[Watcher]:
    database = Database(settings)
    made = Watcher(database)
    await made.refresh()
    yield made
    await database.close()


@pytest.fixture
async def served(watcher: Watcher) -> AsyncIterator[Served]:
    found = {
        prompts.PATH: Prompts(watcher._database, watcher),
        labels.PATH: Labels(watcher._database, watcher),
        collections.PATH: Collections(watcher._database, watcher),
    }

    async def by_prefix(request: web.BaseRequest, caller: Caller) -> web.StreamResponse:
        return await next(endpoint for path, endpoint in found.items() if request.path.startswith(path))(request, caller)

    async with serving(by_prefix) as running:
        yield running


@pytest.fixture
async def portkey(served: Served) -> AsyncIterator[portkey_ai.AsyncPortkey]:
    client = portkey_ai.AsyncPortkey(api_key="x", base_url=f"{served.url}/v1")
    yield client
    await client.close()


async def ask(served: Served, method: str, path: str, body: object = None, **query: str) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else None
    url = URL(served.url + path, encoded=True).with_query(query) if query else URL(served.url + path, encoded=True)
    async with served.client.request(method, url, data=data) as got:
        return got.status, orjson.loads(await got.read() or b"{}")


async def made(portkey: portkey_ai.AsyncPortkey, name: str = "Gira summarize", **more: Any) -> Any:
    folder = await portkey.collections.create(name="Support")
    given = {"parameters": {"temperature": 0.5, "topic": ""}, "model": "gpt-4o", "virtual_key": "openai", **more}
    return await portkey.prompts.create(name=name, collection_id=folder.id, string=CHAT, **given)


def is_time(text: str) -> bool:
    return datetime.fromisoformat(text).utcoffset() is not None


# Portkey's Python SDK


async def test_the_life_of_a_prompt(portkey: portkey_ai.AsyncPortkey, watcher: Watcher) -> None:
    new = await made(portkey, tools=[{"type": "function", "function": {"name": "f"}}], version_description="first")
    assert new.object == "prompt"
    assert watcher.current.prompts[new.slug].versions[1].string == CHAT, "callable as soon as it is created"

    read = await portkey.prompts.retrieve(new.slug)
    assert (read.id, read.slug, read.name, read.status) == (new.id, new.slug, "Gira summarize", "active")
    assert (read.prompt_version, read.prompt_version_id, read.prompt_version_status) == (1, new.version_id, "active")
    assert (read.string, read.model, read.virtual_key) == (CHAT, "gpt-4o", "openai")
    assert (read.is_raw_template, read.prompt_version_description) == (0, "first")
    # The SDK leaves empty strings out of what it sends.
    assert read.parameters == {"temperature": 0.5, "model": "gpt-4o"}
    assert read.variable_components == {
        "variables": ["more", "topic"],
        "partials": ["pl-x@2"],
        "sections": ["more"],
        "sectionVariables": {"more": ["topic"]},
        "variablePartials": [],
    }
    assert is_time(read.created_at)
    assert is_time(read.last_updated_at)

    updated = await portkey.prompts.update(new.slug, string="[]", parameters={"temperature": 1})
    assert (updated.id, updated.slug) == (new.id, new.slug)
    assert (await portkey.prompts.retrieve(new.slug)).prompt_version == 1, "an update is not published"
    await portkey.prompts.publish(new.slug, version=2)
    read = await portkey.prompts.retrieve(new.id)
    assert (read.prompt_version, read.prompt_version_id, read.string) == (2, updated.prompt_version_id, "[]")
    assert read.parameters == {"temperature": 1, "model": "gpt-4o"}
    assert read.tools == [{"type": "function", "function": {"name": "f"}}], "what an update leaves out is inherited"
    assert watcher.current.prompts[new.slug].published == 2

    listed = await portkey.prompts.list(search="GIRA", page_size=10)
    assert (listed.object, listed.total) == ("list", 1)
    assert {**listed.data[0], "last_updated_at": ""} == {
        "id": new.id,
        "slug": new.slug,
        "name": "Gira summarize",
        "collection_id": read.collection_id,
        "workspace_id": "",
        "model": "gpt-4o",
        "status": "active",
        "created_at": read.created_at,
        "last_updated_at": "",
        "object": "prompt",
    }
    await portkey.prompts.delete(new.slug)
    with pytest.raises(NotFoundError, match="Invalid prompt id"):
        await portkey.prompts.retrieve(new.slug)
    assert not watcher.current.prompts


async def test_versions_and_labels(portkey: portkey_ai.AsyncPortkey, watcher: Watcher) -> None:
    new = await made(portkey)
    second = await portkey.prompts.update(new.slug, string="[]")
    all_labels = await portkey.labels.list()
    assert {label["name"] for label in all_labels.data if label["is_universal"]} == set(UNIVERSAL_LABELS)
    assert all_labels.total == 3
    qa = await portkey.labels.create(name="qa", description="tested", color_code="#00ff00")
    await portkey.prompts.versions.update(new.slug, second.prompt_version_id, label_id=qa.id)

    versions = await portkey.prompts.versions.list(new.slug)
    assert (versions.object, versions.total) == ("list", 2)
    assert [version["prompt_version"] for version in versions.data] == [2, 1], "newest first"
    newest = versions.data[0]
    assert (newest["id"], newest["prompt_id"], newest["label_id"]) == (second.prompt_version_id, new.id, qa.id)
    assert (newest["prompt_template"], newest["object"], newest["status"]) == ("[]", "prompt", "active")
    assert versions.data[1]["label_id"] is None
    one = await portkey.prompts.versions.retrieve(new.slug, second.prompt_version_id)
    assert (one.prompt_version, one.prompt_version_labels) == (2, [{"id": qa.id, "name": "qa"}])
    assert watcher.current.prompts[new.slug].versions[2].labels == {"qa"}

    await portkey.labels.update(qa.id, name="tested")
    label = await portkey.labels.retrieve(qa.id)
    assert (label.name, label.description, label.color_code, label.is_universal) == ("tested", "tested", "#00ff00", False)
    assert watcher.current.prompts[new.slug].versions[2].labels == {"tested"}
    await portkey.labels.delete(qa.id)
    assert not watcher.current.prompts[new.slug].versions[2].labels
    with pytest.raises(NotFoundError):
        await portkey.labels.retrieve(qa.id)
    with pytest.raises(APIStatusError, match="stays"):
        await portkey.labels.delete(UNIVERSAL_LABELS["production"])
    with pytest.raises(ConflictError):
        await portkey.labels.create(name="production")


async def test_partials(portkey: portkey_ai.AsyncPortkey, watcher: Watcher) -> None:
    new = await portkey.prompts.partials.create(name="Tone", string="Be {{how}}.", version_description="first")
    updated = await portkey.prompts.partials.update(new.slug, string="Be brief.", description="second")
    read = await portkey.prompts.partials.retrieve(new.slug)
    assert (read.id, read.slug, read.name, read.string, read.version) == (new.id, new.slug, "Tone", "Be {{how}}.", 1)
    assert read.prompt_partial_version_id == new.version_id
    await portkey.prompts.partials.publish(new.slug, version=2)
    read = await portkey.prompts.partials.retrieve(new.id)
    assert (read.string, read.version, read.prompt_partial_version_id) == ("Be brief.", 2, updated.prompt_partial_version_id)
    assert (read.version_description, read.status) == ("second", "active")
    assert watcher.current.partials[new.slug].versions == {1: "Be {{how}}.", 2: "Be brief."}
    listed = await portkey.prompts.partials.list()
    assert (listed.total, listed.data[0]["slug"]) == (1, new.slug)
    versions = await portkey.prompts.partials.versions.list(new.slug)
    assert [(one["version"], one["prompt_partial_version_id"]) for one in versions.data] == [
        (2, updated.prompt_partial_version_id),
        (1, new.version_id),
    ]
    await portkey.prompts.partials.delete(new.slug)
    with pytest.raises(NotFoundError):
        await portkey.prompts.partials.retrieve(new.slug)
    assert not watcher.current.partials


async def test_collections(portkey: portkey_ai.AsyncPortkey) -> None:
    outer = await portkey.collections.create(name="Support", workspace_id="a")
    inner = await portkey.collections.create(name="Escalations", parent_collection_id=outer.id)
    assert outer.slug.startswith("support-")
    new = await portkey.prompts.create(name="x", collection_id=inner.slug, string="[]", parameters={})
    assert (await portkey.prompts.list(collection_id=inner.id)).total == 1
    assert (await portkey.prompts.list(collection_id=outer.id)).total == 0
    listed = await portkey.collections.list(search="esc")
    assert listed.data[0]["parent_collection_id"] == outer.id
    assert listed.data[0]["collection_details"]["prompts_count"] == 1
    read = await portkey.collections.retrieve(outer.id)
    assert (read.workspace_id, read.is_default, read.status, read.parent_collection_id) == ("a", 0, "active", None)
    assert [child["id"] for child in read.child_collections] == [inner.id]
    await portkey.collections.update(outer.id, name="Help")
    assert (await portkey.collections.retrieve(outer.slug)).name == "Help"
    with pytest.raises(ConflictError):
        await portkey.collections.delete(outer.id)
    await portkey.prompts.delete(new.slug)
    await portkey.collections.delete(inner.id)
    await portkey.collections.delete(outer.id)
    assert (await portkey.collections.list()).total == 0


def blocking_life(url: str) -> list[str]:
    """The SDK's blocking half."""
    portkey = portkey_ai.Portkey(api_key="x", base_url=f"{url}/v1")
    folder = portkey.collections.create(name="c")
    new = portkey.prompts.create(name="n", collection_id=folder.id, string="[]", parameters={"model": "m"})
    portkey.prompts.update(new.slug, parameters={"model": "m2"})
    portkey.prompts.publish(new.slug, version=2)
    read = portkey.prompts.retrieve(new.slug)
    found = [read.model, *(one["slug"] for one in portkey.prompts.list(page_size=5, current_page=0).data)]
    portkey.prompts.delete(new.slug)
    portkey.close()
    return [*found, new.slug]


async def test_the_blocking_sdk(served: Served) -> None:
    model, listed, slug = await asyncio.to_thread(blocking_life, served.url)
    assert (model, listed) == ("m2", slug)


# Terraform's provider, whose requests differ


async def test_terraforms_requests(served: Served) -> None:
    _, folder = await ask(served, "POST", "/v1/collections", {"name": "c", "workspace_id": ""})
    body = {"name": "n", "collection_id": folder["id"], "string": "Hi", "parameters": {}, "model": "m", "virtual_key": "v"}
    _, new = await ask(served, "POST", "/v1/prompts", body)
    # A new name alone comes with null parameters, and makes no version.
    assert await ask(served, "PUT", f"/v1/prompts/{new['slug']}", {"name": "n2", "parameters": None}) == (200, {})
    change = {"string": "Ho", "model": "m2", "virtual_key": "v", "parameters": {"top_p": 1}, "is_raw_template": 0}
    _, updated = await ask(served, "PUT", f"/v1/prompts/{new['slug']}", change)
    assert await ask(served, "PUT", f"/v1/prompts/{new['slug']}/makeDefault", {"version": 2}) == (200, {})
    _, read = await ask(served, "GET", f"/v1/prompts/{new['slug']}")
    assert (read["name"], read["prompt_version"], read["prompt_version_id"]) == ("n2", 2, updated["prompt_version_id"])
    assert (read["string"], read["model"], read["parameters"]) == ("Ho", "m2", {"top_p": 1, "model": "m2"})
    _, first = await ask(served, "GET", f"/v1/prompts/{new['slug']}", version="1")
    assert (first["string"], first["prompt_version"]) == ("Hi", 1)
    # What Go reads into an int, a string or a time must be one.
    for key in ("is_raw_template", "prompt_version"):
        assert type(read[key]) is int
    assert is_time(read["created_at"])
    assert type((await ask(served, "GET", f"/v1/collections/{folder['id']}"))[1]["is_default"]) is int
    for path in ("/v1/prompts", "/v1/prompts/partials", "/v1/collections", "/v1/labels"):
        status, listed = await ask(served, "GET", path)
        assert status == 200
        assert isinstance(listed["data"], list)


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        ({"is_raw_template": 1}, 1),
        ({"is_raw_template": True}, 1),
        ({"is_raw_template": False}, 0),
        ({"template_metadata": {"is_raw_template": 1}}, 1),
        ({"prompt_metadata": {"is_raw_template": 1}}, 1),
        ({}, 0),
    ],
)
async def test_every_way_to_say_raw(served: Served, body: dict[str, object], raw: int) -> None:
    _, new = await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x", **body})
    assert (await ask(served, "GET", f"/v1/prompts/{new['slug']}"))[1]["is_raw_template"] == raw


async def test_parameters_that_are_variables_stay_in_the_record(served: Served, watcher: Watcher) -> None:
    parameters = {"model": "m", "topic": "", "temperature": 0}
    _, new = await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "{{topic}}", "parameters": parameters})
    assert (await ask(served, "GET", f"/v1/prompts/{new['slug']}"))[1]["parameters"] == parameters
    assert watcher.current.prompts[new["slug"]].versions[1].parameters == {"model": "m", "temperature": 0}


async def test_labels_come_off(served: Served) -> None:
    _, new = await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x"})
    path = f"/v1/prompts/{new['slug']}/versions/{new['version_id']}"
    assert await ask(served, "PUT", path, {"label_id": UNIVERSAL_LABELS["staging"]}) == (200, {})
    assert (await ask(served, "GET", path))[1]["prompt_version_label_name"] == "staging"
    assert await ask(served, "PUT", path, {"label_id": None}) == (200, {})
    assert (await ask(served, "GET", path))[1]["prompt_version_label_id"] is None
    assert (await ask(served, "PUT", path, {}))[0] == 400


async def test_a_slug_may_be_brought_along(served: Served) -> None:
    body = {"name": "n", "string": "x", "slug": "pp-old-portkey-1a2b3c"}
    assert (await ask(served, "POST", "/v1/prompts", body))[1]["slug"] == "pp-old-portkey-1a2b3c"
    status, error = await ask(served, "POST", "/v1/prompts", body)
    assert (status, error["error"]["code"]) == (409, "AB07")


async def test_pages_and_the_bare_question_mark(served: Served) -> None:
    for n in range(3):
        await ask(served, "POST", "/v1/prompts", {"name": f"n{n}", "string": "x"})
    assert (await ask(served, "GET", "/v1/prompts?"))[1]["total"] == 3
    names = []
    for page in ("0", "1", "2"):
        _, listed = await ask(served, "GET", "/v1/prompts", page_size="2", current_page=page)
        assert listed["total"] == 3
        names += [one["name"] for one in listed["data"]]
    assert sorted(names) == ["n0", "n1", "n2"]
    for query in ({"page_size": "-1"}, {"current_page": "x"}, {"page_size": "²"}):
        assert (await ask(served, "GET", "/v1/prompts", **query))[0] == 400
    assert (await ask(served, "GET", "/v1/prompts", page_size="9" * 50, current_page="9" * 50))[1]["data"] == []


# Who may do what


async def test_another_workspace_sees_nothing(served: Served) -> None:
    served.caller = TEAM_A
    _, folder = await ask(served, "POST", "/v1/collections", {"name": "c"})
    _, label = await ask(served, "POST", "/v1/labels", {"name": "qa"})
    _, partial = await ask(served, "POST", "/v1/prompts/partials", {"name": "p", "string": "x"})
    _, new = await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x", "collection_id": folder["id"]})
    paths = [
        f"/v1/collections/{folder['id']}",
        f"/v1/labels/{label['id']}",
        f"/v1/prompts/partials/{partial['slug']}",
        f"/v1/prompts/{new['slug']}",
        f"/v1/prompts/{new['id']}/versions",
    ]
    assert [(await ask(served, "GET", path))[0] for path in paths] == [200] * 5
    served.caller = TEAM_B
    for path in paths:
        found = await ask(served, "GET", path)
        *start, last = path.removesuffix("/versions").split("/")
        missing = "/".join([*start, "0" * len(last)]) + ("/versions" if path.endswith("/versions") else "")
        assert found[0] == 404
        assert found == await ask(served, "GET", missing), "the same words as for what does not exist"
    for method in ("PUT", "DELETE"):
        for path in paths[:4]:
            assert (await ask(served, method, path, {"name": "mine"}))[0] == 404
    for path, own in (("/v1/prompts", 0), ("/v1/prompts/partials", 0), ("/v1/collections", 0), ("/v1/labels", 3)):
        assert (await ask(served, "GET", path))[1]["total"] == own
        assert (await ask(served, "GET", path, workspace_id="a"))[1]["data"] == []
    body = {"name": "n", "string": "x", "workspace_id": "a"}
    assert (await ask(served, "POST", "/v1/prompts", body))[0] == 404
    assert (await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x", "collection_id": folder["id"]}))[0] == 404
    served.caller = Caller()
    assert (await ask(served, "GET", "/v1/prompts", workspace_id="a"))[1]["total"] == 1
    assert (await ask(served, "GET", "/v1/prompts", workspace_id="b"))[1]["total"] == 0


async def test_only_administrators_change_things(served: Served) -> None:
    served.caller = TEAM_A
    _, new = await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x"})
    served.caller = READER
    assert (await ask(served, "GET", f"/v1/prompts/{new['slug']}"))[0] == 200
    for method, path in (
        ("POST", "/v1/prompts"),
        ("PUT", f"/v1/prompts/{new['slug']}"),
        ("DELETE", f"/v1/prompts/{new['slug']}"),
        ("PUT", f"/v1/prompts/{new['slug']}/makeDefault"),
        ("POST", "/v1/labels"),
        ("POST", "/v1/collections"),
        ("POST", "/v1/prompts/partials"),
    ):
        status, error = await ask(served, method, path, {"name": "x", "string": "x", "version": 1})
        assert (status, error["error"]["code"]) == (403, "AB03")


# What goes wrong


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b'"x"', "JSON object"),
        (b"[" * 5000, "not JSON"),
        ({"string": "x"}, "`name` is missing"),
        ({"name": "n"}, "`string` is missing"),
        ({"name": 1, "string": "x"}, "`name` should be a string"),
        ({"name": "", "string": "x"}, "a name should have"),
        ({"name": "n", "string": "x", "parameters": []}, "`parameters` should be an object"),
        ({"name": "n", "string": "x", "parameters": "{}"}, "`parameters` should be an object"),
        ({"name": "n", "string": "x", "tools": {}}, "`tools` should be a list"),
        ({"name": "n", "string": "x", "tool_choice": 1}, "`tool_choice` should be an object or a string"),
        ({"name": "n", "string": "x", "is_raw_template": "yes"}, "`is_raw_template` should be 0 or 1"),
        ({"name": "n", "string": "a\0"}, "NUL"),
        ({"name": "n", "string": "x", "workspace_id": "a\0"}, "control characters"),
        ({"name": "n", "string": "x", "slug": "../x"}, "cannot be a slug"),
        (b'{"name": "n", "string": "x", "parameters": {"a": ' + b"[" * 400 + b"]" * 400 + b"}}", "cannot be kept"),
    ],
)
async def test_bodies_that_make_no_sense(served: Served, body: object, says: str) -> None:
    status, error = await ask(served, "POST", "/v1/prompts", body)
    assert (status, error["error"]["code"]) == (400, "AB01")
    assert says in error["message"] == error["error"]["message"]
    assert (await ask(served, "GET", "/v1/prompts"))[1]["total"] == 0


async def test_a_body_that_is_too_large(served: Served) -> None:
    async with served.client.post(f"{served.url}/v1/prompts", data=io.BytesIO(b" " * (5 << 20))) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("version", [0, -1, 2, 2**40, "1", 1.0, True, None])
async def test_versions_that_cannot_be_published(served: Served, version: object) -> None:
    _, new = await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x"})
    status, _ = await ask(served, "PUT", f"/v1/prompts/{new['slug']}/makeDefault", {"version": version})
    assert status == (404 if type(version) is int else 400)


@pytest.mark.parametrize(
    "path",
    [
        "a%2fb",
        "..",
        "%2e%2e",
        "%2e%2e%2fpartials",
        "x/versions/../y",
        "%00",
        "'%20OR%201=1--",
        "x@1",
        "a/b/c/d",
        "%ff",
        "partials/%00",
    ],
)
async def test_paths_that_lead_nowhere(served: Served, path: str) -> None:
    await ask(served, "POST", "/v1/prompts", {"name": "n", "string": "x"})
    for method in ("GET", "PUT", "DELETE"):
        assert (await ask(served, method, f"/v1/prompts/{path}", {"name": "x"} if method == "PUT" else None))[0] in (404, 405)
    assert (await ask(served, "GET", "/v1/prompts"))[1]["total"] == 1


async def test_methods(served: Served) -> None:
    assert (await ask(served, "PATCH", "/v1/prompts"))[0] == 405
    assert (await ask(served, "POST", "/v1/labels/x", {}))[0] == 405
    async with served.client.head(f"{served.url}/v1/prompts") as answer:
        assert answer.status == 200


async def test_a_database_that_is_away(load_settings: Any, free_port: Any) -> None:
    database = Database(load_settings(TRACER_DATABASE=f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x"))
    async with serving(Prompts(database, Watcher(database))) as served:
        for method in ("GET", "POST"):
            status, error = await ask(served, method, "/v1/prompts", {"name": "n", "string": "x"})
            assert status == 503
            assert "hunter2" not in error["message"]
    await database.close()
