"""What a call used and cost, as a table: exclusive buckets that add up, where figures come from, why there is no price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_INPUT = (
    ("uncached_input_tokens", "text, not cached"),
    ("cache_read_tokens", "read from the provider's cache"),
    ("cache_write_tokens", "written to the provider's cache"),
    ("audio_input_tokens", "audio"),
    ("image_input_tokens", "images"),
)
_OUTPUT = (
    ("text_output_tokens", "visible"),
    ("reasoning_tokens", "reasoning, hidden"),
    ("audio_output_tokens", "audio"),
)
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
    """Tokens of one kind; `share` is of all tokens of the call."""

    label: str
    tokens: int
    share: float


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


def breakdown(call: Row) -> Breakdown:
    """Of a row of llm.calls."""
    total = call["total_tokens"] or 0
    source: str = call["price_source"]
    reason = source.removeprefix(_NONE) if source.startswith(_NONE) else ""
    return Breakdown(
        sides=(
            _side("Input", _INPUT, call, call["input_tokens"], call["input_cost_usd"], total),
            _side("Output", _OUTPUT, call, call["output_tokens"], call["output_cost_usd"], total),
        ),
        usage_source=_USAGE_SOURCES.get(call["usage_source"], str(call["usage_source"])),
        price_source=_priced(source) if call["cost_usd"] is not None else "",
        unpriced="" if call["cost_usd"] is not None else reason or "this kind of call is not priced",
    )


def _side(
    label: str, names: tuple[tuple[str, str], ...], call: Row, tokens: int | None, cost: float | None, total: int
) -> Side:
    buckets = tuple(Bucket(text, call[name], call[name] / total if total else 0.0) for name, text in names if call[name])
    return Side(label, buckets, tokens, cost, cost / tokens * 1e6 if cost is not None and tokens else None)


def _priced(source: str) -> str:
    if source == "user":
        return "Your own price table (TRACER_PRICES)."
    if source == "provider":
        return "The provider's own figure, sent with its usage."
    return f"List prices: {source}."
