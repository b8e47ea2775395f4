"""What every backend does: the same tests on SQLite and on a real Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.redis_server import RedisServer
from tracer.cache import sqlite
from tracer.cache.backend import Backend
from tracer.cache.redis import RedisBackend
from tracer.cache.sqlite import SqliteBackend


@pytest.fixture(params=["sqlite", "redis"])
async def two(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Backend, Backend]]:
    """Two backends on one store, as two workers have them."""
    monkeypatch.setattr(sqlite, "_BUSY_S", 60.0)  # a busy machine is no reason to fail here
    if request.param == "sqlite":
        made: list[Backend] = [SqliteBackend(tmp_path / "new" / "folder", 1 << 20, time.time) for _ in range(2)]
    else:
        server: RedisServer = request.getfixturevalue("shared_redis")
        made = [RedisBackend(server.url) for _ in range(2)]
    yield made[0], made[1]
    for backend in made:
        await backend.close()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return request.node.name


async def test_what_one_puts_the_other_finds(two: tuple[Backend, Backend], key: str) -> None:
    one, other = two
    assert await one.get(key) is None
    await one.put(key, b"\0\xff bytes", 60)
    assert await other.get(key) == b"\0\xff bytes"


async def test_the_last_one_counts(two: tuple[Backend, Backend], key: str) -> None:
    one, other = two
    await one.put(key, b"first", 60)
    await other.put(key, b"second", 60)
    assert await one.get(key) == b"second"


async def test_what_is_deleted_is_gone(two: tuple[Backend, Backend], key: str) -> None:
    one, other = two
    await one.put(key, b"first", 60)
    await other.delete(key)
    assert await one.get(key) is None
    await other.delete(key)


async def test_a_time_that_is_over(two: tuple[Backend, Backend], key: str) -> None:
    one, other = two
    await one.put(key, b"short", 0.02)
    await one.put(key + "long", b"long", 60)
    async with asyncio.timeout(20):
        while await other.get(key) is not None:
            await asyncio.sleep(0.01)
    assert await other.get(key + "long") == b"long"


async def test_many_at_once(two: tuple[Backend, Backend], key: str) -> None:
    numbers = range(50)
    await asyncio.gather(*(two[number % 2].put(f"{key}{number}", b"%d" % number, 60) for number in numbers))
    found = await asyncio.gather(*(two[1 - number % 2].get(f"{key}{number}") for number in numbers))
    assert found == [b"%d" % number for number in numbers]


async def test_closing_what_was_never_used(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "data", 1 << 20, time.time)
    await backend.close()
    await RedisBackend("redis://127.0.0.1:1/0").close()
    assert not list(tmp_path.iterdir()), "nothing is opened before it is used"
