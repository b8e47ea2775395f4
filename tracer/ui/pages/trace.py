"""One trace: its calls, retries and application's spans as a tree under a time axis, with what it cost and how it was liked.

What the application said of its spans stands below the tree: a second question, since only the first one knows which spans.
"""

import asyncio
import shlex
from typing import Any

from aiohttp import web

from tracer.store import tree
from tracer.ui.page import PageError
from tracer.ui.spoken import SPANS, TEXTS, asked, spoken
from tracer.ui.view import View
from tracer.ui.waterfall import waterfall

MOST_ROWS = 2000  # a page of more is slow in every browser, and nobody reads it
_NOT_KEPT = PageError(404, "Nothing of this span is kept", "It may be older than TRACER_BODIES_RETENTION_DAYS.")


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
    drawn = spans[:MOST_ROWS]
    which = asked(drawn)
    texts = await view.ask("span-bodies", **which) if which else []
    return view.render(
        "trace.html",
        title="Trace",
        active="calls",
        trace_id=spans[0].trace_id if spans else trace_id,
        drawing=waterfall(drawn) if spans else None,
        spoken=spoken(drawn, texts),
        has_more_texts=len(texts) > SPANS,
        is_cut=len(spans) > MOST_ROWS,
        most=MOST_ROWS,
        feedback=feedback,
        score=_score(feedback),
        command=f"tracer trace {shlex.quote(trace_id)}" if trace_id.isprintable() else "",
    )


async def body(view: View) -> web.StreamResponse:
    """One text of a span as it was kept, as plain text: a browser must not take it for anything else."""
    part = view.match("part")
    if part not in TEXTS:
        raise _NOT_KEPT
    ids = {"trace_id": view.query.get("trace", ""), "span_id": view.query.get("span", "")}
    found = await view.ask("span-body", {"body": part}, **ids)
    if not found:
        raise _NOT_KEPT
    return web.Response(text=found[0]["body"], content_type="text/plain", charset="utf-8")


def _score(feedback: list[dict[str, Any]]) -> float | None:
    weight = sum(each["weight"] for each in feedback)
    return sum(each["value"] * each["weight"] for each in feedback) / weight if weight else None
