"""The store's process: start, stop, and what stops it from starting."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.store.running import RunningStore
from tracer.store import client


def test_stops_cleanly_and_comes_back_with_its_rows(tmp_path: Path) -> None:
    running = RunningStore(tmp_path / "data")
    running.start()
    with client.embedded(running.settings, write=True) as writer:
        writer.command("CREATE TABLE default.t (a Int64) ENGINE = MergeTree ORDER BY a")
        writer.insert("default.t", [[1], [2]], ["a"])
    assert running.stop() == 0
    with running:
        assert b"".join(client.run_query(running.settings, "SELECT sum(a) FROM default.t")) == b"3\n"


@pytest.mark.slow
def test_a_client_that_takes_nothing_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    running = RunningStore(tmp_path / "data")
    running.start()
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.sendall(b"GET /?query=SELECT+number+FROM+numbers(1000000000000) HTTP/1.1\r\nHost: store\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        assert running.stop() == 0


def test_a_second_store_on_the_directory_says_so(store: RunningStore) -> None:
    other = RunningStore(store.directory).spawn()
    assert refusal(other).endswith("/store is in use by another process; stop the other `tracer`")


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = RunningStore(tmp_path / "data", port=port).spawn()
        assert refusal(other).startswith(f"StoreCannotStart: 127.0.0.1:{port} is in use; set TRACER_STORE_PORT")


@pytest.mark.parametrize("writes", ["true", "false"])
def test_allow_writes_is_the_operators_choice(tmp_path: Path, writes: str) -> None:
    (tmp_path / "canary.csv").write_text("CANARY")
    with RunningStore(tmp_path / "data", {"TRACER_STORE_ALLOW_WRITES": writes}) as running:
        query = client.run_query(running.settings, f"SELECT file('{tmp_path / 'canary.csv'}')")
        if writes == "true":
            assert b"".join(query) == b"CANARY\n"
        else:
            with pytest.raises(client.QueryFailed, match="TRACER_STORE_ALLOW_WRITES"):
                list(query)


def refusal(process: subprocess.Popen[bytes]) -> str:
    """The last line that a process which could not start has printed, without the module of the error's class."""
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    return said.decode().strip().splitlines()[-1].removeprefix("tracer.store.errors.")
