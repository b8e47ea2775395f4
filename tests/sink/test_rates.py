from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.records import Price
from tracer.sink.rates import KINDS, RATE, SCALE, TOKENS, Listed, cost_of, rounded, step, tariff
from tracer.sink.usage import Usage

PRICE = st.decimals(0, 1000, places=4)
COUNT = st.integers(0, 10**6)
LISTED = Listed(source="user", provider="p", model="m")


def price(**given: Decimal | int) -> Price:
    return tariff(LISTED, [(0, {kind: Decimal(amount) for kind, amount in given.items()})])[0]


def usage(**counts: Any) -> Usage:
    return Usage(**{"input_tokens": 0, "output_tokens": 0} | counts)


@given(PRICE, PRICE, PRICE, COUNT, COUNT, COUNT)
def test_cost_is_the_sum_of_its_parts_and_grows_with_the_tokens(
    plain: Decimal, cached: Decimal, output: Decimal, fresh: int, read: int, made: int
) -> None:
    rates = price(uncached_input=plain, cache_read=cached, text_output=output)

    def cost(fresh: int, read: int, made: int) -> tuple[Decimal, Decimal]:
        found = cost_of(usage(uncached_input_tokens=fresh, cache_read_tokens=read, text_output_tokens=made), rates)
        assert not isinstance(found, str)
        return found

    assert cost(fresh, read, made) == ((plain * fresh + cached * read) / 10**6, output * made / 10**6)
    assert cost(fresh + 1, read, made + 1) >= cost(fresh, read, made)


def test_parts_of_a_bucket_have_their_own_rates_and_are_not_paid_twice() -> None:
    rates = price(
        uncached_input=4,
        cache_read=1,
        cached_audio=2,
        cache_write=5,
        cache_write_1h=8,
        text_output=10,
        image_output=40,
    )
    used = usage(
        cache_read_tokens=10,
        cached_audio_tokens=4,
        cache_write_tokens=100,
        cache_write_1h_tokens=30,
        text_output_tokens=7,
        image_output_tokens=5,
    )
    given, made = 6 * 1 + 4 * 2 + 70 * 5 + 30 * 8, 2 * 10 + 5 * 40
    assert cost_of(used, rates) == (Decimal(given) / 10**6, Decimal(made) / 10**6)


def test_a_kind_without_a_price_costs_what_the_plain_kind_costs() -> None:
    filled = price(uncached_input=4, cache_read=1, cache_write=5, text_output=10)
    assert filled.cached_audio_usd == filled.cache_read_usd == Decimal("0.000001")
    assert filled.cache_write_1h_usd == filled.cache_write_usd == Decimal("0.000005")
    assert filled.audio_input_usd == filled.image_input_usd == filled.uncached_input_usd
    assert filled.reasoning_usd == filled.audio_output_usd == filled.image_output_usd == filled.text_output_usd
    assert price(uncached_input=4).text_output_usd is None
    assert price(text_output=4).cache_read_usd is None


def test_searches_and_the_fee_per_call_count_as_input() -> None:
    rates = price(uncached_input=1, text_output=1, web_search=10, request=Decimal("0.005"))
    assert cost_of(usage(web_searches=3), rates) == (Decimal("0.035"), 0)


def test_what_has_no_rate_has_no_cost() -> None:
    assert cost_of(usage(uncached_input_tokens=1), price(text_output=1)) == "no price for input tokens"
    assert cost_of(usage(reasoning_tokens=1), price(uncached_input=1)) == "no price for output tokens"
    assert cost_of(usage(web_searches=1), price(uncached_input=1)) == "no price for web searches"
    assert cost_of(usage(web_searches=0, reasoning_tokens=0), price(uncached_input=1)) == (0, 0)


def test_the_step_is_that_of_the_largest_threshold_below_the_input() -> None:
    steps = tariff(LISTED, [(0, {"uncached_input": Decimal(1)}), (500, {"uncached_input": Decimal(3)}), (100, {})])
    assert [step(steps, tokens).above_input_tokens for tokens in (0, 100, 101, 500, 501)] == [0, 0, 100, 100, 500]
    assert {each.tariff_id for each in steps} == {steps[0].tariff_id}
    assert len({each.price_id for each in steps}) == 3


@given(st.dictionaries(st.sampled_from(KINDS), PRICE), st.dictionaries(st.sampled_from(KINDS), PRICE))
def test_ids_are_equal_for_equal_prices_only(one: dict[str, Decimal], other: dict[str, Decimal]) -> None:
    first, second = tariff(LISTED, [(0, one)])[0], tariff(LISTED, [(0, other)])[0]
    assert (first.price_id == second.price_id) == (first == second)
    assert tariff(LISTED, [(0, dict(reversed(one.items())))]) == tariff(LISTED, [(0, one)])


def test_ids_are_those_of_yesterday() -> None:
    """An id that changed would make a second row of every price."""
    assert price(uncached_input=2, text_output=Decimal("0.6")).price_id == "bc3eba391cc75b75"


def test_rates_lose_the_noise_of_a_float_and_fit_their_column() -> None:
    noisy = price(uncached_input=Decimal("0.30000000000000004"), text_output=Decimal(10**8))
    assert noisy.uncached_input_usd == Decimal("0.0000003")
    for kind in TOKENS:
        rate = getattr(noisy, f"{kind}_usd")
        assert rate == rate.quantize(RATE)


def test_rounding_touches_only_what_is_longer_than_the_scale_and_is_half_to_even() -> None:
    assert str(rounded(Decimal("0.10"))) == "0.10"
    assert rounded(Decimal("0.0000000000014")) == SCALE
    assert rounded(Decimal("0.0000000000025")) == 2 * SCALE
