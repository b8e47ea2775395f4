"""The cache in the path of a call: what is asked of the provider, what the client sees, what the row says."""

import asyncio
import json
from collections.abc import Mapping

from tests.provider import Provider, error, reply, sse
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
SIMPLE = {"x-portkey-config": json.dumps({"cache": {"mode": "simple"}})}
STREAM = [
    b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n',
    b"data: [DONE]\n\n",
]


async def ask(
    proxy: Proxy, body: Mapping[str, object] = CHAT, headers: Mapping[str, str] = SIMPLE, path: str = "chat/completions"
) -> tuple[int, str, bytes]:
    async with proxy.client.post(f"{proxy.url}/v1/{path}", json=body, headers=headers) as got:
        return got.status, got.headers["x-portkey-cache-status"], await got.read()


async def test_a_hit_is_the_same_reply_without_the_provider(proxy: Proxy, provider: Provider) -> None:
    first = await ask(proxy)
    second = await ask(proxy)
    assert first[:2] == (200, "MISS")
    assert second == (200, "HIT", first[2])
    assert len(provider.requests) == 1
    miss, hit = sorted(await proxy.exchanges(2), key=lambda e: e.outcome, reverse=True)
    assert (miss.outcome, miss.cache_status) == (Outcome.OK, "MISS")
    assert (hit.outcome, hit.cache_status) == (Outcome.CACHE_HIT, "HIT")
    assert hit.response.head == miss.response.head
    assert hit.sent_ns == 0


async def test_without_a_config_nothing_is_cached(proxy: Proxy, provider: Provider) -> None:
    for _ in range(2):
        assert (await ask(proxy, headers={"x-portkey-cache-force-refresh": "true"}))[1] == "DISABLED"
    assert len(provider.requests) == 2


async def test_by_the_servers_settings(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_CACHE="simple") as proxy:
        assert [(await ask(proxy, headers={}))[1] for _ in range(2)] == ["MISS", "HIT"]


async def test_who_shares_an_entry(proxy: Proxy, provider: Provider) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer sk-one-caller"},
        {"Authorization": "Bearer sk-another-caller"},
        {"x-portkey-metadata": '{"_user":"a"}'},
        {"x-portkey-metadata": '{"_user":"b"}'},
        {"x-portkey-metadata": '{"_user":"b"}', "x-portkey-cache-namespace": "n"},
        {"x-portkey-cache-namespace": "m"},
        {"Accept-Encoding": "gzip"},
    ):
        assert (await ask(proxy, headers={**SIMPLE, **headers}))[1] == "MISS", headers
    same_namespace = {**SIMPLE, "x-portkey-metadata": '{"_user":"c"}', "x-portkey-cache-namespace": "n"}
    assert (await ask(proxy, headers=same_namespace))[1] == "HIT"
    assert (await ask(proxy, body={**CHAT, "temperature": 0}))[1] == "MISS"
    assert (await ask(proxy, body=dict(reversed(CHAT.items()))))[1] == "HIT"


async def test_refresh_asks_again_and_stores(proxy: Proxy, provider: Provider) -> None:
    json_type = [("Content-Type", "application/json")]
    for text in (b'{"id":"1"}', b'{"id":"2"}'):
        provider.reply(reply(200, json_type, text))
    assert await ask(proxy) == (200, "MISS", b'{"id":"1"}')
    assert await ask(proxy, headers={**SIMPLE, "x-portkey-cache-force-refresh": "false"}) == (200, "HIT", b'{"id":"1"}')
    assert await ask(proxy, headers={**SIMPLE, "x-portkey-cache-force-refresh": "true"}) == (200, "REFRESH", b'{"id":"2"}')
    assert await ask(proxy) == (200, "HIT", b'{"id":"2"}')


async def test_errors_are_not_kept(proxy: Proxy, provider: Provider) -> None:
    provider.reply(error(429, "slower"))
    assert (await ask(proxy))[:2] == (429, "MISS")
    assert (await ask(proxy))[:2] == (200, "MISS")
    assert (await ask(proxy))[:2] == (200, "HIT")


async def test_a_stream_is_replayed_as_a_stream(proxy: Proxy, provider: Provider) -> None:
    provider.always(sse(STREAM))
    body = {**CHAT, "stream": True}
    seen = [await ask(proxy, body) for _ in range(2)]
    assert [status for _, status, _ in seen] == ["MISS", "HIT"]
    assert seen[0][2] == seen[1][2] == b"".join(STREAM[:2] + STREAM[3:])  # the usage was Tracer's wish, not the client's
    assert len(provider.requests) == 1
    for exchange in await proxy.exchanges(2):
        assert exchange.response.head == b"".join(STREAM)
        assert exchange.usage_requested_by_us
    asking = {**body, "stream_options": {"include_usage": True}}
    status, cache, got = await ask(proxy, asking)
    assert (status, cache) == (200, "HIT")
    assert got == b"".join(STREAM)  # this client asked


async def test_a_cut_stream_is_not_kept(proxy: Proxy, provider: Provider) -> None:
    provider.reply(sse(STREAM[:2]))
    body = {**CHAT, "stream": True}
    assert (await ask(proxy, body))[1] == "MISS"
    provider.always(sse(STREAM))
    assert (await ask(proxy, body))[1] == "MISS"
    assert (await ask(proxy, body))[1] == "HIT"


async def test_identical_calls_in_flight_ask_once(proxy: Proxy, provider: Provider) -> None:
    provider.always(reply(200, [("Content-Type", "application/json")], [b'{"id":', b'"1"}'], every_s=0.2))
    seen = await asyncio.gather(*[ask(proxy) for _ in range(8)])
    assert {got for _, _, got in seen} == {b'{"id":"1"}'}
    assert sorted(status for _, status, _ in seen) == ["HIT"] * 7 + ["MISS"]
    assert len(provider.requests) == 1
    assert len(await proxy.exchanges(8)) == 8


async def test_what_is_not_cacheable_passes(proxy: Proxy, provider: Provider) -> None:
    for _ in range(2):
        assert (await ask(proxy, path="audio/speech"))[1] == "DISABLED"
    assert len(provider.requests) == 2


async def test_semantic_is_simple_and_says_so(proxy: Proxy, provider: Provider) -> None:
    headers = {"x-portkey-config": json.dumps({"cache": {"mode": "semantic"}})}
    assert [(await ask(proxy, headers=headers))[1] for _ in range(2)] == ["MISS", "HIT"]
    for exchange in await proxy.exchanges(2):
        assert "cache.mode semantic is treated as simple" in exchange.notes


async def test_not_for_calls_that_must_not_be_kept(proxy: Proxy, provider: Provider) -> None:
    for _ in range(2):
        assert (await ask(proxy, headers={**SIMPLE, "x-portkey-debug": "false"}))[1] == "DISABLED"
    assert len(provider.requests) == 2
