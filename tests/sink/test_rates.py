from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.rates import SCALE, Rates, cost_of, fill, rounded
from tracer.sink.usage import Usage

PRICE = st.decimals(0, 1000, places=4)
COUNT = st.integers(0, 10**6)


@given(PRICE, PRICE, PRICE, COUNT, COUNT, COUNT)
def test_cost_is_the_sum_of_its_parts_and_grows_with_the_tokens(
    plain: Decimal, cached: Decimal, output: Decimal, fresh: int, read: int, made: int
) -> None:
    tariff = ((-1, fill({"uncached_input": plain, "cache_read": cached, "text_output": output})),)

    def cost(fresh: int, read: int, made: int) -> tuple[Decimal, Decimal]:
        usage = Usage(
            uncached_input_tokens=fresh,
            cache_read_tokens=read,
            text_output_tokens=made,
            input_tokens=fresh + read,
            output_tokens=made,
        )
        found = cost_of(usage, tariff)
        assert not isinstance(found, str)
        return found

    assert cost(fresh, read, made) == ((plain * fresh + cached * read) / 10**6, output * made / 10**6)
    assert cost(fresh + 1, read, made + 1) >= cost(fresh, read, made)


def test_cached_audio_has_its_own_rate() -> None:
    rates = fill(
        {"uncached_input": Decimal(4), "cache_read": Decimal(1), "cached_audio": Decimal(2), "text_output": Decimal(0)}
    )
    usage = Usage(
        uncached_input_tokens=0, cache_read_tokens=10, cached_audio_tokens=4, text_output_tokens=0, input_tokens=10, output_tokens=0
    )
    assert cost_of(usage, ((-1, rates),)) == (Decimal("0.000014"), Decimal(0))


def test_tokens_without_a_rate_have_no_cost() -> None:
    usage = Usage(uncached_input_tokens=1, text_output_tokens=0, input_tokens=1, output_tokens=0)
    assert cost_of(usage, ((-1, Rates()),)) == "no price for input tokens"
    assert cost_of(Usage(input_tokens=None, output_tokens=1), ((-1, Rates()),)) == "the provider did not report input tokens"


def test_rounding_touches_only_what_is_longer_than_the_scale() -> None:
    assert str(rounded(Decimal("0.10"))) == "0.10"
    assert rounded(Decimal("0.0000000000014")) == SCALE
