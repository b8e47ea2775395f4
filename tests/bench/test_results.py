"""Results survive their file, and the table, the page and the picture say what is in them."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench import chart, page, table
from tests.bench.others import read
from tests.bench.results import Figure, Part, Results, Run, load, save
from tests.bench.targets import TARGETS, lines

RATIO = Figure.of("plain cpu over nginx", [2.41, 2.2, 2.312345], "×")
RESULTS = Results(
    machine={"cpu": "some", "cores": "2"},
    peers={"Portkey's gateway": "1.15.2; on: its log", "Bifrost": "not installed: Go is not on this machine"},
    parts={
        "plain": Part(
            "2026-11-22 08:00",
            60.0,
            (
                RATIO,
                Figure.of("plain cpu_us tracer", [60, 61, 62], "µs CPU"),
                Figure.of("plain cpu_us nginx", [26, 25, 24], "µs CPU"),
                Figure.of("rate over Portkey's gateway, log on", [8.5], "×"),
            ),
            ("a note",),
        ),
        "streams": Part("2026-11-22 08:01", 1.0, missing="a stream was cut"),
    },
)


def test_a_figure_is_the_median_with_its_spread_in_four_digits() -> None:
    assert Figure("plain cpu over nginx", 2.312, "×", 2.2, 2.41) == RATIO


def test_results_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert load(path) == Results()
    save(path, RESULTS)
    assert load(path) == RESULTS


def test_verdicts() -> None:
    said = {line.target.figure: line.verdict for line in lines(RESULTS)}
    assert said["plain cpu over nginx"] == "pass"
    assert said["rate over Portkey's gateway, log on"] == "miss"
    assert said["rate over Bifrost, log off"] == "not measured: not installed: Go is not on this machine"
    assert said["chunk added p99"] == "not measured: a stream was cut"
    assert said["startup"] == "not measured: not in this run"


@pytest.mark.parametrize(
    ("value", "at_most", "met", "used"), [(2, True, True, 0.5), (5, True, False, 1.25), (5, False, True, 0.8)]
)
def test_how_much_of_what_is_allowed(value: float, at_most: bool, met: bool, used: float) -> None:
    template = TARGETS[0]
    target = type(template)("part", "what", "figure", 4.0, "ms", at_most)
    found = Figure.one("figure", value, "ms")
    assert target.met(found) is met
    assert target.used(found) == pytest.approx(used)


def test_nothing_may_be_lost_is_a_bound_too() -> None:
    target = next(target for target in TARGETS if target.figure == "pipeline lost")
    assert target.wording() == "none"
    assert target.met(Figure.one("pipeline lost", 0, "calls"))
    assert not target.met(Figure.one("pipeline lost", 1, "calls"))


def test_table_has_a_line_for_each_target() -> None:
    rows = table.markdown(RESULTS).splitlines()[2:]
    assert len(rows) == len(TARGETS)
    assert rows[0].split(" | ")[1:] == ["at most 2.5 × nginx", "2.31 ×", "tracer 61.0 µs CPU, nginx 25.0 µs CPU", "pass |"]


def test_terminal_has_the_parts_that_were_asked_for() -> None:
    said = table.terminal(RESULTS, ["streams"])
    assert "first token" in said
    assert "nginx" not in said
    assert said.endswith("0 pass, 0 miss, 5 not measured")


def test_programs_come_cheapest_first() -> None:
    names = [row.split(" | ")[0].strip("| ") for row in table.programs(RESULTS).splitlines()[2:]]
    assert names == ["nginx", "tracer"]


def test_picture_shows_every_measured_target_within_its_width() -> None:
    root = ET.fromstring(chart.chart(RESULTS))
    texts = {element.text for element in root.iter() if element.tag.endswith("text")}
    assert {"tracer", "nginx", "61.0 µs", "2.31 ×", "8.50 ×"} <= texts
    for bar in (element for element in root.iter() if element.tag.endswith("rect")):
        assert float(bar.get("x", 0)) + float(bar.get("width", 0)) <= chart.WIDTH


def test_picture_of_nothing_is_a_picture() -> None:
    assert ET.fromstring(chart.chart(Results())).tag.endswith("svg")


def test_figures_of_programs_of_their_own(tmp_path: Path) -> None:
    told, notes = tmp_path / "sink.json", list[str]()
    told.write_text('{"name": "sink", "figures": {"bodies": "scripted", "sink_us": 400.5, "calls_per_s_and_core": 2500}}')
    run = Run(place=tmp_path, seconds=1, rounds=1, say=notes.append, note=notes.append)
    assert read("sink", told, run) == [
        Figure.one("sink sink_us", 400.5, "µs CPU"),
        Figure.one("sink calls_per_s_and_core", 2500, "calls/s"),
    ]
    assert notes == ["Sink: bodies scripted."]


def test_the_docs_picture_is_fresh() -> None:
    assert page.PICTURE.read_text() == chart.chart(load(page.RESULTS)), "write it again with `python -m tests.bench --render`"


def test_every_part_of_the_docs_measured_what_its_targets_are_about() -> None:
    results = load(page.RESULTS)
    measured = {name for name, part in results.parts.items() if not part.missing}
    missing = [line.target.figure for line in lines(results) if line.target.part in measured and line.ours is None]
    assert [figure for figure in missing if not any(f"over {peer}" in figure for peer in results.peers)] == []


def test_the_docs_name_no_place_of_a_machine() -> None:
    assert not re.search(r"https?://|/tmp/|/root/|/home/", page.RESULTS.read_text())
