"""ClickHouse's HTTP interface as drivers meet it, against a real store process."""

import asyncio
import gzip
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import clickhouse_connect
import lz4.frame
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.store.asking import ask, until_running, writer_headers
from tests.store.running import RunningStore
from tests.store.test_engine import ENDLESS
from tracer.store import client as store_client
from tracer.store.secret import password


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
def writer(store: RunningStore) -> Iterator[Client]:
    with store_client.embedded(store.settings, write=True) as connected:
        yield connected


@pytest.fixture
def reader(store: RunningStore) -> Iterator[Client]:
    """clickhouse-connect as anybody would make it."""
    with clickhouse_connect.get_client(host="127.0.0.1", port=store.port) as connected:
        yield connected


async def test_ping_and_paths(store: RunningStore, http: aiohttp.ClientSession) -> None:
    for path, status, text in (("ping", 200, "Ok.\n"), ("", 200, "Ok.\n"), ("replicas_status", 200, "Ok.\n")):
        async with http.get(store.url + path) as answer:
            assert (answer.status, await answer.text()) == (status, text)
    async with http.get(store.url + "nope") as answer:
        assert answer.status == 404
        assert "There is no handle /nope" in await answer.text()


async def test_where_the_query_is(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with http.get(store.url, params={"query": "SELECT 1"}) as answer:
        assert await answer.read() == b"1\n"
    assert await ask(http, store.url, "SELECT 2") == (200, b"2\n")
    assert await ask(http, store.url + "?query=SELECT", "3") == (200, b"3\n")


async def test_a_long_query_in_the_url(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with http.get(store.url, params={"query": f"SELECT length('{'x' * 100_000}')"}) as answer:
        assert await answer.read() == b"100000\n"


async def test_headers(store: RunningStore, http: aiohttp.ClientSession) -> None:
    query = {"query_id": "my-id", "default_format": "JSONEachRow"}
    async with http.post(store.url, params=query, data="SELECT number FROM numbers(3)") as answer:
        headers = answer.headers
        assert await answer.read() == b'{"number":0}\n{"number":1}\n{"number":2}\n'
    assert headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert headers["Content-Type"] == "application/x-ndjson; charset=UTF-8"
    assert headers["X-ClickHouse-Query-Id"] == "my-id"
    assert headers["X-ClickHouse-Timezone"] == "UTC"
    assert headers["X-ClickHouse-Server-Display-Name"] == "tracer"
    summary = json.loads(headers["X-ClickHouse-Summary"])
    assert summary["result_rows"] == "3"
    async with http.post(store.url, headers={"X-ClickHouse-Format": "JSONEachRow"}, data="SELECT 1 FORMAT CSV") as answer:
        assert answer.headers["X-ClickHouse-Format"] == "CSV"  # the statement's own word wins


async def test_parameters_settings_database(store: RunningStore, http: aiohttp.ClientSession) -> None:
    query = {"param_x": "it's\\t", "max_threads": "3", "database": "llm", "session_id": "s", "session_timeout": "60"}
    status, body = await ask(http, store.url, "SELECT {x:String}, getSetting('max_threads'), currentDatabase()", params=query)
    assert (status, body) == (200, b"it\\'s\\t\t3\tllm\n")
    async with http.post(store.url, headers={"X-ClickHouse-Database": "llm"}, data="SELECT currentDatabase()") as answer:
        assert await answer.read() == b"llm\n"


@pytest.mark.parametrize(
    ("query", "statement", "code", "status"),
    [
        ("", "SELEC 1", 62, 400),
        ("", "SELECT * FROM nope", 60, 404),
        ("?database=nope", "SELECT 1", 81, 404),
        ("", "SELECT throwIf(1)", 395, 500),
        ("", "DROP TABLE llm.calls", 164, 500),
        ("", "SELECT file('/etc/passwd')", 164, 500),
        ("?readonly=0", "SELECT 1", 164, 500),
        ("?max_execution_time=1", "SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_threads = 1", 159, 408),
        ("", "SELECT 1 SETTINGS format_schema = 'x'", 164, 500),
        ("", "SELECT 1 SETTINGS max_execution_time = 1000000", 452, 500),
        ("?max_result_rows=2", "SELECT number FROM numbers(3)", 396, 500),
        ("?default_format=Nope", "SELECT 1", 73, 404),
        ("?decompress=1", "SELECT 1", 271, 500),
        ("?session_id=s&session_timeout=7200", "SELECT 1", 374, 500),
        ("?session_id=unknown&session_check=1", "SELECT 1", 372, 500),
        ("?user=tracer&password=wrong", "SELECT 1", 516, 403),
        ("?user=nobody", "SELECT 1", 516, 403),
        ("", b"SELECT '\xff'", 62, 400),
        ("", "", 62, 400),
    ],
)
async def test_errors(
    store: RunningStore, http: aiohttp.ClientSession, query: str, statement: str | bytes, code: int, status: int
) -> None:
    async with http.post(store.url + query, data=statement) as answer:
        text = await answer.text()
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert text.startswith(f"Code: {code}. DB::Exception: ")
    assert "(version 26." in text


async def test_methods_and_forms(store: RunningStore, http: aiohttp.ClientSession) -> None:
    auth = writer_headers(store)
    for statement in ("CREATE TABLE default.by_get (a Int8) ENGINE = Memory", "INSERT INTO default.by_get FORMAT CSV\n1"):
        async with http.get(store.url, params={"query": statement}, headers=auth) as answer:
            assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    async with http.put(store.url, data="SELECT 1") as answer:
        assert answer.status == 501
    form = aiohttp.FormData({"query": "SELECT {x:String}", "param_x": "y"})
    form.add_field("query_id", "q", content_type="text/plain")
    assert await ask(http, store.url, form()) == (200, b"y\n")
    form = aiohttp.FormData({"query": "SELECT 1"})
    form.add_field("external", b"1\n", filename="external")
    async with http.post(store.url, data=form) as answer:
        assert answer.status == 501


async def test_codings_both_ways(store: RunningStore, http: aiohttp.ClientSession) -> None:
    asked = {"Content-Encoding": "gzip"}
    assert await ask(http, store.url, gzip.compress(b"SELECT 1"), headers=asked) == (200, b"1\n")
    query, wanted = {"enable_http_compression": "1"}, {"Accept-Encoding": "gzip, lz4"}
    async with http.post(store.url, params=query, headers=wanted, data="SELECT number FROM numbers(1000)") as answer:
        assert answer.headers["Content-Encoding"] == "lz4"
        assert lz4.frame.decompress(await answer.read()).startswith(b"0\n1\n2\n")
    async with http.post(store.url, headers=wanted, data="SELECT number FROM numbers(1000)") as answer:
        assert "Content-Encoding" not in answer.headers
    status, _ = await ask(http, store.url, b"SELECT 1", headers={"Content-Encoding": "snappy"})
    assert status == 400


async def test_heavy_queries_stop_neither_ping_nor_inserts(store: RunningStore, http: aiohttp.ClientSession) -> None:
    auth = writer_headers(store)
    await ask(http, store.url, "CREATE TABLE default.beside (a UInt64) ENGINE = MergeTree ORDER BY a", headers=auth)
    async with asyncio.TaskGroup() as group:
        # More than run at once: the last ones wait, and nothing else does.
        heavy = [group.create_task(ask(http, store.url, f"{ENDLESS} AND 'heavy-marker' != ''")) for _ in range(9)]
        await until_running(http, store, "heavy-marker", store.settings.store_queries)
        async with http.get(store.url + "ping") as answer:
            assert answer.status == 200
        for number in range(3):
            text = b"INSERT INTO default.beside FORMAT CSV\n%d\n" % number
            assert await ask(http, store.url, text, headers=auth, params={"insert_deduplicate": "0"}) == (200, b"")
        assert await ask(http, store.url, "SELECT count() FROM default.beside", headers=auth) == (200, b"3\n")
        assert not any(task.done() for task in heavy)
        while not all(task.done() for task in heavy):
            await ask(
                http, store.url, "KILL QUERY WHERE query LIKE 'SELECT count() FROM numbers%heavy-marker%' ASYNC", headers=auth
            )
    assert all(b"QUERY_WAS_CANCELLED" in task.result()[1] for task in heavy)


async def test_inserts_go_on_while_aggregates_reach_their_memory_limit(
    store: RunningStore, http: aiohttp.ClientSession
) -> None:
    auth = writer_headers(store)
    await ask(http, store.url, "CREATE TABLE default.full (a UInt64) ENGINE = MergeTree ORDER BY a", headers=auth)
    greedy = "SELECT groupArray(number) FROM numbers(2000000000)"
    async with asyncio.TaskGroup() as group:
        heavy = [group.create_task(ask(http, store.url, greedy)) for _ in range(store.settings.store_queries)]
        inserted = 0
        while inserted < 20 or not all(task.done() for task in heavy):
            rows = b"INSERT INTO default.full FORMAT CSV\n%d\n" % inserted
            assert await ask(http, store.url, rows, headers=auth) == (200, b"")
            inserted += 1
    assert all(task.result()[1].startswith(b"Code: 241.") for task in heavy)
    assert await ask(http, store.url, "SELECT count() FROM default.full") == (200, b"%d\n" % inserted)


def test_clickhouse_connect_reads_as_the_default_user(reader: Client) -> None:
    assert reader.command("SELECT 1") == 1
    found = reader.query("SELECT {a:Int32} AS a, {b:Array(String)} AS b", {"a": -5, "b": ["x", "it's"]})
    assert found.column_names == ("a", "b")
    assert found.result_rows == [(-5, ["x", "it's"])]
    assert reader.query("SELECT now64(6, 'UTC') AS t WHERE 0").result_rows == []
    assert reader.ping()
    with pytest.raises(DatabaseError, match="readonly mode"):
        reader.command("CREATE TABLE default.no (a Int8) ENGINE = Memory")
    with pytest.raises(DatabaseError) as caught:
        reader.query("SELECT * FROM nope")
    assert caught.value.code == 60


def test_clickhouse_connect_writes_as_the_internal_user(store: RunningStore, writer: Client) -> None:
    writer.command("CREATE TABLE default.by_connect (a UInt64, s Nullable(String)) ENGINE = MergeTree ORDER BY a")
    rows = [[number, None if number % 2 else "ж"] for number in range(5000)]
    assert writer.insert("default.by_connect", rows, ["a", "s"]).written_rows == 5000
    assert writer.query("SELECT count(), countIf(s = 'ж') FROM default.by_connect").result_rows == [(5000, 2500)]
    secret = password(store.settings.data_dir)
    with clickhouse_connect.get_client(
        host="127.0.0.1", port=store.port, username="tracer", password=secret, compress="lz4"
    ) as coded:
        coded.insert("default.by_connect", rows, ["a", "s"])
        assert len(coded.query("SELECT * FROM default.by_connect").result_rows) == 10_000


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT version()",
        "SHOW DATABASES",
        'SHOW TABLES FROM "llm"',
        'DESC TABLE "llm"."otel_traces"',
        "SELECT name, type, table FROM system.columns WHERE database IN ('llm') AND table = 'calls'",
        "SELECT name, is_aggregate, case_insensitive, alias_to, origin, description, syntax, arguments, returned_value, "
        "examples, categories FROM system.functions LIMIT 10000",
        "SELECT database, name FROM system.tables",
        "SELECT DISTINCT arrayJoin(mapKeys(SpanAttributes)) FROM llm.otel_traces LIMIT 1000",
        "SELECT count() FROM llm.calls SETTINGS additional_table_filters = {'llm.calls': 'provider = \\'openai\\''}",
        "SELECT toStartOfInterval(toDateTime(started_at), INTERVAL 60 second) AS time, count() FROM llm.calls "
        "WHERE started_at >= toDateTime(1700000000) AND started_at <= toDateTime(1700003600) GROUP BY time ORDER BY time",
    ],
)
async def test_what_grafanas_plugin_asks(store: RunningStore, http: aiohttp.ClientSession, statement: str) -> None:
    query = {"database": "llm", "default_format": "Native", "client_protocol_version": "54460", "max_execution_time": "65"}
    status, body = await ask(http, store.url, statement, params=query)
    assert status == 200, body[:200]


@pytest.mark.parametrize("sent", ["half of the request", "all of it", "all of it, for a long answer"])
def test_a_client_that_dies_is_no_fault(tmp_path: Path, sent: str) -> None:
    with RunningStore(tmp_path / "data") as running:
        query = b"SELECT number FROM numbers(100000000)" if "long" in sent else b"SELECT sleep(0.5)"
        length = 1000 if "half" in sent else len(query)
        headers = "".join(f"{name}: {value}\r\n" for name, value in writer_headers(running).items())
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", running.port)) as client:
                client.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n".encode() + query)
                time.sleep(0.2)  # until the store is at it
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(1)  # until it would have answered
        with store_client.embedded(running.settings, write=False) as reader:
            assert reader.query("SELECT 1").result_rows == [(1,)]
        process = running.process
        assert process is not None
        process.terminate()
        _, logged = process.communicate(timeout=30)
    assert b"Traceback" not in logged
