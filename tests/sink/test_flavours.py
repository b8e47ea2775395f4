"""Every row of the table of flavours, by rules that hold for all of them, and the ways in which their figures go together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import normalise
from tests.sink.test_usage import buckets
from tracer.dialects.flavour import Flavour
from tracer.dialects.flavours import FLAVOURS
from tracer.dialects.row import Path, Where
from tracer.sink.figures import choose_flavour
from tracer.sink.usage import Usage, read_usage

FIGURES = [
    name
    for name in Flavour.__struct_fields__
    if name not in ("name", "who", "marks", "also", "input_excludes", "output_excludes", "elsewhere", "units", "remark")
]
COUNT = st.one_of(st.integers(0, 500), st.sampled_from([None, "12", 7.0, -3, 0.5, "x", {}, []]))
OPERATIONS = st.sampled_from(["chat", "embeddings", "generate_content", "text_completion", "rerank", ""])


def paths_of(flavour: Flavour) -> list[Path]:
    """Every path on which a figure of this flavour may stand."""
    found: list[Path] = []
    for name in FIGURES:
        paths = getattr(flavour, name)
        if isinstance(paths, tuple):
            found += [path for path in paths if isinstance(path, tuple)]
    return [*found, *(path for _, path in flavour.also)]


def put(whole: Any, path: Path, value: Any) -> Any:
    """`whole` with the value at the end of the path, as far as what is there lets it."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, Where):
        items = whole if isinstance(whole, list) else []
        element: dict[str, Any] = {step.field: step.values[0]} if step.field else {}
        return [*items, put(element, rest, value)]
    kept = dict(whole) if isinstance(whole, dict) else {}
    return {**kept, step: put(kept.get(step), rest, value)}


def check_sums(usage: Usage) -> None:
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
    assert 0 <= (usage.cache_write_1h_tokens or 0) <= (usage.cache_write_tokens or 0)
    assert 0 <= (usage.image_output_tokens or 0) <= (usage.text_output_tokens or 0)


@pytest.mark.parametrize("name", [flavour.name for flavour in FLAVOURS])
@given(data=st.data())
def test_buckets_of_any_figures_add_up(name: str, data: st.DataObject) -> None:
    flavour = next(flavour for flavour in FLAVOURS if flavour.name == name)
    raw: Any = {}
    for path in data.draw(st.lists(st.sampled_from(paths_of(flavour)), max_size=8)):
        raw = put(raw, path, data.draw(COUNT))
    provider = next(iter(flavour.providers), "someone")
    found = read_usage(raw, provider, data.draw(OPERATIONS))
    if found is not None:
        check_sums(found[0])


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: flavour.name)
def test_a_row_is_chosen_by_its_marks(flavour: Flavour) -> None:
    provider = next(iter(flavour.providers), "someone")
    operation = next(iter(flavour.operations), "chat")
    for mark in flavour.marks:
        chosen = choose_flavour({mark: 1}, provider, operation)
        assert chosen is not None
        # A word that several share goes to the row before.
        assert chosen is flavour or mark in chosen.marks


def test_names_are_names() -> None:
    assert len({flavour.name for flavour in FLAVOURS}) == len(FLAVOURS)
    assert all(flavour.who for flavour in FLAVOURS)


CASES: dict[str, tuple[str, dict[str, Any], dict[str, int], str]] = {
    "Anthropic's input holds no cached tokens": (
        "anthropic",
        {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 30},
        {"uncached_input_tokens": 10, "cache_read_tokens": 20, "cache_write_tokens": 30, "text_output_tokens": 5},
        "",
    ),
    "nor that of whoever speaks its dialect": (
        "deepseek",
        {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 20},
        {"uncached_input_tokens": 10, "cache_read_tokens": 20, "text_output_tokens": 5},
        "",
    ),
    "an hour's writes are no more than all writes": (
        "anthropic",
        {
            "input_tokens": 1,
            "output_tokens": 1,
            "cache_creation_input_tokens": 4,
            "cache_creation": {"ephemeral_1h_input_tokens": 9},
        },
        {"uncached_input_tokens": 1, "cache_write_tokens": 4, "cache_write_1h_tokens": 4, "text_output_tokens": 1},
        "",
    ),
    "Converse's total holds the cached tokens": (
        "bedrock",
        {"inputTokens": 10, "outputTokens": 5, "totalTokens": 35, "cacheReadInputTokens": 20},
        {"uncached_input_tokens": 10, "cache_read_tokens": 20, "text_output_tokens": 5},
        "",
    ),
    "and where it shows that the input has them too, they are not added": (
        "bedrock",
        {"inputTokens": 30, "outputTokens": 5, "totalTokens": 35, "cacheReadInputTokenCount": 20},
        {"uncached_input_tokens": 10, "cache_read_tokens": 20, "text_output_tokens": 5},
        "",
    ),
    "but what is larger than the input is no part of it, whatever the total says": (
        "bedrock",
        {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, "cacheReadInputTokens": 1000},
        {"uncached_input_tokens": 10, "cache_read_tokens": 1000, "text_output_tokens": 5},
        "the total of 15 is less than input (1010) and output (5): these were believed",
    ),
    "thoughts that the candidates hold are not added": (
        "google",
        {"promptTokenCount": 10, "candidatesTokenCount": 12, "thoughtsTokenCount": 7, "totalTokenCount": 22},
        {"uncached_input_tokens": 10, "text_output_tokens": 5, "reasoning_tokens": 7},
        "",
    ),
    "what thoughts do not explain is told": (
        "google",
        {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 30},
        {"uncached_input_tokens": 10, "text_output_tokens": 13, "reasoning_tokens": 7},
        "the total of 30 is 8 more than input (10) and output (12): counted as output",
    ),
    "Gemini's thoughts stand beside the candidates": (
        "google",
        {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 22},
        {"uncached_input_tokens": 10, "text_output_tokens": 5, "reasoning_tokens": 7},
        "",
    ),
    "cached images are cached": (
        "google",
        {
            "promptTokenCount": 373,
            "cachedContentTokenCount": 204,
            "candidatesTokenCount": 5,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 115}, {"modality": "IMAGE", "tokenCount": 258}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 63}, {"modality": "IMAGE", "tokenCount": 141}],
        },
        {"uncached_input_tokens": 52, "cache_read_tokens": 204, "image_input_tokens": 117, "text_output_tokens": 5},
        "",
    ),
    "pages of documents are images": (
        "google",
        {"promptTokenCount": 300, "promptTokensDetails": [{"modality": "DOCUMENT", "tokenCount": 258}]},
        {"uncached_input_tokens": 42, "image_input_tokens": 258, "text_output_tokens": 0},
        "",
    ),
    "xAI's reasoning stands beside the completion, total or not": (
        "x-ai",
        {"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 30}},
        {"uncached_input_tokens": 10, "text_output_tokens": 5, "reasoning_tokens": 30},
        "",
    ),
    "names of Anthropic's in OpenAI's shape are parts of the prompt": (
        "litellm",
        {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55, "cache_read_input_tokens": 20},
        {"uncached_input_tokens": 30, "cache_read_tokens": 20, "text_output_tokens": 5},
        "",
    ),
    "Cohere bills less than the model saw": (
        "cohere",
        {"billed_units": {"input_tokens": 2, "output_tokens": 3}, "tokens": {"input_tokens": 70, "output_tokens": 4}},
        {"uncached_input_tokens": 2, "text_output_tokens": 3},
        "",
    ),
    "without a bill what the model saw is all there is": (
        "cohere",
        {"tokens": {"input_tokens": 70, "output_tokens": 4}},
        {"uncached_input_tokens": 70, "text_output_tokens": 4},
        "",
    ),
    "Cohere counts images beside": (
        "cohere",
        {"billed_units": {"image_tokens": 30}},
        {"uncached_input_tokens": 0, "image_input_tokens": 30, "text_output_tokens": 0},
        "",
    ),
    "a total alone": (
        "voyage",
        {"total_tokens": 8},
        {"uncached_input_tokens": 8, "text_output_tokens": 0},
        "only a total was given, and was counted as input",
    ),
    "numbers as strings": (
        "google",
        {"promptTokenCount": "10", "candidatesTokenCount": "5", "totalTokenCount": "15"},
        {"uncached_input_tokens": 10, "text_output_tokens": 5},
        "",
    ),
    "words that nobody uses": (
        "acme",
        {"tokens_in_prompt": 9, "tokens_generated": 4, "time_in_queue_tokens": 1},
        {"uncached_input_tokens": 9, "text_output_tokens": 4},
        "an unknown kind of usage, read by its shape: input from tokens_in_prompt, output from tokens_generated",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_how_figures_go_together(name: str) -> None:
    provider, raw, expected, note = CASES[name]
    found = read_usage(raw, provider, "chat")
    assert found is not None
    assert buckets(found[0]) == expected
    assert found[1] == note
    check_sums(found[0])


def test_what_is_billed_by_something_else_has_no_tokens() -> None:
    assert read_usage({"type": "duration", "seconds": 2.5}, "openai", "generate_content") == (
        Usage(),
        "billed by 2.5 seconds of audio, not by tokens",
    )
    assert read_usage({"billed_units": {"search_units": 2}}, "cohere", "rerank") == (
        Usage(),
        "billed by 2 search units, not by tokens",
    )


@pytest.mark.parametrize("operation", ["embeddings", "rerank"])
def test_what_makes_vectors_has_no_output(operation: str) -> None:
    for raw in (
        {"prompt_eval_count": 3},
        {"inputTextTokenCount": 3},
        {"billed_units": {"input_tokens": 3}},
        {"total_tokens": 3},
    ):
        usage = normalise(raw, "someone", operation)
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (3, 0, 3)
