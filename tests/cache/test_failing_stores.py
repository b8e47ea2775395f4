"""The cache on stores that are shared, fail, die or are damaged: a miss at worst."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cache.stores import ANSWER, HIT, MISS, REFRESH, Clock, Memory, cache_on, call, counted, stored
from tests.redis_server import RedisServer
from tracer.cache.cache import Cache, open_cache
from tracer.cache.circuit import MOST_FAILURES, PAUSE_S
from tracer.cache.rule import Rule
from tracer.config import Settings


@pytest.mark.parametrize("error", [OSError("disk"), ValueError("a bug"), RuntimeError("closed"), MemoryError()])
async def test_a_store_that_fails_is_a_miss_and_a_counter(error: Exception) -> None:
    backend, kind = Memory(), type(error).__name__
    backend.broken = error
    before = counted("cache_errors", operation="get", kind=kind)
    async with cache_on(backend) as cache:
        assert await call(cache) == (MISS, ANSWER)
        assert await call(cache, "other", Rule(refresh=True)) == (REFRESH, ANSWER)
    assert counted("cache_errors", operation="get", kind=kind) == before + 1


async def test_a_store_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    backend, clock = Memory(), Clock()
    backend.broken = OSError("down")
    async with cache_on(backend, steady_clock=clock) as cache:
        for _ in range(MOST_FAILURES + 5):
            assert await cache.lookup("k") is None
        assert len(backend.asked) == MOST_FAILURES
        backend.broken = None
        clock.now += PAUSE_S
        assert (await call(cache))[0] is MISS
        assert await stored(cache)
        assert (await call(cache))[0] is HIT


async def test_a_store_that_never_answers_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.cache.cache._SLOWEST_S", 0.01)
    backend = Memory()
    backend.held.clear()
    before = counted("cache_errors", operation="get", kind="TimeoutError")
    async with cache_on(backend) as cache:
        assert await call(cache) == (MISS, ANSWER)
    assert counted("cache_errors", operation="get", kind="TimeoutError") == before + 1


@given(st.binary(max_size=40))
async def test_damaged_bytes_in_the_store_are_a_miss(data: bytes) -> None:
    backend = Memory()
    backend.kept["k"] = data
    before = counted("cache_errors", operation="get", kind="damaged")
    async with cache_on(backend) as cache:
        assert (await call(cache))[0] is MISS
    assert counted("cache_errors", operation="get", kind="damaged") == before + 1


@pytest.fixture(params=["sqlite", "redis"])
def shared_store(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of a store that two workers share."""
    if request.param == "sqlite":
        return {}
    return {"TRACER_CACHE_URL": request.getfixturevalue("shared_redis").url}


async def test_two_workers_see_each_others_entries(
    load_settings: Callable[..., Settings], shared_store: dict[str, str], request: pytest.FixtureRequest
) -> None:
    settings, key = load_settings(**shared_store), request.node.name
    async with open_cache(settings) as one, open_cache(settings) as other:
        assert await call(one, key) == (MISS, ANSWER)
        assert await stored(one, key)
        assert await call(other, key) == (HIT, ANSWER)
        assert await call(other, key, Rule(refresh=True), body=b'{"new":1}') == (REFRESH, b'{"new":1}')
        assert await stored(other, key)
        assert await call(one, key) == (HIT, b'{"new":1}')
    async with open_cache(settings) as later:
        assert await call(later, key) == (HIT, b'{"new":1}')


async def test_redis_may_die_and_come_back(load_settings: Callable[..., Settings], redis_server: RedisServer) -> None:
    clock = Clock()
    async with redis_cache(load_settings(TRACER_CACHE_URL=redis_server.url), clock) as cache:
        await call(cache)
        assert await stored(cache)
        assert (await call(cache))[0] is HIT
        redis_server.kill()
        before = counted("cache_errors", operation="get", kind="ConnectionError")
        for _ in range(MOST_FAILURES + 3):
            assert await call(cache, body=None) == (MISS, None)
        assert counted("cache_errors", operation="get", kind="ConnectionError") == before + MOST_FAILURES
        redis_server.start()
        assert (await call(cache, body=None))[0] is MISS, "not asked yet"
        clock.now += PAUSE_S
        assert (await call(cache))[0] is MISS, "it came back empty"
        assert await stored(cache)
        assert (await call(cache))[0] is HIT


@contextlib.asynccontextmanager
async def redis_cache(settings: Settings, clock: Clock) -> AsyncIterator[Cache]:
    async with open_cache(settings) as cache:
        cache._circuit._clock = clock
        yield cache


async def test_a_damaged_file_is_a_miss_and_then_forgotten(load_settings: Callable[..., Settings]) -> None:
    settings = load_settings()
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "cache.sqlite").write_bytes(b"what is this?" * 1000)
    async with open_cache(settings) as cache:
        assert await call(cache) == (MISS, ANSWER)
        assert await stored(cache)
    async with open_cache(settings) as cache:
        assert (await call(cache))[0] is HIT


async def test_what_is_being_written_at_the_end_is_written(load_settings: Callable[..., Settings]) -> None:
    settings = load_settings()
    async with open_cache(settings) as cache:
        await call(cache)
    async with open_cache(settings) as cache:
        assert (await call(cache))[0] is HIT


async def test_a_cache_that_nobody_uses_opens_nothing(load_settings: Callable[..., Settings], tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    async with open_cache(load_settings(TRACER_CACHE="simple")):
        pass
    assert set(tmp_path.iterdir()) - {tmp_path / "tracer.toml"} == before
