from typing import Any

import pytest

from tracer.ui import money


def call(**fields: Any) -> dict[str, Any]:
    names = [name for name, _ in (*money._INPUT, *money._OUTPUT)]
    rest = ("input_tokens", "output_tokens", "total_tokens", "cost_usd", "input_cost_usd", "output_cost_usd")
    return {**dict.fromkeys((*names, *rest)), "price_source": "genai-prices 1", "usage_source": "provider", **fields}


def test_buckets_with_something_in_them() -> None:
    table = money.breakdown(
        call(
            uncached_input_tokens=60,
            cache_read_tokens=20,
            audio_input_tokens=0,
            text_output_tokens=20,
            input_tokens=80,
            output_tokens=20,
            total_tokens=100,
            cost_usd=0.0012,
            input_cost_usd=0.0008,
            output_cost_usd=0.0004,
        )
    )
    given, answered = table.sides
    assert [(bucket.tokens, bucket.share) for bucket in given.buckets] == [(60, 0.6), (20, 0.2)]
    assert [bucket.label for bucket in answered.buckets] == ["visible"]
    assert given.per_million == pytest.approx(10)
    assert answered.per_million == pytest.approx(20)
    assert table.price_source == "List prices: genai-prices 1."
    assert table.unpriced == ""


def test_what_nobody_knows_is_not_nought() -> None:
    table = money.breakdown(call(price_source="none: the model is unknown", usage_source="none"))
    assert [(side.tokens, side.cost, side.per_million, side.buckets) for side in table.sides] == [(None, None, None, ())] * 2
    assert table.unpriced == "the model is unknown"
    assert table.usage_source == "The provider gave no figures."
    assert money.breakdown(call(price_source="")).unpriced == "this kind of call is not priced"


@pytest.mark.parametrize(("source", "words"), [("user", "Your own price table"), ("provider", "The provider's own figure")])
def test_where_a_price_comes_from(source: str, words: str) -> None:
    assert money.breakdown(call(price_source=source, cost_usd=0.1)).price_source.startswith(words)


def test_a_total_without_a_split() -> None:
    given, _ = money.breakdown(call(cost_usd=0.1, input_tokens=0, total_tokens=0)).sides
    assert (given.cost, given.per_million) == (None, None)
