"""The boards' queries through the SDK that Grafana's plugins are built with: its own search for macros, its own frames.

Neither Grafana nor its ClickHouse plugin is on the Go module proxy; the SDK is, and clickhouse-go, which the plugin asks with.
sdk/main.go puts the two together as the plugin does. So what is tested here is no stand-in: where macros begin and end, what
kinds of columns become fields, and that long answers become series.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.asked import NOTHING_CHOSEN
from tests.dashboards.documents import RULES, all_panels, sql_of
from tests.dashboards.grafana import Shown
from tests.store.clients.programs import ask_go
from tests.traffic.million import Traffic

# The first to ask for the million makes it, and the program is built once.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_TIME_SERIES = 0
# What a series' values may be.
_NUMBERS = ("int", "uint", "float", "bool")


def shown(traffic: Traffic) -> Shown:
    return Shown(traffic.end - timedelta(days=1), traffic.end, timedelta(minutes=5), NOTHING_CHOSEN)


def statements(traffic: Traffic) -> dict[str, dict[str, Any]]:
    """All that is asked, as it leaves the browser: by name."""
    board = shown(traffic)
    range_ = {"from": int(board.start.timestamp()), "to": int(board.end.timestamp()), "interval_ms": 300_000, "run": True}
    asked = {
        f"{uid}: {panel['title']}": {
            "sql": board.fill_variables(sql_of(panel)),
            "time_series": panel["targets"][0]["format"] == _TIME_SERIES,
        }
        for uid, panel in all_panels()
        if sql_of(panel)
    }
    for uid, rule in RULES.items():
        for each in rule["data"]:
            if sql := each["model"].get("rawSql", ""):
                asked[f"alert {uid}"] = {"sql": sql, "time_series": each["model"]["format"] == _TIME_SERIES}
    return {name: {**range_, **each} for name, each in asked.items()}


@pytest.fixture(scope="module")
def answers(traffic: Traffic) -> dict[str, dict[str, Any]]:
    asked = statements(traffic)
    task = {"address": traffic.url.removeprefix("http://").rstrip("/"), "statements": list(asked.values())}
    found = ask_go(Path(__file__).parent / "sdk", "grafana-sdk", task)
    return dict(zip(asked, found, strict=True))


def test_macros_are_found_where_we_find_them(traffic: Traffic, answers: dict[str, dict[str, Any]]) -> None:
    board = shown(traffic)
    asked = statements(traffic)
    assert sum("$__" in each["sql"] for each in asked.values()) > 60
    for name, each in asked.items():
        assert answers[name]["sql"] == board.fill_macros(each["sql"]), name


def test_every_answer_becomes_a_frame(answers: dict[str, dict[str, Any]]) -> None:
    assert {name: each["error"] for name, each in answers.items() if each["error"]} == {}
    assert sum(each["rows"] for each in answers.values()) > 1000


def test_series_are_a_time_and_numbers(traffic: Traffic, answers: dict[str, dict[str, Any]]) -> None:
    series = {name: answers[name] for name, each in statements(traffic).items() if each["time_series"]}
    assert len(series) > 20
    for name, each in series.items():
        kinds = [field.rpartition(" ")[2].lstrip("[]*") for field in each["fields"]]
        if each["rows"]:
            assert kinds[0].startswith("time"), (name, each["fields"])
            assert all(kind.startswith(_NUMBERS) for kind in kinds[1:]), (name, each["fields"])
