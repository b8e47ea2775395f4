"""Whose key it is, whatever header it came in; and who gets in without one."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tracer.proxy.identity import ANYBODY, CARRIERS, Required, identify, with_tags
from tracer.proxy.refused import Refused
from tracer.registry.key_format import digest, new_key
from tracer.registry.records import Caller, Key

SECRET, OTHER, REVOKED, UNKNOWN = new_key(), new_key(), new_key(), new_key()
TAGS = {"team": "search", "user": "bot"}


def table(*keys: Key) -> dict[str, Key]:
    return {key.sha256: key for key in keys}


MINE = Key("key_mine", "mine", digest(SECRET), "team-a", "openai", "openai-search", TAGS)
OTHERS = Key("key_other", "other", digest(OTHER), admin=True)
OLD = Key("key_old", "old", digest(REVOKED), revoked=True)
KEYS = table(MINE, OTHERS, OLD)
REQUIRED: tuple[Required, ...] = ("auto", "always", "never")


def who(headers: Mapping[str, str], required: Required = "auto", keys: Mapping[str, Key] = KEYS) -> Caller:
    return identify(CIMultiDict(headers), keys, required)


def refusal(headers: Mapping[str, str], required: Required = "auto", keys: Mapping[str, Key] = KEYS) -> str:
    with pytest.raises(Refused) as caught:
        who(headers, required, keys)
    assert caught.value.status == 401
    assert "tr-" not in caught.value.message
    return caught.value.kind


@pytest.mark.parametrize(
    "headers",
    [
        {"x-portkey-api-key": SECRET},
        {"X-Portkey-Api-Key": f" {SECRET} "},
        {"x-portkey-virtual-key": SECRET},
        {"x-api-key": SECRET},
        {"api-key": SECRET},
        {"x-goog-api-key": SECRET},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": f"bearer   {SECRET}"},
        {"Authorization": SECRET},  # portkey-ai for Node
        {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{SECRET}"},
        {"x-portkey-api-key": SECRET, "Authorization": "Bearer sk-of-the-provider"},
        {"x-portkey-api-key": "pk-of-portkey", "Authorization": f"Bearer {SECRET}"},
        {"x-portkey-api-key": UNKNOWN, "x-api-key": SECRET},  # a valid one makes up for another
        {"x-portkey-api-key": REVOKED, "Authorization": SECRET},
        {"Authorization": f"Bearer {OTHER}", "x-portkey-api-key": SECRET},  # the first carrier speaks
        {"Authorization": "Bearer OPENAI_API_KEY", "x-portkey-api-key": SECRET},
    ],
)
@pytest.mark.parametrize("required", REQUIRED)
def test_every_carrier(headers: dict[str, str], required: Required) -> None:
    assert who(headers, required) == Caller("key_mine", "team-a", TAGS, "openai-search", "openai", admin=False)


def test_every_carrier_is_tried_above() -> None:
    assert set(CARRIERS) == {
        *("x-portkey-api-key", "x-portkey-virtual-key", "x-api-key", "api-key", "x-goog-api-key", "authorization"),
    }


@pytest.mark.parametrize("required", ["auto", "always"])
def test_refusals(required: Required) -> None:
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer OPENAI_API_KEY"},
        {"authorization": "DUMMY-KEY"},
        {"x-other": SECRET},
    ):
        assert refusal(headers, required) == "missing_key", headers
    for headers in (
        {"Authorization": "Bearer sk-of-the-provider"},
        {"x-portkey-api-key": "pk-of-portkey"},
        {"x-api-key": UNKNOWN},
        {"x-api-key": SECRET[:-1]},
        {"x-api-key": SECRET + "a"},
        {"x-api-key": SECRET.lower()},
        {"Authorization": f"Basic {SECRET}"},
        {"Sec-WebSocket-Protocol": f"openai-insecure-api-key.{UNKNOWN}"},
    ):
        assert refusal(headers, required) == "invalid_key", headers
    assert refusal({"x-api-key": REVOKED}, required) == "revoked_key"
    assert refusal({"x-api-key": UNKNOWN, "Authorization": REVOKED}, required) == "revoked_key"


def test_without_keys_nobody_needs_one() -> None:
    for required in ("auto", "never"):
        for headers in ({}, {"x-api-key": UNKNOWN}, {"Authorization": "Bearer sk"}):
            assert who(headers, required, {}) is ANYBODY
    assert Caller() == ANYBODY
    assert refusal({}, "always", {}) == "missing_key"
    assert refusal({"x-api-key": UNKNOWN}, "always", {}) == "invalid_key"


def test_revoking_the_last_key_does_not_open_the_proxy() -> None:
    assert refusal({}, "auto", table(OLD)) == "missing_key"
    assert refusal({"x-api-key": REVOKED}, "auto", table(OLD)) == "revoked_key"


def test_where_none_is_required_only_a_revoked_one_is_refused() -> None:
    for headers in ({}, {"x-api-key": UNKNOWN}, {"Authorization": "Bearer sk-of-the-provider"}):
        caller = who(headers, "never")
        assert caller == Caller()
        assert caller is not ANYBODY  # there are keys to be kept from providers
    assert refusal({"x-api-key": REVOKED}, "never") == "revoked_key"


def test_a_key_that_is_revoked_is_refused_from_the_next_snapshot_on() -> None:
    assert who({"x-api-key": SECRET}).key_id == "key_mine"
    now = Key(MINE.id, MINE.name, MINE.sha256, revoked=True)
    assert refusal({"x-api-key": SECRET}, keys=table(now)) == "revoked_key"
    assert refusal({"x-api-key": SECRET}, keys=table(OTHERS)) == "invalid_key"


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(Refused, match="tracer keys create"):
        who({})
    with pytest.raises(Refused, match="what came in x-api-key"):
        who({"x-api-key": "sk-of-the-provider"})
    with pytest.raises(Refused, match="key_old was revoked"):
        who({"x-api-key": REVOKED})


def test_tags_win_over_the_requests_metadata() -> None:
    sent = {"team": "mine", "_user": "root", "other": "kept"}
    assert with_tags(sent, TAGS) == {"team": "search", "user": "bot", "_user": "bot", "other": "kept"}
    assert with_tags(sent, {"_user": "bot"}) == {**sent, "_user": "bot"}
    assert with_tags(sent, {"user": "a", "_user": "b"})["_user"] == "b"
    assert with_tags(sent, {}) == sent


any_text = st.one_of(
    st.text(),
    st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.sampled_from([SECRET, OTHER, REVOKED, UNKNOWN, f"Bearer {SECRET}", f"bearer {UNKNOWN}", "Bearer", " ", "tr-"]),
)
some_headers = st.dictionaries(
    st.sampled_from([*CARRIERS, "Authorization", "sec-websocket-protocol", "cookie", "x-portkey-config"]), any_text, max_size=5
)


@given(some_headers, st.sampled_from(REQUIRED), st.sampled_from([KEYS, {}, table(OLD)]))
def test_nothing_but_a_refusal_is_ever_raised(headers: dict[str, Any], required: Required, keys: dict[str, Key]) -> None:
    refused = None
    try:
        caller = who(headers, required, keys)
    except Refused as error:
        refused = error
    if refused:
        assert (refused.status, refused.kind) in {(401, "missing_key"), (401, "invalid_key"), (401, "revoked_key")}
        refused.message.encode()
    elif caller.key_id:
        assert any(SECRET in text or OTHER in text for text in headers.values())
    else:
        assert required == "never" or (not keys and required == "auto")
