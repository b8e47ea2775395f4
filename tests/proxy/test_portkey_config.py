"""Configs as Portkey's SDKs send them: what is understood is understood fully, all else is named, and nothing fails."""

import json
from collections.abc import Mapping
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portkey_ai import createHeaders

from tracer.proxy.portkey_config import NO_CONFIG, RETRIED, Config, Retry, read_config, time_limit_s
from tracer.registry.records import SavedConfig

WHOLE = {
    "provider": "groq",
    "api_key": "gsk-1",
    "virtual_key": "groq-prod",
    "custom_host": "http://llm.example.com/v1",
    "cache": {"mode": "semantic", "max_age": 60},
    "retry": {"attempts": 3, "on_status_codes": [429, 503], "use_retry_after_header": True},
    "request_timeout": 1500,
    "override_params": {"temperature": 0, "maxTokens": 5},
    "forward_headers": ["X-One", " x-two "],
}
IN_CAMEL_CASE = {
    "provider": "groq",
    "apiKey": "gsk-1",
    "virtualKey": "groq-prod",
    "customHost": "http://llm.example.com/v1",
    "cache": {"mode": "semantic", "maxAge": 60},
    "retry": {"attempts": 3, "onStatusCodes": [429, 503], "useRetryAfterHeader": True},
    "requestTimeout": 1500,
    "overrideParams": {"temperature": 0, "maxTokens": 5},
    "forwardHeaders": ["X-One", " x-two "],
}
UNDERSTOOD = Config(
    provider="groq",
    api_key="gsk-1",
    virtual_key="groq-prod",
    custom_host="http://llm.example.com/v1",
    cache={"mode": "semantic", "max_age": 60},
    retry=Retry(3, frozenset({429, 503}), use_retry_after=True),
    request_timeout_ms=1500,
    override_params={"temperature": 0, "maxTokens": 5},  # a provider's names are its own
    forward_headers=("x-one", "x-two"),
)


def read(given: Mapping[str, object] | str) -> Config:
    return read_config(given if isinstance(given, str) else json.dumps(given), {}, "")


@pytest.mark.parametrize("given", [WHOLE, IN_CAMEL_CASE], ids=["snake", "camel"])
def test_a_whole_config(given: dict[str, object]) -> None:
    assert read(given) == UNDERSTOOD
    assert read(f" {json.dumps(given)} ") == UNDERSTOOD


def test_as_the_sdk_sends_it() -> None:
    headers = createHeaders(config=WHOLE, api_key="x")
    assert read_config(headers["x-portkey-config"], {}, "") == UNDERSTOOD
    assert createHeaders(config="pc-saved")["x-portkey-config"] == "pc-saved"


@pytest.mark.parametrize("sent", [None, "", "{}", '{"provider": null, "cache": null, "retry": null, "targets": null}'])
def test_nothing(sent: str | None) -> None:
    assert read_config(sent, {}, "") == NO_CONFIG


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"strategy": {"mode": "fallback"}, "targets": []}, ["config.strategy is ignored", "config.targets is ignored"]),
        ({"inputGuardrails": ["x"]}, ["config.input_guardrails is ignored"]),
        ({"provider": 7}, ["config.provider is ignored: it should be a string"]),
        ({"api_key": ["a"]}, ["config.api_key is ignored: it should be a string"]),
        ({"cache": 1}, ["config.cache is ignored: it should be an object"]),
        ({"cache": {"mode": "simple", "x": 1}}, ["config.cache.x is ignored"]),
        ({"retry": {}}, ["config.retry is ignored: it says no number of attempts"]),
        ({"retry": {"attempts": 9}}, ["config.retry.attempts is 5 instead of 9"]),
        ({"retry": {"attempts": 2, "on_status_codes": 429}}, ["config.retry.on_status_codes is ignored: it should be a list"]),
        ({"retry": {"attempts": 2, "delay": 1}}, ["config.retry.delay is ignored"]),
        ({"request_timeout": -1}, ["config.request_timeout is ignored: it should be a number over 0"]),
        ({"request_timeout": True}, ["config.request_timeout is ignored: it should be a number over 0"]),
        ({"override_params": []}, ["config.override_params is ignored: it should be an object"]),
        ({"forward_headers": 1}, ["config.forward_headers is ignored: it should be a list of names"]),
        ("{not JSON", ["x-portkey-config is ignored: it is no JSON object"]),
        ("['a']", ["x-portkey-config is ignored: no config"]),
        ("pc-nonesuch", ["x-portkey-config is ignored: no config 'pc-nonesuch' here"]),
    ],
)
def test_what_is_not_understood_is_named(given: dict[str, object] | str, named: list[str]) -> None:
    ignored = read(given).ignored
    assert len(ignored) == len(named)
    assert all(said.startswith(start) for said, start in zip(ignored, named, strict=True)), ignored


@pytest.mark.parametrize("sent", ["null", '"x"', "[1]", "{", "{" * 3000, "\udcff", '{"\udcff":1}', "{'provider':'groq'}", " "])
def test_what_is_no_config_is_said_and_the_call_goes_on(sent: str) -> None:
    config = read_config(sent, {}, "")
    assert replace(config, ignored=()) == NO_CONFIG
    assert len(config.ignored) == 1


def test_the_rest_of_a_config_that_has_something_unknown_counts() -> None:
    config = read({**WHOLE, "strategy": {"mode": "loadbalance"}, "provider": 7})
    assert (config.retry, config.cache, config.custom_host) == (UNDERSTOOD.retry, UNDERSTOOD.cache, UNDERSTOOD.custom_host)
    assert len(config.ignored) == 2


def test_retries() -> None:
    assert read({"retry": {"attempts": 2}}).retry == Retry(2, RETRIED)
    assert frozenset({429, 500, 502, 503, 504}) == RETRIED
    assert read({"retry": {"attempts": "2"}}).retry == Retry(2)
    assert read({"retry": {"attempts": 99}}).retry == Retry(5)
    assert read({"retry": {"attempts": 0}}) == NO_CONFIG
    assert read({"retry": {"attempts": 1, "on_status_codes": [500, "x", True, 4.5]}}).retry == Retry(1, frozenset({500}))
    for wrong in (-1, "many", None, [], 2.5, 1e400, {"a": 1}):
        assert read({"retry": {"attempts": wrong}} if wrong != 1e400 else '{"retry":{"attempts":1e400}}').retry is None


def test_a_mode_alone_is_a_cache() -> None:
    assert read({"cache": "simple"}).cache == {"mode": "simple"}


@pytest.mark.parametrize(
    ("header", "config", "expected"),
    [
        (None, {}, None),
        (None, {"request_timeout": 250}, 0.25),
        (None, {"request_timeout": "250"}, 0.25),
        ("100", {"request_timeout": 250}, 0.1),
        ("100", {}, 0.1),
        *[(wrong, {"request_timeout": 250}, 0.25) for wrong in ("", "x", "0", "-5", "nan", "inf", "1e999")],
    ],
)
def test_the_time_limit(header: str | None, config: dict[str, object], expected: float | None) -> None:
    assert time_limit_s(header, read(config)) == expected


SAVED = SavedConfig("3f0c1f2e-0000-4000-8000-000000000000", "pc-team-1a2b3c", "team-a", WHOLE)
CONFIGS = {SAVED.id: SAVED, SAVED.slug: SAVED}


@pytest.mark.parametrize("workspace", ["", "team-a"])
@pytest.mark.parametrize("sent", [SAVED.id, SAVED.slug, f" {SAVED.slug} "])
def test_a_saved_config(sent: str, workspace: str) -> None:
    config = read_config(sent, CONFIGS, workspace)
    assert config.id == SAVED.slug
    assert (config.provider, config.retry, config.cache) == ("groq", UNDERSTOOD.retry, UNDERSTOOD.cache)


def test_another_workspaces_config_is_as_unknown_as_none() -> None:
    assert read_config(SAVED.slug, CONFIGS, "team-b") == read_config(SAVED.slug, {}, "team-b")


def test_a_saved_config_that_changed_is_read_anew() -> None:
    changed = SavedConfig(SAVED.id, SAVED.slug, SAVED.workspace, {"provider": "openai"})
    assert read_config(SAVED.slug, CONFIGS, "").provider == "groq"
    assert read_config(SAVED.slug, {SAVED.slug: changed}, "").provider == "openai"


def test_a_saved_key_needs_its_upstream_beside_it() -> None:
    alone = SavedConfig("i", "s", "", {"api_key": "sk-saved"})
    config = read_config("s", {"s": alone}, "")
    assert config.api_key == ""
    assert config.ignored == ("config.api_key is ignored: a saved key needs its provider or custom_host beside it",)
    assert read({"api_key": "sk-mine"}).api_key == "sk-mine"  # in a caller's own config it is the caller's business


def test_the_row_is_not_flooded() -> None:
    config = read({f"field_{number}_{'x' * 200}": 1 for number in range(1000)})
    assert len(config.ignored) == 17
    assert config.ignored[-1] == "984 more fields of config are ignored"
    assert max(map(len, config.ignored)) < 100


def test_texts_are_parsed_once() -> None:
    sent = json.dumps({**WHOLE, "provider": "once"})
    assert read_config(sent, {}, "") is read_config(sent, {}, "")
    long = json.dumps({**WHOLE, "note": "x" * 5000})  # but long ones are not kept
    assert read_config(long, {}, "") is not read_config(long, {}, "")


def test_what_was_read_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        read(WHOLE).override_params["x"] = 1  # type: ignore[index]


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
field_names = st.sampled_from([*WHOLE, *IN_CAMEL_CASE, "attempts", "mode", "max_age", "on_status_codes"]) | st.text(max_size=8)
configs = st.dictionaries(
    field_names,
    json_value | st.dictionaries(st.sampled_from(["attempts", "mode", "max_age", "maxAge", "on_status_codes"]), json_value),
    max_size=6,
)


@given(configs.map(json.dumps) | st.text() | st.binary().map(lambda raw: "{" + raw.decode("utf-8", "surrogateescape")))
def test_no_header_makes_reading_fail(sent: str) -> None:
    config = read_config(sent, CONFIGS, "")
    assert all(isinstance(getattr(config, name), str) for name in ("provider", "api_key", "virtual_key", "custom_host"))
    assert config.retry is None or 1 <= config.retry.attempts <= 5
    assert config.request_timeout_ms is None or 0 < config.request_timeout_ms < float("inf")
    orjson.dumps(config.ignored)  # it can go onto a row
    assert time_limit_s(sent, config) is None or time_limit_s(sent, config) > 0  # type: ignore[operator]
