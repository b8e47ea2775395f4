"""Identical calls at the same time, through the whole cache; flights.py alone is in test_flights.py."""

import asyncio

from tests.cache.stores import ANSWER, HIT, JSON, MISS, RULE, Memory, cache_on, call, stored
from tracer.cache.cache import Cache
from tracer.cache.rule import Rule
from tracer.cache.status import CacheStatus


class Upstream:
    """Answers when told to; counts who asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def __call__(self) -> bytes:
        self.asked += 1
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def asking(cache: Cache, upstream: Upstream) -> tuple[CacheStatus, bytes, bool]:
    async with cache.turn("k", RULE) as turn:
        if turn.entry is not None:
            return turn.status, turn.entry.body, turn.coalesced
        body = await upstream()
        turn.keep(200, JSON, body, call_id="", usage_requested=False)
        return turn.status, body, False


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_identical_calls_in_flight_ask_once() -> None:
    upstream = Upstream()
    async with cache_on(Memory()) as cache, asyncio.TaskGroup() as group:
        calls = [group.create_task(asking(cache, upstream)) for _ in range(10)]
        await settled()
        upstream.answers.put_nowait(ANSWER)
    assert upstream.asked == 1
    assert [task.result() for task in calls] == [(MISS, ANSWER, False)] + [(HIT, ANSWER, True)] * 9


async def test_when_the_leader_fails_one_other_asks() -> None:
    upstream = Upstream()
    async with cache_on(Memory()) as cache:
        calls = [asyncio.ensure_future(asking(cache, upstream)) for _ in range(5)]
        for number, nothing in enumerate((ValueError("reset"), b'{"error":"overloaded"}', b"<html>"), 1):
            await settled()
            assert upstream.asked == number
            upstream.answers.put_nowait(nothing)
        await settled()
        calls[3].cancel()
        await settled()
        assert upstream.asked == 5
        upstream.answers.put_nowait(ANSWER)
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, tuple, tuple, asyncio.CancelledError, tuple]
    assert results[4] == (MISS, ANSWER, False)
    assert not len(cache.flights)


async def test_a_leader_whose_client_leaves_behind_the_last_byte_has_brought_its_answer() -> None:
    backend = Memory()
    async with cache_on(backend) as cache:
        kept = asyncio.Event()

        async def leaving() -> None:
            async with cache.turn("k", RULE) as turn:
                try:
                    await asyncio.sleep(3600)
                finally:
                    turn.keep(200, JSON, ANSWER, call_id="", usage_requested=False)
                    kept.set()

        leader = asyncio.ensure_future(leaving())
        await settled()
        follower = asyncio.ensure_future(call(cache))
        await settled()
        leader.cancel()
        assert await follower == (HIT, ANSWER)
        assert leader.cancelled()
        assert kept.is_set()
    assert "k" in backend.kept


async def test_nobody_waits_longer_than_the_bound() -> None:
    upstream = Upstream()
    async with cache_on(Memory(), longest_wait_s=0.01) as cache, asyncio.TaskGroup() as group:
        calls = [group.create_task(asking(cache, upstream)) for _ in range(3)]
        while upstream.asked < 3:
            await asyncio.sleep(0.001)
        for number in range(3):
            upstream.answers.put_nowait(b'{"n":%d}' % number)
    assert {task.result()[0] for task in calls} == {MISS}
    assert {task.result()[1] for task in calls} == {b'{"n":0}', b'{"n":1}', b'{"n":2}'}


async def test_a_call_cancelled_while_it_looks_up_gives_the_lead_away() -> None:
    backend = Memory()
    async with cache_on(backend) as cache:
        backend.held.clear()
        first = asyncio.ensure_future(call(cache))
        second = asyncio.ensure_future(call(cache))
        await settled()
        first.cancel()
        backend.held.set()
        assert (await second)[0] is MISS
        refreshing = asyncio.ensure_future(call(cache, "other", Rule(refresh=True)))
        backend.held.clear()
        await settled()
        refreshing.cancel()
        await settled()
        backend.held.set()
        await stored(cache)
        assert not len(cache.flights)


async def test_followers_are_served_though_the_store_is_down() -> None:
    backend, upstream = Memory(), Upstream()
    backend.broken = OSError("down")
    async with cache_on(backend) as cache, asyncio.TaskGroup() as group:
        calls = [group.create_task(asking(cache, upstream)) for _ in range(3)]
        await settled()
        upstream.answers.put_nowait(ANSWER)
    assert [task.result()[0] for task in calls] == [MISS, HIT, HIT]
