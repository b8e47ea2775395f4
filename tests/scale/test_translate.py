"""The door as a whole: a request in SGP's dialect, the call that comes of it, and what the row is told."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.scale.doors import CHAT, LOCAL, MESSAGES, chat, door, faults, places
from tests.scale.test_validate import bodies
from tracer.proxy.refused import Refused
from tracer.proxy.route import Target
from tracer.scale.fields import FIELDS, Dialect, Do, Kind
from tracer.scale.translate import PATHS, SGP_HEADERS, ScaleDoor

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
# A door and a model name for each kind.
KINDS = {
    Kind.SELF_HOSTED: "smollm2",
    Kind.OPENAI: "openai/gpt-4o",
    Kind.ANTHROPIC: "anthropic/claude-sonnet-4-5",
    Kind.OTHER: "xai/grok-4",
}
# One fitting value for each chat field that passes somewhere.
VALUES: dict[str, Any] = {
    "audio": {"format": "wav", "voice": "alloy"},
    "best_of": 2,
    "chat_template": "{{ messages }}",
    "chat_template_kwargs": {"enable_thinking": False},
    "frequency_penalty": -0.5,
    "function_call": {"name": "f"},
    "functions": [{"name": "f"}],
    "guided_choice": ["yes", "no"],
    "guided_decoding_backend": "outlines",
    "guided_grammar": "root ::= 'a'",
    "guided_json": SCHEMA,
    "guided_regex": "[ab]",
    "guided_whitespace_pattern": " ?",
    "include_stop_str_in_output": True,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 5,
    "max_tokens": 5,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "n": 1,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "seed": 7,
    "stop": ["a", "b"],
    "store": False,
    "stream": True,
    "stream_options": {"include_usage": True},
    "suffix": "end",
    "temperature": 0.1,
    "tool_choice": "auto",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "top_k": 40,
    "top_logprobs": 2,
    "top_p": 0.9,
    "user": "u1",
}


def test_a_plain_call_names_what_the_client_sent_and_nothing_more() -> None:
    wanted = chat("openai/gpt-4o", temperature=0.2)
    assert wanted.path == "/v1/chat/completions"
    assert wanted.body == {"model": "gpt-4o", "messages": MESSAGES, "temperature": 0.2}
    assert wanted.provider == "openai"
    assert wanted.headers == ()
    assert wanted.time_limit_s is None
    assert wanted.notes == ()
    assert wanted.sentinel is False


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_to_every_kind_of_upstream(kind: Kind, name: str) -> None:
    """What the table says is what happens: the value passes, is named in a note, or is refused."""
    do = FIELDS[Dialect.CHAT][name].ways.of(kind)
    if do is Do.REFUSE:
        with pytest.raises(Refused) as caught:
            chat(KINDS[kind], **{name: VALUES[name]})
        assert places(caught.value) == [f"body.{name}"]
        assert caught.value.kind == "unsupported"
        return
    wanted = chat(KINDS[kind], **{name: VALUES[name]})
    plain = chat(KINDS[kind])
    if do is Do.PASS:
        assert wanted.body == {**plain.body, name: VALUES[name]}
        assert wanted.notes == plain.notes
        return
    assert name not in wanted.body
    (note,) = wanted.notes
    assert name in note
    assert (wanted.body == plain.body) is (do is Do.DROP or name == "guided_decoding_backend")


def test_every_row_is_among_the_values() -> None:
    ours = {"model", "messages", "memory_strategy", "inference_timeout", "inference_extra_headers", "inference_extra_params"}
    assert set(VALUES) | ours == {name for name in FIELDS[Dialect.CHAT] if "[]" not in name}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("kind", KINDS)
def test_null_never_hurts(kind: Kind, name: str) -> None:
    wanted = chat(KINDS[kind], **{name: None})
    passes = FIELDS[Dialect.CHAT][name].ways.of(kind) is Do.PASS
    assert (name in wanted.body) is passes
    assert wanted.notes == ()


def test_unknown_keys_pass() -> None:
    extra = {"service_tier": "flex", "verbosity": "low", "x": None, "messages[].role": 1}
    for model in KINDS.values():
        body = chat(model, **extra).body
        assert {name: body[name] for name in extra} == extra


@pytest.mark.parametrize(
    ("sent", "outputs"),
    [
        ({"guided_json": SCHEMA}, {"json": SCHEMA}),
        ({"guided_json": json.dumps(SCHEMA)}, {"json": json.dumps(SCHEMA)}),
        ({"guided_regex": "[ab]", "guided_decoding_backend": "outlines"}, {"regex": "[ab]"}),
        ({"guided_json": SCHEMA, "guided_whitespace_pattern": ""}, {"json": SCHEMA, "whitespace_pattern": ""}),
        ({"guided_choice": ["a"], "structured_outputs": {"choice": ["b"], "x": 1}}, {"choice": ["b"], "x": 1}),
        ({"guided_choice": ["a"], "structured_outputs": None}, {"choice": ["a"]}),
    ],
)
def test_guided_decoding_as_vllm_has_it_now(sent: dict[str, Any], outputs: dict[str, Any]) -> None:
    wanted = chat(**sent)
    assert wanted.body == {"model": "smollm2", "messages": MESSAGES, "structured_outputs": outputs}
    assert all(any(name in note for note in wanted.notes) for name in sent if name.startswith("guided"))


@pytest.mark.parametrize("old", [("*",), ("vllm",)])
def test_guided_decoding_as_an_old_vllm_has_it(old: tuple[str, ...]) -> None:
    sent = {"guided_json": SCHEMA, "guided_decoding_backend": "outlines", "guided_whitespace_pattern": " "}
    wanted = chat("m", at=door("vllm", scale_old_vllm=old), **sent)
    assert wanted.body == {"model": "m", "messages": MESSAGES, **sent}
    assert wanted.notes == ()


@pytest.mark.parametrize("strategy", [{"k": 1}, {"name": "last_k", "k": 1}, {"name": "last_k", "params": {"k": 1}}])
@pytest.mark.parametrize("path", ["/v4/beta/chat/completions", "/v5/chat/completions"])
def test_memory_strategy_in_both_shapes(path: str, strategy: dict[str, Any]) -> None:
    said = [{"role": "system", "content": "s"}, *MESSAGES, {"content": "last"}]
    body = {"model": "m", "messages": said, "memory_strategy": strategy}
    wanted = door().translate(path, {}, body)
    assert wanted.body == {"model": "m", "messages": [said[0], {"role": "user", "content": "last"}]}
    assert "memory_strategy: last_k 1 left 2 of 3 messages" in wanted.notes


@pytest.mark.parametrize(
    ("strategy", "where"),
    [
        ({}, "k"),
        ({"k": None}, "k"),
        ({"k": 0}, "k"),
        ({"k": -1}, "k"),
        ({"k": "2"}, "k"),
        ({"k": True}, "k"),
        ({"k": 1.0}, "k"),
        ({"params": {}}, "params.k"),
        ({"params": {"k": 0}}, "params.k"),
        ({"params": [], "name": "last_k"}, "k"),
        ({"name": "summary", "k": 1}, "name"),
        ({"name": None, "k": 1}, "name"),
    ],
)
def test_a_memory_strategy_that_is_none(strategy: dict[str, Any], where: str) -> None:
    with pytest.raises(Refused) as caught:
        chat(memory_strategy=strategy)
    assert places(caught.value) == [f"body.memory_strategy.{where}"]


def test_messages_are_made_what_openai_takes() -> None:
    said = [{"content": {"type": "image_url", "image_url": {"url": "AAAA", "media_type": "image/png"}}}]
    for model in KINDS.values():
        got = door().translate(CHAT, {}, {"model": model, "messages": said}).body["messages"]
        url = {"url": "data:image/png;base64,AAAA"}
        assert got == [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]


@pytest.mark.parametrize(
    ("kind", "stays"), [(Kind.OPENAI, False), (Kind.SELF_HOSTED, False), (Kind.ANTHROPIC, False), (Kind.OTHER, True)]
)
def test_cache_control_of_tools(kind: Kind, stays: bool) -> None:
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}
    wanted = chat(KINDS[kind], tools=[tool])
    (sent,) = wanted.body["tools"]  # type: ignore[misc]
    assert ("cache_control" in sent) is stays
    assert bool(wanted.notes) is not stays


# --- inference_*


@pytest.mark.parametrize("path", sorted(PATHS - {"/v5/responses"}))
def test_what_callers_add(path: str) -> None:
    key = "prompt" if path.endswith("/completions") and "chat" not in path else "messages"
    wanted = door().translate(
        path,
        {},
        {
            "model": "m",
            key: "Hi" if key == "prompt" else MESSAGES,
            "temperature": 1,
            "inference_timeout": "2.5",
            "inference_extra_params": {"min_p": 0.1, "temperature": 0, "guided_regex": "x"},
            "inference_extra_headers": {"X-Team": "secret-team-value", "Authorization": "Bearer sk-other"},
        },
    )
    assert wanted.time_limit_s == 2.5
    assert wanted.body == {"model": "m", key: wanted.body[key], "temperature": 0, "min_p": 0.1, "guided_regex": "x"}
    assert wanted.headers == (("X-Team", "secret-team-value"),)
    assert "x-team" in wanted.drop
    said = " ".join(wanted.notes)
    assert "X-Team" in said
    assert "left out authorization" in said
    assert "min_p" in said
    assert "in place of the field of that name: temperature" in said
    assert "secret-team-value" not in said
    assert "sk-other" not in said


def test_notes_are_bounded() -> None:
    params = {f"{'x' * 100}{number}": 1 for number in range(1000)}
    wanted = chat(inference_extra_params=params)
    assert set(params) < set(wanted.body)
    assert max(map(len, wanted.notes)) < 2000


# --- headers


@pytest.mark.parametrize("model", KINDS.values())
@pytest.mark.parametrize("path", sorted(PATHS))
def test_sgps_headers_never_go_to_others(path: str, model: str) -> None:
    body = {"model": model, "messages": MESSAGES, "prompt": "Hi", "input": "Hi"}
    wanted = door().translate(path, CIMultiDict({"x-api-key": "sgp", "x-selected-account-id": "a", "x-project-id": "p"}), body)
    assert {"x-api-key", "x-selected-account-id", "x-project-id", "x-openai-api-key"} <= wanted.drop
    assert not wanted.headers
    assert not wanted.notes


def test_the_callers_openai_key_goes_to_openai_alone() -> None:
    sent = {"X-OpenAI-API-Key": "sk-mine"}
    to_openai = chat("openai/gpt-4o", headers=sent)
    assert to_openai.headers == (("Authorization", "Bearer sk-mine"),)
    assert {"authorization", "x-openai-api-key"} <= to_openai.drop
    assert to_openai.notes == ()
    for model in ("smollm2", "anthropic/claude", "xai/grok-4"):
        wanted = chat(model, headers=sent)
        assert not wanted.headers
        assert "x-openai-api-key was left out: the upstream is not OpenAI" in wanted.notes
        assert "x-openai-api-key" in wanted.drop
        assert "sk-mine" not in repr(wanted)


@pytest.mark.parametrize("host", ["http://10.0.0.1:8000/v1", "http://api.openai.com/v1"])
def test_a_host_of_the_callers_never_gets_the_openai_key(host: str) -> None:
    at = door("openai")
    named = Target("openai", at.routes.default.provider, host, custom=True)
    wanted = at.translate(CHAT, CIMultiDict({"x-openai-api-key": "sk-mine"}), {"model": "m", "messages": MESSAGES}, named)
    assert not wanted.headers


@pytest.mark.parametrize("path", sorted(PATHS))
def test_sgp_as_upstream_gets_everything(path: str) -> None:
    headers = CIMultiDict({"x-api-key": "sgp", "x-openai-api-key": "sk-mine"})
    body = {"model": "launch/x/y", "messages": [{"content": {}}], "memory_strategy": {"k": 2}, "guided_json": {}, "n": "what"}
    wanted = door("scale").translate(path, headers, body)
    assert wanted.path == path
    assert wanted.body is body
    assert (wanted.drop, wanted.headers, wanted.notes) == (frozenset(), (), ())
    assert wanted.sentinel is (path == "/v5/responses")


def test_sgp_by_its_slug() -> None:
    wanted = chat("scale/openai/gpt-4o", at=door("openai"), memory_strategy={"k": 1})
    assert wanted.body == {"model": "openai/gpt-4o", "messages": MESSAGES, "memory_strategy": {"k": 1}}
    assert (wanted.provider, wanted.path) == ("scale", CHAT)


# --- the other paths


@pytest.mark.parametrize(
    ("sent", "made"),
    [
        ({"best_of": 2, "echo": True, "suffix": "x", "n": 1}, {"best_of": 2, "echo": True, "suffix": "x", "n": 1}),
        ({"logprobs": 3}, {"logprobs": 3}),
        ({"logprobs": True, "top_logprobs": 4}, {"logprobs": 4}),
        ({"logprobs": True}, {"logprobs": 1}),
        ({"logprobs": False, "top_logprobs": 4}, {}),
        ({"logprobs": 0}, {"logprobs": 0}),
        ({"return_token_log_probs": True}, {"logprobs": 1}),
        ({"return_token_log_probs": True, "logprobs": 2}, {"logprobs": 2}),
        ({"return_token_log_probs": False}, {}),
        ({"max_new_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_new_tokens": 5, "max_tokens": 6}, {"max_tokens": 6}),
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"stop_sequences": ["a"], "stop": "b"}, {"stop": "b"}),
        ({"guided_choice": ["a"]}, {"structured_outputs": {"choice": ["a"]}}),
    ],
)
@pytest.mark.parametrize("path", ["/v4/beta/completions", "/v5/completions"])
def test_text_completions(path: str, sent: dict[str, Any], made: dict[str, Any]) -> None:
    wanted = door().translate(path, {}, {"model": "m", "prompt": "Once", **sent})
    assert wanted.path == "/v1/completions"
    assert wanted.body == {"model": "m", "prompt": "Once", **made}
    assert wanted.sentinel is False


def test_text_completions_before_openai() -> None:
    body = {"model": "openai/gpt-3.5-turbo-instruct", "prompt": ["a", "b"], "top_k": 1, "tools": [], "audio": {}, "best_of": 3}
    wanted = door().translate("/v4/beta/completions", {}, body)
    assert wanted.body == {"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"], "best_of": 3}
    assert [note.split()[0] for note in wanted.notes] == ["top_k", "tools", "audio"]


def test_responses() -> None:
    body = {
        "model": "openai/gpt-5",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "reasoning": {"effort": "low"},
    }
    wanted = door().translate("/v5/responses", {}, body)
    assert wanted.path == "/v1/responses"
    assert wanted.body == {**body, "model": "gpt-5"}
    assert wanted.sentinel is True  # its events have names, and SGP's SDK does not parse them


def test_a_path_of_somebody_else() -> None:
    with pytest.raises(Refused) as caught:
        door().translate("/v4/beta/files", {}, {})
    assert caught.value.status == 404
    assert caught.value.body == {"detail": "Not Found"}


@pytest.mark.parametrize(
    ("upstream", "asked"), [(LOCAL, ""), (LOCAL, "xai"), ("openai", ""), ("openai", "groq"), ("vllm", ""), (LOCAL, "launch")]
)
def test_a_listed_model_can_be_called(upstream: str, asked: str) -> None:
    at = door(upstream, upstreams={"launch": "http://10.0.0.5:8000"})
    target, vendor = at.listing_target(asked)
    for name in ("x", "org/x"):
        wanted = chat(f"{vendor}/{name}", at=at)
        assert wanted.body["model"] == name
        assert (at.routes.targets[wanted.provider] if wanted.provider else at.routes.default) == target
    assert vendor == asked or not asked


def test_models_of_an_upstream_whose_names_have_slashes_are_listed_without_a_vendor() -> None:
    target, vendor = door("openrouter").listing_target()
    assert (target.slug, vendor) == ("openrouter", "")


@pytest.mark.parametrize(("upstream", "vendor"), [("openai", "launch"), (LOCAL, "groq"), ("openai", "nobody")])
def test_a_list_of_nobodys_models(upstream: str, vendor: str) -> None:
    with pytest.raises(Refused) as caught:
        door(upstream).listing_target(vendor)
    assert places(caught.value) == ["query.model_vendor"]


# --- whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MODELS = st.sampled_from([*KINDS.values(), "launch/x", "azure/x", "a/b/c", "", "/", "openai/", "scale/x"])
NAMES = st.sampled_from([name for fields in FIELDS.values() for name in fields]) | st.text(max_size=6)
AT = [door(), door("openai"), door("scale"), door("anthropic"), door("vllm", scale_old_vllm=("*",))]


@given(st.sampled_from(AT), st.sampled_from(sorted(PATHS)), JSON | st.dictionaries(NAMES, JSON, max_size=6), st.none() | MODELS)
def test_no_json_breaks_it(at: ScaleDoor, path: str, body: Any, model: str | None) -> None:
    if isinstance(body, dict) and model is not None:
        body = {"messages": MESSAGES, "prompt": "x", "input": "x", **body, "model": model}
    before = json.dumps(body)
    try:
        wanted = at.translate(path, {}, body)
    except Refused as refusal:
        faults(refusal)
        orjson.dumps(refusal.body)
    else:
        json.dumps(wanted.body)  # integers beyond 64 bits too
        assert isinstance(wanted.body["model"] if wanted.drop else "", str)
    assert json.dumps(body) == before  # the caller's body is never changed


@given(
    st.sampled_from(sorted(PATHS)),
    st.sampled_from(sorted(KINDS)),
    st.data(),
)
def test_nothing_is_lost_without_a_note(path: str, kind: Kind, data: st.DataObject) -> None:
    """Every field that fits ends up in the body as it came, or is named in a note, or the whole call is refused."""
    dialect = Dialect.RESPONSES if "responses" in path else Dialect.CHAT if "chat" in path else Dialect.TEXT
    body = {**data.draw(bodies(dialect)), "model": KINDS[kind]}
    # Values that fit the schema by their type only are refused, by tests of their own; parameters may go over fields.
    fitting = {"memory_strategy": {"k": 1}, "inference_timeout": 5, "inference_extra_headers": {"x-a": "b"}}
    body |= {name: value for name, value in fitting.items() if name in body}
    body.pop("inference_extra_params", None)
    body = {name: value for name, value in body.items() if FIELDS[dialect][name].ways.of(kind) is not Do.REFUSE}
    wanted = door().translate(path, {}, body)
    said = " ".join(wanted.notes)
    for name, value in body.items():
        as_it_came = name in wanted.body and wanted.body[name] == value
        empty = value is None or value == {} or value is False or value == []
        elsewhere = name == "model" or (name == "inference_timeout" and wanted.time_limit_s == 5)
        assert as_it_came or name in said or elsewhere or empty, name
    caused = {*body, "structured_outputs", "max_tokens", "stop", "logprobs"}
    assert set(wanted.body) <= caused
    assert wanted.drop >= SGP_HEADERS
