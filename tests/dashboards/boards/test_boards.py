"""Every panel's SQL, as it is in the committed files, on a million calls: over a day, over all of them, and narrowed down."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.dashboards.asked import NOTHING_CHOSEN, Answer, ask, timed
from tests.dashboards.documents import all_panels, sql_of
from tests.dashboards.grafana import Shown, Value
from tests.traffic.million import Traffic

# The first to ask for the million makes it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ASKED = [pytest.param(uid, panel, id=f"{uid}-{panel['title']}") for uid, panel in all_panels() if sql_of(panel)]
TIME_SERIES, TABLE, TRACE = 0, 1, 3
# What clickhouse-go and the plugin turn into Grafana's fields without special cases; `SimpleAggregateFunction(…)` is one.
_TIME = r"DateTime(64)?(\(.*\))?"
_NUMBER = r"U?Int\d+|Float(32|64)|Bool"
_TEXT = r"String"
# Nothing of the kind happens on an ordinary day.
_MAY_BE_EMPTY_FOR_A_DAY = {"Switches"}


def plain(kind: str, pattern: str) -> bool:
    """Whether a ClickHouse type is one of the pattern's, Nullable and LowCardinality aside."""
    inner = re.sub(r"^(?:(?:LowCardinality|Nullable)\()+|\)+$", "", kind) if not kind.startswith("DateTime") else kind
    return re.fullmatch(pattern, inner) is not None


@pytest.fixture(scope="module")
def some_trace(traffic: Traffic) -> str:
    """A trace that has calls with bodies and spans of the application's own."""
    found = ask(
        traffic.url,
        "SELECT otel_trace_id FROM llm.calls WHERE call_id IN (SELECT call_id FROM llm.bodies)"
        " AND otel_trace_id IN (SELECT otel_trace_id FROM llm.spans) ORDER BY started_at DESC LIMIT 1",
    )
    return str(found.rows[0][0])


def shown(traffic: Traffic, days: int, trace: str, **chosen: Value) -> Shown:
    """The last so many days, in the steps that Grafana takes for that."""
    step = timedelta(hours=1) if days > 7 else timedelta(minutes=2)
    return Shown(traffic.end - timedelta(days=days), traffic.end, step, NOTHING_CHOSEN | {"trace": trace} | chosen)


def check(panel: dict[str, Any], answer: Answer) -> None:
    """That the panel can draw the answer."""
    form = panel["targets"][0]["format"]
    if form == TRACE:
        return
    numbers = [name for name, kind in answer.types.items() if plain(kind, _NUMBER)]
    texts = [name for name, kind in answer.types.items() if plain(kind, _TEXT)]
    times = [name for name, kind in answer.types.items() if plain(kind, _TIME)]
    assert {*numbers, *texts, *times} == set(answer.types), "a type that the plugin has no plain field for"
    if form == TIME_SERIES:
        assert next(iter(answer.types)) == "time"
        assert times == ["time"]
        assert numbers
        moments = answer.column("time")
        assert moments == sorted(moments)
        labels = re.findall(r"__field\.labels\.(\w+)", panel["fieldConfig"]["defaults"].get("displayName", ""))
        assert labels == texts
        keys = [tuple(row[list(answer.types).index(name)] for name in ("time", *texts)) for row in answer.rows]
        assert len(set(keys)) == len(keys), "two values of one series at one time"
    elif panel["type"] == "stat":
        assert not texts
        assert not times
        assert len(answer.rows) == 1
    overridden = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"] if each["matcher"]["id"] == "byName"}
    assert overridden <= set(answer.types), "an override for a column that is not there"
    links = re.findall(r"__data\.fields\.(\w+)", str(panel["fieldConfig"]["overrides"]))
    assert set(links) <= set(answer.types)


@pytest.mark.parametrize(("uid", "panel"), ASKED)
def test_over_all_calls(traffic: Traffic, some_trace: str, uid: str, panel: dict[str, Any]) -> None:
    answer = timed(traffic, f"{uid}: {panel['title']}", "35 days", sql_of(panel), shown(traffic, 35, some_trace))
    assert answer.rows
    check(panel, answer)


@pytest.mark.parametrize(("uid", "panel"), ASKED)
def test_over_a_day(traffic: Traffic, some_trace: str, uid: str, panel: dict[str, Any]) -> None:
    answer = timed(traffic, f"{uid}: {panel['title']}", "a day", sql_of(panel), shown(traffic, 1, some_trace))
    assert answer.rows or panel["title"] in _MAY_BE_EMPTY_FOR_A_DAY
    check(panel, answer)


@pytest.mark.parametrize(("uid", "panel"), ASKED)
def test_narrowed(traffic: Traffic, some_trace: str, uid: str, panel: dict[str, Any]) -> None:
    narrow: dict[str, Value] = {
        "provider": ("openai", "anthropic", "it's"),
        "model": ("gpt-4o", "claude-sonnet-4-5"),
        "key": "environment",
        "value": ("production", "staging"),
        "search": "support",
        "slower": "100",
        "outcome": ("ok", "upstream_error"),
    }
    answer = timed(traffic, f"{uid}: {panel['title']}", "narrowed", sql_of(panel), shown(traffic, 35, some_trace, **narrow))
    assert answer.rows
    check(panel, answer)
    if panel["title"] != "Calls of the trace":  # found by id, whatever else is chosen
        for name in ("provider", "model"):
            if name in answer.types:
                assert set(answer.column(name)) <= set(narrow[name])


@pytest.mark.parametrize(("uid", "panel"), ASKED)
def test_when_there_is_nothing(traffic: Traffic, uid: str, panel: dict[str, Any]) -> None:
    """An empty range gives no rows, or one row of nothing, and no error: then `noValue` speaks."""
    nothing = Shown(traffic.end + timedelta(days=400), traffic.end + timedelta(days=401), chosen=NOTHING_CHOSEN)
    answer = ask(traffic.url, nothing.fill(sql_of(panel)))
    if panel["title"] != "Tables":
        assert len(answer.rows) == (1 if panel["type"] == "stat" else 0)
    check(panel, answer)
