"""What the containers run, on this machine: `tracer up` with the compose file's own environment and generated passwords,
against real servers. A store in a process of its own stands in for ClickHouse's; from Tracer itself the engine is hidden, as
its image lacks it.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import asyncpg
import pytest
import redis as redis_py

from deploy.make_secrets import main
from tests.deploy.compose import ROOT, services
from tests.deploy.test_servers import prepared, redis_port, secrets  # noqa: F401  (fixtures)
from tests.e2e.stack import collector, wait_for_spans
from tests.provider import Provider
from tests.store.running import RunningStore
from tracer.demo.processes import answers, running

pytestmark = pytest.mark.slow

_NO_ENGINE = 'raise ImportError("the image has no embedded store")\n'


@dataclass(frozen=True)
class Stack:
    """The ports and addresses of what runs."""

    port: int
    ui_port: int
    environ: dict[str, str]
    cache_url: str
    database: str
    spans: Path
    log: Path

    def asked(self, port: int, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            data,
            {"Content-Type": "application/json", "Authorization": "Bearer sk-1", **headers},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What `docker compose exec tracer tracer query` would print."""
        done = subprocess.run(
            [sys.executable, "-m", "tracer", "query", sql, "--format", "JSONEachRow"],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def clickhouse(directory: Path, writer: SplitResult, reader: SplitResult) -> Iterator[int]:
    """The stand-in for the server: its users have the names and the passwords of the compose file's."""
    directory.mkdir()
    assert writer.username == "tracer"
    (directory / "store.secret").write_text(str(writer.password))
    with RunningStore(directory, {"TRACER_STORE_USERS": f"{reader.username}={reader.password}"}) as store:
        yield store.port


@pytest.fixture
def stack(
    tmp_path: Path,
    secrets: Path,  # noqa: F811
    redis_port: int,  # noqa: F811
    prepared: str,  # noqa: F811
    provider: Provider,
    free_port: Callable[[], int],
) -> Iterator[Stack]:
    port, ui_port, otlp_port = free_port(), free_port(), free_port()
    file = secrets / "tracer" / "tracer.toml"
    said = tomllib.loads(file.read_text())
    (tmp_path / "hidden" / "chdb").mkdir(parents=True)
    (tmp_path / "hidden" / "chdb" / "__init__.py").write_text(_NO_ENGINE)
    with ExitStack() as parts:
        writer, reader = (urlsplit(said[name]) for name in ("clickhouse", "clickhouse_reader"))
        store_port = parts.enter_context(clickhouse(tmp_path / "server", writer, reader))
        spans = parts.enter_context(collector(tmp_path, otlp_port))
        here = {"clickhouse:8123": store_port, "postgres:5432": urlsplit(prepared).port, "redis:6379": redis_port}
        text = file.read_text()
        for there, own in here.items():
            assert text.count(there) == (2 if there.startswith("clickhouse") else 1)
            text = text.replace(there, f"127.0.0.1:{own}")
        (tmp_path / "tracer.toml").write_text(text)
        environ = {
            **services()["tracer"]["environment"],
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tmp_path / 'hidden'}:{ROOT}",
            # The same on this machine: where it lies, free ports, the provider.
            "TRACER_CONFIG": str(tmp_path / "tracer.toml"),
            "TRACER_DATA_DIR": str(tmp_path / "data"),
            "TRACER_HOST": "127.0.0.1",
            "TRACER_PORT": str(port),
            "TRACER_UI_PORT": str(ui_port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{otlp_port}",
            "TRACER_UPSTREAM_OPENAI": provider.url,
        }
        child = parts.enter_context(running("tracer up", ["tracer", "up"], environ, tmp_path / "log"))
        child.wait_until(lambda: answers(port, "/ready") and answers(ui_port, "/health"), 60)
        cache_url = str(tomllib.loads(text)["cache_url"])
        yield Stack(port, ui_port, environ, cache_url, prepared, spans, tmp_path / "log")


async def test_one_call_reaches_every_server(stack: Stack) -> None:
    await asyncio.to_thread(_one_call, stack)  # the provider lives in this thread's loop


def _one_call(stack: Stack) -> None:
    config = json.dumps({"cache": {"mode": "simple"}})
    headers = {"x-portkey-config": config, "x-portkey-trace-id": "compose", "x-portkey-provider": "openai"}
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    first = stack.asked(stack.port, "/v1/chat/completions", body, **headers)
    again = stack.asked(stack.port, "/v1/chat/completions", body, **headers)
    assert (first[0], again[0]) == (200, 200)
    assert first[2] == again[2]
    assert [got[1]["x-portkey-cache-status"] for got in (first, again)] == ["MISS", "HIT"]
    with redis_py.Redis.from_url(stack.cache_url) as cache, pytest.raises(redis_py.exceptions.NoPermissionError):
        cache.flushall()

    deadline = time.monotonic() + 30
    sql = "SELECT outcome, otel_span_id, cache_status FROM llm.calls WHERE trace_id = 'compose' ORDER BY started_at"
    while len(rows := stack.rows(sql)) < 2:
        assert time.monotonic() < deadline, stack.log.read_text()
        time.sleep(0.1)
    assert [(row["outcome"], row["cache_status"]) for row in rows] == [("ok", "MISS"), ("cache_hit", "HIT")]
    wait_for_spans(stack.spans, [row["otel_span_id"] for row in rows])


async def test_keys_are_made_in_postgresql_by_the_command_in_the_container(stack: Stack) -> None:
    told = re.search(r"docker compose exec tracer (tracer .*)", (ROOT / "deploy" / "env.example").read_text())
    assert told
    made = subprocess.run(
        [sys.executable, "-m", *told[1].split()],
        env=stack.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    connection = await asyncpg.connect(stack.database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM tracer_keys") == 1
    finally:
        await connection.close()


def test_what_prometheus_and_health_checks_ask(stack: Stack) -> None:
    assert stack.asked(stack.port, "/health")[0] == 200
    assert b"tracer_spool_depth" in stack.asked(stack.port, "/metrics")[2]
    assert b"<html" in stack.asked(stack.ui_port, "/")[2]


def test_secrets_of_a_fresh_checkout_are_enough(tmp_path: Path) -> None:
    """No .env, no file made by hand: what `secrets` writes is all that Tracer lacks."""
    main(tmp_path)
    told = tomllib.loads((tmp_path / "tracer" / "tracer.toml").read_text())
    assert set(told) == {"clickhouse", "clickhouse_reader", "database", "cache_url"}
    assert not set(told) & {name.removeprefix("TRACER_").lower() for name in services()["tracer"]["environment"]}
