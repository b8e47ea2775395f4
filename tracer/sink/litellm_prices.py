"""Prices from a file in the format of LiteLLM's `model_prices_and_context_window.json`, where the user names one.

    {"azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, …}, …}

Strategy: keys are looked up as LiteLLM writes them (`azure/…`, `bedrock/…`, bare names for OpenAI and Anthropic), under the
names that the public list is asked for too (names.py), and an entry is taken only if its `litellm_provider` is the call's.

Facts about the format
- Flat floats, dollars per token; read as the decimals that are written there. There is no history: today's price is taken.
- What differs by input size, tier or duration is another key: `input_cost_per_token_above_200k_tokens`, `…_flex`, `…_priority`,
  `…_batches`, `cache_creation_input_token_cost_above_1hr`, and any of these together.
- A search costs by how much context it brings; where these prices differ, nobody knows which was paid, so there is none.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracer.sink.list_prices import Found
from tracer.sink.names import Sellers, is_own_program, names
from tracer.sink.price_files import PriceError
from tracer.sink.rates import MOST, Listed, tariff

NAME = "litellm"

# By our kinds: LiteLLM's names, of which the first that is there counts.
_KEYS = {
    "uncached_input": ("input_cost_per_token",),
    "cache_read": ("cache_read_input_token_cost",),
    "cached_audio": ("cache_read_input_audio_token_cost", "cache_read_input_token_cost_per_audio_token"),
    "cache_write": ("cache_creation_input_token_cost",),
    "cache_write_1h": ("cache_creation_input_token_cost_above_1hr",),
    "audio_input": ("input_cost_per_audio_token",),
    "image_input": ("input_cost_per_image_token",),
    "text_output": ("output_cost_per_token",),
    "image_output": ("output_cost_per_image_token",),
    "reasoning": ("output_cost_per_reasoning_token",),
    "audio_output": ("output_cost_per_audio_token",),
}
_SUFFIXES = {"flex": "_flex", "priority": "_priority", "batch": "_batches", "fast": "_fast"}
_ABOVE = re.compile(r"_above_(\d+)k_tokens")
# LiteLLM's providers by the ids of genai-prices; the first is also what stands before a key's slash.
_PROVIDERS = {
    "azure": ("azure", "azure_ai"),
    "google": ("gemini", "vertex_ai"),
    "aws": ("bedrock", "bedrock_converse", "amazon_nova"),
    "x-ai": ("xai",),
    "together": ("together_ai",),
    "fireworks": ("fireworks_ai",),
    "moonshotai": ("moonshot",),
    "voyageai": ("voyage",),
    "cloudflare": ("cloudflare",),
}
_PER_MILLION = 10**6


class LiteLLMPrices:
    """The entries of one file."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], version: str, sellers: Sellers) -> None:
        self._entries = {key.lower(): (key, entry) for key, entry in entries.items()}
        self._version = version
        self._sellers = sellers

    def find(self, provider: str, host: str, models: tuple[str, ...], tier: str) -> Found | None:
        """The price of such a call, if the file has one."""
        if is_own_program(provider):
            return None
        seller, ordered = self._sellers.seller(provider, host, models)
        # The second are those that only LiteLLM lists.
        for whose, called in ((seller, ordered), (provider.lower(), models)):
            if whose and (found := self._listed(whose, called)) is not None:
                return self._found(*found, whose, tier)
        return None

    def _listed(self, seller: str, models: tuple[str, ...]) -> tuple[str, Mapping[str, Any]] | None:
        vendors = _PROVIDERS.get(seller, (seller, seller.replace("-", "_"), seller.partition("_")[0]))
        for model in models:
            for key in _keys(model, seller, vendors):
                found = self._entries.get(key.lower())
                if found is not None and _sold_by(found[1], vendors):
                    return found
        return None

    def _found(self, key: str, entry: Mapping[str, Any], seller: str, tier: str) -> Found | None:
        suffix = _SUFFIXES.get(tier, "")
        has_own = bool(suffix) and any(name.endswith(suffix) for name in entry)
        thresholds = {int(found[1]) * 1000 for name in entry if (found := _ABOVE.search(name))}
        steps = [(above, _given(entry, above, suffix if has_own else "")) for above in sorted(thresholds | {0})]
        if not any(set(given) - {"request", "web_search"} for _, given in steps):
            return None
        listed = Listed(source=NAME, source_version=self._version, provider=seller, model=key, service_tier=tier * has_own)
        return Found(tariff(listed, steps), f"{NAME} {self._version}")


def read_litellm(path: Path, sellers: Sellers) -> LiteLLMPrices:
    """The prices in the JSON file at `path`; raises PriceError."""
    try:
        data = path.read_bytes()
        document = json.loads(data, parse_float=Decimal)
    except (OSError, ValueError, RecursionError) as error:
        raise PriceError(f"{path}: cannot read LiteLLM's prices: {error}") from None
    if not isinstance(document, dict):
        raise PriceError(f"{path}: should be an object of models, as LiteLLM's model_prices_and_context_window.json is")
    entries = {key: entry for key, entry in document.items() if isinstance(entry, dict) and key != "sample_spec"}
    if not any("input_cost_per_token" in entry for entry in entries.values()):
        raise PriceError(f"{path}: no entry has `input_cost_per_token`; is this a file of LiteLLM's prices?")
    return LiteLLMPrices(entries, hashlib.sha256(data).hexdigest()[:12], sellers)


def _keys(model: str, seller: str, vendors: tuple[str, ...]) -> Iterator[str]:
    for name in names(model, seller):
        yield name
        for vendor in vendors:
            yield f"{vendor}/{name}"
    if seller == "fireworks":
        yield f"fireworks_ai/accounts/fireworks/models/{model.rpartition('/')[2]}"


def _sold_by(entry: Mapping[str, Any], vendors: tuple[str, ...]) -> bool:
    """`vertex_ai-anthropic_models` and `cohere_chat` are their providers' too."""
    given = entry.get("litellm_provider")
    return isinstance(given, str) and any(
        given == vendor or given.startswith((f"{vendor}-", f"{vendor}_")) for vendor in vendors
    )


def _given(entry: Mapping[str, Any], above: int, suffix: str) -> dict[str, Decimal]:
    """Per million tokens, for calls with more input than `above`; what has no such key costs what it costs below."""
    given = {}
    for kind, keys in _KEYS.items():
        for key in keys:
            price = _price(entry, key, above, suffix)
            if price is not None:
                given[kind] = price * _PER_MILLION
                break
    fee = _amount(entry.get("input_cost_per_request", entry.get("input_cost_per_query")))
    searches = entry.get("search_context_cost_per_query")
    sizes = {_amount(price) for price in searches.values()} if isinstance(searches, dict) else set()
    only = sizes.pop() if len(sizes) == 1 else None
    return given | ({"request": fee} if fee else {}) | ({"web_search": only * 1000} if only is not None else {})


def _price(entry: Mapping[str, Any], key: str, above: int, suffix: str) -> Decimal | None:
    starts = sorted({int(found[1]) for name in entry if name.startswith(key) and (found := _ABOVE.search(name))}, reverse=True)
    sizes = [f"_above_{start}k_tokens" for start in starts if start * 1000 <= above]
    for size in [*sizes, ""]:
        for name in (f"{key}{size}{suffix}", f"{key}{suffix}{size}"):
            if (amount := _amount(entry.get(name))) is not None:
                return amount
    return _price(entry, key, above, "") if suffix else None


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    amount = Decimal(value)
    return amount if amount.is_finite() and 0 <= amount * _PER_MILLION <= MOST else None
