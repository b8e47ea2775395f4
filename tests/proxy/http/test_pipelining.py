"""Several requests on one connection, cut anywhere, from one client or many: each gets its own answer, in order."""

import asyncio
import itertools

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from tests.provider import Provider
from tests.proxy.http.conftest import Worker
from tests.proxy.http.tokens import KINDS, answered, asked, in_turn
from tests.proxy.http.wire import wire


@hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=12), places=st.lists(st.floats(0, 1), max_size=12))
async def test_pipelined_requests_cut_anywhere(
    worker: Worker, provider: Provider, kinds: list[str], places: list[float]
) -> None:
    """Cut at shares of the whole, since its length differs from run to run with the tokens in it."""
    provider.always(answered)
    several = [asked(kind) for kind in kinds]
    whole = b"".join(one.data for one in several)
    at = [0, *sorted(int(place * len(whole)) for place in places), len(whole)]
    async with wire(worker.port) as client:
        await client.write(*filter(None, (whole[begin:end] for begin, end in itertools.pairwise(at))))
        await in_turn(client, several)


async def test_many_clients_that_pipeline(worker: Worker, provider: Provider) -> None:
    provider.always(answered)

    async def one_client(number: int) -> int:
        kinds = KINDS if number % 2 else ["get", "post", "empty", "head"]
        several = [asked(kinds[(number + step) % len(kinds)]) for step in range(25)]
        async with wire(worker.port) as client:
            await client.write(b"".join(one.data for one in several))
            return await in_turn(client, several)

    served = await asyncio.gather(*map(one_client, range(12)))
    assert served[::2] == [25] * 6
    tokens = [one.path for one in provider.requests]
    assert len(tokens) == len(set(tokens)) == sum(served)


async def test_more_waits_than_is_read_ahead(worker: Worker, provider: Provider) -> None:
    """The first answer is slow, so that what comes behind it fills every queue on the way."""
    provider.always(answered)
    several = [asked("post") for _ in range(400)]
    gate = asyncio.Event()
    provider.reply(lambda first: answered(first).held(gate))
    async with wire(worker.port) as client, asyncio.TaskGroup() as group:
        group.create_task(client.write(b"".join(one.data for one in several)))
        await provider.until(lambda: len(provider.requests) == 1)
        await asyncio.sleep(0.05)
        assert len(provider.requests) == 1
        gate.set()
        assert await in_turn(client, several) == 400
