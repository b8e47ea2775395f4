"""The process: started and stopped with the rest, found by `doctor`, switched off by a setting."""

import contextlib
import stat
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.running import RunningStore
from tests.up import Up, tracer, until
from tracer.ui.secret import signing_secret


def answers(port: int, path: str = "/health") -> bool:
    with (
        contextlib.suppress(urllib.error.URLError, OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5),
    ):
        return True
    return False


@pytest.fixture
def new_up(tmp_path: Path, free_port: Callable[[], int]) -> Callable[..., Up]:
    def made(**extra: str) -> Up:
        return Up(tmp_path, free_port(), free_port(), {"TRACER_UI": "true", "TRACER_UI_PORT": str(free_port()), **extra})

    return made


def test_up_serves_pages_and_stops_them(new_up: Callable[..., Up]) -> None:
    with new_up() as up:
        port = int(up.extra["TRACER_UI_PORT"])
        until(lambda: answers(port), "pages answer")
        until(lambda: answers(port, "/"), "the first page")
        assert f"tracer: pages at http://127.0.0.1:{port}/" in up.log
        doctor = tracer("doctor", environ=up.environ, cwd=up.directory)
        assert f"pages: http://127.0.0.1:{port}/" in doctor.stdout
        up.process.terminate()
        assert up.process.wait(30) == 0
        assert not answers(port)
    assert "ui died" not in up.log
    assert "Traceback" not in up.log


def test_pages_can_be_switched_off(new_up: Callable[..., Up]) -> None:
    with new_up(TRACER_UI="false") as up:
        assert "pages at" not in up.log
        assert "switched off (TRACER_UI)" in tracer("doctor", environ=up.environ, cwd=up.directory).stdout
        assert not answers(int(up.extra["TRACER_UI_PORT"]))


def test_a_port_that_is_taken_is_said_before_anything_starts(new_up: Callable[..., Up], store: RunningStore) -> None:
    up = new_up(TRACER_UI_PORT=str(store.port))
    refused = tracer("up", environ=up.environ, cwd=up.directory)
    assert refused.returncode == 2
    assert "TRACER_UI_PORT: 127.0.0.1" in refused.stderr
    same = tracer("up", environ={**up.environ, "TRACER_UI_PORT": str(up.port)}, cwd=up.directory)
    assert "TRACER_UI_PORT: should differ from TRACER_PORT" in same.stderr


def test_the_secret_is_made_once_and_nobody_elses(tmp_path: Path) -> None:
    made = signing_secret(tmp_path / "data")
    assert len(made) == 32
    assert signing_secret(tmp_path / "data") == made
    file = tmp_path / "data" / "ui.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("half")
    assert len(signing_secret(tmp_path / "data")) == 32
