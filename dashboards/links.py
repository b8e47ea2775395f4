"""Where boards lead: their uids, and links that keep the time range and what is chosen.

Ids in links are hexadecimal and need no escaping; values that callers choose freely are escaped by `:percentencode`.
A link names every variable that it keeps: `${__all_variables}` would name those twice that it sets.
"""

from typing import Final

from dashboards.panel import Link

OVERVIEW: Final = "tracer-overview"
COST: Final = "tracer-cost"
LATENCY: Final = "tracer-latency"
RELIABILITY: Final = "tracer-reliability"
FINGERPRINTS: Final = "tracer-fingerprints"
TRACE: Final = "tracer-trace"
ITSELF: Final = "tracer-itself"

# The variables that all boards over calls have in common; their definitions are in variables.py.
NARROWING: Final = ("provider", "model", "user", "key", "value")
SEARCHING: Final = (*NARROWING, "outcome", "slower", "search")


def trace(kept: tuple[str, ...] = NARROWING, column: str = "otel_trace_id") -> Link:
    """To the trace that the row's `column` names."""
    return Link("Show the trace", _url(TRACE, kept, f"var-trace=${{__data.fields.{column}}}", "var-call="))


def call(column: str = "call_id") -> Link:
    """To the content of the call that the row's `column` names, within the trace that is shown."""
    return Link("Show what was said", _url(TRACE, (*SEARCHING, "trace"), f"var-call=${{__data.fields.{column}}}"))


def narrowed(board: str, name: str, title: str) -> Link:
    """To a board with the variable `name` set to the value that was clicked."""
    kept = tuple(each for each in NARROWING if each != name)
    return Link(title, _url(board, kept, f"var-{name}=${{__value.raw:percentencode}}"))


def _url(board: str, kept: tuple[str, ...], *chosen: str) -> str:
    keeping = (f"${{{name}:queryparam}}" for name in ("ds", *kept))
    return f"/d/{board}?" + "&".join(["${__url_time_range}", *keeping, *chosen])
