"""`tracer up` as a user starts it: what dies comes back, what is stopped finishes its work, a mistake is one clear line."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.provider import Provider, reply
from tests.up import Up, alive, environment, tracer, until
from tracer.supervisor import kept_metrics, metrics_in_memory

COUNTS = "SELECT count(), uniqExact(call_id) FROM llm.calls"
NewUp = Callable[..., Up]


@pytest.fixture
def new_up(tmp_path: Path, free_port: Callable[[], int]) -> NewUp:
    def make(*arguments: str, directory: str = "up", **extra: str) -> Up:
        return Up(tmp_path / directory, free_port(), free_port(), extra, arguments)

    return make


async def send(up: Up, count: int) -> None:
    """So many calls, each on a connection of its own; a worker that is being restarted is waited for."""
    for _ in range(count):
        async with asyncio.timeout(20):
            while not await _sent(up):
                await asyncio.sleep(0.05)


async def _sent(up: Up) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{up.url}/v1/models") as got:
            return got.status == 200 and bool(await got.read())
    except aiohttp.ClientConnectionError:
        return False


async def stored(up: Up, count: int) -> None:
    await asyncio.to_thread(until, lambda: up.query(COUNTS) == f"{count}\t{count}", f"{count} rows, each once")


@pytest.mark.slow
async def test_whatever_is_killed_comes_back_and_every_call_is_stored_once(new_up: NewUp, provider: Provider) -> None:
    with new_up(TRACER_UPSTREAM=provider.url + "/v1", TRACER_WORKERS="2") as up:
        assert {kind: len(pids) for kind, pids in up.children().items()} == {"store": 1, "sink": 1, "worker": 2}
        sent = 0
        for kind in ("sink", "store", "worker", "sink"):
            await send(up, 10)
            sent += 10
            if kind == "worker":  # what it had not written yet is its own to lose (TRACER_DURABILITY=fast)
                await stored(up, sent)
            await asyncio.to_thread(up.kill, kind)
        await send(up, 10)
        await stored(up, sent + 10)
        assert "worker 0 died (signal SIGKILL)" in up.log
        async with aiohttp.ClientSession() as session, session.get(f"{up.url}/metrics") as got:
            metrics = await got.text()
        # Counters of all workers, of the dead one too; gauges of the living.
        assert f'tracer_calls_total{{door="openai",outcome="ok"}} {sent + 10}.0' in metrics
        assert 'tracer_spool_ok{worker="w0"} 1.0' in metrics
        assert 'tracer_spool_ok{worker="w1"} 1.0' in metrics
        assert "tracer_open_requests 0.0" in metrics
        assert any(metrics_in_memory(up.directory / "data").iterdir()), "on a disk they could be what ends a worker"
    assert up.process.returncode == 0
    assert "Traceback" not in up.log
    assert not metrics_in_memory(up.directory / "data").exists()
    assert any(kept_metrics(up.directory / "data").iterdir())


@pytest.mark.slow
async def test_sigterm_lets_a_call_in_flight_finish_and_delivers_it(new_up: NewUp, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.always(reply(200, [("Content-Type", "application/json")], b'{"late":true}').held(gate))
    with new_up(TRACER_UPSTREAM=provider.url + "/v1") as up:
        await stored(up, 0)  # the store is up too: else the call waits in the spool for the next start
        children = [pid for pids in up.children().values() for pid in pids]
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            call = group.create_task(session.get(f"{up.url}/v1/models"))
            await provider.until(lambda: bool(provider.requests))
            up.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(until, lambda: not up.answers("/health"), "nothing new is taken")
            gate.set()
            assert await (await call).json() == {"late": True}
        assert await asyncio.to_thread(up.process.wait, 30) == 0
        assert not any(map(alive, children))
    found = await asyncio.to_thread(lambda: tracer("query", COUNTS, environ=up.environ, cwd=up.directory))
    assert (found.stdout, found.returncode) == ("1\t1\n", 0), found.stderr


@pytest.mark.slow
async def test_children_do_not_outlive_a_supervisor_that_was_killed(new_up: NewUp, provider: Provider) -> None:
    with new_up(TRACER_UPSTREAM=provider.url + "/v1") as up:
        children = [pid for pids in up.children().values() for pid in pids]
        assert len(children) == 3
        os.kill(up.process.pid, signal.SIGKILL)
        await asyncio.to_thread(until, lambda: not any(map(alive, children)), "all children gone")


@pytest.mark.slow
async def test_a_second_one_in_the_same_place_says_so(new_up: NewUp, provider: Provider, tmp_path: Path) -> None:
    with new_up(TRACER_UPSTREAM=provider.url + "/v1") as up:
        same_data = {**new_up().environ, "TRACER_DATA_DIR": up.environ["TRACER_DATA_DIR"]}
        refused = await asyncio.to_thread(lambda: tracer("up", environ=same_data, cwd=tmp_path))
        assert refused.returncode == 1
        assert f"another Tracer is running on {up.environ['TRACER_DATA_DIR']}" in refused.stderr
        same_port = {**up.environ, "TRACER_DATA_DIR": str(tmp_path / "other")}
        refused = await asyncio.to_thread(lambda: tracer("up", environ=same_port, cwd=tmp_path))
        assert refused.returncode == 2
        for name in ("TRACER_PORT", "TRACER_STORE_PORT"):
            assert f"{name}: 127.0.0.1:{up.environ[name]} cannot be listened on" in refused.stderr
        assert "Traceback" not in refused.stderr
        await send(up, 1)
        await stored(up, 1)


@pytest.mark.slow
async def test_a_file_given_by_option_is_the_childrens_too(new_up: NewUp, provider: Provider, tmp_path: Path) -> None:
    up = new_up("--config", "mine.toml")
    up.directory.mkdir()
    (up.directory / "mine.toml").write_text(
        f'data_dir = "{tmp_path}/data"\nport = {up.port}\nstore_port = {up.store_port}\n'
        f'batch_wait = 0\nupstream = "{provider.url}/v1"\n'
    )

    class FromFile(Up):
        @property
        def environ(self) -> dict[str, str]:
            return {}

    with FromFile(up.directory, up.port, up.store_port, {}, up.arguments) as running:
        await send(running, 1)
        await stored(running, 1)


@pytest.mark.slow
async def test_a_server_that_does_not_answer_is_told_and_calls_are_kept(
    new_up: NewUp, provider: Provider, free_port: Callable[[], int]
) -> None:
    dsn = f"http://user:hidden-password@127.0.0.1:{free_port()}/"
    with new_up(TRACER_UPSTREAM=provider.url + "/v1", TRACER_CLICKHOUSE=dsn) as up:
        assert set(up.children()) == {"sink", "worker"}
        await send(up, 3)
        await asyncio.to_thread(until, lambda: "trying again, the spool keeps the records" in up.log, "the sink says so")
        found = await asyncio.to_thread(lambda: tracer("doctor", environ=up.environ, cwd=up.directory))
        assert found.returncode == 1
        assert "spool, clickhouse: depth 3 records" in found.stdout
    assert "calls are kept in the spool until it answers" in up.log
    assert "hidden-password" not in up.log + found.stdout + found.stderr


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"TRACER_PORT": "eighty"}, ["TRACER_PORT"]),
        ({"TRACER_PORT": "70000", "TRACER_WORKERS": "0"}, ["TRACER_PORT", "TRACER_WORKERS"]),
        ({"TRACER_DURABILITY": "maybe"}, ["TRACER_DURABILITY", "fast", "strict"]),
        ({"TRACER_UPSTREAM": "nonesuch"}, ["TRACER_UPSTREAM", "openai", "TRACER_UPSTREAM_<NAME>"]),
        ({"TRACER_UPSTREAM_GROQ": "api.groq.com"}, ["TRACER_UPSTREAM_GROQ", "http or https URL"]),
        ({"TRACER_CUSTOM_HOSTS": "http://a/b"}, ["TRACER_CUSTOM_HOSTS"]),
        ({"TRACER_PRICES": "/nonexistent/prices.toml"}, ["/nonexistent/prices.toml"]),
        ({"TRACER_DATA_DIR": "/dev/null/data"}, ["TRACER_DATA_DIR", "/dev/null/data"]),
        ({"TRACER_CONFIG": "/nonexistent/tracer.toml"}, ["/nonexistent/tracer.toml"]),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            ["OTEL_EXPORTER_OTLP_PROTOCOL"],
        ),
    ],
)
def test_wrong_settings_stop_the_start(new_up: NewUp, tmp_path: Path, variables: dict[str, str], says: list[str]) -> None:
    refused = tracer("up", environ={**new_up().environ, **variables}, cwd=tmp_path)
    assert refused.returncode == 2, refused.stderr
    assert all(word in refused.stderr for word in says), refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


def test_one_port_for_two_things(new_up: NewUp, tmp_path: Path) -> None:
    up = new_up()
    refused = tracer("up", environ={**up.environ, "TRACER_STORE_PORT": str(up.port)}, cwd=tmp_path)
    assert refused.returncode == 2
    assert "TRACER_STORE_PORT: should differ from TRACER_PORT" in refused.stderr


def test_a_child_alone_says_what_is_wrong(tmp_path: Path) -> None:
    environ = environment({"TRACER_PORT": "x", "TRACER_DATA_DIR": str(tmp_path)})
    done = subprocess.run(
        [sys.executable, "-m", "tracer.child", "worker"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tracer: TRACER_PORT")
