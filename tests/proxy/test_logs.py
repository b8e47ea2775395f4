"""`/v1/logs` and `/v1/analytics` on a running proxy: what comes in lands in the spool beside the calls."""

import asyncio

from portkey_ai.api_resources.apis.logger import Logger

from tests.api.many_calls import WINDOW
from tests.api.test_log_entry import ENTRY
from tests.provider import Provider
from tests.proxy.conftest import Proxy


async def test_calls_made_elsewhere_are_recorded_and_nothing_goes_up(proxy: Proxy, provider: Provider) -> None:
    logger = Logger(api_key="pk-live-0123456789abcdef", base_url=f"{proxy.url}/v1")
    answer = await asyncio.to_thread(logger.log, [ENTRY, ENTRY])
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["x-portkey-trace-id"]
    made = await proxy.exchanges(2)
    assert [(each.door, each.trace.trace_id, each.status) for each in made] == [("logs", "t-1", 200)] * 2
    assert not provider.requests


async def test_what_is_refused_leaves_nothing(proxy: Proxy) -> None:
    async with proxy.client.post(f"{proxy.url}/v1/logs", json=[ENTRY, {}]) as answer:
        assert answer.status == 400
        assert "entry 1: request: required" in await answer.text()
    await proxy.exchanges(0)


async def test_without_a_store_reading_is_503_and_calls_go_on(proxy: Proxy) -> None:
    async with proxy.client.get(f"{proxy.url}/v1/analytics/graphs/requests", params=WINDOW) as answer:
        assert answer.status == 503
        assert answer.headers["x-portkey-trace-id"]
        assert "start it with `tracer up`" in (await answer.json())["message"]
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json={"model": "m", "messages": []}) as answer:
        assert answer.status == 200
