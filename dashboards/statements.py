"""The SQL of panels, variables and alerts: files under `panels/`, with the parts that many share filled in.

`@name` stands for a part: one of PARTS, or the file `panels/shared/name.sql`; parts may hold parts. Everything that begins
with `$` is Grafana's: it fills in variables and macros (`$__timeFilter`, `$__conditionalAll`, …) when the panel is shown.

On all boards a *model* is what was asked for: a call that failed has no other. What answered stands beside it where it matters.

Traps
- `$__conditionalAll(condition, $variable)` becomes `1=1` while the variable is All or empty, else the condition. It is done in
  the browser, so not for alerts, and its reader counts brackets and commas but knows no quotes. With the condition 0 it tells
  whether something is chosen: `@everybody`.
- `$__timeFilter` has no brackets around it: no OR beside it. It cuts to whole seconds.
- `[[` is a variable's old spelling.
- A time series that has a column of arrays is refused by the plugin: quantiles of one digest go into WITH.
"""

import re
from importlib import resources

_GAP = "if(empty(reached), NULL, 0.25 * exp2((arrayFirstIndex(n -> n >= {share} * reached[-1], reached) - 1) / 4))"
PARTS = {
    "model": "if(request_model = '', 'none', request_model)",
    "failed": "outcome NOT IN ('ok', 'cache_hit', 'client_gone')",
    # The same as in llm.calls_by_minute.
    "unpriced": "(cost_usd IS NULL AND operation != '' AND outcome IN ('ok', 'stream_error', 'client_gone'))",
    "wasted": "coalesce(wasted_usd, if(outcome IN ('client_gone', 'stream_error', 'timeout'), cost_usd, NULL))",
    # Calls and sums of calls know these two.
    "named": "$__conditionalAll(provider IN (${provider:singlequote}), $provider)"
    " AND $__conditionalAll(request_model IN (${model:singlequote}), $model)",
    "everybody": "($__conditionalAll(0, $user) AND $__conditionalAll(0, $value))",
    # Four days; from there on sums of hours are asked, and no point stands for less.
    "wide": "($__toTime - $__fromTime > 345600)",
    "step": "toStartOfInterval(minute, toIntervalSecond(greatest($__interval_s, if(@wide, 3600, 60))))",
    # From `reached`, the running count of gaps by the buckets of the digest (tracer/sink/latency.py), in milliseconds: the
    # upper end of the bucket in which that share is reached, at most 19 % too high.
    "gap_p50": _GAP.format(share=0.5),
    "gap_p95": _GAP.format(share=0.95),
    "gap_p99": _GAP.format(share=0.99),
}
_PART = re.compile(r"@(\w+)")
_COMMENT = re.compile(r"\A(?:--[^\n]*\n)+")


def statement(named: str) -> str:
    """SQL ready for Grafana, from a file's name (`overview/models`) or from the text itself."""
    return _fill(named if " " in named else _read(named))


def _fill(text: str) -> str:
    return _PART.sub(lambda found: _part(found[1]), text)


def _part(name: str) -> str:
    return _fill(PARTS[name] if name in PARTS else _read(f"shared/{name}"))


def _read(name: str) -> str:
    """A file without the comment at its head: Grafana would look for macros in it."""
    text = resources.files("dashboards").joinpath("panels", f"{name}.sql").read_text("utf-8")
    return _COMMENT.sub("", text).strip()
