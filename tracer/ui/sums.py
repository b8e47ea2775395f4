"""Where sums over many calls come from: the calls themselves for a short time, the hours of `llm.calls_by_hour` for a long one.

A question that can be asked of both is one file with these expressions in it. Both say the same, but that the hour in which a
time ends counts as a whole.

- A call's cost and its tokens are averages over those that were answered, priced ones for the cost.
- `width` is how long a row lasts, in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tracer.ui.times import TimeRange

_FAILED = "outcome NOT IN ('ok', 'cache_hit', 'client_gone')"
_ANSWERED = "outcome IN ('ok', 'client_gone', 'stream_error')"
_DIGEST = "quantilesTDigestMerge(0.5, 0.95, 0.99)"
_DIGEST_IF = "quantilesTDigestMergeIf(0.5, 0.95, 0.99)"


@dataclass(frozen=True, slots=True)
class Source:
    """A table's expressions for a question's `$` parts."""

    parts: Mapping[str, str]
    width: int


_CALLS = Source(
    {
        "table": "llm.calls",
        "time": "started_at",
        "number": "count()",
        "first": "min(started_at)",
        "last": "max(started_at)",
        "failed": f"countIf({_FAILED}) / count()",
        "ttft_50": "quantileTDigest(0.5)(ttft_ms)",
        "ttft_95": "quantileTDigest(0.95)(ttft_ms)",
        "duration_50": "quantileTDigestIf(0.5)(duration_ms, outcome = 'ok')",
        "duration_95": "quantileTDigestIf(0.95)(duration_ms, outcome = 'ok')",
        "cost": "sum(cost_usd)",
        "cost_each": f"avgIf(toFloat64(cost_usd), {_ANSWERED})",
        "input_each": f"sumIf(input_tokens, {_ANSWERED}) / countIf({_ANSWERED})",
        "output_each": f"sumIf(output_tokens, {_ANSWERED}) / countIf({_ANSWERED})",
    },
    0,
)
_HOURS = Source(
    {
        "table": "llm.calls_by_hour",
        "time": "hour",
        "number": "sum(calls)",
        "first": "min(first_at)",
        "last": "max(last_at)",
        "failed": f"sumIf(calls, {_FAILED}) / sum(calls)",
        "ttft_50": f"{_DIGEST}(ttft_ms)[1]",
        "ttft_95": f"{_DIGEST}(ttft_ms)[2]",
        "duration_50": f"{_DIGEST_IF}(duration_ms, outcome = 'ok')[1]",
        "duration_95": f"{_DIGEST_IF}(duration_ms, outcome = 'ok')[2]",
        "cost": "sum(cost_usd)",
        "cost_each": f"toFloat64(sumIf(cost_usd, {_ANSWERED})) / (sumIf(calls, {_ANSWERED}) - sumIf(unpriced, {_ANSWERED}))",
        "input_each": f"sumIf(input_tokens, {_ANSWERED}) / sumIf(calls, {_ANSWERED})",
        "output_each": f"sumIf(output_tokens, {_ANSWERED}) / sumIf(calls, {_ANSWERED})",
    },
    3600,
)


def source(time: TimeRange) -> Source:
    """What answers questions about this time."""
    return _HOURS if time.is_hourly else _CALLS
