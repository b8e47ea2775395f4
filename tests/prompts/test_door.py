"""The door: a path, a body and a caller in, a call of the provider out, from the snapshot of the moment."""

import pytest

from tests.prompts.asking import prompt, version
from tracer.prompts.door import PromptsDoor
from tracer.proxy.refused import Refused
from tracer.registry.records import EMPTY, Caller, Partial, Prompt, Snapshot

OLD = version([{"role": "user", "content": "Hi {{name}}{{>mark}}"}], 1, parameters={"model": "small"}, provider="groq")
NEW = version([{"role": "user", "content": "Hello {{name}}"}], 2, parameters={"model": "large"})


def snapshot(made: Prompt) -> Snapshot:
    return Snapshot(prompts={made.slug: made}, partials={"mark": Partial("id", "mark", "", 1, {1: "!"})})


def test_a_call() -> None:
    door = PromptsDoor(lambda: snapshot(prompt(OLD, NEW)))
    got = door.translate("/v1/prompts/pp-greet-abc123/completions", {"variables": {"name": "Ada"}, "stream": True}, Caller())
    assert got.body == {"model": "small", "stream": True, "messages": [{"role": "user", "content": "Hi Ada!"}]}
    assert (got.path, got.provider, got.prompt_id, got.prompt_version) == (
        "/v1/chat/completions",
        "groq",
        "pp-greet-abc123",
        "1",
    )


def test_render_shows_what_a_call_would_send() -> None:
    door = PromptsDoor(lambda: snapshot(prompt(OLD, NEW)))
    body = {"variables": {"name": "Ada"}, "prompt_id": "pp-greet-abc123@2"}
    assert door.render("/v1/prompts/pp-greet-abc123@2/render", body, Caller()) == {
        "success": True,
        "data": {"model": "large", "messages": [{"role": "user", "content": "Hello Ada"}]},
    }


def test_what_is_published_counts_at_once() -> None:
    current = [EMPTY]
    door = PromptsDoor(lambda: current[0])
    path = "/v1/prompts/pp-greet-abc123/completions"
    with pytest.raises(Refused, match="Invalid prompt id"):
        door.translate(path, {}, Caller())
    for published in (1, 2, 1):
        current[0] = snapshot(prompt(OLD, NEW, published=published))
        assert door.translate(path, {}, Caller()).prompt_version == str(published)


def test_an_unknown_prompt_is_told_before_a_bad_body() -> None:
    door = PromptsDoor(lambda: snapshot(prompt(OLD)))
    with pytest.raises(Refused) as refused:
        door.translate("/v1/prompts/pp-gone/completions", [], Caller())
    assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        door.render("/v1/prompts/pp-greet-abc123/render", {"variables": 1}, Caller())
    assert refused.value.status == 400
