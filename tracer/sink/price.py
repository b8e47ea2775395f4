"""What a call cost, and where that number came from.

Order: the user's own prices, then a cost that the provider reports in its usage object, then the public list at the time of
the call and in the service tier that the reply names. `source` is "user", "provider", "genai-prices <version>", or
"none: <reason>" with every amount None: unknown is never 0.

Invariants
- total = input + output, exactly. What is neither (a fee per call, a provider's charge for its tools) counts as input.
- An answer from the cache costs 0, known or not what it would have cost; that is what it saved.
- A provider that reports a cost but not its parts gives a total only; the parts stay None rather than guessed.

A model is looked up by the reply's name first, then by the request's: the reply resolves aliases and deployment names.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from tracer.sink.list_prices import SOURCE, ListPrices
from tracer.sink.rates import cost_of, rounded
from tracer.sink.usage import Usage
from tracer.sink.user_prices import PriceError, UserPrices, read_prices

__all__ = ["Cost", "PriceBook", "PriceError", "load"]


# The columns hold six digits before the point, and no single call costs a million dollars.
_MOST = 10**6


class Cost(Struct, frozen=True):
    """US dollars, and the source they came from."""

    source: str
    total: Decimal | None = None
    input: Decimal | None = None
    output: Decimal | None = None
    saved: Decimal | None = None  # what was not paid, because the answer came from the cache


class PriceBook:
    """All sources of prices, in order."""

    def __init__(self, user: UserPrices, listed: ListPrices) -> None:
        self._user = user
        self._listed = listed

    def price(
        self,
        usage: Usage,
        raw: Mapping[str, Any],
        provider: str,
        models: tuple[str, ...],
        service_tier: str,
        at_ns: int,
    ) -> Cost:
        """The cost of a call with this usage (`raw`: as the provider sent it) that started then, ns since the epoch.

        `models` are the names it may be listed under, best first.
        """
        own = self._user.tariff(provider, models, service_tier, at_ns)
        if own is not None:
            return _cost(cost_of(usage, own), "user")
        reported = reported_cost(raw, provider)
        if reported is not None:
            return reported
        reason = "the model is unknown"
        for model in models:
            tariff = self._listed.tariff(provider, model, service_tier, at_ns)
            if not isinstance(tariff, str):
                return _cost(cost_of(usage, tariff), SOURCE)
            reason = tariff
        return Cost(f"none: {reason}")


def nothing_paid(cost: Cost) -> Cost:
    """The cost of a call that the cache answered, where the provider would have taken `cost`."""
    nothing = Decimal(0)
    return Cost(cost.source, nothing, nothing, nothing, saved=cost.total)


def load(user_file: Path | None) -> PriceBook:
    """The public prices, and before them the user's own from `user_file` if there is one; raises PriceError."""
    return PriceBook(UserPrices() if user_file is None else read_prices(user_file), ListPrices())


def reported_cost(raw: Mapping[str, Any], provider: str) -> Cost | None:
    """The cost that the provider itself put into its usage object.

    OpenRouter: `cost` is what it charged; with the caller's own key (is_byok) the provider behind it bills
    upstream_inference_cost besides. https://openrouter.ai/docs/use-cases/usage-accounting
    Perplexity: `cost` is an object. xAI: `cost_in_usd_ticks`, ten thousand million to the dollar.
    """
    ticks = _amount(raw.get("cost_in_usd_ticks"))
    if ticks is not None:
        return _parts(ticks / 10**10, None)
    cost = raw.get("cost")
    if isinstance(cost, dict):
        return _parts(_amount(cost.get("total_cost")), _amount(cost.get("output_tokens_cost")))
    details = raw.get("cost_details")
    if not isinstance(details, dict):
        return _parts(_amount(cost), None) if provider == "openrouter" else None
    total = _amount(cost)
    if total is not None and raw.get("is_byok") is True:
        total += _amount(details.get("upstream_inference_cost")) or 0
    output = _amount(details.get("upstream_inference_completions_cost"))
    return _parts(total, _amount(details.get("upstream_inference_output_cost")) if output is None else output)


def _parts(total: Decimal | None, output: Decimal | None) -> Cost | None:
    if total is None or total >= _MOST:
        return None
    total = rounded(total)
    if output is None:
        return Cost("provider", total)
    output = min(rounded(output), total)
    return Cost("provider", total, total - output, output)


def _cost(parts: tuple[Decimal, Decimal] | str, source: str) -> Cost:
    if isinstance(parts, str):
        return Cost(f"none: {parts}")
    if sum(parts) >= _MOST:
        return Cost("none: a cost of a million dollars must be a mistake")
    return Cost(source, parts[0] + parts[1], parts[0], parts[1])


def _amount(value: object) -> Decimal | None:
    """A JSON number as the decimal that was written, if it can be an amount of money."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    amount = Decimal(repr(value))
    return amount if amount.is_finite() and amount >= 0 else None
