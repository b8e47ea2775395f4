"""One call: what was said, when it came, what it used and cost, and where it stands in its trace.

The figures are the row's. The bodies are read for people only (tracer/ui/conversation), bounded, with links to the whole text.
"""

import asyncio
from typing import Any

from aiohttp import web

from tracer.ui import money, strip
from tracer.ui.arrivals import Arrivals, arrivals
from tracer.ui.bodies import BODIES, Bodies, bodies_of
from tracer.ui.curl import curl, path_of
from tracer.ui.page import PageError
from tracer.ui.pages.overview import proxy_url
from tracer.ui.reader import Row
from tracer.ui.times import parse_exact
from tracer.ui.view import View

_MOST_IN_TRACE = 1000
_AROUND = 4
_LONGEST_BODY = 8 << 20
_MOST_PIECES = 200_000
_GONE = PageError(404, "There is no such call", "It may be too old, not stored yet, or not yours to see.")


async def show(view: View) -> web.StreamResponse:
    call_id = view.match("call_id")
    found = await view.ask("call", call_id=call_id)
    if not found:
        raise _GONE
    call = found[0]
    kept, beside, trace, price = await asyncio.gather(
        view.ask("call-bodies", call_id=call_id, longest=_LONGEST_BODY, most_pieces=_MOST_PIECES),
        view.ask("call-beside", call_id=call_id, started_at=parse_exact(call["started_at"])),
        view.ask("call-trace", otel_trace_id=call["otel_trace_id"], limit=_MOST_IN_TRACE),
        view.ask("call-price", call_id=call_id),
    )
    bodies = bodies_of(kept[0]) if kept else None
    return view.render(
        "call.html",
        title="Call",
        active="calls",
        call=call,
        bodies=bodies,
        strip=strip.strip(call),
        gaps=strip.gaps(call["itl_digest"]),
        arrivals=_arrivals(call, kept),
        money=money.breakdown(call, price[0] if price else None),
        trace=_around(trace, call_id),
        beside={row["side"]: row["call_id"] for row in beside},
        curl=_curl(view, call, bodies),
        parameters=_parameters(call),
    )


async def body(view: View) -> web.StreamResponse:
    """One body as it was kept, as plain text: a browser must not take it for anything else."""
    column = BODIES.get(view.match("part"))
    if column is None:
        raise _GONE
    found = await view.ask("call-body", {"body": column}, call_id=view.match("call_id"))
    if not found:
        raise PageError(404, "Nothing of what was said is kept", "The call may be older than TRACER_BODIES_RETENTION_DAYS.")
    return web.Response(text=found[0]["body"], content_type="text/plain", charset="utf-8")


def _arrivals(call: Row, kept: list[Row]) -> Arrivals | None:
    if not kept:
        return None
    return arrivals(kept[0]["chunk_at_us"], kept[0]["chunk_bytes"], call["duration_ms"], call["ttft_ms"])


def _around(trace: list[Row], call_id: str) -> dict[str, Any]:
    """The neighbours of a call in its trace, and how many there are on each side."""
    place = next((number for number, row in enumerate(trace) if row["call_id"] == call_id), 0)
    first = max(0, min(place - _AROUND, len(trace) - 2 * _AROUND - 1))
    shown = trace[first : first + 2 * _AROUND + 1]
    return {
        "place": place + 1,
        "count": len(trace),
        "is_cut": len(trace) == _MOST_IN_TRACE,
        "rows": shown,
        "before": first,
        "after": len(trace) - first - len(shown),
        "previous": trace[place - 1]["call_id"] if place else "",
        "next": trace[place + 1]["call_id"] if place + 1 < len(trace) else "",
    }


def _curl(view: View, call: Row, bodies: Bodies | None) -> Any:
    path = path_of(call["endpoint"], call["request_model"], call["prompt_id"])
    headers = bodies.request_headers if bodies else {"content-type": "application/json", "authorization": "***"}
    return curl(proxy_url(view), call["method"] or "POST", path, headers, bodies.sent if bodies else "")


def _parameters(call: Row) -> list[tuple[str, str]]:
    """What the request asked for besides its words."""
    own = ("temperature", "top_p", "max_tokens", "seed", "n")
    found = [
        (name, f"{call[name]:g}" if isinstance(call[name], float) else str(call[name]))
        for name in own
        if call[name] is not None
    ]
    return found + sorted(call["extra_parameters"].items())
