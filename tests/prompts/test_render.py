"""Saved parameters, the request's body and the template, merged in Portkey's order."""

import pytest

from tests.prompts.asking import asked, prompt, version
from tracer.prompts.render import rendered, wanted
from tracer.proxy.refused import Refused

GREET = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi {{name}}"}]


def said(name: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": "Be kind."}, {"role": "user", "content": f"Hi {name}"}]


def test_all_of_it_at_once() -> None:
    made = version(
        GREET,
        number=12,
        parameters={"model": "gpt-4o", "temperature": 0.2, "max_tokens": 256, "stream": True, "name": "default", "top_p": 1},
        provider="openai",
        tools=({"type": "function", "function": {"name": "t"}},),
        functions=({"name": "f"},),
        tool_choice="auto",
    )
    body = {
        "variables": {"name": "Ada"},
        "prompt_id": "pp-greet-abc123",
        "temperature": 0.9,
        "user": "u-1",
        "unknown_field": {"kept": True},
        "tool_choice": "none",
        "top_p": None,
    }
    got = wanted(prompt(made), made, body, {}.get)
    assert got.path == "/v1/chat/completions"
    assert got.body == {
        "model": "gpt-4o",
        "temperature": 0.9,
        "max_tokens": 256,
        "top_p": None,
        "user": "u-1",
        "unknown_field": {"kept": True},
        "tools": [{"type": "function", "function": {"name": "t"}}],
        "functions": [{"name": "f"}],
        "tool_choice": "none",
        "messages": said("Ada"),
    }
    assert (got.provider, got.prompt_id, got.prompt_version, got.notes) == ("openai", "pp-greet-abc123", "12", ())
    assert body["variables"] == {"name": "Ada"}, "the request's own body is as it was"


@pytest.mark.parametrize("sent", [{}, {"stream": False}, {"stream": True}, {"stream": None}])
def test_only_the_request_decides_about_the_stream(sent: dict[str, object]) -> None:
    made = version(GREET, parameters={"stream": True, "stream_options": {"include_usage": True}})
    assert asked(made, sent).body == {**sent, "stream_options": {"include_usage": True}, "messages": said("")}


@pytest.mark.parametrize("variables", [{}, {"variables": None}, {"variables": {}}])
def test_variables_may_be_absent(variables: dict[str, object]) -> None:
    assert asked(version(GREET), variables).body == {"messages": said("")}


def test_the_templates_messages_win_and_the_row_says_so() -> None:
    got = asked(version(GREET), {"messages": [{"role": "user", "content": "mine"}]})
    assert got.body == {"messages": said("")}
    assert got.notes == ("messages of the request: replaced by the prompt's",)


def test_a_text_template() -> None:
    got = asked(version("Write about {{x}}.", parameters={"model": "m"}), {"variables": {"x": 'a "b"\n'}, "prompt": "mine"})
    assert got.path == "/v1/completions"
    assert got.body == {"model": "m", "prompt": 'Write about a "b"\n.'}
    assert got.notes == ("prompt of the request: replaced by the prompt's",)


def test_an_azure_alias_is_the_model() -> None:
    made = version(GREET, parameters={"model": "gpt-4o"}, template_metadata={"azure_alias": "deployed"})
    assert asked(made, {"model": "mine"}).body["model"] == "deployed"
    made = version(GREET, parameters={"model": "gpt-4o"}, template_metadata={"azure_alias": ""})
    assert asked(made, {"model": "mine"}).body["model"] == "mine"


@pytest.mark.parametrize(
    ("template", "saved", "left"),
    [
        ("{{name}} {{#items}}{{price}}{{/items}}", {"name": "", "items": "1", "price": None, "model": "m"}, {"model": "m"}),
        ("{{user.name}} {{model}}", {"user": "u", "model": "m"}, {"user": "u", "model": "m"}),
        ("{{user}} {{stop}}", {"user": "", "stop": ""}, {}),
        ("{{>>part}}", {"part": "p", "x": ""}, {"x": ""}),
    ],
)
def test_saved_defaults_of_variables_stay_behind(template: str, saved: dict[str, object], left: dict[str, object]) -> None:
    got = asked(version(template, parameters=saved), {"variables": {"part": "p"}}, {"p": "text"})
    assert got.body == {**left, "prompt": got.body["prompt"]}


def test_a_root_key_named_as_a_variable_goes_up() -> None:
    """Unlike a saved default, the caller meant it."""
    got = asked(version("{{name}}", parameters={"name": "default"}), {"variables": {"name": "v"}, "name": "root"})
    assert got.body == {"name": "root", "prompt": "v"}


def test_saved_values_are_never_changed() -> None:
    saved = {"model": "m", "stream": True}
    made = version(GREET, parameters=saved, tools=({"a": 1},))
    got = asked(made, {"model": "mine"}).body
    got["tools"].append("changed")  # type: ignore[attr-defined]
    assert saved == {"model": "m", "stream": True}
    assert asked(made).body == {"model": "m", "tools": [{"a": 1}], "messages": said("")}


@pytest.mark.parametrize(("body", "what"), [([], "the body"), ("text", "the body"), (3, "the body"), (None, "the body")])
def test_a_body_that_is_no_object(body: object, what: str) -> None:
    made = version(GREET)
    with pytest.raises(Refused, match=f"{what}: should be a JSON object") as refused:
        wanted(prompt(made), made, body, {}.get)
    assert (refused.value.status, refused.value.kind) == (400, "bad_body")


@pytest.mark.parametrize("variables", [[], "text", 3, True, ""])
def test_variables_that_are_no_object(variables: object) -> None:
    with pytest.raises(Refused, match="variables: should be a JSON object") as refused:
        asked(version(GREET), {"variables": variables})
    assert (refused.value.status, refused.value.kind) == (400, "bad_variables")


def test_the_reply_of_render() -> None:
    got = asked(version(GREET, parameters={"model": "m"}), {"variables": {"name": "Ada"}, "stream": False, "prompt_id": "x"})
    assert rendered(got) == {"success": True, "data": {"model": "m", "stream": False, "messages": said("Ada")}}
