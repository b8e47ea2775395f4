from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import normalise
from tracer.sink.figures import choose_flavour, find_usage
from tracer.sink.usage import Usage, compact

COUNT = st.one_of(st.integers(-5, 500), st.sampled_from([None, True, 7.0, 0.5, float("inf"), "8", 10**15, [], {}]))
DETAIL_KEYS = ("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "text_tokens", "reasoning_tokens")
DETAILS = st.one_of(
    st.none(),
    st.lists(st.integers(), max_size=1),
    st.dictionaries(st.sampled_from(DETAIL_KEYS), COUNT),
    st.fixed_dictionaries(
        {"cached_tokens": COUNT, "cached_tokens_details": st.dictionaries(st.sampled_from(DETAIL_KEYS), COUNT)}
    ),
)
KEYS = {
    "prompt_tokens": COUNT,
    "completion_tokens": COUNT,
    "input_tokens": COUNT,
    "output_tokens": COUNT,
    "total_tokens": COUNT,
    "prompt_cache_hit_tokens": COUNT,
    "reasoning_tokens": COUNT,
    "prompt_tokens_details": DETAILS,
    "completion_tokens_details": DETAILS,
    "input_tokens_details": DETAILS,
    "output_tokens_details": DETAILS,
}


def buckets(usage: Usage) -> dict[str, int]:
    """What is known, without the totals."""
    values = {name: getattr(usage, name) for name in usage.__struct_fields__}
    return {
        name: value
        for name, value in values.items()
        if value is not None and not name.startswith(("input_t", "output_t", "total"))
    }


@given(
    st.fixed_dictionaries({}, optional=KEYS),
    st.sampled_from(["openai", "google", "x-ai", ""]),
    st.sampled_from(["chat", "embeddings", ""]),
)
def test_buckets_add_up_to_the_totals_and_are_never_negative(raw: dict[str, Any], provider: str, operation: str) -> None:
    usage = normalise(raw, provider, operation)
    if usage is None:
        return
    given_ = (usage.uncached_input_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    given_ += (usage.audio_input_tokens, usage.image_input_tokens)
    made = (usage.text_output_tokens, usage.reasoning_tokens, usage.audio_output_tokens)
    for total, parts in ((usage.input_tokens, given_), (usage.output_tokens, made)):
        assert all(part is None or part >= 0 for part in parts)
        assert sum(part or 0 for part in parts) == (total or 0)
        assert (total is None) == (parts[0] is None)
    if usage.total_tokens is not None:
        assert usage.total_tokens == (usage.input_tokens or 0) + (usage.output_tokens or 0)
    assert 0 <= (usage.cached_audio_tokens or 0) <= (usage.cache_read_tokens or 0)


CASES = {
    "no details: what follows from the totals is a number, the rest unknown": (
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        {"uncached_input_tokens": 10, "text_output_tokens": 5},
    ),
    "zeros that were said are zeros": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "rejected_prediction_tokens": 0},
        },
        {
            "uncached_input_tokens": 10,
            "cache_read_tokens": 0,
            "audio_input_tokens": 0,
            "text_output_tokens": 5,
            "reasoning_tokens": 0,
            "audio_output_tokens": 0,
        },
    ),
    "details are parts of the totals": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20, "audio_tokens": 10, "image_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 10},
        },
        {
            "uncached_input_tokens": 35,
            "cache_read_tokens": 30,
            "cache_write_tokens": 20,
            "audio_input_tokens": 10,
            "image_input_tokens": 5,
            "text_output_tokens": 20,
            "reasoning_tokens": 20,
            "audio_output_tokens": 10,
        },
    ),
    "cached audio is cached, and known to be audio where the split is given": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 0,
            "prompt_tokens_details": {
                "cached_tokens": 60,
                "audio_tokens": 80,
                "cached_tokens_details": {"audio_tokens": 50, "text_tokens": 10},
            },
        },
        {
            "uncached_input_tokens": 10,
            "cache_read_tokens": 60,
            "audio_input_tokens": 30,
            "text_output_tokens": 0,
            "cached_audio_tokens": 50,
        },
    ),
    "without the split cached tokens are text as far as the text reaches": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 80},
        },
        {"uncached_input_tokens": 0, "cache_read_tokens": 60, "audio_input_tokens": 40, "text_output_tokens": 0},
    ),
    "DeepSeek's hits": (
        {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5},
        {"uncached_input_tokens": 5, "cache_read_tokens": 4, "text_output_tokens": 2},
    ),
    "xAI leaves reasoning out of completion_tokens": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 45,
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        {"uncached_input_tokens": 10, "text_output_tokens": 5, "reasoning_tokens": 30},
    ),
    "an unexplained rest of the total is output": (
        {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
        {"uncached_input_tokens": 35, "text_output_tokens": 74},
    ),
    "figures that contradict each other are cut to the total": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 99},
            "completion_tokens_details": {"reasoning_tokens": 99},
        },
        {"uncached_input_tokens": 0, "cache_read_tokens": 10, "text_output_tokens": 0, "reasoning_tokens": 5},
    ),
    "responses": (
        {
            "input_tokens": 72,
            "input_tokens_details": {"cached_tokens": 12, "cache_write_tokens": 2},
            "output_tokens": 14,
            "output_tokens_details": {"reasoning_tokens": 4},
            "total_tokens": 86,
        },
        {
            "uncached_input_tokens": 58,
            "cache_read_tokens": 12,
            "cache_write_tokens": 2,
            "text_output_tokens": 10,
            "reasoning_tokens": 4,
        },
    ),
    "a missing half follows from the total": (
        {"prompt_tokens": 10, "total_tokens": 15},
        {"uncached_input_tokens": 10, "text_output_tokens": 5},
    ),
    "one half alone leaves the other unknown": ({"prompt_tokens": 10}, {"uncached_input_tokens": 10}),
}


@pytest.mark.parametrize("name", CASES)
def test_openai_shaped(name: str) -> None:
    raw, expected = CASES[name]
    usage = normalise(raw, "openai", "chat")
    assert usage is not None
    assert buckets(usage) == expected


def test_gemini_compatible_thinking_is_in_the_total_only() -> None:
    usage = normalise({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, "google", "chat")
    assert usage is not None
    assert (usage.text_output_tokens, usage.reasoning_tokens, usage.output_tokens) == (12, 62, 74)


@pytest.mark.parametrize("raw", [{"prompt_tokens": 8, "total_tokens": 8}, {"total_tokens": 8}, {"prompt_tokens": 8}])
def test_embeddings_have_no_output(raw: dict[str, Any]) -> None:
    usage = normalise(raw, "voyage", "embeddings")
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (8, 0, 8)


@pytest.mark.parametrize(
    "raw",
    [
        *({}, {"prompt_tokens": None}, {"prompt_tokens": "8a"}, {"prompt_tokens": True}, {"prompt_tokens": -1}, {"text": 3}),
        *(
            {"prompt_tokens": [8]},
            {"prompt_tokens": 1 << 40},
            {"usageMetadata": {}},
            {"seconds": "many"},
            {"prompt_tokens": "٣"},
        ),
    ],
)
def test_no_count_is_no_usage(raw: dict[str, Any]) -> None:
    assert normalise(raw, "openai", "chat") is None


def test_the_special_row_goes_before_the_general_one() -> None:
    rows = [
        choose_flavour({"prompt_tokens": 1}, *who) for who in (("google", "chat"), ("openai", "chat"), ("google", "embeddings"))
    ]
    assert [row.name for row in rows if row] == ["gemini-compatible", "chat", "embeddings"]


def test_usage_is_found_in_groqs_place_and_not_where_it_is_null() -> None:
    assert find_usage({"usage": None}) is None
    assert find_usage({"usage": {}, "x_groq": {"id": "r"}}) is None
    assert find_usage({"x_groq": {"usage": {"prompt_tokens": 1}}}) == {"prompt_tokens": 1}
    assert find_usage({"usage": {"prompt_tokens": 2}, "x_groq": {"usage": {"prompt_tokens": 1}}}) == {"prompt_tokens": 2}


def test_the_raw_usage_is_kept_in_its_order_and_compact() -> None:
    assert compact({"b": 1, "a": {"c": None, "d": 0.25}}) == '{"b":1,"a":{"c":null,"d":0.25}}'
    assert compact({"a": 1 << 70}) == ""
