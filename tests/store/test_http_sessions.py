"""Sessions over HTTP: SET, USE and temporary tables from one request to the next."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.store.asking import ask, until_running, writer_headers
from tests.store.running import RunningStore
from tests.store.test_engine import ENDLESS


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_reader_sets_and_uses(store: RunningStore, http: aiohttp.ClientSession) -> None:
    inside = {"session_id": "reads"}
    assert await ask(http, store.url, "SET max_threads = 3, session_timezone = 'Asia/Tokyo'", params=inside) == (200, b"")
    assert await ask(http, store.url, "USE llm", params=inside) == (200, b"")
    question = "SELECT getSetting('max_threads'), timezone(), currentDatabase()"
    assert await ask(http, store.url, question, params=inside) == (200, b"3\tAsia/Tokyo\tllm\n")
    over = {**inside, "max_threads": "5", "database": "system"}
    assert await ask(http, store.url, question, params=over) == (200, b"5\tAsia/Tokyo\tsystem\n")
    await ask(http, store.url, "SET session_timezone = DEFAULT", params=inside)
    assert await ask(http, store.url, question, params=inside) == (200, b"3\tUTC\tllm\n")
    assert (await ask(http, store.url, question))[1].endswith(b"\tUTC\tdefault\n")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SET readonly = 0", 164),
        ("SET format_schema = 'x'", 164),
        ("SET max_threads = 'many'", 27),
        ("SET ROLE owner", 164),
        ("SET max_execution_time = 0, role = 1", 164),
        ("USE nope", 81),
        ("CREATE TEMPORARY TABLE t (a Int8)", 164),
    ],
)
async def test_what_a_reader_cannot_do_in_a_session_either(
    store: RunningStore, http: aiohttp.ClientSession, statement: str, code: int
) -> None:
    status, body = await ask(http, store.url, statement, params={"session_id": "cannot"})
    assert status >= 400
    assert body.startswith(b"Code: %d." % code)
    assert (await ask(http, store.url, "SELECT currentDatabase()", params={"session_id": "cannot"}))[1] == b"default\n"


async def test_a_limit_holds_in_a_session_too(store: RunningStore, http: aiohttp.ClientSession) -> None:
    inside = {"session_id": "limits"}
    assert await ask(http, store.url, "SET max_execution_time = 0", params=inside) == (200, b"")
    assert await ask(http, store.url, "SELECT getSetting('max_execution_time')", params=inside) == (200, b"60\n")


async def test_a_writers_temporary_table_lives_as_long_as_the_session(store: RunningStore, http: aiohttp.ClientSession) -> None:
    auth = writer_headers(store)
    inside = {"session_id": "temporary"}
    for statement in ("CREATE TEMPORARY TABLE kept (a UInt8)", "INSERT INTO kept FORMAT CSV\n1\n2\n", "SET max_threads = 3"):
        assert await ask(http, store.url, statement, params=inside, headers=auth) == (200, b"")
    question = "SELECT sum(a), getSetting('max_threads') FROM kept"
    assert await ask(http, store.url, question, params=inside, headers=auth) == (200, b"3\t3\n")
    assert (await ask(http, store.url, question, params={"session_id": "other"}, headers=auth))[0] == 404
    assert (await ask(http, store.url, question, params=inside))[0] == 404  # a session is its user's
    closing = {**inside, "close_session": "1"}
    assert await ask(http, store.url, question, params=closing, headers=auth) == (200, b"3\t3\n")
    assert (await ask(http, store.url, question, params=inside, headers=auth))[0] == 404


async def test_a_session_in_use_is_locked(store: RunningStore, http: aiohttp.ClientSession) -> None:
    inside = {"session_id": "busy"}
    async with asyncio.TaskGroup() as group:
        heavy = group.create_task(
            ask(http, store.url, f"{ENDLESS} AND 'busy-marker' != ''", params={**inside, "query_id": "busy"})
        )
        await until_running(http, store, "busy-marker")
        status, body = await ask(http, store.url, "SELECT 1", params=inside)
        assert (status, body[:9]) == (500, b"Code: 373")
        await ask(http, store.url, "KILL QUERY WHERE query_id = 'busy'")
    assert heavy.result()[0] == 500
    assert await ask(http, store.url, "SELECT 1", params=inside) == (200, b"1\n")


async def test_a_session_that_must_be_there(store: RunningStore, http: aiohttp.ClientSession) -> None:
    status, body = await ask(http, store.url, "SELECT 1", params={"session_id": "new", "session_check": "1"})
    assert (status, body[:9]) == (500, b"Code: 372")
    await ask(http, store.url, "SELECT 1", params={"session_id": "new"})
    assert (await ask(http, store.url, "SELECT 1", params={"session_id": "new", "session_check": "1"}))[0] == 200
