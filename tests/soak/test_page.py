"""A run survives its file, and page and picture say what is in it."""

import re
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.soak import chart, page
from tests.soak.records import Ends, Event, Sample, Soak, Usage, Verdict, load, save

SAMPLES = tuple(
    Sample(
        number * 3.0,
        {
            name: Usage(10 + (number > 50) * (name == "sink"), 100.0 + number, 20, 8, number / 10)
            for name in ("sink", "worker 0")
        },
        spool_mb=number % 7,
        store_mb=number,
        calls=number * 100,
    )
    for number in range(100)
)
SOAK = Soak(
    machine={"cpu": "some", "cores": "2"},
    taken="2026-11-22 09:00",
    minutes=5,
    seed=7,
    rate=40,
    counts={"sent": 12345},
    kinds=(Ends("plain", 3, {"answered": 3}, {"ok": 2, "no row": 1}),),
    equal=(Verdict("doubled rows", "0", "0", True), Verdict("dropped", "3: a|b", "0", False)),
    flat=(Verdict("memory of sink", "too short", "240 s", None),),
    figures={"faults": "2"},
    events=(Event(12.0, "sink-killed", "kill", 0.5), Event(40.0, "disk-full", "disk", 6.0)),
    samples=SAMPLES,
    notes=("nothing else",),
)


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    assert load(path) == Soak()
    save(path, SOAK)
    assert load(path) == SOAK
    assert len(path.read_text().splitlines()) > len(SAMPLES)


def test_page_and_terminal_say_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "RESULTS", tmp_path / "soak.json")
    assert "Taken not yet" in page.page()
    save(page.RESULTS, SOAK)
    said = page.page()
    assert "1 promises held, 1 were broken, of 1 the run was too short to tell" in said
    assert "| sent | 12,345 |" in said
    assert "| dropped | 3: a/b | 0 | no |" in said
    assert "| `sink-killed` | 1 | 0 |" in said
    assert "MISS      dropped" in page.terminal(SOAK)


def test_the_picture_has_every_process_and_every_fault() -> None:
    picture = chart.chart(SOAK)
    assert ET.fromstring(picture).tag.endswith("svg")
    assert picture.count("<polyline") == 3 * 3 + 4  # two lives of the sink
    assert "sink-killed, 0.2 min, 0.5 s" in picture
    assert ET.fromstring(chart.chart(Soak())).tag.endswith("svg")


def test_what_is_on_record_names_no_place_and_is_drawn() -> None:
    if page.RESULTS.exists():
        kept = page.RESULTS.read_text()
        assert not re.search(r"https?://(?!127)", kept)
        assert not [place for place in (tempfile.gettempdir(), str(Path.home()), str(Path.cwd())) if f"{place}/" in kept]
        assert page.PICTURE.read_text() == chart.chart(load(page.RESULTS))
