import asyncio

import pytest

from tests.cache.stores import ANSWER, HIT, JSON, MISS, REFRESH, RULE, Clock, Memory, cache_on, call, counted, stored
from tracer.cache.cache import Turn
from tracer.cache.entry import Entry, decode
from tracer.cache.rule import Rule


async def test_a_miss_then_hits() -> None:
    clock = Clock()
    hits, misses = counted("cache_calls", status="HIT"), counted("cache_calls", status="MISS")
    async with cache_on(Memory(), clock=clock) as cache:
        assert await call(cache) == (MISS, ANSWER)
        assert await call(cache, body=b"other") == (HIT, ANSWER)
        assert await stored(cache) == Entry(
            headers=(("Content-Type", "application/json"),),
            body=ANSWER,
            stored_at_ms=round(clock.now * 1000),
            expires_at_ms=round((clock.now + 100) * 1000),
            usage_requested=True,
            call_id="id-1",
        )
        assert await call(cache, "other") == (MISS, ANSWER)
    assert (counted("cache_calls", status="HIT") - hits, counted("cache_calls", status="MISS") - misses) == (1, 2)


async def test_the_time_of_an_entry() -> None:
    clock, backend = Clock(), Memory()
    async with cache_on(backend, clock=clock) as cache:
        await call(cache)
        assert await stored(cache)
        assert backend.ttl_s == {"k": 100}
        clock.now += 99.9
        assert (await call(cache))[0] is HIT
        clock.now += 0.2  # the backend is late
        assert (await call(cache))[0] is MISS


async def test_what_is_being_written_is_found() -> None:
    backend = Memory()
    async with cache_on(backend) as cache:
        await cache.lookup("k")
        backend.held.clear()
        entry = cache.entry(RULE, JSON, ANSWER, "", False)
        async with asyncio.TaskGroup() as group:
            group.create_task(cache.store("k", entry))
            await asyncio.sleep(0)
            assert await cache.lookup("k") is entry
            backend.held.set()
        assert backend.asked == ["get", "put"]
        assert decode(backend.kept["k"]) == entry


async def test_a_refresh_removes_asks_and_stores() -> None:
    async with cache_on(Memory()) as cache:
        await call(cache)
        assert await stored(cache)
        async with cache.turn("k", Rule(refresh=True)) as turn:
            assert (turn.status, turn.entry) == (REFRESH, None)
            assert await cache.lookup("k") is None
            turn.keep(200, JSON, b'{"new":1}', call_id="", usage_requested=False)
        assert await call(cache) == (HIT, b'{"new":1}')


async def test_a_refresh_waits_for_nobody() -> None:
    async with cache_on(Memory()) as cache, cache.turn("k", RULE) as leading:
        assert await call(cache, rule=Rule(refresh=True), body=b'{"new":1}') == (REFRESH, b'{"new":1}')
        assert (await stored(cache) or leading.entry) is not None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, ANSWER, "status"),
        (201, ANSWER, "status"),
        (0, None, "status"),
        (200, None, "size"),
        (200, b"", "size"),
        (200, b'{"a":"' + b"x" * 1000 + b'"}', "size"),
        (200, b'{"error":{"message":"m"}}', "incomplete"),
        (200, b'{"id":"c","choi', "incomplete"),
    ],
)
async def test_what_is_not_stored_and_why(status: int, body: bytes | None, reason: str) -> None:
    before = counted("cache_not_stored", reason=reason)
    backend = Memory()
    async with cache_on(backend, max_entry_bytes=1000) as cache:
        await call(cache, status=status, body=body)
        assert await stored(cache) is None
        assert not len(cache.flights)
    assert counted("cache_not_stored", reason=reason) == before + 1
    assert not backend.kept


async def test_a_large_reply_is_checked_too() -> None:
    large = b'{"a":"' + b"x" * (300 << 10) + b'"}'
    async with cache_on(Memory()) as cache:
        await call(cache, body=large)
        assert (await call(cache))[1] == large
        await call(cache, "cut", body=large[:-1])
        assert await stored(cache, "cut") is None


async def test_too_many_replies_at_once_are_not_stored() -> None:
    before = counted("cache_not_stored", reason="busy")
    backend = Memory()
    async with cache_on(backend) as cache:
        backend.held.clear()
        for number in range(65):
            turn = Turn(cache, f"k{number}", RULE)
            turn.keep(200, JSON, ANSWER, call_id="", usage_requested=False)
        backend.held.set()
    assert counted("cache_not_stored", reason="busy") == before + 1
    assert len(backend.kept) == 64


async def test_only_the_first_word_of_a_call_counts() -> None:
    backend = Memory()
    async with cache_on(backend) as cache, cache.turn("k", RULE) as turn:
        turn.keep(200, JSON, ANSWER, call_id="", usage_requested=False)
        turn.keep(200, JSON, b'{"second":1}', call_id="", usage_requested=False)
    entry = decode(backend.kept["k"])
    assert entry is not None
    assert entry.body == ANSWER
