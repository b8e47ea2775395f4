"""The demo's children: a clear reason when one fails, and none left behind."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.demo.processes import DemoError, answers, require_free, running


def test_child_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with running("it", ["no.such.module"], {}, tmp_path / "log") as child, pytest.raises(DemoError) as failed:
        child.wait_until(lambda: False, 30)
    assert "it ended with exit code 1" in str(failed.value)
    assert "no.such.module" in str(failed.value)
    assert str(tmp_path / "log") in str(failed.value)


def test_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    with running("it", ["http.server", "0"], {}, tmp_path / "log") as child, pytest.raises(DemoError, match="not ready"):
        child.wait_until(lambda: False, 0.2)
    assert child.process.returncode is not None


def test_child_is_ended_in_its_own_session(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    command = ["http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with running("it", command, {}, tmp_path / "log") as child:
        child.wait_until(lambda: answers(port, "/"), 30)
        assert os.getsid(child.process.pid) == child.process.pid
        assert not answers(port, "/missing")
    assert child.process.returncode is not None
    assert not answers(port, "/")


def test_port_in_use_names_the_port_and_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"port {port}, for the store.*DEMO_STORE_PORT"):
            require_free(port, "the store", "DEMO_STORE_PORT=…")
    require_free(port, "the store", "")
