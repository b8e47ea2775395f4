"""The committed boards as JSON: what Grafana needs of them, and what people do."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models import units

from dashboards.boards import BOARDS as DECLARED
from dashboards.boards import by_uid
from dashboards.building import number_of
from dashboards.clickhouse import PLUGIN
from tests.dashboards.documents import BOARDS, all_panels, panels, variables

UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
PANELS = [pytest.param(uid, panel, id=f"{uid}-{panel['title']}") for uid, panel in all_panels()]
# Grafana's own, there on every board.
_BUILT_IN = {"__interval", "__rate_interval", "__range", "__url_time_range", "__data", "__value", "__field", "__all"}
_MACROS = {"__timeFilter", "__timeInterval", "__fromTime", "__toTime", "__interval_s", "__conditionalAll"}
_NAME = re.compile(r"\$\{(\w+)|\$(\w+)")


def test_the_seven_boards() -> None:
    assert set(BOARDS) == {
        "tracer-overview",
        "tracer-cost",
        "tracer-latency",
        "tracer-reliability",
        "tracer-fingerprints",
        "tracer-trace",
        "tracer-itself",
    }
    assert {uid: board["uid"] for uid, board in BOARDS.items()} == {uid: uid for uid in BOARDS}
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("uid", BOARDS)
def test_the_sdk_reads_what_it_wrote(uid: str) -> None:
    """Its models know every field: nothing is lost or added on the way through them."""
    register_default_plugins()
    read = grafana.Dashboard.from_json(json.loads(json.dumps(BOARDS[uid])))
    again = json.loads(json.dumps(read, cls=JSONEncoder))
    for shown in (*again["links"], *again.get("annotations", {}).get("list", ())):
        del shown["placement"]  # which it sets on whatever it makes
    assert again == BOARDS[uid]


@pytest.mark.parametrize("uid", BOARDS)
def test_is_a_classic_board_that_files_can_provision(uid: str) -> None:
    board = BOARDS[uid]
    assert board["schemaVersion"] <= 42
    assert "id" not in board
    assert "__inputs" not in board
    assert board["description"]


@pytest.mark.parametrize("uid", BOARDS)
def test_ids_are_unique_and_panels_do_not_overlap(uid: str) -> None:
    board = BOARDS[uid]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("uid", BOARDS)
def test_lines_of_panels_are_full(uid: str) -> None:
    """No hole at the right end of a line, and panels side by side are equally high."""
    lines: dict[int, list[dict[str, int]]] = {}
    for panel in BOARDS[uid]["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"])
    for line in lines.values():
        assert sum(place["w"] for place in line) == 24
        assert all(one["h"] == other["h"] for one, other in pairwise(line))


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_a_panel_says_what_it_shows(uid: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS
    assert len(panel["description"]) > 30
    assert panel["description"].endswith(".")
    assert len(defaults["noValue"]) > 10
    for override in panel["fieldConfig"]["overrides"]:
        assert all(each["value"] in UNITS for each in override["properties"] if each["id"] == "unit")
    assert [target["refId"] for target in panel["targets"]] == [chr(65 + n) for n in range(len(panel["targets"]))]


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_a_panel_asks_a_source_that_is_a_variable(uid: str, panel: dict[str, Any]) -> None:
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(source == sources[0] for source in sources)
    assert sources[0] in ({"type": PLUGIN, "uid": "${ds}"}, {"type": "prometheus", "uid": "${prom}"})
    assert sources[0]["uid"][2:-1] in variables(BOARDS[uid])


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_red_begins_where_somebody_said_so(uid: str, panel: dict[str, Any]) -> None:
    """Where colours follow the value, Grafana's own limit of 80 must not be left in force."""
    if panel["type"] in ("stat", "table"):
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None
        assert 80 not in [step["value"] for step in steps]


@pytest.mark.parametrize("uid", BOARDS)
def test_every_variable_is_defined_before_it_is_used(uid: str) -> None:
    defined = list(variables(BOARDS[uid]))
    named = {one or other for one, other in _NAME.findall(json.dumps(BOARDS[uid]))}
    assert named - _BUILT_IN - _MACROS <= set(defined)
    assert defined[0] == "ds"
    for place, variable in enumerate(BOARDS[uid]["templating"]["list"]):
        used = {one or other for one, other in _NAME.findall(json.dumps(variable))}
        assert used - _BUILT_IN - _MACROS <= set(defined[:place])


@pytest.mark.parametrize("uid", BOARDS)
def test_every_variable_does_something(uid: str) -> None:
    text = json.dumps(BOARDS[uid]["panels"])
    assert {name for name in variables(BOARDS[uid]) if f"${{{name}" not in text and f"${name}" not in text} == set()


def test_panels_can_be_pointed_at() -> None:
    board = by_uid("tracer-cost")
    number = number_of(board, "Models")
    assert [panel["title"] for panel in panels(BOARDS[board.uid]) if panel["id"] == number] == ["Models"]
    assert {board.uid for board in DECLARED} == set(BOARDS)
