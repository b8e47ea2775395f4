from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sink.exchanges import STARTED_NS, normalise
from tracer.sink import price
from tracer.sink.list_prices import SOURCE, ListPrices
from tracer.sink.usage import Usage

USAGE = Usage(
    uncached_input_tokens=700,
    cache_read_tokens=300,
    text_output_tokens=100,
    input_tokens=1000,
    output_tokens=100,
    total_tokens=1100,
)
HOUR_NS = 3600 * 10**9


@pytest.fixture(scope="module")
def book() -> price.PriceBook:
    return price.load(None)


def cost(book: price.PriceBook, raw: dict[str, Any] | None = None, **other: Any) -> price.Cost:
    values = {"provider": "openai", "models": ("gpt-4o",), "service_tier": "", "at_ns": STARTED_NS, "usage": USAGE} | other
    return book.price(raw=raw or {}, **values)


def amounts(found: price.Cost) -> tuple[str, Decimal | None, Decimal | None, Decimal | None]:
    return found.source, found.total, found.input, found.output


def user_file(folder: Path, text: str) -> Path:
    file = folder / "prices.toml"
    file.write_text(text)
    return file


def test_the_public_price_and_its_row(book: price.PriceBook) -> None:
    found = cost(book)  # $2.50, cached $1.25, output $10 per million
    assert amounts(found) == (SOURCE, Decimal("0.003125"), Decimal("0.002125"), Decimal("0.001"))
    assert [found.price_id] == [each.price_id for each in found.prices]
    row = found.prices[0]
    assert (row.source, row.provider, row.model, row.uncached_input_usd) == (
        "genai-prices",
        "openai",
        "gpt-4o",
        Decimal("2.5e-6"),
    )


def test_the_users_price_goes_before_all_others(tmp_path: Path) -> None:
    book = price.load(user_file(tmp_path, '[[price]]\nmodel = "gpt-4o*"\ninput = "1"\noutput = 2\n'))
    found = cost(book, {"cost": 5.0, "cost_details": {}})
    assert amounts(found) == ("user", Decimal("0.0012"), Decimal("0.001"), Decimal("0.0002"))
    assert (found.prices[0].source, len(found.prices[0].source_version)) == ("user", 12)


def test_a_users_price_without_output_leaves_output_unknown(tmp_path: Path) -> None:
    book = price.load(user_file(tmp_path, '[[price]]\nmodel = "gpt-4o"\ninput = "1"\n'))
    assert cost(book) == price.Cost("none: no price for output tokens")


def test_the_size_of_the_input_chooses_the_step_and_its_id(book: price.PriceBook) -> None:
    def of(tokens: int) -> price.Cost:
        usage = Usage(uncached_input_tokens=tokens, text_output_tokens=0, input_tokens=tokens, output_tokens=0)
        return cost(book, provider="google", models=("gemini-2.5-pro",), usage=usage)

    below, above = of(200_000), of(200_001)
    assert (below.total, above.total) == (Decimal("0.25"), Decimal("0.5000025"))
    assert below.price_id != above.price_id
    assert below.prices == above.prices
    assert {below.price_id, above.price_id} == {each.price_id for each in below.prices}


def test_the_providers_figure_goes_before_the_public_price(book: price.PriceBook) -> None:
    raw = {
        "cost": 0.00436225,
        "is_byok": False,
        "cost_details": {"upstream_inference_completions_cost": 0.004354, "upstream_inference_prompt_cost": 8.25e-6},
    }
    found = cost(book, raw, provider="openrouter")
    assert found == price.Cost("provider", Decimal("0.00436225"), Decimal("0.00000825"), Decimal("0.004354"))


def test_unknown_is_none_with_a_reason_and_never_zero(book: price.PriceBook) -> None:
    assert cost(book, models=("my-own-model",)) == price.Cost("none: model my-own-model is not in the price list of openai")
    assert cost(book, models=()) == price.Cost("none: the model is unknown")
    assert cost(book, provider="nobody") == price.Cost("none: no price list for provider nobody")
    half = normalise({"prompt_tokens": 5}, "openai", "chat")
    assert cost(book, usage=half) == price.Cost("none: the provider did not report output tokens")


def test_the_requests_name_is_tried_when_the_replys_is_not_listed(book: price.PriceBook) -> None:
    assert cost(book, models=("our-deployment", "gpt-4o")).total == Decimal("0.003125")


def test_the_tier_that_was_served_is_paid(book: price.PriceBook) -> None:
    at = STARTED_NS + 60 * 24 * HOUR_NS  # 2026-11-20
    assert cost(book, service_tier="priority", at_ns=at).total == cost(book, service_tier="PRIORITY", at_ns=at).total
    assert cost(book, service_tier="priority", at_ns=at).total != cost(book, service_tier="default", at_ns=at).total
    fast, standard = (
        cost(book, {"speed": speed}, provider="anthropic", models=("claude-opus-4-8",), at_ns=at)
        for speed in ("fast", "standard")
    )
    assert fast.total is not None
    assert standard.total is not None
    assert fast.total > standard.total
    assert (fast.prices[0].service_tier, standard.prices[0].service_tier) == ("fast", "")
    batch = cost(book, {"service_tier": "batch"}, provider="anthropic", models=("claude-sonnet-4-5",), at_ns=at)
    whole = cost(book, provider="anthropic", models=("claude-sonnet-4-5",), at_ns=at)
    assert batch.total is not None
    assert batch.total * 2 == whole.total


def test_the_minute_counts_where_the_list_says_so(book: price.PriceBook) -> None:
    night, day = (
        cost(book, provider="deepseek", models=("deepseek-v4-pro",), at_ns=1795132800 * 10**9 + h * HOUR_NS) for h in (0, 2)
    )
    assert night.total != day.total
    assert cost(book, provider="deepseek", models=("deepseek-v4-pro",), at_ns=1795132800 * 10**9) == night


def test_kinds_that_usage_cannot_carry_leave_the_cost_unknown(book: price.PriceBook) -> None:
    def of(raw: dict[str, Any], model: str) -> str:
        return cost(book, raw, provider="google", models=(model,)).source

    video = {"promptTokensDetails": [{"modality": "VIDEO", "tokenCount": 5}]}
    assert of(video, "gemini-embedding-2").startswith("none: video input of this model have a price of their own")
    assert of({"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}, "gemini-embedding-2") != of(
        video, "gemini-embedding-2"
    )
    assert of(video, "gemini-2.5-pro") == SOURCE


def test_an_answer_from_the_cache_keeps_its_price(book: price.PriceBook) -> None:
    paid = cost(book)
    free = price.nothing_paid(paid)
    assert (free.total, free.input, free.output, free.saved) == (0, 0, 0, paid.total)
    assert (free.price_id, free.prices) == (paid.price_id, paid.prices)


def test_an_absurd_cost_is_no_cost(book: price.PriceBook) -> None:
    most = (1 << 32) - 1
    usage = normalise({"prompt_tokens": most, "completion_tokens": most}, "openai", "chat")
    assert cost(book, usage=usage, models=("gpt-4o",)).total is not None
    assert cost(book, usage=usage, models=("o1-pro",)).source == "none: a cost of a million dollars must be a mistake"


def test_each_price_is_looked_up_once_and_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    book, looked_up = price.load(None), 0
    find = ListPrices.find

    def counted(self: ListPrices, *args: Any) -> Any:
        nonlocal looked_up
        looked_up += 1
        return find(self, *args)

    monkeypatch.setattr(ListPrices, "find", counted)
    monkeypatch.setattr(price, "_MOST_KEPT", 3)
    for _ in range(50):
        cost(book)
    assert looked_up == 1
    for number in range(20):
        cost(book, models=(f"made-up-{number}",))
        assert len(book._kept) <= 3
    assert cost(book).total == Decimal("0.003125")
