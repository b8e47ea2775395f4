"""What a call cost, and where that number came from.

Order: the user's own prices, then a cost that the provider reports in its usage object, then the public list at the time of
the call and in the tier that it was served in, then LiteLLM's file if the user named one. `source` is "user", "provider",
"genai-prices <version>", "litellm <version>", or "none: <reason>" with every amount None: unknown is never 0.

Invariants
- total = input + output, exactly. What is neither (a fee per call, a search) counts as input.
- A cost that was counted here has a `price_id`: with that row of `llm.prices` SQL counts the same, to the last digit.
- An answer from the cache costs 0, known or not what it would have cost; that is what it saved.
- A provider that reports a cost but not its parts gives a total only; the parts stay None rather than guessed.

Looking a price up takes up to a millisecond, so each is kept: by provider, host, names, tier and day, or minute where a list
has other prices at night.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tracer.records import Price
from tracer.sink.list_prices import Found, ListPrices
from tracer.sink.litellm_prices import LiteLLMPrices, read_litellm
from tracer.sink.price_files import PriceError, read_prices
from tracer.sink.rates import cost_of, step
from tracer.sink.reported import MOST, reported_cost
from tracer.sink.tiers import served
from tracer.sink.usage import Usage
from tracer.sink.user_prices import NAME as USER
from tracer.sink.user_prices import UserPrices

__all__ = ["Cost", "PriceBook", "PriceError", "load", "nothing_paid"]

_DAY_NS = 86_400 * 10**9
_MINUTE_NS = 60 * 10**9
_MOST_KEPT = 20_000  # the cache starts over beyond it


class Cost(Struct, frozen=True):
    """US dollars, and the source they came from."""

    source: str
    total: Decimal | None = None
    input: Decimal | None = None
    output: Decimal | None = None
    saved: Decimal | None = None  # what was not paid, because the answer came from the cache
    price_id: str = ""  # of the rates; empty if the provider said the cost, or it is unknown
    prices: tuple[Price, ...] = ()  # the rates, and those for inputs of other sizes


class PriceBook:
    """All sources of prices, in order."""

    def __init__(self, user: UserPrices, listed: ListPrices, litellm: LiteLLMPrices | None = None) -> None:
        self._user = user
        self._listed = listed
        self._litellm = litellm
        self._kept: dict[tuple[object, ...], Found | str] = {}

    def price(
        self,
        usage: Usage,
        raw: Mapping[str, Any],
        provider: str,
        models: tuple[str, ...],
        service_tier: str,
        at_ns: int,
        host: str = "",
    ) -> Cost:
        """The cost of a call with this usage (`raw`: as the provider sent it) that started then, ns since the epoch.

        `models` are the names of the reply and of the request, `service_tier` the provider's word for what was served, `host`
        the upstream that was asked.
        """
        found = self.found(provider, models, served(service_tier, raw), at_ns, host)
        if isinstance(found, str) or found.source != USER:
            reported = reported_cost(raw, provider)
            if reported is not None:
                return Cost("provider", *reported)
            if isinstance(found, str):
                return Cost(f"none: {found}")
        return _cost(usage, raw, found)

    def found(self, provider: str, models: tuple[str, ...], tier: str, at_ns: int, host: str = "") -> Found | str:
        """The prices of such a call (`tier`: a word of tiers.py), without what a provider may report, or why there is none."""
        key: tuple[object, ...] = (provider, host, models, tier, at_ns // _DAY_NS)
        found = self._kept.get(key)
        if found is None:
            found = self._keep(key, self._look_up(provider, models, tier, at_ns, host))
        if not isinstance(found, str) and found.varies_in_a_day:
            key = (provider, host, models, tier, at_ns // _MINUTE_NS, "minute")
            found = self._kept.get(key) or self._keep(key, self._look_up(provider, models, tier, at_ns, host))
        return found

    def maker(self, model: str) -> str:
        """The provider whose model that is, if its name tells; else empty."""
        return self._listed.sellers.guess(model)

    def _keep(self, key: tuple[object, ...], found: Found | str) -> Found | str:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = found
        return found

    def _look_up(self, provider: str, models: tuple[str, ...], tier: str, at_ns: int, host: str) -> Found | str:
        own = self._user.tariff(provider, models, tier, at_ns)
        if own is not None:
            return Found(own, USER)
        listed = self._listed.find(provider, host, models, tier, at_ns)
        if isinstance(listed, str) and self._litellm is not None:
            return self._litellm.find(provider, host, models, tier) or f"{listed}, nor in LiteLLM's file"
        return listed


def nothing_paid(cost: Cost) -> Cost:
    """The cost of a call that the cache answered, where the provider would have taken `cost`."""
    nothing = Decimal(0)
    return replace(cost, total=nothing, input=nothing, output=nothing, saved=cost.total)


def load(user_file: Path | None, litellm_file: Path | None = None) -> PriceBook:
    """The public prices, and the user's files if they name any; raises PriceError."""
    listed = ListPrices()
    litellm = None if litellm_file is None else read_litellm(litellm_file, listed.sellers)
    return PriceBook(UserPrices() if user_file is None else read_prices(user_file), listed, litellm)


def _cost(usage: Usage, raw: Mapping[str, Any], found: Found) -> Cost:
    given, made = usage.input_tokens, usage.output_tokens
    if given is None or made is None:
        return Cost(f"none: the provider did not report {'input' if given is None else 'output'} tokens")
    for what, is_in in found.beyond:
        if is_in(raw):
            return Cost(f"none: {what} of this model have a price of their own, which Tracer cannot count")
    price = step(found.tariff, given)
    parts = cost_of(usage, price)
    if isinstance(parts, str):
        return Cost(f"none: {parts}")
    total = parts[0] + parts[1]
    if total >= MOST:
        return Cost("none: a cost of a million dollars must be a mistake")
    return Cost(found.source, total, *parts, price_id=price.price_id, prices=found.tariff)
