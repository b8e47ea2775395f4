"""SGP's list of models from an upstream's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scale.doors import places
from tracer.proxy.refused import Refused
from tracer.scale.listing import models

THREE = {"object": "list", "data": [{"id": "b", "object": "model"}, {"id": "a"}, {"id": "org/c", "created": 1}]}


def names(query: dict[str, str], upstream: object = THREE) -> list[str]:
    reply = models(upstream, "openai", query)
    assert reply["object"] == "list"
    items = reply["items"]
    assert isinstance(items, list)
    return [item["model_name"] for item in items]


def test_an_item_says_what_is_known() -> None:
    reply = models({"data": [{"id": "gpt-4o"}]}, "openai", {})
    item = {"model_name": "gpt-4o", "model_type": "generic", "model_vendor": "openai", "model_availability": "available"}
    assert reply == {"object": "list", "items": [item]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["b", "a", "org/c"]),
        ({"model_vendor": "openai"}, ["b", "a", "org/c"]),
        ({"limit": "2"}, ["b", "a"]),
        ({"starting_after": "b"}, ["a", "org/c"]),
        ({"starting_after": "b", "limit": "1"}, ["a"]),
        ({"ending_before": "org/c"}, ["b", "a"]),
        ({"ending_before": "org/c", "limit": "1"}, ["a"]),
        ({"starting_after": "gone"}, ["b", "a", "org/c"]),
        ({"sort_by": "model_name"}, ["a", "b", "org/c"]),
        ({"sort_by": "model_name", "sort_order": "desc", "limit": "1"}, ["org/c"]),
        ({"sort_order": "asc"}, ["a", "b", "org/c"]),
        ({"sort_by": "created_at"}, ["a", "b", "org/c"]),
    ],
)
def test_pages(query: dict[str, str], expected: list[str]) -> None:
    assert names(query) == expected


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ([{"id": "a"}, {"id": "a"}], ["a"]),
        ({"models": [{"name": "llama"}]}, ["llama"]),
        ({"data": [{"id": "models/gemini-2.5-pro"}]}, ["gemini-2.5-pro"]),
        ({"data": [{"id": 5}, {}, None, "x", {"id": ""}]}, []),
        *((nothing, []) for nothing in (None, {}, {"data": None}, {"data": {}}, "x", 5, [])),
    ],
)
def test_lists_of_other_shapes(upstream: object, expected: list[str]) -> None:
    assert names({}, upstream) == expected


@pytest.mark.parametrize("limit", ["0", "-1", "", "ten", "1.5", "²", "9" * 5000])
def test_a_limit_that_is_none(limit: str) -> None:
    with pytest.raises(Refused) as caught:
        names({"limit": limit})
    assert places(caught.value) == ["query.limit"]


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["data", "id", "models", "name"]), x),
    )
)
def test_no_list_breaks_it(upstream: Any) -> None:
    names({"limit": "5", "sort_by": "model_name"}, upstream)
