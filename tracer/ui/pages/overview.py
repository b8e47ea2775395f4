"""The first page: what went through in a time, its cost, its latency, what went wrong. Without calls: how to send one."""

import asyncio
from typing import Any

from aiohttp import web

from tracer.ui import formats
from tracer.ui.charts import time_chart
from tracer.ui.comparison import changes, is_comparable
from tracer.ui.reader import Row
from tracer.ui.times import TimeRange
from tracer.ui.view import View

_FIGURES = ("overview-buckets", "overview-outcomes", "overview-models")
_OF_CALLS = ("overview-users", "overview-errors", "overview-keys")
_ALL_TIME_S = 2**32 - 1


async def show(view: View) -> web.StreamResponse:
    time = view.range
    first = (await view.ask("any-call"))[0]
    if not first["calls"]:
        return view.render("welcome.html", title="Overview", active="overview", proxy=proxy_url(view))
    parts = _roll_up(time, view.sees_all)
    by = view.query.get("by", "")[:200]
    questions = [*(f"{name}-rolled" if parts else name for name in _FIGURES), *_OF_CALLS]
    asked = (view.ask(question, parts, **time.values, bucket=time.bucket_s) for question in questions)
    (rows, outcomes, models, users, errors, keys), before, of_key = await asyncio.gather(
        asyncio.gather(*asked),
        _before(view, time, parts) if is_comparable(time, first["since"]) else _no_rows(),
        view.ask("overview-by-key", **time.values, by=by) if by else _no_rows(),
    )
    buckets, (totals, *_) = [row for row in rows if row["bucket"]], [row for row in rows if not row["bucket"]] or [_NOTHING]
    return view.render(
        "overview.html",
        title="Overview",
        active="overview",
        time=time,
        totals=totals,
        per_minute=totals["calls"] / max(1.0, time.seconds / 60),
        outcomes=_strip(outcomes),
        charts=_charts(buckets, time),
        models=models,
        people=users[0]["people"] if users else 0,
        users=users,
        errors=errors,
        changes=changes(totals, before[0] if before else None),
        keys=[row["key"] for row in keys],
        by=by,
        of_key=of_key,
    )


_NOTHING: Row = {"calls": 0}


async def _before(view: View, time: TimeRange, parts: dict[str, str]) -> list[Row]:
    """The totals of the time before, in the first row: there is one bucket, as wide as time."""
    question = "overview-buckets-rolled" if parts else "overview-buckets"
    return await view.ask(question, parts, **time.before.values, bucket=_ALL_TIME_S)


async def _no_rows() -> list[Row]:
    return []


def _roll_up(time: TimeRange, sees_all: bool) -> dict[str, str]:
    """The roll-up that answers for this time; nothing where only the calls themselves do.

    The one by minute says nothing of keys: who sees only some of them asks the calls, and has fewer.
    """
    if time.is_hourly:
        return {"roll_up": "llm.calls_by_hour", "moment": "hour"}
    return {"roll_up": "llm.calls_by_minute", "moment": "minute"} if sees_all and time.is_by_minute else {}


def proxy_url(view: View) -> str:
    """Where programs reach the proxy, as seen by who looks at the page."""
    host = view.request.url.host or view.settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{view.settings.port}"


def _charts(rows: list[Row], time: TimeRange) -> list[Any]:
    ended = {
        "ok": ("ok", "ok"),
        "hit": ("cache hit", "hit"),
        "gone": ("client gone", "gone"),
        "refused": ("refused", "refused"),
        "bad": ("failed", "bad"),
    }
    cost = {"input_cost": ("input", "c1"), "output_cost": ("output", "c2")}
    tokens = {"input_tokens": ("input", "c1"), "output_tokens": ("output", "c2")}
    ttft = {"ttft_p50": ("p50", "c1"), "ttft_p95": ("p95", "c3")}
    duration = {"duration_p50": ("p50", "c1"), "duration_p95": ("p95", "c3")}
    return [
        time_chart("Calls", rows, ended, time, unit=_per_bucket(time)),
        time_chart("Cost", rows, cost, time, unit="US dollars", format=formats.money),
        time_chart("Time to first token", rows, ttft, time, unit="streams", kind="lines", format=formats.duration),
        time_chart("Duration", rows, duration, time, unit="calls that went well", kind="lines", format=formats.duration),
        time_chart("Tokens", rows, tokens, time),
    ]


def _per_bucket(time: TimeRange) -> str:
    width = time.bucket_s
    for size, name in ((86400, "day"), (3600, "hour"), (60, "min")):
        if width % size == 0:
            return (
                f"per {name}"
                if width == size
                else f"per {width // size} {name}s"
                if name != "min"
                else f"per {width // size} min"
            )
    return f"per {width} s"


def _strip(outcomes: list[Row]) -> list[dict[str, Any]]:
    """The outcomes as pieces of one bar: where each begins and how long it is, of 1000."""
    total, at, pieces = sum(row["calls"] for row in outcomes) or 1, 0.0, []
    for row in outcomes:
        width = 1000 * row["calls"] / total
        pieces.append({**row, "x": at, "width": width, "share": row["calls"] / total})
        at += width
    return pieces
