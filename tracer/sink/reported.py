"""The cost that a provider itself puts into its usage object.

OpenRouter: `cost` is what it charged; with the caller's own key (is_byok) the provider behind it bills
upstream_inference_cost besides. https://openrouter.ai/docs/use-cases/usage-accounting
Perplexity: `cost` is an object. xAI: `cost_in_usd_ticks`, ten thousand million to the dollar.

A provider that reports a cost but not its parts gives a total only. The view `llm.recomputed_costs` reads the same figures out
of `usage_raw`: what is added here belongs there too (tests/store/schema/test_prices.py compares them).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tracer.sink.rates import rounded

# The columns hold six digits before the point, and no single call costs a million dollars.
MOST = 10**6
TICKS = 10**10

Parts = tuple[Decimal, Decimal | None, Decimal | None]


def reported_cost(raw: Mapping[str, Any], provider: str) -> Parts | None:
    """Total, input and output in dollars, if the provider says what it charged."""
    if "cost" not in raw and "cost_in_usd_ticks" not in raw:
        return None
    ticks = _amount(raw.get("cost_in_usd_ticks"))
    if ticks is not None:
        return _parts(ticks / TICKS, None)
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


def _parts(total: Decimal | None, output: Decimal | None) -> Parts | None:
    if total is None or total >= MOST:
        return None
    total = rounded(total)
    if output is None:
        return total, None, None
    output = min(rounded(output), total)
    return total, total - output, output


def _amount(value: object) -> Decimal | None:
    """A JSON number as the decimal that was written, if it can be an amount of money."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    amount = Decimal(repr(value))
    return amount if amount.is_finite() and amount >= 0 else None
