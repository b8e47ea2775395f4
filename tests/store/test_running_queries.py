"""Queries that run: how many, by what id, for how long, and what ends them."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.store.asking import ask, running, until_running, writer_headers
from tests.store.running import RunningStore
from tests.store.test_engine import ENDLESS

NARROW = {"TRACER_STORE_QUERIES": "2", "TRACER_STORE_QUEUE_WAIT": "0.05", "TRACER_STORE_QUERY_SECONDS": "2"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store with little of everything."""
    users = {"TRACER_STORE_USERS": "ada=l0velace,bob=b", "TRACER_STORE_RESULT_BYTES": "1000000"}
    with RunningStore(tmp_path_factory.mktemp("narrow"), {**NARROW, **users}) as started:
        yield started


def endless(marker: str) -> str:
    return f"{ENDLESS} AND '{marker}' != ''"


async def test_killed_by_the_id_that_its_client_gave(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with asyncio.TaskGroup() as group:
        heavy = group.create_task(ask(http, store.url, endless("by-id"), params={"query_id": "it's"}))
        await until_running(http, store, "by-id")
        assert await ask(http, store.url, "KILL QUERY WHERE query_id = 'another'") == (200, b"")
        status, body = await ask(http, store.url, r"KILL QUERY WHERE query_id = 'it\'s' SYNC FORMAT CSV")
        assert status == 200
        assert body.startswith(b'"finished","it\'s","default","SELECT count() FROM numbers')
    assert heavy.result()[0] == 500
    assert heavy.result()[1].startswith(b"Code: 394.")


async def test_an_id_is_used_once_at_a_time_unless_the_second_replaces_the_first(
    store: RunningStore, http: aiohttp.ClientSession
) -> None:
    async with asyncio.TaskGroup() as group:
        heavy = group.create_task(ask(http, store.url, endless("replaced"), params={"query_id": "twice"}))
        await until_running(http, store, "replaced")
        status, body = await ask(http, store.url, "SELECT 1", params={"query_id": "twice"})
        assert (status, body[:9]) == (500, b"Code: 216")
        replacing = {"query_id": "twice", "replace_running_query": "1"}
        assert await ask(http, store.url, "SELECT 1", params=replacing) == (200, b"1\n")
    assert heavy.result()[1].startswith(b"Code: 394.")


@pytest.mark.parametrize("query", [endless("gone-1"), "SELECT number, 'gone-2' FROM numbers(1000000000000)"])
async def test_a_query_whose_client_is_gone_is_ended(store: RunningStore, http: aiohttp.ClientSession, query: str) -> None:
    marker = "gone-1" if "gone-1" in query else "gone-2"
    async with asyncio.TaskGroup() as group:
        heavy = group.create_task(ask(http, store.url, query))
        await until_running(http, store, marker)
        heavy.cancel()
    while await running(http, store, marker):
        pass
    assert await ask(http, store.url, "SELECT 1") == (200, b"1\n")
    # What it had still to write went nowhere, and was not taken for a disk that cannot be written to (damage.py).
    failed = "SELECT count() FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
    assert await ask(http, store.url, failed, headers=writer_headers(store)) == (200, b"0\n")


async def test_time_is_limited_however_much_is_asked_for(narrow: RunningStore, http: aiohttp.ClientSession) -> None:
    auth = {"X-ClickHouse-User": "ada", "X-ClickHouse-Key": "l0velace"}
    status, body = await ask(http, narrow.url, ENDLESS, params={"max_execution_time": "1000"}, headers=auth)
    assert (status, body[:9]) == (408, b"Code: 159")
    assert b"maximum: 2000" in body
    assert (await ask(http, narrow.url, "SELECT getSetting('max_execution_time')", headers=auth))[1] == b"2\n"


async def test_results_are_limited(narrow: RunningStore, http: aiohttp.ClientSession) -> None:
    auth = {"X-ClickHouse-User": "ada", "X-ClickHouse-Key": "l0velace"}
    many = "SELECT number FROM numbers(1000000)"
    status, body = await ask(http, narrow.url, many, params={"wait_end_of_query": "1", "max_result_bytes": "0"}, headers=auth)
    assert (status, body[:9]) == (500, b"Code: 396")


async def test_more_queries_than_places_are_refused_and_tracer_itself_is_not(
    narrow: RunningStore, http: aiohttp.ClientSession
) -> None:
    auth = {"X-ClickHouse-User": "ada", "X-ClickHouse-Key": "l0velace"}
    async with asyncio.TaskGroup() as group:
        heavy = [group.create_task(ask(http, narrow.url, endless("places"), headers=auth)) for _ in range(2)]
        await until_running(http, narrow, "places", 2)
        status, body = await ask(http, narrow.url, "SELECT 1", headers=auth)
        assert (status, body[:9]) == (500, b"Code: 202")
        assert await ask(http, narrow.url, "SELECT 1", headers=writer_headers(narrow)) == (200, b"1\n")
        await ask(http, narrow.url, "KILL QUERY WHERE query LIKE '%places%' ASYNC", headers=writer_headers(narrow))
    assert all(task.result()[0] in (408, 500) for task in heavy)
    assert (await ask(http, narrow.url, "SELECT 1", headers=auth))[0] == 200


async def test_users_see_and_kill_their_own_only(narrow: RunningStore, http: aiohttp.ClientSession) -> None:
    ada, bob = ({"user": "ada", "password": "l0velace"}, {"user": "bob", "password": "b"})
    assert (await ask(http, narrow.url, "SELECT 1"))[0] == 403
    async with asyncio.TaskGroup() as group:
        heavy = group.create_task(ask(http, narrow.url, endless("adas"), params={**ada, "query_id": "q"}))
        await until_running(http, narrow, "adas")
        assert await ask(http, narrow.url, "KILL QUERY WHERE query_id = 'q'", params=bob) == (200, b"")
        assert (await ask(http, narrow.url, "KILL QUERY WHERE user = 'ada'", params=bob))[1].startswith(b"Code: 164.")
        assert await ask(http, narrow.url, "SELECT query FROM system.processes", params=bob) == (200, b"")
        assert (await ask(http, narrow.url, "KILL QUERY WHERE query_id = 'q'", params=ada))[1].startswith(b"finished\tq\tada")
    assert heavy.result()[1].startswith(b"Code: 394.")


async def test_tracers_own_readers_get_in_where_users_are_named(narrow: RunningStore) -> None:
    from tracer.store import client

    assert b"".join(client.run_query(narrow.settings, "SELECT count() FROM llm.calls")) == b"0\n"
    with pytest.raises(client.QueryFailed, match="READONLY"):
        list(client.run_query(narrow.settings, "DROP TABLE llm.calls"))
