"""inference_*: what a caller may add to the upstream request, and what of it must not be recorded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scale.doors import faults, places
from tracer.proxy.refused import Refused
from tracer.scale import extras

SECRET = "sk-live/1234567890"


@pytest.mark.parametrize(
    ("value", "seconds"), [(30, 30.0), (2.5, 2.5), ("30", 30.0), (" 2.5 ", 2.5), ("1e2", 100.0), (0.001, 0.001)]
)
def test_a_timeout_is_seconds(value: object, seconds: float) -> None:
    assert extras.time_limit(value) == seconds


@pytest.mark.parametrize(
    "value", [0, -1, "0", "", "soon", "30s", "nan", "inf", float("inf"), True, None, [], {}, 10**400, "1" * 400]
)
def test_what_is_no_time_is_422(value: object) -> None:
    with pytest.raises(Refused) as caught:
        extras.time_limit(value)
    assert places(caught.value) == ["body.inference_timeout"]


def test_parameters_pass_as_they_are() -> None:
    given = {"min_p": 0.1, "guided_json": {"type": "object"}, "temperature": 0}
    assert extras.parameters(given) == given


@pytest.mark.parametrize(
    "name", ["model", "messages", "prompt", "input", "stream", "api_key", "API_KEY", "api_base", "base_url", "extra_headers"]
)
def test_parameters_cannot_make_another_call(name: str) -> None:
    with pytest.raises(Refused) as caught:
        extras.parameters({"min_p": 0.1, name: SECRET})
    assert places(caught.value) == [f"body.inference_extra_params.{name}"]
    assert SECRET not in caught.value.message + json.dumps(caught.value.body)


def test_headers_are_filtered() -> None:
    added, refused = extras.headers(
        {"X-Trace": " a ", "OpenAI-Beta": "x=1", "x-number": 5, "Authorization": SECRET, "X-API-KEY": SECRET, "Host": "evil"}
    )
    assert added == (("X-Trace", "a"), ("OpenAI-Beta", "x=1"), ("x-number", "5"))
    assert refused == ("authorization", "x-api-key", "host")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "x-openai-api-key",
            "cookie",
            "proxy-authorization",
            "host",
        ),
        *("content-length", "Content-Type", "content-encoding", "accept-encoding", "transfer-encoding", "connection", "te"),
        *("upgrade", "trailer", "keep-alive", "expect", "X-Portkey-Provider", "x-portkey-trace-id", "traceparent"),
        *("x-selected-account-id", "x-project-id", "OpenAI-Organization", "x-forwarded-host", "sec-websocket-key"),
    ],
)
def test_headers_that_never_go_up(name: str) -> None:
    assert extras.headers({name: "x"}) == ((), (name.lower(),))


@pytest.mark.parametrize(
    "given",
    [
        {"x": "a\r\nHost: evil"},
        {"x": "a\nb"},
        {"x": "a\0b"},
        {"x": None},
        {"x": ["a"]},
        {"x": True},
        {"a b": "x"},
        {"": "x"},
        {"a:": "x"},
        {"ü": "x"},
        {"x": "\x7f"},
    ],
)
def test_headers_that_are_none_are_422(given: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        extras.headers(given)
    (fault,) = faults(caught.value)
    assert fault["loc"][:2] == ["body", "inference_extra_headers"]


def test_a_name_in_two_cases_goes_once() -> None:
    assert extras.headers({"X-Team": "a", "x-team": "b"}) == ((("x-team", "b"),), ())


def test_values_of_headers_are_kept_out_of_the_record() -> None:
    body = {"model": "m", "inference_extra_headers": {"x-key": f"Bearer {SECRET}", "x-short": "ab", "x-n": 5}}
    shown = extras.masked(body)
    assert shown == {"model": "m", "inference_extra_headers": {"x-key": "***", "x-short": "***", "x-n": "***"}}
    hidden = extras.hidden_values(body)
    assert {f"Bearer {SECRET}".encode(), SECRET.encode(), SECRET.replace("/", "\\/").encode()} <= set(hidden)
    assert b"ab" not in hidden
    assert list(hidden) == sorted(hidden, key=len, reverse=True)


@pytest.mark.parametrize("body", [None, [], "x", 5, {}, {"inference_extra_headers": None}, {"inference_extra_headers": {}}])
def test_a_body_without_extra_headers_is_recorded_as_it_is(body: object) -> None:
    assert extras.masked(body) is None
    assert extras.hidden_values(body) == ()


def test_a_value_in_the_wrong_place_is_masked_too() -> None:
    assert extras.masked({"inference_extra_headers": [SECRET]}) == {"inference_extra_headers": "***"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["Host", "x-a", "Cookie"]), JSON, max_size=4))
def test_only_headers_that_can_be_sent_come_out(given: dict[str, Any]) -> None:
    extras.hidden_values({"inference_extra_headers": given})
    try:
        added, _ = extras.headers(given)
    except Refused as refusal:
        faults(refusal)
        return
    for name, value in added:
        assert name.isascii()
        assert not set(name) & set(" :\r\n\t")
        assert not set(value) & set("\r\n\0")
        value.encode()
