"""What a call used and cost, as a table: exclusive buckets that add up, where figures come from, why there is no price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Column of llm.calls, its words, its rate in llm.prices.
_INPUT = (
    ("uncached_input_tokens", "text, not cached", "uncached_input_usd"),
    ("cache_read_tokens", "read from the provider's cache", "cache_read_usd"),
    ("cache_write_tokens", "written to the provider's cache", "cache_write_usd"),
    ("audio_input_tokens", "audio", "audio_input_usd"),
    ("image_input_tokens", "images", "image_input_usd"),
)
_OUTPUT = (
    ("text_output_tokens", "visible", "text_output_usd"),
    ("reasoning_tokens", "reasoning, hidden", "reasoning_usd"),
    ("audio_output_tokens", "audio", "audio_output_usd"),
)
# Parts of a bucket that have a price of their own.
_PARTS = {
    "cache_read_tokens": ("cached_audio_tokens", "of these, audio", "cached_audio_usd"),
    "cache_write_tokens": ("cache_write_1h_tokens", "of these, kept for an hour", "cache_write_1h_usd"),
    "text_output_tokens": ("image_output_tokens", "of these, images", "image_output_usd"),
}
_USAGE_SOURCES: Mapping[str, str] = {
    "provider": "The provider's own figures.",
    "partial": "The provider's figures until the stream broke off; the bill may be higher.",
    "estimated": "Estimated: the provider gave no figures.",
    "none": "The provider gave no figures.",
}
_NONE = "none: "
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens of one kind; `share` is of all tokens of the call, `rate` what a million cost by the price that was used.

    A part is counted in the bucket above it already.
    """

    label: str
    tokens: int
    share: float
    rate: float | None
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """Input or output. `per_million` is what a million of these tokens came to."""

    label: str
    buckets: tuple[Bucket, ...]
    tokens: int | None
    cost: float | None
    per_million: float | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The table, and in words where it comes from. `unpriced` says why there is no price, where there is none."""

    sides: tuple[Side, ...]
    usage_source: str
    price_source: str
    unpriced: str
    searches: int
    search_rate: float | None  # of one


def breakdown(call: Row, price: Row | None = None) -> Breakdown:
    """Of a row of llm.calls, and that of its price, if there is one."""
    price = price or {}
    source: str = call["price_source"]
    reason = source.removeprefix(_NONE) if source.startswith(_NONE) else ""
    return Breakdown(
        sides=(
            _side("Input", _INPUT, call, price, call["input_tokens"], call["input_cost_usd"]),
            _side("Output", _OUTPUT, call, price, call["output_tokens"], call["output_cost_usd"]),
        ),
        usage_source=_USAGE_SOURCES.get(call["usage_source"], str(call["usage_source"])),
        price_source=_priced(source) if call["cost_usd"] is not None else "",
        unpriced="" if call["cost_usd"] is not None else reason or "this kind of call is not priced",
        searches=call["web_searches"] or 0,
        search_rate=price.get("web_search_usd"),
    )


def _side(
    label: str, names: tuple[tuple[str, str, str], ...], call: Row, price: Row, tokens: int | None, cost: float | None
) -> Side:
    total = call["total_tokens"] or 0

    def bucket(name: str, text: str, rate: str, is_part: bool = False) -> Bucket:
        usd = price.get(rate)
        return Bucket(text, call[name], call[name] / total if total else 0.0, None if usd is None else usd * 1e6, is_part)

    buckets = []
    for name, text, rate in names:
        if call[name]:
            buckets.append(bucket(name, text, rate))
            part = _PARTS.get(name)
            if part and call[part[0]]:
                buckets.append(bucket(*part, is_part=True))
    return Side(label, tuple(buckets), tokens, cost, cost / tokens * 1e6 if cost is not None and tokens else None)


def _priced(source: str) -> str:
    if source == "user":
        return "Your own price table (TRACER_PRICES)."
    if source == "provider":
        return "The provider's own figure, sent with its usage."
    return f"List prices: {source}."
