from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sink.exchanges import STARTED_NS
from tracer.sink import price
from tracer.sink.list_prices import SOURCE
from tracer.sink.usage import Usage, normalise

USAGE = Usage(
    uncached_input_tokens=700,
    cache_read_tokens=300,
    text_output_tokens=100,
    input_tokens=1000,
    output_tokens=100,
    total_tokens=1100,
)


@pytest.fixture(scope="module")
def book() -> price.PriceBook:
    return price.load(None)


def cost(book: price.PriceBook, raw: dict[str, Any] | None = None, **other: Any) -> price.Cost:
    values = {"provider": "openai", "models": ("gpt-4o",), "service_tier": "", "at_ns": STARTED_NS, "usage": USAGE} | other
    return book.price(raw=raw or {}, **values)


def test_the_public_price(book: price.PriceBook) -> None:
    found = cost(book)  # $2.50, cached $1.25, output $10 per million
    assert found == price.Cost(SOURCE, Decimal("0.003125"), Decimal("0.002125"), Decimal("0.001"))


def test_the_users_price_goes_before_all_others(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[[price]]\nmodel = "gpt-4o*"\ninput = "1"\noutput = 2\n')
    found = cost(price.load(file), {"cost": 5.0, "cost_details": {}})
    assert found == price.Cost("user", Decimal("0.0012"), Decimal("0.001"), Decimal("0.0002"))


def test_a_users_price_without_output_leaves_output_unknown(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[[price]]\nmodel = "gpt-4o"\ninput = "1"\n')
    assert cost(price.load(file)) == price.Cost("none: no price for output tokens")


def test_the_providers_figure_goes_before_the_public_price(book: price.PriceBook) -> None:
    raw = {
        "cost": 0.00436225,
        "is_byok": False,
        "cost_details": {"upstream_inference_completions_cost": 0.004354, "upstream_inference_prompt_cost": 8.25e-6},
    }
    found = cost(book, raw, provider="openrouter")
    assert found == price.Cost("provider", Decimal("0.00436225"), Decimal("0.00000825"), Decimal("0.004354"))


def test_with_the_callers_own_key_the_provider_behind_openrouter_bills_too(book: price.PriceBook) -> None:
    raw = {"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}
    assert cost(book, raw, provider="openrouter") == price.Cost("provider", Decimal("0.021"))


REPORTED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"cost_in_usd_ticks": 12_345_000}, "x-ai", "0.0012345"),
    ({"cost": {"total_cost": 0.006, "output_tokens_cost": 0.001}}, "perplexity-ai", "0.006"),
    ({"cost": 0}, "openrouter", "0"),
    ({"cost": 0.5}, "openai", None),  # of an unknown host: who knows in what
    ({"cost": True, "cost_details": {}}, "openrouter", None),
    ({"cost": -1, "cost_details": {}}, "openrouter", None),
    ({"cost": "0.1", "cost_details": {}}, "openrouter", None),
    ({"cost": 1e6, "cost_details": {}}, "openrouter", None),
    ({}, "openrouter", None),
]


@pytest.mark.parametrize(("raw", "provider", "total"), REPORTED)
def test_reported_costs(raw: dict[str, Any], provider: str, total: str | None) -> None:
    found = price.reported_cost(raw, provider)
    assert (found.total if found else None) == (None if total is None else Decimal(total))
    if found and found.input is not None and found.output is not None:
        assert found.input + found.output == found.total


def test_unknown_is_none_with_a_reason_and_never_zero(book: price.PriceBook) -> None:
    assert cost(book, models=("my-own-model",)) == price.Cost("none: model my-own-model is not in the price list of openai")
    assert cost(book, models=()) == price.Cost("none: the model is unknown")
    assert cost(book, provider="ollama") == price.Cost("none: no price list for provider ollama")
    half = normalise({"prompt_tokens": 5}, "openai", "chat")
    assert cost(book, usage=half) == price.Cost("none: the provider did not report output tokens")


def test_the_requests_name_is_tried_when_the_replys_is_not_listed(book: price.PriceBook) -> None:
    assert cost(book, models=("our-deployment", "gpt-4o")).total == Decimal("0.003125")


def test_an_absurd_cost_is_no_cost(book: price.PriceBook) -> None:
    most = (1 << 32) - 1
    usage = normalise({"prompt_tokens": most, "completion_tokens": most}, "openai", "chat")
    assert cost(book, usage=usage, models=("gpt-4o",)).total is not None
    assert cost(book, usage=usage, models=("o1-pro",)).source == "none: a cost of a million dollars must be a mistake"
