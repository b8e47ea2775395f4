from typing import Any

import pytest

from tracer.records import Price
from tracer.ui import money


def call(**fields: Any) -> dict[str, Any]:
    names = [name for name, _, _ in (*money._INPUT, *money._OUTPUT)]
    rest = (
        *(part for part, _, _ in money._PARTS.values()),
        "web_searches",
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "cost_usd",
        "input_cost_usd",
        "output_cost_usd",
    )
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


def test_parts_stand_below_their_bucket_and_count_once() -> None:
    table = money.breakdown(
        call(
            cache_read_tokens=30,
            cached_audio_tokens=10,
            cache_write_tokens=20,
            cache_write_1h_tokens=20,
            text_output_tokens=50,
            image_output_tokens=0,
            total_tokens=100,
            web_searches=3,
        )
    )
    given, answered = table.sides
    assert [(bucket.label, bucket.tokens, bucket.is_part) for bucket in given.buckets] == [
        ("read from the provider's cache", 30, False),
        ("of these, audio", 10, True),
        ("written to the provider's cache", 20, False),
        ("of these, kept for an hour", 20, True),
    ]
    assert [bucket.is_part for bucket in answered.buckets] == [False]
    assert sum(bucket.share for side in table.sides for bucket in side.buckets if not bucket.is_part) == pytest.approx(1)
    assert table.searches == 3


def test_each_bucket_has_the_rate_that_was_used() -> None:
    price = {"uncached_input_usd": 2.5e-06, "cache_write_usd": None, "cache_write_1h_usd": 4e-06, "web_search_usd": 0.01}
    used = call(uncached_input_tokens=10, cache_write_tokens=5, cache_write_1h_tokens=2, total_tokens=15, web_searches=1)
    given, _ = money.breakdown(used, price).sides
    assert [bucket.rate for bucket in given.buckets] == [pytest.approx(2.5), None, pytest.approx(4)]
    assert money.breakdown(used, price).search_rate == 0.01
    assert [bucket.rate for bucket in money.breakdown(used).sides[0].buckets] == [None] * 3


def test_every_rate_of_a_price_has_its_place() -> None:
    rates = {rate for _, _, rate in (*money._INPUT, *money._OUTPUT, *money._PARTS.values())}
    assert rates | {"web_search_usd", "request_usd"} == {name for name in Price.__struct_fields__ if name.endswith("_usd")}
