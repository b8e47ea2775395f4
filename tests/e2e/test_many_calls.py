"""A thousand calls while the sink is killed: each is there once."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.e2e.stack import Stack, tracer_up
from tests.provider import Provider

CALLS = 1000
AT_ONCE = 32


async def _call(client: openai.AsyncOpenAI, number: int, slots: asyncio.Semaphore) -> None:
    async with slots:
        messages = [{"role": "user", "content": f"call {number}"}]
        if number % 2:
            answer = await client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[call-overload]
            assert answer.usage
        else:
            stream = await client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)  # type: ignore[call-overload]
            assert [piece async for piece in stream]


async def _kill_the_sink(stack: Stack, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0.7)
        stack.kill("sink")
        async with asyncio.timeout(20):
            while not stack.pids("sink"):
                await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["fast", "strict"])
async def test_every_call_is_there_once(
    tmp_path: Path, free_port: Callable[[], int], provider: Provider, durability: str
) -> None:
    settings = {"TRACER_UPSTREAM_OPENAI": provider.url, "TRACER_DURABILITY": durability, "TRACER_WORKERS": "2"}
    with tracer_up(tmp_path, free_port, settings) as stack:
        slots = asyncio.Semaphore(AT_ONCE)
        async with (
            openai.AsyncOpenAI(base_url=stack.url, api_key="sk-of-many-calls", max_retries=0) as client,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(_kill_the_sink(stack, 3))
            for number in range(CALLS):
                group.create_task(_call(client, number, slots))
        deadline = time.monotonic() + 60
        while int((row := (await asyncio.to_thread(_counts, stack)))["n"]) < CALLS:
            assert time.monotonic() < deadline, row
            await asyncio.sleep(0.3)
        await asyncio.sleep(1)
        row = await asyncio.to_thread(_counts, stack)
    assert {name: int(value) for name, value in row.items()} == {
        "n": CALLS,
        "ids": CALLS,
        "ok": CALLS,
        "priced": CALLS,
        "streams": CALLS // 2,
    }


def _counts(stack: Stack) -> dict[str, str]:
    (row,) = stack.rows(
        "SELECT count() AS n, uniqExact(call_id) AS ids, countIf(outcome = 'ok') AS ok, countIf(cost_usd > 0) AS priced,"
        " countIf(stream) AS streams FROM llm.calls"
    )
    return row
