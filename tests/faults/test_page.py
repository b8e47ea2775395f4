"""The matrix survives its file, and the page says what is in it."""

import re
from pathlib import Path

import pytest

from tests.faults import page
from tests.faults.records import Matrix, Result, Row, load, save
from tests.faults.table import TABLE

HELD = Result(
    "sink-killed", "every call has one row", "2026-11-22 09:00", 12.0, Row(times=100, sent=1234, stored=1234, level_s=2.5)
)
BROKEN = Result("worker-killed-fast", "at most", "2026-11-22 09:00", 1.0, Row(lost=3, lost_ms=9.5, broken=("it was not so",)))
MISSING = Result("disk-full", "it goes on", "2026-11-22 09:00", 1.0, missing="no file system can be mounted")
MATRIX = Matrix({"cpu": "some", "cores": "2"}, (HELD, BROKEN, MISSING))


def test_results_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "matrix.json"
    assert load(path) == Matrix()
    save(path, MATRIX)
    assert load(path) == MATRIX


def test_the_table_says_what_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = page.table(MATRIX).splitlines()
    assert {row.count("|") for row in rows} == {rows[0].count("|")}
    assert [row.rpartition(" | ")[2] for row in rows[2:]] == ["yes |", "no |", "not run: no file system can be mounted |"]
    assert "| `sink-killed` | 100 | 1,234 |" in rows[2]
    monkeypatch.setattr(page, "RESULTS", tmp_path / "matrix.json")
    save(page.RESULTS, MATRIX)
    said = page.page()
    assert "Broken: it was not so." in said
    assert "at most 9.5 ms before" in said


def test_what_is_on_record_is_of_faults_that_exist_and_names_no_place() -> None:
    found = load(page.RESULTS)
    assert {result.name for result in found.results} <= {fault.name for fault in TABLE}
    if page.RESULTS.exists():
        assert not re.search(r"https?://(?!127)|/tmp/|/root/|/home/", page.RESULTS.read_text())
