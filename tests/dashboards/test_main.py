"""Writing the files again changes nothing, and none is left over."""

from pathlib import Path

import pytest

from dashboards import __main__ as command
from tests.dashboards.documents import ROOT


def test_what_is_committed_is_what_the_code_writes() -> None:
    written = command.files()
    stale = [path.name for path, text in written.items() if not path.exists() or path.read_text("utf-8") != text]
    assert not stale, "run `python -m dashboards`"
    assert set(written) == {*(ROOT / "json").iterdir(), *(ROOT / "provisioning" / "alerting").iterdir()}


def test_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "HERE", tmp_path)
    command.main()
    for path in (ROOT / "json").iterdir():
        assert (tmp_path / "json" / path.name).read_bytes() == path.read_bytes()
    assert (tmp_path / "provisioning" / "alerting" / "tracer.yaml").exists()
