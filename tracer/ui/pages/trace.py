"""One trace: its calls, retries and application's spans as a tree under a time axis, with what it cost and how it was liked."""

import asyncio
import shlex
from typing import Any

from aiohttp import web

from tracer.store import tree
from tracer.ui.page import PageError
from tracer.ui.view import View
from tracer.ui.waterfall import waterfall

MOST_ROWS = 2000  # a page of more is slow in every browser, and nobody reads it


async def show(view: View) -> web.StreamResponse:
    trace_id = view.match("trace_id")
    sql, bound = tree.question("trace.sql", trace_id)
    rows, feedback = await asyncio.gather(
        view.ask("trace", {"trace": sql}, limit=MOST_ROWS + 1, **bound),
        view.ask("trace-feedback", **bound),
    )
    if not rows and not feedback:
        raise PageError(404, "There is no such trace", "Its calls may be too old, not stored yet, or not yours to see.")
    spans = [tree.span_of(row) for row in rows]
    return view.render(
        "trace.html",
        title="Trace",
        active="calls",
        trace_id=spans[0].trace_id if spans else trace_id,
        drawing=waterfall(spans[:MOST_ROWS]) if spans else None,
        is_cut=len(spans) > MOST_ROWS,
        most=MOST_ROWS,
        feedback=feedback,
        score=_score(feedback),
        command=f"tracer trace {shlex.quote(trace_id)}" if trace_id.isprintable() else "",
    )


def _score(feedback: list[dict[str, Any]]) -> float | None:
    weight = sum(each["weight"] for each in feedback)
    return sum(each["value"] * each["weight"] for each in feedback) / weight if weight else None
