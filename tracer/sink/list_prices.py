"""Public list prices, from the data that genai-prices bundles.

Strategy: find the model in its seller's list (names.py) and turn its price into our Tariff (rates.py); price.py keeps that. The
library's own calculation takes some 90 µs a call; with the tariff it is a few sums (tests/sink/test_list_prices.py compares
the two over the library's whole list).

Facts about the data (genai-prices 0.2.3)
- A model's price may have changed: conditional prices by start date (UTC) and, at DeepSeek, by the time of day in minutes.
- `price_context` selects variants: {"service_tier": "flex"}, {"processing": "batch"}, {"speed": "fast"}; what is not in the
  list means the standard price. Where a provider only resells (Azure for OpenAI's models) the library drops the context, and
  so do we.
- A price may be tiered by total input tokens, and the tier then holds for the whole call.
- An empty price stands both for "free" and for "nobody wrote it down"; only a name that says `:free` is taken as free.

Not priced: what a usage does not count (pages, characters, hours of audio), and the few kinds of token that Usage has no bucket
for (video, Perplexity's citations): a call that used such has no cost, if the list prices them apart.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint
from msgspec import Struct

from tracer.sink.names import Sellers, hidden, is_own_server, names
from tracer.sink.rates import Listed, Tariff, tariff

NAME = "genai-prices"
VERSION = version("genai-prices")
SOURCE = f"{NAME} {VERSION}"

# The library's price keys by the names of our rates.
_KEYS = {
    "uncached_input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cached_audio": "cache_audio_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "audio_input": "input_audio_mtok",
    "image_input": "input_image_mtok",
    "text_output": "output_mtok",
    "image_output": "output_image_mtok",
    "reasoning": "output_reasoning_mtok",
    "audio_output": "output_audio_mtok",
    "web_search": "web_searches_kcount",
}
_NOT_TOKENS = {
    "audio_hours": "hour of audio",
    "input_audio_hours": "hour of audio",
    "input_document_kpages": "page",
    "input_mchars": "character",
    "input_text_messages_kcount": "message",
}
_NO_MODEL = "the model is unknown"
Test = Callable[[Mapping[str, Any]], bool]


class Found(Struct, frozen=True):
    """A tariff, where it is from, and what of a usage it has a price for that Usage cannot carry."""

    tariff: Tariff
    source: str
    beyond: tuple[tuple[str, Test], ...] = ()
    varies_in_a_day: bool = False


class ListPrices:
    """The library's prices as tariffs."""

    def __init__(self, snapshot: DataSnapshot | None = None) -> None:
        self._snapshot = snapshot or get_snapshot()
        self.sellers = Sellers(self._snapshot)

    def find(self, provider: str, host: str, models: tuple[str, ...], tier: str, at_ns: int) -> Found | str:
        """How this call was priced when it started (ns since the epoch), or the reason why that is unknown.

        `models` are the names of reply and request, `tier` one of the words of tiers.py.
        """
        seller, ordered = self.sellers.seller(provider, host, models)
        if not seller:
            return ordered[0]
        at = datetime.fromtimestamp(at_ns // 10**9, UTC)
        reasons = []
        for model in ordered:
            found = self._priced(seller, model, tier, at)
            if not isinstance(found, str):
                return found
            reasons.append(found)
        reason = next((each for each in reasons if not each.startswith("model ")), reasons[0] if reasons else _NO_MODEL)
        return f"{reason}, and {host} is not OpenAI's" if seller == "openai" and is_own_server(provider, host) else reason

    def _priced(self, seller: str, model: str, tier: str, at: datetime) -> Found | str:
        for name in names(model, seller):
            try:
                listed_by, info = self._snapshot.find_provider_model(name, None, seller, None)
            except LookupError:
                continue
            own = any(info is one for one in listed_by.models)
            return _found(seller, info, _context(tier) if own else {}, tier, at, free=name.endswith(":free"))
        return hidden(model) or f"model {model or 'unknown'} is not in the price list of {seller}"


def _context(tier: str) -> dict[str, str]:
    """OpenAI's fast service tier and Anthropic's fast speed are the same word."""
    contexts = {"": {}, "batch": {"processing": "batch"}, "fast": {"service_tier": "fast", "speed": "fast"}}
    return contexts.get(tier, {"service_tier": tier})


def _found(seller: str, info: ModelInfo, context: dict[str, str], tier: str, at: datetime, *, free: bool) -> Found | str:
    standard = info.get_prices(at)
    price = info.get_prices(at, context) if context else standard
    given: dict[str, Decimal | TieredPrices] = {
        ours: value for ours, theirs in _KEYS.items() if (value := getattr(price, theirs)) is not None
    }
    if not given or set(given) == {"web_search"}:
        units = [unit for key, unit in _NOT_TOKENS.items() if getattr(price, key) is not None]
        if units:
            return f"priced by the {units[0]}, not by the token"
        if not free:
            return "no price per token listed"
        given = {"uncached_input": Decimal(0), "text_output": Decimal(0)}
    listed = Listed(
        source=NAME,
        source_version=VERSION,
        provider=seller,
        model=info.id,
        service_tier="" if price == standard else tier,
        valid_from=_valid_from(info, context, at),
    )
    return Found(tariff(listed, _steps(given, price.requests_kcount)), SOURCE, _beyond(price), _varies_in_a_day(info))


def _steps(
    given: Mapping[str, Decimal | TieredPrices], fee: Decimal | TieredPrices | None
) -> list[tuple[int, dict[str, Decimal]]]:
    starts = {tier.start for value in given.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    extra = {"request": fee / 1000} if isinstance(fee, Decimal) else {}
    return [(start, {kind: _at(value, start) for kind, value in given.items()} | extra) for start in starts | {0}]


def _at(value: Decimal | TieredPrices, start: int) -> Decimal:
    """The price for calls whose input is just above `start` tokens."""
    if isinstance(value, Decimal):
        return value
    return next((tier.price for tier in reversed(value.tiers) if tier.start <= start), value.base)


def _varies_in_a_day(info: ModelInfo) -> bool:
    return not isinstance(info.prices, ModelPrice) and any(
        isinstance(price.constraint, TimeOfDateConstraint) for price in info.prices
    )


def _valid_from(info: ModelInfo, context: Mapping[str, str], at: datetime) -> date | None:
    """The first day of this price, where the list tells."""
    days: list[date] = []
    if not isinstance(info.prices, ModelPrice):
        active = (one for one in reversed(info.prices) if one.constraint is None or one.constraint.active(at))
        chosen = next(active, None)
        if chosen is not None and isinstance(chosen.constraint, StartDateConstraint):
            days.append(chosen.constraint.start_date)
    for variant in info.price_variants or ():
        meant = all(context.get(key) == value for key, value in variant.when.items())
        if meant and isinstance(variant.constraint, StartDateConstraint) and variant.constraint.active(at):
            days.append(variant.constraint.start_date)
    return max(days, default=None)


def _beyond(price: ModelPrice) -> tuple[tuple[str, Test], ...]:
    return tuple((what, test) for key, what, test in _UNCARRIED if getattr(price, key) is not None)


def _video(details: str) -> Test:
    def test(raw: Mapping[str, Any]) -> bool:
        parts = raw.get(details)
        found = parts if isinstance(parts, list) else []
        return any(isinstance(part, dict) and part.get("modality") == "VIDEO" and part.get("tokenCount") for part in found)

    return test


# Price keys of what Usage has no bucket for, and how to see in the raw usage that there was such.
_UNCARRIED: tuple[tuple[str, str, Test], ...] = (
    ("input_video_mtok", "video input", _video("promptTokensDetails")),
    ("output_video_mtok", "video output", _video("candidatesTokensDetails")),
    ("output_citation_mtok", "citations", lambda raw: bool(raw.get("citation_tokens"))),
    ("input_audio_hours", "hours of audio", lambda raw: bool(raw.get("prompt_audio_seconds") or raw.get("seconds"))),
)
