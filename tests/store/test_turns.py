import asyncio

import pytest

from tracer.store.errors import QueryFailed
from tracer.store.turns import Turn, Turns


class Engine:
    """Remembers what it was told to end."""

    def __init__(self) -> None:
        self.killed: list[str] = []

    def kill(self, name: str) -> None:
        self.killed.append(name)


def turn(user: str = "ada", query_id: str = "q") -> Turn:
    return Turn(user, query_id, "SELECT 1")


async def test_more_than_there_is_room_for_wait_and_are_refused_in_the_end() -> None:
    turns = Turns(1, 0.01, Engine().kill)
    async with turns.place(turn()):
        with pytest.raises(QueryFailed, match=r"Code: 202.*Maximum: 1.*TRACER_STORE_QUERIES"):
            async with turns.place(turn()):
                pass
    async with turns.place(turn()):
        pass


async def test_who_waits_goes_on_when_there_is_room() -> None:
    turns = Turns(1, 60, Engine().kill)
    order: list[int] = []

    async def take(number: int) -> None:
        async with turns.place(turn()):
            order.append(number)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(take(number))
    assert order == list(range(5))


async def test_an_id_is_used_once_at_a_time_by_each_user() -> None:
    turns = Turns(4, 60, Engine().kill)
    async with turns.begin(turn(), replace=False), turns.begin(turn("bob"), replace=False):
        with pytest.raises(QueryFailed, match=r"Code: 216.*id = q is already running"):
            async with turns.begin(turn(), replace=False):
                pass
    async with turns.begin(turn(), replace=False):
        pass


async def test_the_second_replaces_the_first_if_it_says_so() -> None:
    engine, first = Engine(), turn()
    turns = Turns(4, 60, engine.kill)

    async def run_until_killed() -> None:
        async with turns.begin(first, replace=False):
            while not engine.killed:
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(run_until_killed())
        await asyncio.sleep(0)
        async with turns.begin(turn(), replace=True):
            assert first.ended.is_set()
    assert engine.killed == [first.name]


async def test_found_by_id_and_killed_while_still_waiting() -> None:
    turns = Turns(1, 60, Engine().kill)
    mine = turn()
    async with turns.begin(mine, replace=False), turns.begin(turn("bob"), replace=False):
        assert turns.found("q", "ada") == [mine]
        assert len(turns.found("q", None)) == 2
        assert turns.found("other", None) == []
        mine.killed = True
        with pytest.raises(QueryFailed, match="Code: 394"):
            async with turns.place(mine):
                pass
    async with turns.place(turn()):  # the place was given back
        pass
