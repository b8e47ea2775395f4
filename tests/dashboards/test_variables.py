"""The variables at the top of the boards."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.dashboards.asked import NOTHING_CHOSEN, ask, timed
from tests.dashboards.documents import BOARDS, variables
from tests.dashboards.grafana import Shown
from tests.traffic.million import Traffic

ALL = {name: each for board in BOARDS.values() for name, each in variables(board).items()}
LISTED = {name: each for name, each in ALL.items() if each["type"] == "query" and "rawSql" in each["query"]}


def test_they_are_the_same_on_all_boards() -> None:
    for board in BOARDS.values():
        assert all(ALL[name] == each for name, each in variables(board).items())


@pytest.mark.parametrize("uid", [uid for uid in BOARDS if uid != "tracer-itself"])
def test_a_board_over_calls_can_be_narrowed(uid: str) -> None:
    assert {"provider", "model", "user", "key", "value"} <= set(variables(BOARDS[uid]))


@pytest.mark.parametrize("name", ALL)
def test_says_what_it_is_for(name: str) -> None:
    assert ALL[name]["label"]
    assert ALL[name]["description"].endswith(".")


@pytest.mark.parametrize("name", [name for name, each in ALL.items() if each.get("includeAll")])
def test_everything_is_chosen_at_first(name: str) -> None:
    assert ALL[name]["multi"]
    assert ALL[name]["current"] == {"text": ["All"], "value": ["$__all"]}
    assert ALL[name]["refresh"] == 2, "a query that has $__timeFilter needs the time range"


def test_sources_are_told_by_their_kind() -> None:
    kinds = {name: each["query"] for name, each in ALL.items() if each["type"] == "datasource"}
    assert kinds == {"ds": "grafana-clickhouse-datasource", "prom": "prometheus"}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("days", [1, 35])
def test_lists_what_is_there_most_frequent_first(traffic: Traffic, name: str, days: int) -> None:
    shown = Shown(traffic.end - timedelta(days=days), traffic.end, chosen=NOTHING_CHOSEN)
    sql = LISTED[name]["query"]["rawSql"]
    answer = timed(traffic, f"variable: {name}", "a day" if days == 1 else "35 days", sql, shown)
    assert len(answer.types) == 1, "a second column would be taken for the value"
    (kind,) = answer.types.values()
    assert re.fullmatch(r"(LowCardinality\()?String\)?", kind)
    (found,) = zip(*answer.rows, strict=True)
    assert len(set(found)) == len(found) > 1
    assert "" not in found
    assert (
        found[0]
        == {
            "provider": "openai",
            "model": most_frequent(traffic, shown, "request_model"),
            "user": most_frequent(traffic, shown, "user"),
            "key": found[0],
            "value": most_frequent(traffic, shown, "metadata['team']"),
            "outcome": "ok",
        }[name]
    )


def most_frequent(traffic: Traffic, shown: Shown, what: str) -> Any:
    """The value that most calls have."""
    of_range = f"FROM llm.calls WHERE $__timeFilter(started_at) AND {what} != ''"
    return ask(traffic.url, shown.fill(f"SELECT {what} {of_range} GROUP BY {what} ORDER BY count() DESC LIMIT 1")).rows[0][0]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_keys_of_the_callers_come_before_reserved_ones(traffic: Traffic) -> None:
    shown = Shown(traffic.start, traffic.end, chosen=NOTHING_CHOSEN)
    found = ask(traffic.url, shown.fill(LISTED["key"]["query"]["rawSql"])).column("key")
    assert set(found[:3]) == {"team", "environment", "feature"}
    assert found[3] == "_user"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_models_are_those_of_the_chosen_provider(traffic: Traffic) -> None:
    shown = Shown(traffic.start, traffic.end, chosen=NOTHING_CHOSEN | {"provider": ("groq",)})
    assert ask(traffic.url, shown.fill(LISTED["model"]["query"]["rawSql"])).rows == [["llama-3.3-70b-versatile"]]
