"""What one token of each bucket costs, and what a call's tokens cost by that.

A Tariff is how a price list prices one model at one time: rates by the size of the input, because several models cost more
(for all tokens of the call) once the input passes a threshold. A flat price is a tariff of one step.

Invariants
- Decimal throughout; a rate is US dollars per token, so a cost is a plain sum of products, rounded once, to SCALE digits.
- A rate of None means that the list has no price for such tokens. If the call used any, its cost is unknown, never 0.
"""

from decimal import Decimal

from msgspec import Struct

from tracer.sink.usage import Usage

# The cheapest listed token costs 1e-9 dollars, so 12 digits lose nothing of a list price.
SCALE = Decimal("1e-12")
ZERO = Decimal(0)
PER_MILLION = Decimal("1e-6")


class Rates(Struct, frozen=True, kw_only=True):
    """US dollars per token of each bucket of Usage; `request` is a fee per call."""

    uncached_input: Decimal | None = None
    cache_read: Decimal | None = None
    cached_audio: Decimal | None = None
    cache_write: Decimal | None = None
    audio_input: Decimal | None = None
    image_input: Decimal | None = None
    text_output: Decimal | None = None
    reasoning: Decimal | None = None
    audio_output: Decimal | None = None
    request: Decimal = ZERO


# Thresholds downwards with the rates of calls whose input is larger than that; the last threshold is -1.
Tariff = tuple[tuple[int, Rates], ...]


def fill(given: dict[str, Decimal]) -> Rates:
    """Rates from prices per million tokens: a kind of token that has no price of its own costs what plain tokens cost."""
    per_token = {name: price * PER_MILLION for name, price in given.items() if name != "request"}
    plain_in, plain_out = per_token.get("uncached_input"), per_token.get("text_output")
    read = per_token.get("cache_read", plain_in)
    return Rates(
        uncached_input=plain_in,
        cache_read=read,
        cached_audio=per_token.get("cached_audio", read),
        cache_write=per_token.get("cache_write", plain_in),
        audio_input=per_token.get("audio_input", plain_in),
        image_input=per_token.get("image_input", plain_in),
        text_output=plain_out,
        reasoning=per_token.get("reasoning", plain_out),
        audio_output=per_token.get("audio_output", plain_out),
        request=given.get("request", ZERO),
    )


def cost_of(usage: Usage, tariff: Tariff) -> tuple[Decimal, Decimal] | str:
    """The call's input cost (with the fee per call) and output cost, or the reason why they are unknown."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return f"the provider did not report {'input' if usage.input_tokens is None else 'output'} tokens"
    rates = next(rates for above, rates in tariff if usage.input_tokens > above)
    cached_audio = usage.cached_audio_tokens or 0
    given = _sum(
        (usage.uncached_input_tokens, rates.uncached_input),
        ((usage.cache_read_tokens or 0) - cached_audio, rates.cache_read),
        (cached_audio, rates.cached_audio),
        (usage.cache_write_tokens, rates.cache_write),
        (usage.audio_input_tokens, rates.audio_input),
        (usage.image_input_tokens, rates.image_input),
    )
    made = _sum(
        (usage.text_output_tokens, rates.text_output),
        (usage.reasoning_tokens, rates.reasoning),
        (usage.audio_output_tokens, rates.audio_output),
    )
    if given is None or made is None:
        return f"no price for {'input' if given is None else 'output'} tokens"
    return rounded(given + rates.request), rounded(made)


def rounded(amount: Decimal) -> Decimal:
    """To SCALE digits, and only if there are more."""
    exponent = amount.as_tuple().exponent
    return amount.quantize(SCALE) if isinstance(exponent, int) and exponent < -12 else amount


def _sum(*parts: tuple[int | None, Decimal | None]) -> Decimal | None:
    total = ZERO
    for tokens, rate in parts:
        if tokens:
            if rate is None:
                return None
            total += rate * tokens
    return total
