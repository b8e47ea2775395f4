"""Callers in line as a state machine: its own loop and clock, so any order of events can be tried and none depends on time."""

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tracer.cache.flights import LEAD, Flights, Lead

BOUND_S = 10.0
KEYS = st.sampled_from("ab")


class ManualLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still until it is told otherwise."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def settle(self) -> None:
        """Run until nothing more can happen at this time."""
        for _ in range(20):
            self.call_soon(self.stop)
            self.run_forever()


@dataclass
class Caller:
    """One call and its task. `leads` from the moment its `join` came back with the lead."""

    key: str
    task: "asyncio.Task[str | Lead | None] | Any" = None
    joined_at: float | None = None  # None: its task has not run yet
    gone: bool = False

    @property
    def waiting(self) -> bool:
        return not self.task.done()

    @property
    def got(self) -> "str | Lead | None":
        return None if self.task.cancelled() else self.task.result()

    @property
    def leads(self) -> bool:
        return self.task.done() and not self.gone and self.got is LEAD


class Lines(RuleBasedStateMachine):
    """Rules are what may happen on a worker; `settled` says whether the loop ran in between, so that things coincide."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = ManualLoop()
        self.flights: Flights[str] = Flights(BOUND_S)
        self.callers: list[Caller] = []
        self.landed = 0

    def teardown(self) -> None:
        for caller in self.callers:
            caller.task.cancel()
        self.loop.settle()
        self.loop.close()

    def leader(self, key: str) -> Caller | None:
        found = [caller for caller in self.callers if caller.key == key and caller.leads]
        assert len(found) <= 1
        return found[0] if found else None

    def waiting(self, key: str) -> list[Caller]:
        return [caller for caller in self.callers if caller.key == key and caller.waiting]

    def settle(self, now: bool) -> None:
        if now:
            self.loop.settle()

    @rule(key=KEYS, settled=st.booleans())
    def call(self, key: str, settled: bool) -> None:
        caller = Caller(key)
        caller.task = self.loop.create_task(self.join(caller))
        self.callers.append(caller)
        self.settle(settled)

    async def join(self, caller: Caller) -> "str | Lead | None":
        caller.joined_at = self.loop.now
        return await self.flights.join(caller.key)

    @rule(key=KEYS, settled=st.booleans())
    def leader_brings_an_entry(self, key: str, settled: bool) -> None:
        self.loop.settle()
        leader = self.leader(key)
        if leader is None:
            return
        followers = self.waiting(key)
        self.landed += 1
        brought = f"entry {self.landed}"
        leader.gone = True
        self.flights.land(key, brought)
        self.settle(settled)
        if settled:
            assert {caller.got for caller in followers} <= {brought}

    @rule(key=KEYS, settled=st.booleans(), next_leaves=st.booleans())
    def leader_brings_nothing(self, key: str, settled: bool, next_leaves: bool) -> None:
        self.loop.settle()
        leader = self.leader(key)
        if leader is None:
            return
        followers = self.waiting(key)
        leader.gone = True
        self.flights.leave(key)
        if next_leaves and followers:  # in the very moment in which it is given the lead
            first = followers.pop(0)
            first.task.cancel()
            first.gone = True
        self.settle(settled)
        if settled:
            assert [caller for caller in followers if caller.task.done()] == followers[:1], "the oldest leads, and only it"

    @precondition(lambda self: any(caller.waiting for caller in self.callers))
    @rule(data=st.data(), settled=st.booleans())
    def follower_is_cancelled(self, data: st.DataObject, settled: bool) -> None:
        caller = data.draw(st.sampled_from([caller for caller in self.callers if caller.waiting]))
        others = [(other, other.waiting) for other in self.callers if other is not caller]
        caller.task.cancel()
        caller.gone = True
        self.settle(settled)
        if settled and caller.task.cancelled() and self.leader(caller.key) is not None:
            late = self.loop.now - BOUND_S
            disturbed = [other for other, waited in others if waited and not other.waiting and not other.gone]
            assert not [other for other in disturbed if other.got is None and (other.joined_at or 0) > late]

    @rule(seconds=st.sampled_from([1.0, BOUND_S / 2, BOUND_S]), settled=st.booleans())
    def time_passes(self, seconds: float, settled: bool) -> None:
        self.loop.now += seconds
        self.settle(settled)

    @rule()
    def everything_settles(self) -> None:
        self.loop.settle()
        for key in "ab":
            assert not self.waiting(key) or self.leader(key), "somebody waits for nobody"
        since = self.loop.now - BOUND_S
        late = [caller for caller in self.callers if caller.waiting and (caller.joined_at is None or caller.joined_at <= since)]
        assert not late, "nobody waits longer than the bound"
        kept = {caller.key for caller in self.callers if caller.leads}
        assert len(self.flights) == len(kept), "a line without a leader is left over"

    @invariant()
    def one_leads(self) -> None:
        for key in "ab":
            self.leader(key)
        # A caller that waited in vain asks for itself, and is in nobody's way.
        self.callers = [caller for caller in self.callers if caller.waiting or caller.leads]


TestLines = Lines.TestCase
TestLines.settings = settings(max_examples=150, stateful_step_count=30)


async def test_all_who_asked_meanwhile_get_what_the_leader_brings() -> None:
    flights: Flights[str] = Flights(BOUND_S)
    assert await flights.join("k") is LEAD
    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(flights.join("k")) for _ in range(5)]
        await asyncio.sleep(0)
        flights.land("k", "entry")
    assert [task.result() for task in followers] == ["entry"] * 5
    assert not len(flights)


async def test_a_lead_given_to_one_that_is_cancelled_in_the_same_moment_passes_on() -> None:
    flights: Flights[str] = Flights(BOUND_S)
    assert await flights.join("k") is LEAD
    async with asyncio.TaskGroup() as group:
        first, second = [group.create_task(flights.join("k")) for _ in range(2)]
        await asyncio.sleep(0)
        flights.leave("k")
        first.cancel()
        assert await second is LEAD
    assert first.cancelled()
    flights.leave("k")
    assert not len(flights)


async def test_without_a_wait_everybody_asks_for_himself() -> None:
    flights: Flights[str] = Flights(0)
    assert [await flights.join("k") for _ in range(3)] == [LEAD, None, None]
    assert flights.take("other")
    assert not flights.take("other")
