"""Public list prices, from the data that genai-prices bundles.

Strategy: look a model up once, turn its price into our Tariff (rates.py), keep that. The library's own calculation takes some
90 µs a call; with the tariff it is a few sums (tests/sink/test_list_prices.py compares the two over the library's whole list).

Facts about the data (genai-prices 0.2.3)
- A model's price may have changed: conditional prices by start date (UTC) and, at DeepSeek, by the time of day in minutes.
  So a tariff is kept for a model, a service tier and a day, or a minute where the time of day matters.
- `price_context={"service_tier": …}` selects variants; an unknown tier means the standard price. Where a provider only resells
  (Azure for OpenAI's models) the library drops the context, so do we.
- A price may be tiered by total input tokens, and the tier then holds for the whole call.
- An empty price stands both for "free" and for "nobody wrote it down"; only a name that says `:free` is taken as free.

Not priced: what is not a token (searches, seconds of audio, pages, characters).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices, TimeOfDateConstraint

from tracer.sink.rates import Tariff, fill

SOURCE = f"genai-prices {version('genai-prices')}"

_DAY_NS = 86_400 * 10**9
_MINUTE_NS = 60 * 10**9
_MOST_KEPT = 20_000  # tariffs; the cache starts over beyond it

# Where Portkey's slug is not the library's id. What is in neither is taken as it is.
_IDS = {
    "azure-openai": "azure",
    "azure-ai": "azure",
    "vertex-ai": "google",
    "bedrock": "aws",
    "mistral-ai": "mistral",
    "together-ai": "together",
    "fireworks-ai": "fireworks",
    "perplexity-ai": "perplexity",
    "moonshot": "moonshotai",
    "novita-ai": "novita",
    "zhipu": "zhipuai",
    "z-ai": "zai",
    "voyage": "voyageai",
}

# The library's price keys by the names of our rates.
_KEYS = {
    "uncached_input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cached_audio": "cache_audio_read_mtok",
    "cache_write": "cache_write_mtok",
    "audio_input": "input_audio_mtok",
    "image_input": "input_image_mtok",
    "text_output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
    "audio_output": "output_audio_mtok",
}


class ListPrices:
    """The library's prices as tariffs, each computed once."""

    def __init__(self, snapshot: DataSnapshot | None = None) -> None:
        self._snapshot = snapshot or get_snapshot()
        self._providers = {provider.id for provider in self._snapshot.providers}
        self._kept: dict[tuple[str, str, str, int], Tariff | str] = {}
        self._by_minute: set[tuple[str, str]] = set()

    def tariff(self, provider: str, model: str, service_tier: str, at_ns: int) -> Tariff | str:
        """How this model was priced at that time (ns since the epoch), or the reason why that is unknown."""
        in_minutes = (provider, model) in self._by_minute
        key = (provider, model, service_tier, at_ns // (_MINUTE_NS if in_minutes else _DAY_NS))
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        found = self._look_up(provider, model, service_tier, datetime.fromtimestamp(at_ns // 10**9, UTC))
        if in_minutes or (provider, model) not in self._by_minute:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    def _look_up(self, provider: str, model: str, service_tier: str, at: datetime) -> Tariff | str:
        provider_id = _IDS.get(provider, provider)
        if provider_id not in self._providers:
            return f"no price list for provider {provider or 'unknown'}"
        for name in _names(model):
            try:
                listed_by, info = self._snapshot.find_provider_model(name, None, provider_id, None)
            except LookupError:
                continue
            if _varies_in_a_day(info):
                self._by_minute.add((provider, model))
            own = any(info is one for one in listed_by.models)
            context = {"service_tier": service_tier} if service_tier and own else None
            return _tariff(info.get_prices(at, context), free=name.endswith(":free"))
        return f"model {model or 'unknown'} is not in the price list of {provider_id}"


def _names(model: str) -> Iterator[str]:
    """The model's name as it is, then without its vendor prefixes: "openai/gpt-4o", "gpt-4o"."""
    while model:
        yield model
        model = model.partition("/")[2]


def _varies_in_a_day(info: ModelInfo) -> bool:
    return not isinstance(info.prices, ModelPrice) and any(
        isinstance(price.constraint, TimeOfDateConstraint) for price in info.prices
    )


def _tariff(price: ModelPrice, free: bool) -> Tariff | str:
    listed: Mapping[str, Decimal | TieredPrices] = {
        ours: value for ours, theirs in _KEYS.items() if (value := getattr(price, theirs)) is not None
    }
    fee = price.requests_kcount
    extra = {"request": fee / 1000} if isinstance(fee, Decimal) else {}
    if not listed:
        return ((-1, fill({"uncached_input": Decimal(0), "text_output": Decimal(0)})),) if free else "no price per token listed"
    starts = {tier.start for value in listed.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return tuple(
        (start, fill({name: _at(value, start) for name, value in listed.items()} | extra))
        for start in sorted(starts | {-1}, reverse=True)
    )


def _at(value: Decimal | TieredPrices, start: int) -> Decimal:
    """The price for calls whose input is just above `start` tokens."""
    if isinstance(value, Decimal):
        return value
    return next((tier.price for tier in reversed(value.tiers) if tier.start <= start), value.base)
