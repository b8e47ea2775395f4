"""What one token of each kind costs, and what a call's tokens cost by that.

A Tariff is how a source prices one model at one time: Prices by the size of the input, because several models cost more (for
all tokens of the call) once the input passes a threshold. A flat price is a tariff of one step.

Invariants
- Decimal throughout. A rate is US dollars per token, to RATE digits: what a list has beyond them is noise of a float. So a
  cost is an exact sum of products, rounded once, to SCALE digits and half to even, and SQL gets the same from a row of
  `llm.calls` and one of `llm.prices` (tracer/store/schema/010_prices.sql says the same sums; tests compare them).
- A rate of None means that the source has no price for such tokens. If the call used any, its cost is unknown, never 0.
- Equal prices have equal ids, in every process and forever.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tracer.records import Price
from tracer.sink.usage import Usage

# The cheapest listed token costs 1e-9 dollars, so 12 digits lose nothing of a list price.
SCALE = Decimal("1e-12")
RATE = Decimal("1e-18")
ZERO = Decimal(0)
_PER_MILLION = Decimal("1e-6")
_PER_THOUSAND = Decimal("1e-3")
# Dollars for a million tokens, or for one call: beyond it the column overflows, and it is a mistake anyway.
MOST = 10**8

# Thresholds downwards; the last holds for every size.
Tariff = tuple[Price, ...]
# By kind of token as in Price, without "_usd": dollars per million tokens, per thousand searches, per call.
Given = Mapping[str, Decimal]

TOKENS = (
    *("uncached_input", "cache_read", "cached_audio", "cache_write", "cache_write_1h", "audio_input", "image_input"),
    *("text_output", "image_output", "reasoning", "audio_output"),
)
KINDS = (*TOKENS, "web_search", "request")
# A kind that has no price of its own costs what this one costs, which stands before it in TOKENS.
_ELSE = {
    "cache_read": "uncached_input",
    "cached_audio": "cache_read",
    "cache_write": "uncached_input",
    "cache_write_1h": "cache_write",
    "audio_input": "uncached_input",
    "image_input": "uncached_input",
    "image_output": "text_output",
    "reasoning": "text_output",
    "audio_output": "text_output",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Where a tariff stands."""

    source: str
    source_version: str = ""
    provider: str = ""
    model: str = ""
    service_tier: str = ""
    valid_from: date | None = None


def tariff(listed: Listed, steps: Sequence[tuple[int, Given]]) -> Tariff:
    """The tariff of these steps: thresholds, 0 for the base, and what is given for larger inputs."""
    filled = [(above, _rates(given)) for above, given in sorted(steps, key=lambda step: -step[0])]
    where = (listed.source, listed.source_version, listed.provider, listed.model, listed.service_tier, str(listed.valid_from))
    tariff_id = _hash((*where, *((above, *sorted(rates.items())) for above, rates in filled)))
    return tuple(
        Price(
            price_id=_hash((tariff_id, above)),
            tariff_id=tariff_id,
            source=listed.source,
            source_version=listed.source_version,
            provider=listed.provider,
            model=listed.model,
            service_tier=listed.service_tier,
            valid_from=listed.valid_from,
            above_input_tokens=above,
            **{f"{kind}_usd": rate for kind, rate in rates.items()},
        )
        for above, rates in filled
    )


def step(prices: Tariff, input_tokens: int) -> Price:
    """The rates of a call with that much input."""
    for price in prices:
        if input_tokens > price.above_input_tokens:
            return price
    return prices[-1]


def cost_of(usage: Usage, price: Price) -> tuple[Decimal, Decimal] | str:
    """The call's input cost (with searches and the fee per call) and output cost, or the reason why they are unknown."""
    read, write, text = usage.cache_read_tokens, usage.cache_write_tokens, usage.text_output_tokens
    cached_audio, hour, images = usage.cached_audio_tokens, usage.cache_write_1h_tokens, usage.image_output_tokens
    given = _sum(
        (usage.uncached_input_tokens, price.uncached_input_usd),
        ((read or 0) - cached_audio if cached_audio else read, price.cache_read_usd),
        (cached_audio, price.cached_audio_usd),
        ((write or 0) - hour if hour else write, price.cache_write_usd),
        (hour, price.cache_write_1h_usd),
        (usage.audio_input_tokens, price.audio_input_usd),
        (usage.image_input_tokens, price.image_input_usd),
    )
    made = _sum(
        ((text or 0) - images if images else text, price.text_output_usd),
        (images, price.image_output_usd),
        (usage.reasoning_tokens, price.reasoning_usd),
        (usage.audio_output_tokens, price.audio_output_usd),
    )
    if given is None or made is None:
        return f"no price for {'input' if given is None else 'output'} tokens"
    if usage.web_searches:
        if price.web_search_usd is None:
            return "no price for web searches"
        given += usage.web_searches * price.web_search_usd
    return rounded(given + price.request_usd), rounded(made)


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


def _rates(given: Given) -> dict[str, Decimal]:
    rates: dict[str, Decimal] = {}
    for kind in TOKENS:
        if kind in given:
            rates[kind] = (given[kind] * _PER_MILLION).quantize(RATE)
        elif (other := _ELSE.get(kind)) in rates and other is not None:
            rates[kind] = rates[other]
    if "web_search" in given:
        rates["web_search"] = (given["web_search"] * _PER_THOUSAND).quantize(RATE)
    return rates | {"request": given.get("request", ZERO).quantize(RATE)}


def _hash(content: tuple[object, ...]) -> str:
    """16 hex digits; `content` is of texts, numbers and Decimals of one scale, whose repr is always the same."""
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
