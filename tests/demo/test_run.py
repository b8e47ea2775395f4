"""`make demo DEMO_EXIT=1`, whole: real model, real processes, real calls."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(tmp_path: Path, *arguments: str) -> "subprocess.Popen[str]":
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tracer.demo", *arguments],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def ports(free_port: Callable[[], int]) -> list[str]:
    return [
        *("--port", str(free_port())),
        *("--store-port", str(free_port())),
        *("--ui-port", str(free_port())),
        *("--model-port", str(free_port())),
    ]


@pytest.mark.slow
def test_demo_shows_its_trace_and_tables_and_leaves(tmp_path: Path, ports: list[str]) -> None:
    demo = start(tmp_path, "--exit", *ports)
    output, _ = demo.communicate(timeout=110)
    assert demo.returncode == 0, output
    tree, cost, latency, outcomes = re.split(r"── (?:The trace|Cost|Latency|How)", output)[1:5]
    for span in ("agent", "answer", "again", "prompted", "interrupted", "too-hot", "embed", "nowhere"):
        assert span in tree
    assert "smollm2-135m" in cost
    assert "smollm2-135m" in latency
    for outcome in ("ok", "cache_hit", "client_gone", "upstream_error", "refused"):
        assert outcome in outcomes
    assert f"http://127.0.0.1:{ports[1]}/v1" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_demo_ends_its_children_when_it_is_told_to_end(tmp_path: Path, ports: list[str]) -> None:
    demo = start(tmp_path, *ports)
    assert demo.stdout
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Calling" in line:
            break
    demo.send_signal(signal.SIGTERM)
    rest, _ = demo.communicate(timeout=100)
    assert demo.returncode == 130, "".join(lines) + rest
    for port in ports[1::2]:
        socket.create_server(("127.0.0.1", int(port))).close()


def test_demo_says_which_port_is_taken(tmp_path: Path, ports: list[str]) -> None:
    with socket.create_server(("127.0.0.1", int(ports[3]))):
        demo = start(tmp_path, "--exit", *ports)
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert f"port {ports[3]}" in output
    assert "DEMO_STORE_PORT" in output
    assert not (tmp_path / ".demo").exists()
