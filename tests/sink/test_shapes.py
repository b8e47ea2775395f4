from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.shapes import flavour_by_shape, usage_by_shape

KEYS = st.sampled_from(
    ["usage", "meta", "tokens", "input", "output_tokens", "total", "promptTokens", "generated", "cached_tokens", "time_ms", "é"]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"usage": {"in_tokens": 1, "prompt_tok": 2}}, ("usage",)),
        ({"result": {"usage": {"prompt_tokens": 2}}}, ("result", "usage")),
        ({"stats": {"tokens": {"input": 2, "output": 3}}}, ("stats", "tokens")),
        ({"meta": {"page": 1}, "data": {"meta": {"inputTokens": 2}}}, ("data", "meta")),
        ({"token_usage": {"prompt": 2, "completion": 1, "total": 3}}, ("token_usage",)),
    ],
)
def test_where_a_usage_may_stand(document: dict[str, Any], where: tuple[str, ...]) -> None:
    found = usage_by_shape(document)
    assert found is not None
    assert found[0] == where


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"usage": {}},
        {"usage": {"input_time": 3, "output_seconds": 2}},
        {"usage_bytes": 12},
        {"rate_limits": {"input_tokens_limit": 10, "input_tokens_remaining": 3}},
        {"message": {"input_tokens": "many"}},
    ],
)
def test_what_is_no_usage(document: dict[str, Any]) -> None:
    assert usage_by_shape(document) is None


def test_what_the_words_mean() -> None:
    raw = {
        "cached_input_tokens": 1,
        "input_tokens_count": 2,
        "thinkingTokens": 3,
        "generatedTokens": 4,
        "totalTokens": 5,
        "cacheWriteTokens": 6,
    }
    row = flavour_by_shape(raw)
    assert row is not None
    assert (row.input, row.output, row.total) == ((("input_tokens_count",),), (("generatedTokens",),), (("totalTokens",),))
    assert (row.cache_read, row.reasoning, row.cache_write) == (
        (("cached_input_tokens",),),
        (("thinkingTokens",),),
        (("cacheWriteTokens",),),
    )


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_no_json_makes_it_raise(document: dict[str, Any]) -> None:
    found = usage_by_shape(document)
    if found is not None:
        assert flavour_by_shape(found[1]) is not None
