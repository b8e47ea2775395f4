"""An unattended run: each fault is judged by itself, and what is found is on record at once, beside what was there."""

import argparse
import asyncio
from pathlib import Path

import pytest

from tests.faults import __main__ as main
from tests.faults import page
from tests.faults.records import CannotRun, Fault, Matrix, Result, Row, Run, load, save
from tests.faults.table import TABLE


async def holds(run: Run) -> Row:
    return Row(times=run.times, sent=3)


async def breaks_down(run: Run) -> Row:
    raise OSError("no such disk")


async def never_ends(run: Run) -> Row:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def cannot(run: Run) -> Row:
    raise CannotRun("it cannot be mounted")


async def test_one_that_fails_does_not_end_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happens = (breaks_down, never_ends, cannot, holds)
    names = [fault.name for fault in TABLE]
    faults = [Fault(name, "x", how, limit_s=0.05) for name, how in zip(names, happens, strict=False)]
    monkeypatch.setattr(page, "RESULTS", tmp_path / "matrix.json")
    monkeypatch.setattr(page, "PAGE", tmp_path / "matrix.md")
    before = Matrix({}, (Result(names[3], "old", "then", 1.0), Result(names[-1], "kept", "then", 1.0)))
    save(page.RESULTS, before)
    asked = argparse.Namespace(place=tmp_path, times=None, keep=None, write=True)
    found = await main.matrix(faults, asked, before)
    assert found == load(page.RESULTS)
    assert [result.name for result in found.results] == [*names[:4], names[-1]]
    broken, late, missing, held, kept = found.results
    assert broken.row.broken == ("broke down: OSError: no such disk",)
    assert late.row.broken == ("not over within 0 s",)
    assert missing.missing == "it cannot be mounted"
    assert (held.row.sent, held.row.broken) == (3, ())
    assert kept.promised == "kept"
    assert found.broken == 2
    assert names[-1] in page.PAGE.read_text()
    assert list(tmp_path.glob("tracer-faults-*")) == []
