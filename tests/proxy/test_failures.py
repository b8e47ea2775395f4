"""Whatever goes wrong, the caller gets an error its SDK understands, or the provider's own cut, and one exchange is left."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import openai
import pytest

from tests.provider import FIN, RST, Provider, Reply, error, hang_up, never, rate_limited, raw, reply, sse
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

EVENTS = [b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', b"data: [DONE]\n\n"]


async def post(proxy: Proxy, body: Any = None, headers: dict[str, str] | None = None) -> tuple[aiohttp.ClientResponse, Any]:
    sent = {"model": "m", "messages": []} if body is None else body
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=sent, headers=headers) as got:
        return got, await got.json()


@pytest.mark.parametrize(
    ("script", "status", "outcome", "kind", "retry"),
    [
        (hang_up(RST), 502, Outcome.UPSTREAM_ERROR, "reset", "false"),
        (hang_up(FIN), 502, Outcome.UPSTREAM_ERROR, "disconnected", "false"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), 502, Outcome.UPSTREAM_ERROR, "bad_response", "false"),
        (reply(200, body=b"x" * 1000).cut(400, FIN), 502, Outcome.UPSTREAM_ERROR, "incomplete_body", "false"),
        (reply(200, body=b"x" * 1000).cut(10, FIN, of="head"), 502, Outcome.UPSTREAM_ERROR, "disconnected", "false"),
    ],
)
async def test_upstream_that_fails_before_its_reply_is_complete(
    proxy: Proxy, provider: Provider, script: Reply, status: int, outcome: Outcome, kind: str, retry: str
) -> None:
    provider.always(script)
    got, body = await post(proxy)
    assert got.status == status
    assert body["error"]["code"] == kind
    assert body["message"] == body["error"]["message"]
    assert got.headers["x-portkey-trace-id"]
    assert got.headers.get("x-should-retry") == retry
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type, exchange.status) == (outcome, kind, status)


async def test_upstream_that_refuses_connections(start_proxy: Start, free_port: Callable[[], int]) -> None:
    async with start_proxy(TRACER_UPSTREAM=f"http://127.0.0.1:{free_port()}/v1") as proxy:
        got, body = await post(proxy)
        assert (got.status, body["error"]["code"]) == (502, "connect_refused")
        assert got.headers["x-should-retry"] == "true"  # nothing was sent, so nothing can be billed twice
        assert (await proxy.exchange()).outcome is Outcome.UPSTREAM_ERROR


async def test_upstream_that_never_answers(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_RESPONSE_TIMEOUT="0.2") as proxy:
        provider.always(never())
        got, body = await post(proxy)
        assert (got.status, body["error"]["type"], body["error"]["code"]) == (408, "timeout_error", "response_timeout")
        assert got.headers["x-should-retry"] == "false"
        assert (await proxy.exchange()).outcome is Outcome.TIMEOUT
        await provider.until(lambda: provider.requests[0].client_gone)


@pytest.mark.parametrize("headers", [{"x-portkey-request-timeout": "100"}, {"x-portkey-config": '{"request_timeout": 100}'}])
async def test_callers_own_time_limit(proxy: Proxy, provider: Provider, headers: dict[str, str]) -> None:
    provider.always(never())
    got, body = await post(proxy, headers=headers)
    assert (got.status, body["error"]["code"]) == (408, "request_timeout")
    assert (await proxy.exchange()).outcome is Outcome.TIMEOUT


async def test_time_limit_is_for_the_head_only(proxy: Proxy, provider: Provider) -> None:
    provider.always(sse(EVENTS, every_s=0.3))
    url = f"{proxy.url}/v1/responses"
    async with proxy.client.post(url, json={"stream": True}, headers={"x-portkey-request-timeout": "200"}) as got:
        assert await got.read() == b"".join(EVENTS)
    assert (await proxy.exchange()).outcome is Outcome.OK


@pytest.mark.parametrize("ending", [RST, FIN])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_stream_cut_half_way_is_cut_for_the_client_too(
    proxy: Proxy, provider: Provider, ending: Any, framing: Any
) -> None:
    provider.always(sse(EVENTS * 3, framing=framing, every_s=0.02).cut(60, ending))
    got = b""
    with pytest.raises(aiohttp.ClientPayloadError):  # noqa: PT012
        async with proxy.client.post(f"{proxy.url}/v1/responses", json={"stream": True}) as response:
            async for piece in response.content.iter_any():
                got += piece
    assert got
    assert (EVENTS[0] + EVENTS[1]).startswith(got[:50])
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type, exchange.status) == (Outcome.STREAM_ERROR, exchange.error_type, 200)
    assert exchange.error_type in ("incomplete_body", "reset", "disconnected")
    assert exchange.response.head == got


async def test_broken_chunk(proxy: Proxy, provider: Provider) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    provider.always(raw(head, b"9\r\ndata: 1\n\n\r\n", 0.05, b"ZZZ\r\nnot a chunk\r\n"))
    with pytest.raises(aiohttp.ClientPayloadError):
        async with proxy.client.post(f"{proxy.url}/v1/responses", json={}) as got:
            await got.read()
    assert (await proxy.exchange()).outcome is Outcome.STREAM_ERROR


async def test_stalled_stream(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_RESPONSE_TIMEOUT="0.3") as proxy:
        from tests.provider import STALL

        provider.always(sse(EVENTS).cut(40, STALL))
        with pytest.raises(aiohttp.ClientPayloadError):
            async with proxy.client.post(f"{proxy.url}/v1/responses", json={}) as got:
                await got.read()
        assert (await proxy.exchange()).outcome is Outcome.TIMEOUT


async def test_error_of_the_provider_passes_with_its_headers(proxy: Proxy, provider: Provider) -> None:
    provider.always(rate_limited("7"))
    got, body = await post(proxy)
    assert (got.status, got.headers["retry-after"], body["error"]["message"]) == (429, "7", "Rate limit reached")
    assert "x-should-retry" not in got.headers
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type) == (Outcome.UPSTREAM_ERROR, "")


@pytest.mark.parametrize("body", [b"", b"{", b"not json", b'{"a":1}}', b"\xff\xfe"])
async def test_bad_json_where_json_is_needed(proxy: Proxy, provider: Provider, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", data=body or None, headers=headers) as got:
        if body:
            assert (got.status, (await got.json())["error"]["code"]) == (400, "bad_json")
    exchange = await proxy.exchange()
    if body:
        assert (exchange.outcome, exchange.error_type) == (Outcome.REFUSED, "bad_json")
        assert exchange.request.head == body
        assert not provider.requests


@pytest.mark.parametrize("body", [b'{"model":"m","x":NaN,"messages":[]}', b'{"model":"\\ud800","messages":[]}'])
async def test_json_that_only_some_parsers_take_is_for_the_provider_to_judge(
    proxy: Proxy, provider: Provider, body: bytes
) -> None:
    provider.always(error(400, "no"))
    headers = {"Content-Type": "application/json"}
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", data=body, headers=headers) as got:
        assert (await got.json())["error"]["message"] == "no"
    assert bytes(provider.requests[0].body) == body


@pytest.mark.parametrize(
    ("headers", "kind", "says"),
    [
        ({"x-portkey-provider": "nonesuch"}, "unknown_provider", "TRACER_UPSTREAM_NONESUCH"),
        ({"x-portkey-provider": "azure-openai"}, "unknown_provider", "TRACER_UPSTREAM_AZURE_OPENAI"),
        ({"x-portkey-custom-host": "http://127.0.0.1:1/v1"}, "custom_host_not_allowed", "TRACER_CUSTOM_HOSTS"),
        ({"x-portkey-custom-host": "ftp://h/v1"}, "custom_host_invalid", "https://host:port/v1"),
        ({"x-portkey-config": '{"custom_host":"http://10.0.0.1/v1"}'}, "custom_host_not_allowed", "TRACER_CUSTOM_HOSTS"),
    ],
)
async def test_upstream_that_cannot_be_chosen(proxy: Proxy, headers: dict[str, str], kind: str, says: str) -> None:
    got, body = await post(proxy, headers=headers)
    assert (got.status, body["error"]["code"], body["status"]) == (400, kind, "failure")
    assert says in body["message"]
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type, exchange.status) == (Outcome.REFUSED, kind, 400)


@pytest.mark.parametrize("path", ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/a/%252e%252e/b", "/v1/..%2fx"])
async def test_paths_that_climb_out_are_refused(proxy: Proxy, provider: Provider, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in (b"400", b"404")
    assert not provider.requests


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_method"),
        (b"GET /v1/models\r\n\r\n", 400, "bad_request_line"),
        (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""),
        (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, ""),
        (b"GET /v1/x HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", 400, ""),
        (b"GET /v1/x HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n", 431, "too_large"),
        (b"GET /v1/" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "too_large"),
    ],
)
async def test_what_never_became_a_request(
    proxy: Proxy, provider: Provider, request_bytes: bytes, status: int, reason: str
) -> None:
    from prometheus_client import REGISTRY

    def counted() -> float:
        return sum(
            sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
            if sample.name == "tracer_not_a_request_total" and reason in ("", sample.labels["reason"])
        )

    before = counted()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(request_bytes)
    answer = await reader.read()
    writer.close()
    assert int(answer.split()[1]) == status, answer
    assert b"x-portkey-trace-id: " in answer
    assert counted() == before + 1
    assert not provider.requests


async def test_openai_sdk_gets_its_own_exceptions(proxy: Proxy, provider: Provider) -> None:
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="sk-some-key", max_retries=0) as client:
        provider.always(hang_up())
        with pytest.raises(openai.InternalServerError, match="broke"):
            await client.chat.completions.create(model="m", messages=[])
        provider.always(error(401, "Incorrect API key provided"))
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
            await client.chat.completions.create(model="m", messages=[])
        with pytest.raises(openai.BadRequestError, match="nonesuch"):
            await client.chat.completions.create(model="m", messages=[], extra_headers={"x-portkey-provider": "nonesuch"})
    await proxy.exchanges(3)


async def test_unknown_paths_outside_the_api(proxy: Proxy) -> None:
    async with proxy.client.get(f"{proxy.url}/nothing") as got:
        assert got.status == 404
        assert got.headers["x-portkey-trace-id"]
        assert "/v1/" in (await got.json())["message"]
    async with proxy.client.get(f"{proxy.url}/health") as got:
        assert (await got.json())["status"] == "ok"
    async with proxy.client.get(f"{proxy.url}/ready") as got:
        assert got.status == 200
    async with proxy.client.get(f"{proxy.url}/metrics") as got:
        assert "tracer_calls_total" in await got.text()
