"""Panels as Grafana's: what each kind asks for, and how the numbers are shown."""

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import GridPos

from dashboards.drawing import draw
from dashboards.panel import Column, Kind, Link, Metric, Panel, Unit


def drawn(kind: Kind, **fields: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"title": "T", "description": "D.", "unit": Unit.MILLISECONDS, "sql": "SELECT 1 AS a"}
    panel = Panel(kind=kind, **(values | fields))
    found: dict[str, Any] = json.loads(json.dumps(draw(panel, 7, GridPos(h=8, w=12, x=0, y=3)), cls=JSONEncoder))
    return found


def overrides(panel: dict[str, Any], column: str) -> dict[str, Any]:
    found = (each for each in panel["fieldConfig"]["overrides"] if each["matcher"] == {"id": "byName", "options": column})
    return {each["id"]: each.get("value") for override in found for each in override["properties"]}


@pytest.mark.parametrize(
    ("kind", "plugin", "form"),
    [
        (Kind.STAT, "stat", 1),
        (Kind.LINES, "timeseries", 0),
        (Kind.BARS, "timeseries", 0),
        (Kind.SHARES, "timeseries", 0),
        (Kind.TABLE, "table", 1),
        (Kind.HEATMAP, "heatmap", 0),
        (Kind.TRACE, "traces", 3),
    ],
)
def test_each_kind_has_its_panel_and_its_form_of_answer(kind: Kind, plugin: str, form: int) -> None:
    panel = drawn(kind)
    assert (panel["type"], panel["targets"][0]["format"]) == (plugin, form)
    assert (panel["id"], panel["gridPos"]) == (7, {"h": 8, "w": 12, "x": 0, "y": 3})
    assert panel["fieldConfig"]["defaults"]["unit"] == "ms"
    assert panel["fieldConfig"]["defaults"]["noValue"].startswith("No calls")
    assert panel["interval"] == "1m"


def test_stacks() -> None:
    def stacking(kind: Kind) -> Any:
        return drawn(kind)["fieldConfig"]["defaults"]["custom"].get("stacking", {}).get("mode")

    assert [stacking(kind) for kind in (Kind.LINES, Kind.BARS, Kind.SHARES)] == [None, "normal", "percent"]


def test_series_are_named_by_their_labels() -> None:
    named = drawn(Kind.LINES, series=("model", "fingerprint"))["fieldConfig"]["defaults"]
    assert named["displayName"] == "${__field.labels.model} ${__field.labels.fingerprint}"
    assert "displayName" not in drawn(Kind.LINES)["fieldConfig"]["defaults"]


def test_a_heat_map_takes_the_buckets_as_they_come() -> None:
    options = drawn(Kind.HEATMAP)["options"]
    assert options["calculate"] is False
    assert options["cellValues"]["unit"] == "ms"


def test_an_empty_cell_is_a_dash_and_not_the_sentence() -> None:
    every = next(each for each in drawn(Kind.TABLE)["fieldConfig"]["overrides"] if each["matcher"]["id"] == "byRegexp")
    assert every["properties"] == [{"id": "noValue", "value": "–"}]


def test_columns() -> None:
    columns = {
        "a": Column(unit=Unit.DOLLARS, decimals=2, gauge=True, width=90),
        "b": Column(hidden=True, link=Link("Look", "/d/x?y")),
        "c": Column(json=True),
        "d": Column(colors=((0.1, "orange"), (0.5, "red"))),
    }
    panel = drawn(Kind.TABLE, columns=columns)
    a, b, c, d = (overrides(panel, name) for name in "abcd")
    assert (a["unit"], a["decimals"], a["custom.width"]) == ("currencyUSD", 2, 90)
    assert a["custom.cellOptions"]["type"] == "gauge"
    assert b == {"custom.hidden": True, "links": [{"title": "Look", "url": "/d/x?y"}]}
    assert c["custom.cellOptions"]["type"] == "json-view"
    assert d["color"] == {"mode": "thresholds"}
    assert [(step["value"], step["color"]) for step in d["thresholds"]["steps"]] == [
        (None, "green"),
        (0.1, "orange"),
        (0.5, "red"),
    ]


def test_metrics_are_asked_of_prometheus() -> None:
    metrics = (Metric("sum(up)", "{{job}}"), Metric("up", "now", instant=True))
    panel = drawn(Kind.LINES, sql="", metrics=metrics)
    assert panel["datasource"] == {"type": "prometheus", "uid": "${prom}"}
    assert [(each["refId"], each["expr"], each["legendFormat"]) for each in panel["targets"]] == [
        ("A", "sum(up)", "{{job}}"),
        ("B", "up", "now"),
    ]
    assert [(each.get("range"), each.get("instant")) for each in panel["targets"]] == [(True, False), (False, True)]


def test_limits() -> None:
    defaults = drawn(Kind.LINES, most=1)["fieldConfig"]["defaults"]
    assert defaults["max"] == 1
    stat = drawn(Kind.STAT, colors=((1, "red"),))["fieldConfig"]["defaults"]["thresholds"]
    assert [step["color"] for step in stat["steps"]] == ["green", "red"]
