"""`tracer doctor` looks at everything, says what it sees, and changes nothing."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proxy.conftest import Start, start_proxy  # noqa: F401  (fixture)
from tests.redis_server import RedisServer
from tests.store.running import RunningStore
from tracer.config import Settings
from tracer.doctor import Finding, examine, exporter_names, shared
from tracer.registry import keys
from tracer.registry.database import Database
from tracer.registry.keys import Wish
from tracer.sink import dead
from tracer.spool import positions, reader, spool_dir
from tracer.spool.positions import Position
from tracer.spool.writer import Writer
from tracer.store.secret import password

Load = Callable[..., Settings]


def by_name(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(settings)}


@contextlib.contextmanager
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def write(settings: Settings, count: int) -> Path:
    log = spool_dir(settings.data_dir) / "w0"
    writer: Writer[bytes] = Writer(log, bytes, max_bytes=1 << 30, segment_bytes=1 << 20, gather_seconds=0.0)
    for _ in range(count):
        writer.append(b"record", 6)
    writer.close()
    return log


def test_nothing_runs_and_nothing_is_changed(load_settings: Load, tmp_path: Path) -> None:
    with listening() as url:
        settings = load_settings(TRACER_UPSTREAM=url)
        before = sorted(tmp_path.rglob("*"))
        found = by_name(settings)
    assert sorted(tmp_path.rglob("*")) == before
    assert found["data directory"].ok
    assert found["proxy"].ok is None
    assert "`tracer up` starts it" in found["proxy"].detail
    assert found["default upstream"].ok
    assert found["embedded store"].ok is not True
    assert found["OTLP"].ok is None
    assert found["spool, clickhouse"] == Finding(True, "spool, clickhouse", "depth 0 records, lag 0.0 s")


async def test_a_proxy_that_answers(start_proxy: Start) -> None:  # noqa: F811
    async with start_proxy() as proxy:
        found = await asyncio.to_thread(by_name, proxy.settings)
    assert found["proxy"].ok
    assert '"ready"' in found["proxy"].detail


def test_a_proxy_is_asked_directly(load_settings: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as url:
        monkeypatch.setenv("http_proxy", url)
        assert "`tracer up` starts it" in by_name(load_settings())["proxy"].detail


def test_an_upstream_that_is_away_or_wrong(load_settings: Load, free_port: Callable[[], int]) -> None:
    away = by_name(load_settings(TRACER_UPSTREAM=f"http://127.0.0.1:{free_port()}/v1"))["default upstream"]
    assert (away.ok, "cannot be reached" in away.detail) == (False, True)
    wrong = by_name(load_settings(TRACER_UPSTREAM="nonesuch"))["default upstream"]
    assert (wrong.ok, "TRACER_UPSTREAM" in wrong.detail) == (False, True)


def test_a_data_directory_that_cannot_be(load_settings: Load) -> None:
    found = by_name(load_settings(TRACER_DATA_DIR="/dev/null/data", TRACER_UPSTREAM="http://127.0.0.1:9/v1"))["data directory"]
    assert found == Finding(False, "data directory", "/dev/null/data is not writable")


def test_depth_and_lag_for_each_exporter(load_settings: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(TRACER_UPSTREAM="http://127.0.0.1:9/v1", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert exporter_names(settings) == ["clickhouse", "otlp"]
    log = write(settings, 5)
    found = reader.next_batch(log, positions.load(log, "clickhouse").taken, max_records=3, max_bytes=1 << 20)
    assert found
    positions.store(log, "clickhouse", Position(found.batch.after))
    lines = by_name(settings)
    assert lines["spool, clickhouse"].detail.startswith("depth 2 records, lag ")
    assert lines["spool, otlp"].detail.startswith("depth 5 records, lag ")
    assert lines["OTLP"].ok


def test_dead_letters_are_a_finding(load_settings: Load) -> None:
    settings = load_settings(TRACER_UPSTREAM="http://127.0.0.1:9/v1")
    dead.bury(settings.data_dir, "clickhouse", at_ns=1, call_id="x", reason="r", exchange=b"e")
    found = by_name(settings)["dead letters, clickhouse"]
    assert (found.ok, found.detail) == (False, f"1 in {settings.data_dir / 'dead'}")


def test_a_store_that_runs(store: RunningStore) -> None:
    found = {f.what: f for f in examine(store.settings)}["embedded store"]
    assert found.ok
    assert found.detail.endswith(" calls stored")


def test_a_server_that_is_away_is_named_without_its_password(load_settings: Load, free_port: Callable[[], int]) -> None:
    port = free_port()
    settings = load_settings(
        TRACER_CLICKHOUSE=f"http://user:hidden-password@127.0.0.1:{port}/", TRACER_UPSTREAM="http://127.0.0.1:9/v1"
    )
    found = by_name(settings)["ClickHouse"]
    assert found.ok is False
    assert f"127.0.0.1:{port}" in found.detail
    assert "hidden-password" not in found.detail


def shared_by_name(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in shared(settings)}


async def make_key(settings: Settings) -> None:
    database = Database(settings)
    await database.open()
    await keys.create(database, Wish("k"))
    await database.close()


def test_a_registry_in_a_file(settings: Settings) -> None:
    found = shared_by_name(settings)["registry"]
    assert (found.ok, "not there yet" in found.detail) == (None, True)
    asyncio.run(make_key(settings))
    found = shared_by_name(settings)["registry"]
    assert found.ok
    assert "prompts 0, keys 1; callers need a key (TRACER_REQUIRE_KEY=auto)" in found.detail
    (settings.data_dir / "registry.sqlite-wal").unlink(missing_ok=True)
    (settings.data_dir / "registry.sqlite").write_text("This is no database, whatever its name says. " * 50)
    found = shared_by_name(settings)["registry"]
    assert (found.ok, "not a database" in found.detail) == (False, True)


async def test_a_registry_in_postgresql(load_settings: Load, postgresql_url: str) -> None:
    settings = load_settings(TRACER_DATABASE=postgresql_url, TRACER_REQUIRE_KEY="never")
    found = (await asyncio.to_thread(shared_by_name, settings))["registry"]
    assert (found.ok, "no tables yet" in found.detail) == (True, True)
    await make_key(settings)
    found = (await asyncio.to_thread(shared_by_name, settings))["registry"]
    assert found.ok
    assert "keys 1; callers need no key (TRACER_REQUIRE_KEY=never)" in found.detail


def test_a_redis_that_answers(load_settings: Load) -> None:
    with RedisServer() as redis:
        found = shared_by_name(load_settings(TRACER_CACHE_URL=redis.url, TRACER_CACHE="simple"))["cache"]
    assert found == Finding(True, "cache", f"{redis.url}, for every call")


@pytest.mark.parametrize(
    ("name", "url"),
    [("registry", "postgresql://me:hidden-word@127.0.0.1:{}/x"), ("cache", "redis://me:hidden-word@127.0.0.1:{}/0")],
)
def test_what_is_shared_and_away_is_named_without_its_password(
    load_settings: Load, free_port: Callable[[], int], name: str, url: str
) -> None:
    port = free_port()
    variable = "TRACER_DATABASE" if name == "registry" else "TRACER_CACHE_URL"
    found = shared_by_name(load_settings(**{variable: url.format(port)}))[name]
    assert found.ok is False
    assert f"***@127.0.0.1:{port}" in found.detail
    assert "hidden-word" not in found.detail


@pytest.mark.parametrize(("name", "scheme"), [("registry", "postgresql"), ("cache", "redis")])
def test_what_is_shared_and_says_nothing_is_not_waited_for(
    load_settings: Load, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setattr("tracer.doctor.TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        variable = "TRACER_DATABASE" if name == "registry" else "TRACER_CACHE_URL"
        url = f"{scheme}://me@127.0.0.1:{server.getsockname()[1]}/0"
        assert shared_by_name(load_settings(**{variable: url}))[name].ok is False


def test_who_writes_and_who_reads_a_server(store: RunningStore, load_settings: Load) -> None:
    secret = password(store.settings.data_dir)
    dsns = {
        name: f"http://{user}@127.0.0.1:{store.port}/"
        for name, user in (("writer", f"tracer:{secret}"), ("reader", "default:"))
    }
    found = by_name(load_settings(TRACER_CLICKHOUSE=dsns["writer"]))
    assert found["ClickHouse"].ok
    assert found["ClickHouse, reading"].ok is None
    assert found["ClickHouse, reading"].detail.startswith("as the user of TRACER_CLICKHOUSE, who could write: each query")
    found = by_name(load_settings(TRACER_CLICKHOUSE=dsns["writer"], TRACER_CLICKHOUSE_READER=dsns["reader"]))
    assert found["ClickHouse, reading"] == Finding(
        True, "ClickHouse, reading", "as the user of TRACER_CLICKHOUSE_READER, who cannot write"
    )
    broken = by_name(load_settings(TRACER_CLICKHOUSE=dsns["writer"], TRACER_CLICKHOUSE_READER="http://a:s3cret@127.0.0.1:9/"))
    assert broken["ClickHouse, reading"].ok is False
    assert "TRACER_CLICKHOUSE_READER" in broken["ClickHouse, reading"].detail
    assert secret not in str(found) + str(broken)
    assert "ClickHouse, reading" not in by_name(store.settings)


def test_a_writer_that_is_refused_is_told_though_the_reader_gets_in(store: RunningStore, load_settings: Load) -> None:
    there = f"127.0.0.1:{store.port}/"
    found = by_name(
        load_settings(TRACER_CLICKHOUSE=f"http://nobody:x@{there}", TRACER_CLICKHOUSE_READER=f"http://default:@{there}")
    )
    assert found["ClickHouse"].ok is False
    assert found["ClickHouse, reading"].ok
