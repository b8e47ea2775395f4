"""The configuration of Redis, PostgreSQL, Prometheus and the collector, each read by the program that it is for."""

import json
import shutil
import subprocess
import time
import tomllib
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis
import yaml
from sqlalchemy import select

from deploy.make_secrets import main
from tests.deploy.collector import CONFIG, MODULES, otelcol  # noqa: F401  (fixture)
from tests.deploy.compose import ROOT, services
from tests.postgres import Postgresql
from tracer.cache.redis import RedisBackend
from tracer.config import Settings
from tracer.registry import tables
from tracer.registry.database import Database

DEPLOY = ROOT / "deploy"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    main(tmp_path / "secrets")
    return tmp_path / "secrets"


def url(secrets: Path, name: str, port: int) -> str:
    """Tracer's own URL of a service, which here listens on another port of this machine."""
    found = str(tomllib.loads((secrets / "tracer" / "tracer.toml").read_text())[name])
    parts = urlsplit(found)
    return found.replace(f"@{parts.hostname}:{parts.port}", f"@127.0.0.1:{port}")


def until(true: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def redis_port(secrets: Path, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[int]:
    """Redis as the service runs it: its file with the paths of this machine."""
    program = shutil.which("redis-server")
    assert program, "apt-get install redis-server"
    port = free_port()
    text = (DEPLOY / "redis" / "redis.conf").read_text()
    assert services()["redis"]["command"] == ["redis-server", "/etc/redis.conf"]
    for said, here in (("port 6379", f"port {port}"), ("/secrets", str(secrets / "redis")), ("dir /tmp", f"dir {tmp_path}")):
        assert text.count(said) == 1
        text = text.replace(said, here)
    (tmp_path / "redis.conf").write_text(text)
    with subprocess.Popen([program, tmp_path / "redis.conf"], stdout=subprocess.DEVNULL) as process:

        def answers() -> bool:
            try:
                return bool(redis.Redis(port=port).ping())  # what the health check asks, without a password
            except redis.ConnectionError:
                return False

        try:
            until(answers, process)
            yield port
        finally:
            process.terminate()


async def test_redis_serves_the_cache_and_nothing_else(secrets: Path, redis_port: int) -> None:
    address = url(secrets, "cache_url", redis_port)
    backend = RedisBackend(address)
    await backend.put("key", b"reply", 60)
    assert await backend.get("key") == b"reply"
    await backend.delete("key")
    assert await backend.get("key") is None
    await backend.close()
    with redis.Redis.from_url(address) as client:
        for command in ("GET other", "KEYS *", "FLUSHALL", "CONFIG GET *", "EVAL x 0", "ACL LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command.split())
    with redis.Redis(port=redis_port) as nobody, pytest.raises(redis.exceptions.NoPermissionError):
        nobody.get("tracer:cache:key")
    with redis.Redis(port=redis_port, username="tracer", password="wrong") as liar, pytest.raises(redis.AuthenticationError):
        liar.ping()


def test_redis_keeps_within_its_container() -> None:
    text = (DEPLOY / "redis" / "redis.conf").read_text()
    assert "\nmaxmemory 256mb\nmaxmemory-policy allkeys-lru\n" in text
    assert services()["redis"]["deploy"]["resources"]["limits"]["memory"] == "384M"


@pytest.fixture
async def prepared(secrets: Path, tmp_path: Path, postgresql: Postgresql) -> AsyncIterator[str]:
    """A PostgreSQL that ran the script as the image does on an empty directory, and asks Tracer for its password."""
    text = (DEPLOY / "postgres" / "tracer.sql").read_text()
    assert text.count("/secrets/tracer") == 1
    (tmp_path / "tracer.sql").write_text(text.replace("/secrets/tracer", str(secrets / "postgres" / "tracer")))
    psql = ["psql", "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-f", str(tmp_path / "tracer.sql")]
    done = subprocess.run([*psql, postgresql.url("postgres")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    access = postgresql.folder / "data" / "pg_hba.conf"
    before = access.read_text()
    access.write_text(f"host all tracer all scram-sha-256\n{before}")
    await postgresql.run("SELECT pg_reload_conf()")
    try:
        yield url(secrets, "database", postgresql.port)
    finally:
        access.write_text(before)
        await postgresql.run("SELECT pg_reload_conf()")
        await postgresql.run("DROP DATABASE tracer WITH (FORCE)")
        await postgresql.run("DROP ROLE tracer")


async def test_postgresql_is_prepared_for_the_registry(prepared: str, load_settings: Callable[..., Settings]) -> None:
    database = Database(load_settings(TRACER_DATABASE=prepared))
    try:
        await database.open()
        async with database.reading() as connection:
            assert (await connection.execute(select(tables.revision.c.number))).scalar_one() >= 0
    finally:
        await database.close()


async def test_postgresql_gives_tracer_one_database_and_no_power(prepared: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(prepared, password="wrong")
    connection = await asyncpg.connect(prepared)
    try:
        powers = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = current_user"
        assert await connection.fetchval(powers) is False
        owned = "SELECT array_agg(datname) FROM pg_database WHERE pg_get_userbyid(datdba) = current_user"
        assert await connection.fetchval(owned) == ["tracer"]
    finally:
        await connection.close()


def test_prometheus_reads_its_file_and_scrapes_what_runs() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "apt-get install prometheus"
    file = DEPLOY / "prometheus" / "prometheus.yml"
    done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in yaml.safe_load(file.read_text())["scrape_configs"]}
    assert jobs["tracer"] == [f"tracer:{Settings.model_fields['port'].default}"]
    for (target,) in jobs.values():
        host = target.partition(":")[0]
        assert host == "localhost" or "inside" in services()[host]["networks"]
    assert services()["prometheus"]["command"][0] == "--config.file=/etc/prometheus/prometheus.yml"


def test_prometheus_knows_its_options() -> None:
    program = shutil.which("prometheus")
    assert program, "apt-get install prometheus"
    known = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    for option in services()["prometheus"]["command"]:
        assert f"{option.partition('=')[0]}=" in known.stdout + known.stderr


def test_collector_is_wired() -> None:
    """What holds where no collector can be built."""
    config = yaml.safe_load(CONFIG.read_text())
    for kind, named in MODULES.items():
        assert config[kind].keys() <= named.keys()
    for pipeline in config["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])
    assert config["service"]["pipelines"].keys() == {"traces", "metrics"}
    endpoint = urlsplit(services()["tracer"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"])
    assert endpoint.hostname == "collector"
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == f"0.0.0.0:{endpoint.port}"
    asked = (DEPLOY / "collector" / "Dockerfile").read_text()
    assert f"http://127.0.0.1:{config['extensions']['health_check']['endpoint'].partition(':')[2]}/" in asked


@pytest.mark.slow
def test_collector_runs_and_is_healthy(request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]) -> None:
    program = request.getfixturevalue("otelcol")
    text = CONFIG.read_text()
    ports = {said: free_port() for said in ("13133", "4317", "4318", "8888")}
    for said, here in ports.items():
        assert text.count(said) == 1
        text = text.replace(said, str(here))
    (tmp_path / "config.yaml").write_text(text.replace("0.0.0.0", "127.0.0.1"))

    def asked(port: int, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen([program, "--config", tmp_path / "config.yaml"], stdout=log, stderr=log) as process,
    ):
        try:
            until(lambda: "Server available" in asked(ports["13133"], "/"), process)
            span = {
                "traceId": "ab" * 16,
                "spanId": "cd" * 8,
                "name": "chat",
                "kind": 3,
                "startTimeUnixNano": "1",
                "endTimeUnixNano": "2",
            }
            sent = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
            given = urllib.request.Request(
                f"http://127.0.0.1:{ports['4318']}/v1/traces", sent, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(given, timeout=5) as answer:
                assert answer.status == 200
            until(lambda: "otelcol_receiver_accepted_spans" in asked(ports["8888"], "/metrics"), process)
        finally:
            process.terminate()
    assert '"spans": 1' in (tmp_path / "log").read_text()
