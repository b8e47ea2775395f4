"""constraints.txt is the whole of what is installed for Tracer, and nothing else: what it audits is what runs."""

from pathlib import Path

import pytest
from packaging.version import Version

from tests.audit import pins


def test_everything_that_tracer_and_its_tests_need_is_pinned_and_installed_so() -> None:
    names = pins.pinned()
    found = pins.needed(pins.requirements("*"))
    assert len(found) > 100
    assert [name for name in found if name not in names and name not in pins.UNPINNED] == []
    here = {name: each for name, each in found.items() if each is not None and name in names}
    other = {name: each.version for name, each in here.items() if Version(each.version) != Version(names[name])}
    assert other == {}


def test_everything_that_tracer_needs_to_run_is_here() -> None:
    assert [name for name, each in pins.needed(pins.requirements()).items() if each is None] == []


def test_a_line_that_pins_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text("# a remark\nAa_b==1.0\n")
    assert pins.pinned(path) == {"aa-b": "1.0"}
    for line in ("x>=1", "x", "x==", "aa.B==2"):
        path.write_text(f"aa-b==1\n{line}\n")
        with pytest.raises(ValueError, match="not one pinned version"):
            pins.pinned(path)


def test_what_is_installed_beside_the_pins_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {name: each.version for name, each in pins.installed().items() if name not in pins.UNPINNED}
    stranger, other, *_ = here
    monkeypatch.setattr(pins, "pinned", lambda: {**here, other: "0.0.1"} | {"never": "1"})
    said = [line for line in pins.problems() if "pinned" in line]
    assert said == [f"{other} {here[other]} is installed, 0.0.1 is pinned"]
    monkeypatch.setattr(pins, "pinned", lambda: {name: version for name, version in here.items() if name != stranger})
    assert f"{stranger} {here[stranger]} is installed, and not pinned" in pins.problems()
