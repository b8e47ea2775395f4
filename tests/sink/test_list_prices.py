from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot

from tracer.sink import list_prices
from tracer.sink.list_prices import ListPrices
from tracer.sink.rates import SCALE, Rates, cost_of
from tracer.sink.usage import Usage, normalise

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
TIMES = ("2025-01-31T02:00:00", "2026-09-21T08:30:00", "2026-11-20T17:00:00")
PER_MILLION = Decimal(10**6)


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
        "input_audio_tokens": usage.audio_input_tokens,
        "input_image_tokens": usage.image_input_tokens,
        "output_audio_tokens": usage.audio_output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    return genai_prices.Usage(**{name: value for name, value in named.items() if value})


@pytest.mark.parametrize("raw", [TEXT, LONG, MEDIA], ids=["text", "long", "media"])
@pytest.mark.parametrize("tier", ["", "priority", "flex"])
def test_every_listed_model_costs_what_the_library_says(raw: dict[str, object], tier: str) -> None:
    usage, listed, compared = usage_of(raw), ListPrices(), 0
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in TIMES]
    for provider in get_snapshot().providers:
        for info in provider.models:
            for at in times if provider.id in ("openai", "deepseek", "google", "azure") else times[1:2]:
                tariff = listed.tariff(provider.id, info.id, tier, ns(at))
                if isinstance(tariff, str):
                    continue
                ours = cost_of(usage, tariff)
                found = genai_prices.calc_price(
                    theirs(usage),
                    info.id,
                    provider_id=provider.id,
                    genai_request_timestamp=at,
                    price_context={"service_tier": tier} if tier else None,
                )
                if isinstance(ours, str):  # the list has no price for the input or the output of this model
                    assert found.input_price == 0 or found.output_price == 0
                    continue
                # A few listed prices carry the noise of a float, which rounding takes away.
                assert abs(sum(ours) - found.total_price) <= SCALE, (provider.id, info.id, at)
                assert abs(ours[1] - found.output_price) <= SCALE
                compared += 1
    assert compared > 1500


def rates(provider: str, model: str, tier: str = "", at: str = TIMES[1], tokens: int = 0) -> Rates:
    tariff = ListPrices().tariff(provider, model, tier, ns(datetime.fromisoformat(at).replace(tzinfo=UTC)))
    assert not isinstance(tariff, str), tariff
    return next(found for above, found in tariff if tokens > above)


def per_million(found: Rates) -> list[str]:
    shown = (found.uncached_input, found.cache_read, found.text_output)
    return [format((rate * PER_MILLION).normalize(), "f") for rate in shown if rate is not None]


def test_prices_checked_by_hand() -> None:
    """Against the providers' price pages as genai-prices 0.2.3 transcribes them."""
    assert per_million(rates("openai", "gpt-4o-mini-2024-07-18")) == ["0.15", "0.075", "0.6"]
    assert per_million(rates("openai", "gpt-4o", "priority", "2026-11-20T00:00:00")) == ["4.25", "2.125", "17"]
    assert per_million(rates("openai", "gpt-4o", "priority", "2026-09-20T00:00:00")) == ["2.5", "1.25", "10"]
    assert per_million(rates("groq", "llama-3.3-70b-versatile"))[::2] == ["0.59", "0.79"]


def test_the_hour_counts_where_the_provider_says_so() -> None:
    listed = ListPrices()
    at = [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (0, 2, 5, 7, 12)]
    peak = []
    for time in at * 2:  # the second round from what was kept
        tariff = listed.tariff("deepseek", "deepseek-v4-pro", "", ns(time))
        assert not isinstance(tariff, str)
        peak.append(tariff[-1][1].uncached_input)
    assert peak[0] == peak[2] == peak[4]
    assert peak[1] == peak[3] == Decimal("0.00000132")
    assert peak[0] != peak[1]
    assert peak[:5] == peak[5:]


def test_a_threshold_of_the_input_raises_the_price_of_the_whole_call() -> None:
    below, above = (rates("google", "gemini-2.5-pro", tokens=tokens) for tokens in (200_000, 200_001))
    assert (per_million(below)[0], per_million(above)[0]) == ("1.25", "2.5")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "openai/gpt-4o"),
        ("azure-openai", "gpt-4o-2024-08-06"),
        ("together-ai", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("fireworks-ai", "accounts/fireworks/models/deepseek-v4-flash"),
        ("mistral-ai", "mistral-small-latest"),
        ("vertex-ai", "google/gemini-2.5-flash"),
        ("groq", "openai/gpt-oss-120b"),
    ],
)
def test_portkeys_slugs_and_vendor_prefixes_are_understood(provider: str, model: str) -> None:
    assert rates(provider, model).uncached_input


def test_what_is_not_known_has_a_reason() -> None:
    listed = ListPrices()
    assert listed.tariff("ollama", "llama3", "", 0) == "no price list for provider ollama"
    assert listed.tariff("", "gpt-4o", "", 0) == "no price list for provider unknown"
    assert listed.tariff("openai", "nothing-like-it", "", 0) == "model nothing-like-it is not in the price list of openai"
    assert listed.tariff("openai", "", "", 0) == "model unknown is not in the price list of openai"
    assert listed.tariff("groq", "whisper-large-v3", "", 0) == "no price per token listed"


def test_only_a_name_that_says_free_is_free() -> None:
    assert rates("mistral-ai", "mistral-nemo:free").uncached_input == 0
    assert ListPrices().tariff("google", "gemma-3", "", 0) == "no price per token listed"


def test_a_fee_per_call_is_added_once() -> None:
    found = rates("perplexity-ai", "sonar-pro")
    assert found.request == Decimal("0.014")
    cost = cost_of(Usage(uncached_input_tokens=1, text_output_tokens=0, input_tokens=1, output_tokens=0), ((-1, found),))
    assert cost == (Decimal("0.014003"), 0)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_prices, "_MOST_KEPT", 3)
    listed = ListPrices()
    for number in range(20):
        listed.tariff("openai", f"made-up-{number}", "", 0)
        assert len(listed._kept) <= 3
    assert listed.tariff("openai", "gpt-4o", "", 10**18) == listed.tariff("openai", "gpt-4o", "", 10**18)
