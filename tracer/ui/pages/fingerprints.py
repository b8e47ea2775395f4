"""Which configuration of a provider answered: each `system_fingerprint` by model, its share over time, what changed with it.

A fingerprint that appears for the first time is a switch. Before and after are the AROUND_S around it, of all calls of the
model: those that fail carry no fingerprint, and a provider rolls a new one out little by little.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice, pairwise
from typing import Any

from aiohttp import web

from tracer.ui import formats
from tracer.ui.charts import TimeChart, time_chart
from tracer.ui.reader import Row
from tracer.ui.sums import Source, source
from tracer.ui.times import TimeRange, parse_exact, time_range
from tracer.ui.view import View

DEFAULT = "30d"
AROUND_S = 86_400
_MOST_FINGERPRINTS = 2000
_MOST_SHARES = 100_000
_MOST_CARDS = 20
_MOST_SWITCHES = 3  # of one model, the newest
_ENOUGH = 30  # calls
_CLEARLY = 0.02  # of all calls
_COLOURS = 7  # the eighth is everybody else's


@dataclass(frozen=True, slots=True)
class Switch:
    """One appearance of a fingerprint, and the model's calls before and after it; {} where there were none."""

    fingerprint: str
    instead_of: str
    moment: str
    before: Row
    after: Row

    @property
    def is_enough(self) -> bool:
        """Whether there were enough calls on both sides for a difference to mean something."""
        return bool(min(self.before.get("answered", 0), self.after.get("answered", 0)) >= _ENOUGH)

    @property
    def failed_more(self) -> bool:
        """Whether clearly more calls failed afterwards."""
        return self.is_enough and bool(self.after["failed"] > self.before["failed"] + _CLEARLY)

    def change(self, name: str) -> float | None:
        """By how much a figure grew, as a share of what it was."""
        old, new = self.before.get(name), self.after.get(name)
        return None if old is None or new is None or old == 0 else (new - old) / old


@dataclass(frozen=True, slots=True)
class Model:
    """One model of one provider; its fingerprints with the newest first."""

    provider: str
    name: str
    fingerprints: list[Row]
    chart: TimeChart | None
    switches: list[Switch]


async def show(view: View) -> web.StreamResponse:
    time = time_range(view.query, view.now, DEFAULT)
    sums = source(time)
    found, shares = await asyncio.gather(
        view.ask("fingerprints", sums.parts, limit=_MOST_FINGERPRINTS, **time.values),
        view.ask("fingerprint-shares", sums.parts, limit=_MOST_SHARES, bucket=time.bucket_s, **time.values),
    )
    by_model = [(key, list(rows)) for key, rows in groupby(found, key=_model)]
    changed = sorted((each for each in by_model if len(each[1]) > 1), key=lambda each: each[1][0]["first_seen"], reverse=True)
    switches = await _switches(view, sums, changed[:_MOST_CARDS])
    return view.render(
        "fingerprints.html",
        title="Fingerprints",
        active="fingerprints",
        time=time,
        models=[
            Model(*key, rows, _chart(key, rows, shares, time), switches.get(key, [])) for key, rows in changed[:_MOST_CARDS]
        ],
        more=len(changed) - _MOST_CARDS,
        steady=[rows[0] for _, rows in by_model if len(rows) == 1],
        hours=AROUND_S // 3600,
    )


def _model(row: Row) -> tuple[str, str]:
    return row["provider"], row["model"]


def _chart(key: tuple[str, str], rows: list[Row], shares: Iterable[Row], time: TimeRange) -> TimeChart:
    """The share of each fingerprint in each bucket; those with few calls are one."""
    most = sorted(rows, key=lambda row: -row["answered"])[:_COLOURS]
    most.sort(key=lambda row: row["first_seen"])
    named = {row["fingerprint"]: str(number) for number, row in enumerate(most)}
    columns = {number: (fingerprint, f"c{int(number) + 1}") for fingerprint, number in named.items()}
    if len(rows) > _COLOURS:
        columns["others"] = (f"{len(rows) - _COLOURS} others", "c8")
    buckets: dict[int, dict[str, Any]] = {}
    for row in shares:
        if _model(row) == key:
            bucket = buckets.setdefault(row["bucket"], {"bucket": row["bucket"], **dict.fromkeys(columns, 0)})
            bucket[named.get(row["fingerprint"], "others")] += row["answered"]
    for bucket in buckets.values():
        total = sum(bucket[name] for name in columns)
        bucket |= {name: bucket[name] / total for name in columns}
    return time_chart("Share of the calls", buckets.values(), columns, time, format=formats.percent)


async def _switches(
    view: View, sums: Source, models: list[tuple[tuple[str, str], list[Row]]]
) -> dict[tuple[str, str], list[Switch]]:
    """The newest switches of each model, with what the store says of the time around them."""
    events = [(key, new, old) for key, rows in models for new, old in islice(pairwise(rows), _MOST_SWITCHES)]
    if not events:
        return {}
    moments = [_seconds(new["first_seen"]) for _, new, _ in events]
    rows = await view.ask(
        "fingerprint-switches",
        sums.parts,
        width=sums.width,
        around=AROUND_S,
        numbers=list(range(len(events))),
        providers=[key[0] for key, _, _ in events],
        models=[key[1] for key, _, _ in events],
        moments=moments,
        since=_moment(min(moments) - AROUND_S),
        until=_moment(max(moments) + AROUND_S),
    )
    sides = {(row["number"], row["side"]): row for row in rows}
    found: dict[tuple[str, str], list[Switch]] = {}
    for number, (key, new, old) in enumerate(events):
        before, after = sides.get((number, "before"), {}), sides.get((number, "after"), {})
        switch = Switch(new["fingerprint"], old["fingerprint"], new["first_seen"], before, after)
        found.setdefault(key, []).append(switch)
    return found


def _seconds(text: str) -> int:
    when = formats.parse_time(text)
    return int(when.timestamp()) if when else 0


def _moment(seconds: int) -> str | None:
    return parse_exact(datetime.fromtimestamp(seconds, UTC).isoformat())
