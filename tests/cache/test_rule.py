from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.cache.rule import LONGEST_S, SEMANTIC_NOTE, SHORTEST_S, USUAL_S, Decision, Policy, Rule, cacheable, decide, policy
from tracer.config import ConfigError, Settings

OFF, ON = Policy(), Policy(mode="simple")
SIMPLE = {"mode": "simple"}


def rule(headers: dict[str, str] | None = None, wanted: object = SIMPLE, server: Policy = OFF) -> Rule:
    found = decide(headers or {}, wanted, server).rule
    assert found is not None
    return found


def test_nobody_asked() -> None:
    assert decide({}, None, OFF) == Decision(None)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-portkey-cache-force-refresh": "true"},
        {"x-portkey-cache-namespace": "n"},
        {"cache-control": "max-age=100"},
        {"x-portkey-cache": "simple"},
    ],
)
def test_headers_alone_never_turn_it_on(headers: dict[str, str]) -> None:
    assert decide(headers, None, OFF) == Decision(None)
    assert decide(headers, {"max_age": 100}, OFF) == Decision(None)


def test_the_config_or_the_server_turns_it_on() -> None:
    assert rule() == Rule(mode="simple", max_age_s=USUAL_S, namespace=None, metadata="", refresh=False)
    assert rule(wanted=None, server=ON) == rule()
    assert rule(wanted={"max_age": 100}, server=ON).max_age_s == 100


def test_semantic_acts_as_simple_and_says_so() -> None:
    decision = decide({}, {"mode": "semantic", "max_age": 100}, OFF)
    assert decision.rule is not None
    assert (decision.rule.mode, decision.notes) == ("semantic", (SEMANTIC_NOTE,))


@pytest.mark.parametrize("wanted", [{"mode": "fancy"}, {"mode": 1}, "simple", True, 3, []])
def test_what_is_not_understood_is_named(wanted: object) -> None:
    off, on = decide({}, wanted, OFF), decide({}, wanted, ON)
    assert (off.rule, on.rule) == (None, Rule())
    assert off.notes == on.notes == ("cache: ignored, its mode is neither simple nor semantic",)


@pytest.mark.parametrize("value", ["false", "False", " false "])
def test_debug_false_means_no_cache(value: str) -> None:
    assert decide({"x-portkey-debug": value}, SIMPLE, ON) == Decision(None)
    assert rule({"x-portkey-debug": "true"})


@pytest.mark.parametrize("value", ["no-store", "No-Store", "max-age=100, no-store"])
def test_no_store_means_no_cache(value: str) -> None:
    assert decide({"cache-control": value}, SIMPLE, ON) == Decision(None)
    assert rule({"cache-control": "no-stores"})


@pytest.mark.parametrize(
    ("value", "acts"), [("true", True), ("True", True), ("false", False), ("False", False), ("", False), ("1", False)]
)
def test_the_value_of_force_refresh_is_read(value: str, acts: bool) -> None:
    assert rule({"x-portkey-cache-force-refresh": value}).refresh is acts


def test_the_namespace_and_the_metadata() -> None:
    found = rule({"x-portkey-cache-namespace": "team", "x-portkey-metadata": '{"_user":"u"}'})
    assert (found.namespace, found.metadata) == ("team", '{"_user":"u"}')
    assert rule({"x-portkey-cache-namespace": ""}).namespace is None


@given(st.integers(SHORTEST_S, LONGEST_S))
def test_a_max_age_in_range_is_taken(seconds: int) -> None:
    decision = decide({}, {"mode": "simple", "max_age": seconds}, OFF)
    assert decision == Decision(Rule(max_age_s=seconds))


OUT_OF_RANGE = st.one_of(
    st.integers(max_value=SHORTEST_S - 1),
    st.integers(min_value=LONGEST_S + 1),
    st.floats(max_value=SHORTEST_S - 1),
    st.just(float("nan")),
    st.just(float("inf")),
    st.booleans(),
    st.text(),
    st.just([60]),
)


@given(OUT_OF_RANGE)
def test_any_other_max_age_becomes_seven_days_and_says_so(value: object) -> None:
    decision = decide({}, {"mode": "simple", "max_age": value}, OFF)
    assert decision.rule == Rule(max_age_s=7 * 86400)
    assert [note.partition(" ")[0] for note in decision.notes] == ["cache.max_age"]


@pytest.mark.parametrize(
    ("control", "config", "server", "expected"),
    [
        ("max-age=100", None, None, 100),
        ("private, Max-Age = 100", None, None, 100),
        ("s-maxage=100", None, None, USUAL_S),
        ("max-age=100", 200, None, 200),
        ("max-age=10", None, None, USUAL_S),
        ("", None, 500, 500),
        ("", None, 10, 10),
        ("max-age=100", None, 90, 90),
        ("", 1000, 500, 500),
        ("", 300, 500, 300),
        ("", 30, 500, 500),
    ],
)
def test_where_the_age_comes_from(control: str, config: int | None, server: int | None, expected: int) -> None:
    wanted = SIMPLE if config is None else {"mode": "simple", "max_age": config}
    assert rule({"cache-control": control}, wanted, Policy(max_age_s=server)).max_age_s == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", True),
        ("/v1/chat/completions?x=1", True),
        ("/openai/deployments/gpt/chat/completions", True),
        ("/v1/completions", True),
        ("/v1/embeddings", True),
        ("/v1/responses", True),
        ("/v1/messages", True),
        ("/v1/rerank", True),
        ("/v1beta/models/gemini:generateContent", True),
        ("/v1/images/generations", True),
        ("/v1/images/edits", False),
        ("/v1/images/variations", False),
        ("/v1/audio/speech", False),
        ("/v1/audio/transcriptions", False),
        ("/v1/files", False),
        ("/v1/batches", False),
        ("/v1/messages/batches", False),
        ("/v1/fine_tuning/jobs", False),
        ("/v1/threads/t/messages", False),
        ("/v1/threads/t/runs", False),
        ("/v1/responses/r/cancel", False),
        ("/v1/models", False),
    ],
)
def test_what_is_cached_at_all(path: str, expected: bool) -> None:
    assert cacheable("POST", path, "application/json; charset=utf-8") is expected
    assert cacheable("POST", path, "") is expected
    assert not cacheable("GET", path, "application/json")
    assert not cacheable("POST", path, "multipart/form-data; boundary=b")


def test_the_servers_part(load_settings: Callable[..., Settings]) -> None:
    assert policy(load_settings()) == OFF
    found = policy(load_settings(TRACER_CACHE="simple", TRACER_CACHE_MAX_AGE="120"))
    assert found == Policy(mode="simple", max_age_s=120)


def test_a_server_that_keeps_no_content_keeps_no_replies_for_callers(load_settings: Callable[..., Settings]) -> None:
    refusing = policy(load_settings(TRACER_CAPTURE="metadata"))
    decision = decide({}, SIMPLE, refusing)
    assert decision.rule is None
    assert decision.notes == ("cache: not used, since capture = metadata keeps no replies",)
    by_its_owner = policy(load_settings(TRACER_CAPTURE="metadata", TRACER_CACHE="simple"))
    elsewhere = policy(load_settings(TRACER_CAPTURE="metadata", TRACER_CACHE_URL="redis://127.0.0.1:1/0"))
    assert rule(server=by_its_owner)
    assert rule(server=elsewhere)


@pytest.mark.parametrize("url", ["memcached://user:secret@h", "redis:", "localhost:6379", "http://h"])
def test_an_unknown_place_stops_the_start_and_is_named(load_settings: Callable[..., Settings], url: str) -> None:
    with pytest.raises(ConfigError, match=r"TRACER_CACHE_URL .*should be redis://") as error:
        load_settings(TRACER_CACHE_URL=url)
    assert "secret" not in str(error.value)


@given(
    st.dictionaries(
        st.sampled_from(["x-portkey-debug", "cache-control", "x-portkey-cache-force-refresh", "x-portkey-cache-namespace"]),
        st.text(max_size=30),
    ),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists)
    | st.dictionaries(
        st.sampled_from(["mode", "max_age"]), st.none() | st.floats() | st.sampled_from(["simple", "semantic", "x"])
    ),
)
def test_nothing_that_comes_from_outside_makes_it_raise(headers: dict[str, str], wanted: object) -> None:
    found = decide(headers, wanted, ON).rule
    assert found is None or SHORTEST_S <= found.max_age_s <= LONGEST_S
