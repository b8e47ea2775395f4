"""Scale SGP's door on a running proxy."""

import json

from tests.provider import Provider, hang_up, reply, sse
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"x-api-key": "sgp-secret-key-0123456789"}


async def test_a_call_in_sgps_dialect(proxy: Proxy, provider: Provider) -> None:
    sent = {
        **CHAT,
        "memory_strategy": {"k": 1, "name": "last_k"},
        "inference_timeout": "30",
        "inference_extra_headers": {"X-Extra": "value-not-to-be-kept"},
        "top_k": 5,
    }
    headers = {**KEY, "x-openai-api-key": "sk-callers-own-openai-key"}
    async with proxy.client.post(f"{proxy.url}/v4/beta/chat/completions", json=sent, headers=headers) as got:
        assert got.status == 200
        assert got.headers["x-portkey-trace-id"]
    (request,) = provider.requests
    assert request.target == "/v1/chat/completions"
    body = json.loads(request.body)
    assert body == {"model": "gpt-4o-mini", "messages": CHAT["messages"]}
    assert request.header("Authorization") == "Bearer sk-callers-own-openai-key"
    assert request.header("X-Extra") == "value-not-to-be-kept"
    assert request.header("x-api-key") is None
    exchange = await proxy.exchange()
    assert exchange.door == "scale"
    assert any("top_k" in note for note in exchange.notes)
    original = json.loads(exchange.original.head)
    assert original["memory_strategy"] == sent["memory_strategy"]
    for secret in (b"value-not-to-be-kept", b"sgp-secret-key", b"sk-callers-own"):
        assert secret not in exchange.original.head + exchange.request.head + repr(exchange).encode()


async def test_a_stream_ends_without_the_sentinel(proxy: Proxy, provider: Provider) -> None:
    pieces = [b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n', b"data: [DONE]\n\n"]
    provider.always(sse(pieces))
    async with proxy.client.post(f"{proxy.url}/v5/chat/completions", json={**CHAT, "stream": True}, headers=KEY) as got:
        assert await got.read() == pieces[0]
    exchange = await proxy.exchange()
    assert exchange.response.head == b"".join(pieces)
    assert exchange.outcome is Outcome.OK


async def test_errors_have_fastapis_shape(proxy: Proxy, provider: Provider) -> None:
    async with proxy.client.post(f"{proxy.url}/v4/beta/chat/completions", json={"model": 1}, headers=KEY) as got:
        assert got.status == 422
        detail = (await got.json())["detail"]
    assert {tuple(one["loc"]) for one in detail} >= {("body", "messages")}
    provider.reply(hang_up())
    async with proxy.client.post(f"{proxy.url}/v4/beta/chat/completions", json=CHAT, headers=KEY) as got:
        assert got.status == 502
        assert isinstance((await got.json())["detail"], str)
    async with proxy.client.post(
        f"{proxy.url}/v4/beta/chat/completions", data=b"{", headers={"Content-Type": "application/json"}
    ) as got:
        assert got.status in (400, 422)
        assert "detail" in await got.json()
    assert len(await proxy.exchanges(3)) == 3


async def test_models_as_sgp_lists_them(start_proxy: Start, provider: Provider) -> None:
    provider.always(reply(200, [("Content-Type", "application/json")], b'{"object":"list","data":[{"id":"b"},{"id":"a"}]}'))
    async with (
        start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy,
        proxy.client.get(f"{proxy.url}/v5/chat/completions/models?model_vendor=openai&sort_by=model_name", headers=KEY) as got,
    ):
        assert got.status == 200
        listed = await got.json()
    assert [item["model_name"] for item in listed["items"]] == ["a", "b"]
    assert provider.requests[0].target == "/v1/models"
    assert provider.requests[0].header("x-api-key") is None
