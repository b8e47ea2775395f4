"""The list of calls, newest first. Filters and the place in the list are in the URL, so a link shows what its sender saw.

The place is a key (time and id of the last call shown), not a number: screens do not shift while calls come in, and the
thousandth costs what the first does. At its top the list is live: the browser fetches `/calls/rows` again and again.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import web

from tracer.ui.filters import CACHE, FAILED, FILTERS, LABELS, OUTCOMES, Conditions, conditions
from tracer.ui.reader import Row
from tracer.ui.rendering import link
from tracer.ui.times import parse_exact
from tracer.ui.view import View

PAGE_ROWS = 50
_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)_([0-9a-f-]{36})")
_PLACES = {
    "before": "started_at <= {place_time:DateTime64(6, 'UTC')} AND"
    " (started_at, call_id) < ({place_time:DateTime64(6, 'UTC')}, {place_id:UUID})",
    "after": "started_at >= {place_time:DateTime64(6, 'UTC')} AND"
    " (started_at, call_id) > ({place_time:DateTime64(6, 'UTC')}, {place_id:UUID})",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """The rows of one screen, and the places before and after them (URLs; "" if there are none)."""

    rows: list[Row]
    newer: str
    older: str
    is_top: bool
    slowest_ms: float


async def show(view: View) -> web.StreamResponse:
    where = conditions(view.query)
    time = view.range
    asked = _filters_of(view.query)
    summary: dict[str, Any] = {}
    choices: dict[str, list[str]] = {"models": [], "providers": []}
    screen = _nothing()
    if not where.problems:
        screen, (summary,), (choices,) = await asyncio.gather(
            _screen(view, where),
            view.ask("calls-summary", {"filters": where.clause}, **time.values, **where.values),
            view.ask("calls-choices", **time.values),
        )
    return view.render(
        "calls.html",
        title="Calls",
        active="calls",
        time=time,
        screen=screen,
        summary=summary,
        choices=choices,
        where=where,
        asked=asked,
        labels=LABELS,
        outcomes=OUTCOMES,
        caches=CACHE,
        failed=FAILED,
        live=link("/calls/rows", {**time.query, **asked}) if screen.is_top and time.since else "",
    )


async def rows(view: View) -> web.StreamResponse:
    """The list alone, for the browser to put in place of the one it has."""
    where = conditions(view.query)
    screen = _nothing() if where.problems else await _screen(view, where)
    return view.render("calls_rows.html", screen=screen, where=where, time=view.range)


async def _screen(view: View, where: Conditions) -> Screen:
    direction, place = _place(view.query)
    parts = {
        "filters": where.clause,
        "place": _PLACES[direction] if place else "true",
        "direction": "ASC" if place and direction == "after" else "DESC",
    }
    found = await view.ask("calls", parts, limit=PAGE_ROWS + 1, **view.range.values, **where.values, **place)
    more, found = len(found) > PAGE_ROWS, found[:PAGE_ROWS]
    if parts["direction"] == "ASC":
        found.reverse()
    above = bool(place) and (direction == "before" or more)
    below = more if direction == "before" or not place else True
    base = {**view.range.query, **_filters_of(view.query)}
    return Screen(
        rows=found,
        newer=link("/calls", base, after=_name(found[0])) if found and above else "",
        older=link("/calls", base, before=_name(found[-1])) if found and below else "",
        is_top=not place,
        slowest_ms=max((row["duration_ms"] for row in found), default=0.0),
    )


def _nothing() -> Screen:
    return Screen([], "", "", True, 0.0)


def _filters_of(query: Mapping[str, str]) -> dict[str, str]:
    """The filters that the URL gives, right or wrong."""
    return {name: query[name].strip() for name in FILTERS if query.get(name, "").strip()}


def _name(row: Row) -> str:
    return f"{row['started_at']}_{row['call_id']}"


def _place(query: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    for direction in _PLACES:
        match = _PLACE.fullmatch(query.get(direction, ""))
        if match and (when := parse_exact(match[1])) and _is_uuid(match[2]):
            return direction, {"place_time": when, "place_id": match[2]}
    return "before", {}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
