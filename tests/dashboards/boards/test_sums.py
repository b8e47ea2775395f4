"""The panels that read sums: over everybody they must say what the calls themselves say."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dashboards.asked import NOTHING_CHOSEN, ask
from tests.dashboards.documents import all_panels, sql_of
from tests.dashboards.grafana import Shown, Value
from tests.traffic.million import Traffic

# The first to ask for the million makes it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_SUMS = ("llm.calls_by_minute", "llm.calls_by_hour")
# Every call has this key with one of these values, so choosing all of them narrows nothing but makes the panel read the calls.
EVERYBODY: dict[str, Value] = {"key": "environment", "value": ("production", "staging", "development")}
# By definition of all calls, whatever is chosen.
_NEVER_NARROWED = {"Month", "Switches"}
_BOTH = [
    pytest.param(panel, id=f"{uid}-{panel['title']}")
    for uid, panel in all_panels()
    if any(table in sql_of(panel) for table in _SUMS) and "FROM llm.calls\n" in sql_of(panel)
]
# Percentiles are read from digests, and those of the same values that were merged in another order differ: of few values
# (one version of a prompt, one minute) by some percent.
_PERCENTILE = re.compile(r"p\d\d$|^(duration|first_token)$")
_INEXACT = 0.15
_SECOND = timedelta(seconds=1)
_FORMAT = "%Y-%m-%d %H:%M:%S"


def hours_of(traffic: Traffic, hours: int) -> tuple[datetime, datetime]:
    """Full hours, up to a second before the next: what sums of hours and of calls both hold.

    Grafana asks by whole seconds, so the last second's calls are in the sums only: the hours end where there are none.
    """
    end = traffic.end.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while _calls_in(traffic, end - _SECOND):
        end -= timedelta(hours=1)
    return end - timedelta(hours=hours), end - _SECOND


def _calls_in(traffic: Traffic, second: datetime) -> int:
    query = f"SELECT count() FROM llm.calls WHERE toStartOfSecond(started_at) = '{second:{_FORMAT}}'"
    return int(ask(traffic.url, query).rows[0][0])


def test_every_call_has_the_key(traffic: Traffic) -> None:
    missing = ask(
        traffic.url,
        "SELECT count() FROM llm.calls WHERE metadata['environment'] NOT IN ('production', 'staging', 'development')",
    )
    assert missing.rows == [["0"]] or missing.rows == [[0]]


@pytest.mark.parametrize("panel", _BOTH)
@pytest.mark.parametrize(("hours", "step"), [(30, timedelta(hours=1)), (200, timedelta(hours=2))])
def test_sums_say_what_the_calls_say(traffic: Traffic, panel: dict[str, Any], hours: int, step: timedelta) -> None:
    start, end = hours_of(traffic, hours)
    by_sums, by_calls = (
        ask(traffic.url, Shown(start, end, step, NOTHING_CHOSEN | chosen).fill(sql_of(panel))) for chosen in ({}, EVERYBODY)
    )
    assert list(by_sums.types) == list(by_calls.types)
    names = [name for name, kind in by_sums.types.items() if "String" in kind or "DateTime" in kind]

    def keyed(records: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(record.pop(name) for name in names): record for record in records}

    sums, calls = keyed(by_sums.records), keyed(by_calls.records)
    assert sums.keys() == calls.keys()
    for key, numbers in calls.items():
        for name, value in numbers.items():
            allowed = _INEXACT if _PERCENTILE.search(name) else 1e-6
            expected = None if value is None else pytest.approx(value, rel=allowed, abs=1e-6)
            assert sums[key][name] == expected, (key, name)
