from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot

from tests.sink.exchanges import STARTED_NS, normalise
from tracer.records import Price
from tracer.sink.list_prices import ListPrices
from tracer.sink.rates import SCALE, cost_of, step
from tracer.sink.usage import Usage

TEXT = {
    "prompt_tokens": 1000,
    "completion_tokens": 700,
    "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 50},
}
LONG = {"prompt_tokens": 300_000, "completion_tokens": 10}
MEDIA = {
    "prompt_tokens": 1000,
    "completion_tokens": 700,
    "prompt_tokens_details": {"audio_tokens": 200, "image_tokens": 40},
    "completion_tokens_details": {"audio_tokens": 20, "reasoning_tokens": 30},
}
PARTS = Usage(
    uncached_input_tokens=1000,
    cache_write_tokens=700,
    cache_write_1h_tokens=200,
    text_output_tokens=90,
    image_output_tokens=60,
    web_searches=3,
    input_tokens=1700,
    output_tokens=90,
)
TIMES = ("2025-01-31T02:00:00", "2026-09-21T08:30:00", "2026-11-20T17:00:00")
PER_MILLION = Decimal(10**6)
LISTED = ListPrices()
CONTEXTS = {"batch": {"processing": "batch"}, "fast": {"service_tier": "fast", "speed": "fast"}}


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def usage_of(raw: dict[str, object]) -> Usage:
    usage = normalise(raw, "openai", "chat")
    assert usage is not None
    return usage


def theirs(usage: Usage) -> genai_prices.Usage:
    """The same usage in the library's terms: totals, and parts of them."""
    named = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "input_audio_tokens": usage.audio_input_tokens,
        "input_image_tokens": usage.image_input_tokens,
        "output_audio_tokens": usage.audio_output_tokens,
        "output_image_tokens": usage.image_output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
        "web_searches": usage.web_searches,
    }
    return genai_prices.Usage(**{name: value for name, value in named.items() if value})


USAGES = {"text": usage_of(TEXT), "long": usage_of(LONG), "media": usage_of(MEDIA), "parts": PARTS}


@pytest.mark.parametrize(
    ("name", "tier"),
    [*((name, "") for name in USAGES), *(("text", tier) for tier in ("priority", "flex", "fast")), ("parts", "batch")],
)
def test_every_listed_model_costs_what_the_library_says(name: str, tier: str) -> None:
    usage = USAGES[name]
    compared, rounding = 0, Decimal("1e-12")
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in TIMES]
    for provider in get_snapshot().providers:
        for info in provider.models:
            for at in times if provider.id in ("openai", "deepseek", "google", "azure") else times[1:2]:
                found = LISTED._priced(provider.id, info.id, tier, at)
                if isinstance(found, str):
                    continue
                ours = cost_of(usage, step(found.tariff, usage.input_tokens or 0))
                oracle = genai_prices.calc_price(
                    theirs(usage),
                    info.id,
                    provider_id=provider.id,
                    genai_request_timestamp=at,
                    price_context=CONTEXTS.get(tier, {"service_tier": tier}) if tier else None,
                )
                if isinstance(ours, str):  # the list has no price for the input, the output or the searches of this model
                    assert oracle.input_price == 0 or oracle.output_price == 0 or "searches" in ours
                    continue
                # A few listed prices carry the noise of a float, which rounding takes away.
                assert abs(sum(ours) - oracle.total_price) <= SCALE + rounding, (provider.id, info.id, at)
                assert abs(ours[1] - oracle.output_price) <= SCALE
                compared += 1
    assert compared > (100 if name == "parts" else 1500)


def rates(provider: str, model: str, tier: str = "", at: str = TIMES[1], tokens: int = 0) -> Price:
    found = LISTED.find(provider, "", (model,), tier, ns(datetime.fromisoformat(at).replace(tzinfo=UTC)))
    assert not isinstance(found, str), found
    return step(found.tariff, tokens)


def per_million(found: Price) -> list[str]:
    shown = (found.uncached_input_usd, found.cache_read_usd, found.text_output_usd)
    return [format((rate * PER_MILLION).normalize(), "f") for rate in shown if rate is not None]


def test_prices_checked_by_hand() -> None:
    """Against the providers' price pages as genai-prices 0.2.3 transcribes them."""
    assert per_million(rates("openai", "gpt-4o-mini-2024-07-18")) == ["0.15", "0.075", "0.6"]
    assert per_million(rates("openai", "gpt-4o", "priority", "2026-11-20T00:00:00")) == ["4.25", "2.125", "17"]
    assert per_million(rates("openai", "gpt-4o", "priority", "2026-09-20T00:00:00")) == ["2.5", "1.25", "10"]
    assert per_million(rates("groq", "llama-3.3-70b-versatile"))[::2] == ["0.59", "0.79"]
    sonnet = rates("anthropic", "claude-sonnet-4-5")
    assert (sonnet.cache_write_usd, sonnet.cache_write_1h_usd) == (Decimal("0.00000375"), Decimal("0.000006"))
    assert sonnet.web_search_usd == Decimal("0.01")
    assert rates("google", "gemini-2.5-flash-image").image_output_usd == Decimal("0.00003")


def test_a_row_says_since_when_and_for_which_tier_it_holds() -> None:
    priority = rates("openai", "gpt-4o", "priority", "2026-11-20T00:00:00")
    assert (priority.service_tier, str(priority.valid_from)) == ("priority", "2026-10-12")
    before = rates("openai", "gpt-4o", "priority", "2026-09-20T00:00:00")  # no price of its own yet
    assert before.service_tier == ""
    assert before == rates("openai", "gpt-4o", "", "2026-09-20T00:00:00") == rates("openai", "gpt-4o", "unheard-of")


def test_a_threshold_of_the_input_raises_the_price_of_the_whole_call() -> None:
    below, above = (rates("google", "gemini-2.5-pro", tokens=tokens) for tokens in (200_000, 200_001))
    assert (per_million(below)[0], per_million(above)[0]) == ("1.25", "2.5")
    assert (below.above_input_tokens, above.above_input_tokens) == (0, 200_000)


def test_only_a_name_that_says_free_is_free() -> None:
    assert rates("mistral-ai", "mistral-nemo:free").uncached_input_usd == 0
    assert LISTED.find("google", "", ("gemma-3",), "", STARTED_NS) == "no price per token listed"


def test_a_fee_per_call_is_added_once() -> None:
    found = rates("perplexity-ai", "sonar-pro")
    assert found.request_usd == Decimal("0.014")
    used: dict[str, Any] = {"uncached_input_tokens": 1, "text_output_tokens": 0, "input_tokens": 1, "output_tokens": 0}
    assert cost_of(Usage(**used), found) == (Decimal("0.014003"), 0)
