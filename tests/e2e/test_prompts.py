"""Prompts by Portkey's SDKs, unmodified: made, versioned, labelled, called, rendered, and answered by the real model."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from portkey_ai.api_resources.exceptions import NotFoundError

from tests.e2e.asked import SIMPLE
from tests.e2e.node import Node, do
from tests.e2e.portkey import portkey
from tests.e2e.stack import Stack
from tracer.demo import model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first test that needs them installs the SDKs for Node

TEMPLATE = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say: {{what}}{{#loud}}!{{/loud}}"}]
# As Portkey keeps them: beside what is for the provider, the variables' defaults, and a wish to stream that is not obeyed.
SAVED = {"model": model.NAME, "max_tokens": 8, "seed": 1, "temperature": 0, "stream": True, "what": "", "loud": ""}
AWKWARD = 'a "quoted" \\ <b>&amp;</b>\n\tline {{what}} é'


@pytest.fixture
def client(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Any]:
    with portkey(stack, request.node.name) as made:
        yield made


def make(client: Any, template: list[dict[str, Any]] = TEMPLATE, **more: Any) -> Any:
    folder = client.collections.create(name="e2e")
    wanted = {"name": "Say", "collection_id": folder.id, "parameters": SAVED, "virtual_key": "", **more}
    return client.prompts.create(string=json.dumps(template), **wanted)


def up(stack: Stack, row: dict[str, Any]) -> dict[str, Any]:
    """What went to the model."""
    sent: dict[str, Any] = json.loads(stack.body_of(row)["request_body"])
    return sent


def test_what_a_call_of_a_prompt_sends_up(stack: Stack, client: Any, request: pytest.FixtureRequest) -> None:
    """The saved parameters without variables and `stream`, what the call overrides, and values as they are."""
    made = make(client)
    plain = client.prompts.completions.create(prompt_id=made.slug, variables={"what": AWKWARD, "loud": True})
    other = [{"role": "user", "content": "never mind"}]
    chunks = list(
        client.prompts.completions.create(
            prompt_id=made.slug, variables={"what": "x"}, stream=True, max_tokens=4, user="ada", messages=other
        )
    )
    assert plain.get_headers() == {"trace-id": request.node.name, "cache-status": "DISABLED"}
    assert plain.choices[0].message.content
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) == 4
    first, second = stack.wait_for_calls(2, f"trace_id = '{request.node.name}'")
    for row in (first, second):
        assert (row["prompt_id"], row["prompt_version"], row["door"]) == (made.slug, "1", "prompts")
        assert (row["operation"], row["outcome"]) == ("chat", "ok")
        assert float(row["cost_usd"]) > 0
    assert up(stack, first) == {
        "model": model.NAME,
        "max_tokens": 8,
        "seed": 1,
        "temperature": 0,
        "stream": False,
        "messages": [TEMPLATE[0], {"role": "user", "content": f"Say: {AWKWARD}!"}],
    }
    assert json.loads(stack.body_of(first)["original_body"])["variables"] == {"what": AWKWARD, "loud": True}
    sent = up(stack, second)
    assert (sent["max_tokens"], sent["user"], sent["stream"]) == (4, "ada", True)
    assert sent["messages"][1] == {"role": "user", "content": "Say: x"}  # and not what the call said
    assert any("messages" in note for note in second["notes"])
    assert second["user"] == "ada"


def test_missing_and_empty_variables_are_empty_text(stack: Stack, client: Any) -> None:
    """The SDK takes empty texts out of the variables before it sends them, so an error would break callers who are right."""
    made = make(client)
    for variables in ({"what": ""}, {}, {"unused": "x"}):
        rendered = client.prompts.render(prompt_id=made.slug, variables=variables)
        assert rendered.data.messages[1].content == "Say: "
    answer = client.prompts.completions.create(prompt_id=made.slug, variables={"what": ""})
    assert answer.choices[0].message.content


def test_versions_labels_and_who_is_called_by_them(stack: Stack, client: Any, request: pytest.FixtureRequest) -> None:
    slug = make(client).slug
    label = client.labels.create(name=f"canary-{slug[-6:]}")
    client.prompts.update(slug, string=json.dumps([{"role": "user", "content": "Second {{what}}"}]))
    newest = client.prompts.versions.list(prompt_slug=slug).data[0]
    assert newest["prompt_version"] == 2
    client.prompts.versions.update(prompt_slug=slug, version_id=newest["id"], label_id=label.id)
    called = ["", "@1", "@2", "@latest", f"@canary-{slug[-6:]}", "@default"]
    for tag in called:
        client.prompts.completions.create(prompt_id=slug + tag, variables={"what": "x"})
    client.prompts.publish(slug, version=2)
    client.prompts.completions.create(prompt_id=slug, variables={"what": "x"})
    rows = stack.wait_for_calls(7, f"trace_id = '{request.node.name}'")
    assert [row["prompt_version"] for row in rows] == ["1", "1", "2", "2", "2", "1", "2"]
    assert {row["prompt_id"] for row in rows} == {slug}


def test_lists_come_from_tracer_though_their_paths_end_with_a_question_mark(stack: Stack, client: Any) -> None:
    made = make(client)
    assert made.slug in [prompt["slug"] for prompt in client.prompts.list().data]
    assert {label["name"] for label in client.labels.list().data} >= {"production", "staging", "development"}
    assert client.collections.list().data
    assert client.prompts.partials.list() is not None
    assert client.configs.list() is not None


@pytest.mark.parametrize("flag", [1, True])
def test_a_raw_template_by_number_or_bool(stack: Stack, client: Any, node: Node, flag: int) -> None:
    raw = '[{{#turns}}{"role": "{{who}}", "content": "{{text}}"},{{/turns}} {"role": "user", "content": "and?"}]'
    wanted = {"name": "Raw", "string": raw, "parameters": SAVED, "virtual_key": "", "isRawTemplate": flag}
    (made,) = node.portkey(stack.url, do("prompts.create", wanted))
    turns = [{"who": "user", "text": 'a "b"'}, {"who": "assistant", "text": "c\n"}]
    rendered = client.prompts.render(prompt_id=made["reply"]["slug"], variables={"turns": turns})
    assert [message.content for message in rendered.data.messages] == ['a "b"', "c\n", "and?"]
    assert client.prompts.retrieve(prompt_slug=made["reply"]["slug"]).is_raw_template == 1


@pytest.mark.parametrize("name", ["pp-nobody-123456", "{slug}@99", "{slug}@no-such-label"])
def test_no_such_prompt_in_words_that_the_sdk_reads(client: Any, name: str) -> None:
    wanted = name.format(slug=make(client).slug)
    for call in (client.prompts.completions.create, client.prompts.render):
        with pytest.raises(NotFoundError, match="Invalid prompt id"):
            call(prompt_id=wanted, variables={"what": "x"})


def test_the_same_by_node(stack: Stack, node: Node) -> None:
    folder, *_ = node.portkey(stack.url, do("collections.create", {"name": "node"}))
    wanted = {"name": "Node", "collection_id": folder["reply"]["id"], "string": json.dumps(TEMPLATE), "parameters": SAVED}
    (created,) = node.portkey(stack.url, do("prompts.create", {**wanted, "virtual_key": ""}))
    slug = created["reply"]["slug"]
    asked = {"promptID": slug, "variables": {"what": AWKWARD, "empty": ""}}
    plain, streamed, rendered, listed, versions, changed, newest, published, after, unknown, left = node.portkey(
        stack.url,
        do("prompts.completions.create", asked),
        do("prompts.completions.create", {**asked, "stream": True, "maxTokens": 4}),
        do("prompts.render", asked),
        do("prompts.list", {"collection_id": folder["reply"]["id"]}),
        do("prompts.versions.list", slug),
        do("prompts.update", slug, {"string": json.dumps([{"role": "user", "content": "Second"}])}),
        do("prompts.completions.create", {**asked, "promptID": f"{slug}@latest"}),
        do("prompts.publish", slug, {"version": 2}),
        do("prompts.render", asked),
        do("prompts.completions.create", {**asked, "promptID": "pp-nobody-123456"}),
        do("prompts.completions.create", {**asked, "promptID": "pp-nobody-123456", "stream": True}),
        traceID="node-prompts",
    )
    assert plain["reply"]["choices"][0]["message"]["content"]
    assert plain["headers"] == {"trace-id": "node-prompts", "cache-status": "DISABLED"}
    assert len([chunk for chunk in streamed["chunks"] if chunk["choices"][0]["delta"].get("content")]) == 4
    expected = {"model": model.NAME, "max_tokens": 8, "seed": 1, "temperature": 0}
    messages = [TEMPLATE[0], {"role": "user", "content": f"Say: {AWKWARD}"}]
    assert rendered["reply"] == {"success": True, "data": {**expected, "messages": messages}}  # no prompt_id, which it sends
    assert [prompt["slug"] for prompt in listed["reply"]["data"]] == [slug]
    assert [version["prompt_version"] for version in versions["reply"]["data"]] == [1]
    assert changed["reply"]["slug"] == slug
    assert "error" not in newest
    assert "error" not in published
    assert after["reply"]["data"]["messages"] == [{"role": "user", "content": "Second"}]
    for gone in (unknown, left):
        assert (gone["error"]["status"], gone["error"]["message"]) == (404, "Invalid prompt id")
    rows = stack.wait_for_calls(5, "trace_id = 'node-prompts'")
    assert [row["prompt_version"] for row in rows] == ["1", "1", "2", "", ""]
    assert [row["outcome"] for row in rows] == ["ok", "ok", "ok", "refused", "refused"]
    assert up(stack, rows[0]) == {**expected, "stream": False, "messages": messages}
    assert rows[1]["max_tokens"] == 4


def test_a_prompt_is_cached_by_what_it_sends_up(stack: Stack, request: pytest.FixtureRequest) -> None:
    with portkey(stack, request.node.name, config=SIMPLE) as client:
        asked = {"prompt_id": make(client).slug, "variables": {"what": "cached"}}
        answers = [client.prompts.completions.create(**asked, **more) for more in ({}, {}, {"temperature": 0.5})]
    assert [answer.get_headers()["cache-status"] for answer in answers] == ["MISS", "HIT", "MISS"]
    rows = stack.wait_for_calls(3, f"trace_id = '{request.node.name}'")
    assert [row["cache_status"] for row in rows] == ["MISS", "HIT", "MISS"]
    assert {(row["prompt_id"], row["prompt_version"]) for row in rows} == {(asked["prompt_id"], "1")}
