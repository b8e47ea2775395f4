"""A file in LiteLLM's format, written by hand: its keys, its suffixes, its tiers."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sink.exchanges import STARTED_NS
from tests.sink.test_price import USAGE
from tracer.records import Price
from tracer.sink import price
from tracer.sink.price_files import PriceError
from tracer.sink.rates import step

ENTRIES: dict[str, Any] = {
    "sample_spec": {"input_cost_per_token": 0, "litellm_provider": "one of many"},
    "house-model": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
    "azure/house-model": {"litellm_provider": "azure", "input_cost_per_token": 3e-06, "output_cost_per_token": 4e-06},
    "bedrock/house.model-v1:0": {
        "litellm_provider": "bedrock_converse",
        "input_cost_per_token": 5e-06,
        "output_cost_per_token": 6e-06,
    },
    "vertex_ai/house-model": {
        "litellm_provider": "vertex_ai-language-models",
        "input_cost_per_token": 7e-06,
        "output_cost_per_token": 0,
    },
    "writer/house-4": {"litellm_provider": "writer", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05},
    "house-tiers": {
        "litellm_provider": "openai",
        "input_cost_per_token": 1e-06,
        "input_cost_per_token_above_200k_tokens": 2e-06,
        "input_cost_per_token_priority": 4e-06,
        "input_cost_per_token_above_200k_tokens_priority": 8e-06,
        "input_cost_per_token_batches": 5e-07,
        "output_cost_per_token": 1e-05,
        "output_cost_per_token_batches": 5e-06,
        "cache_read_input_token_cost": 1e-07,
        "cache_creation_input_token_cost": 1.25e-06,
        "cache_creation_input_token_cost_above_1hr": 2e-06,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 4e-06,
        "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.01},
    },
    "house-searches": {
        "litellm_provider": "openai",
        "input_cost_per_token": 1e-06,
        "output_cost_per_token": 1e-06,
        "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.02},
    },
    "house-audio": {"litellm_provider": "openai", "input_cost_per_second": 0.0001, "mode": "audio_transcription"},
    "ollama/house-llama": {"litellm_provider": "ollama", "input_cost_per_token": 0, "output_cost_per_token": 0},
    "house-wrong": {"litellm_provider": "openai", "input_cost_per_token": "a lot"},
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> price.PriceBook:
    file = tmp_path_factory.mktemp("litellm") / "prices.json"
    file.write_text(json.dumps(ENTRIES))
    return price.load(None, file)


def rates(book: price.PriceBook, provider: str, model: str, tier: str = "", tokens: int = 0) -> Price:
    found = book.found(provider, (model,), tier, STARTED_NS)
    assert not isinstance(found, str), found
    return step(found.tariff, tokens)


@pytest.mark.parametrize(
    ("provider", "model", "micros"),
    [
        ("openai", "house-model", 1),
        ("azure-openai", "house-model", 3),
        ("bedrock", "us.house.model-v1:0", None),
        ("bedrock", "house.model-v1:0", 5),
        ("vertex-ai", "publishers/google/models/house-model", 7),
        ("writer", "house-4", 2.5),
        ("groq", "house-model", None),
        ("openai", "house-audio", None),
        ("openai", "house-wrong", None),
        ("scale", "openai/house-model", 1),
        ("ollama", "house-llama", None),
    ],
)
def test_keys_are_found_as_litellm_writes_them(book: price.PriceBook, provider: str, model: str, micros: float | None) -> None:
    found = book.found(provider, (model,), "", STARTED_NS)
    assert (None if isinstance(found, str) else found.tariff[-1].uncached_input_usd) == (
        None if micros is None else Decimal(str(micros)) / 10**6
    )


def test_the_public_list_goes_before_and_the_reason_names_both(book: price.PriceBook) -> None:
    assert book.found("openai", ("gpt-4o",), "", STARTED_NS) == price.load(None).found("openai", ("gpt-4o",), "", STARTED_NS)
    assert book.found("openai", ("nothing",), "", STARTED_NS) == (
        "model nothing is not in the price list of openai, nor in LiteLLM's file"
    )


def test_sizes_tiers_and_durations_are_other_keys(book: price.PriceBook) -> None:
    def micros(tier: str, tokens: int) -> tuple[Decimal | None, ...]:
        found = rates(book, "openai", "house-tiers", tier, tokens)
        kinds = (found.uncached_input_usd, found.text_output_usd, found.cache_write_1h_usd)
        return tuple(rate and rate * 10**6 for rate in kinds)

    assert micros("", 200_000) == (1, 10, 2)
    assert micros("", 200_001) == (2, 10, 4)
    assert micros("priority", 0) == (4, 10, 2)
    assert micros("priority", 200_001) == (8, 10, 4)
    assert micros("batch", 0) == (Decimal("0.5"), 5, 2)
    assert micros("flex", 0) == (1, 10, 2)
    found = rates(book, "openai", "house-tiers", "batch")
    assert (found.source, found.model, found.service_tier) == ("litellm", "house-tiers", "batch")
    assert rates(book, "openai", "house-tiers", "flex").service_tier == ""


def test_a_search_has_a_price_if_all_sizes_have_one(book: price.PriceBook) -> None:
    assert rates(book, "openai", "house-tiers").web_search_usd == Decimal("0.01")
    assert rates(book, "openai", "house-searches").web_search_usd is None


def test_a_call_is_counted_by_it(book: price.PriceBook) -> None:
    found = book.price(USAGE, {}, "writer", ("house-4",), "", STARTED_NS)
    assert found.source.startswith("litellm ")
    assert found.total == Decimal("0.0035")
    assert found.price_id == found.prices[0].price_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "should be an object"),
        ("{", "cannot read LiteLLM's prices"),
        ('{"a": {}}', "no entry has `input_cost_per_token`"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(PriceError, match=message):
        price.load(None, file)
    with pytest.raises(PriceError, match="no-such"):
        price.load(None, tmp_path / "no-such.json")
