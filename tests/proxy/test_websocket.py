"""WebSockets pass both ways as messages, end as they were ended, and leave one exchange with counts."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import openai
import pytest

from tests.provider import Provider, WebSocketEcho, error, hang_up, reply
from tests.provider.realtime import CLOSE_CODE
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

PATH = "/v1/realtime?model=gpt-realtime"


def connect(proxy: Proxy, path: str = PATH, **options: Any) -> Any:
    return proxy.client.ws_connect(proxy.url + path, **options)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("path", [PATH, "/v1/responses"])
async def test_text_and_binary_pass_both_ways(proxy: Proxy, provider: Provider, deflate: bool, path: str) -> None:
    provider.always(WebSocketEcho(deflate=deflate, greeting="hello"))
    messages: list[str | bytes] = ["ä" * 70_000, b"\x00\xff" * 70_000, "", b"", '{"type":"session.update"}']
    async with connect(proxy, path, compress=15 if deflate else 0) as socket:
        assert await socket.receive_str() == "hello"
        for message in messages:
            if isinstance(message, str):
                await socket.send_str(message)
                assert await socket.receive_str() == message
            else:
                await socket.send_bytes(message)
                assert await socket.receive_bytes() == message
    (request,) = await provider.received(1)
    assert request.messages == messages
    exchange = await proxy.exchange()
    assert (exchange.websocket, exchange.status, exchange.outcome) == (True, 101, Outcome.OK)
    assert (exchange.path, exchange.method) == (path, "GET")
    size = sum(len(m.encode() if isinstance(m, str) else m) for m in messages)
    assert (exchange.messages_up, exchange.messages_down) == (len(messages), len(messages) + 1)
    assert (exchange.request.size, exchange.response.size) == (size, size + len("hello"))
    assert (exchange.request.head, exchange.response.head) == (b"", b"")
    assert 0 < exchange.headers_ns < exchange.first_byte_ns < exchange.upstream_end_ns <= exchange.end_ns


async def test_handshake_headers_pass_and_ours_come_back(proxy: Proxy, provider: Provider) -> None:
    headers = {"OpenAI-Beta": "realtime=v1", "Authorization": "Bearer sk-own-key-123", "x-portkey-trace-id": "1729"}
    async with connect(proxy, headers=headers, protocols=["realtime", "other"]) as socket:
        assert socket.protocol == "realtime"
        response = socket._response
        assert response.headers["x-portkey-trace-id"] == "1729"
    (request,) = await provider.received(1)
    assert request.target == PATH
    assert request.header("openai-beta") == "realtime=v1"
    assert request.header("authorization") == "Bearer sk-own-key-123"
    assert (request.header("sec-websocket-protocol") or "").replace(" ", "") == "realtime,other"
    assert request.header("x-portkey-trace-id") is None
    exchange = await proxy.exchange()
    assert response.headers["x-tracer-call-id"] == str(exchange.call_id)
    assert exchange.trace.trace_id == "1729"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_clients_close_code_reaches_the_provider(proxy: Proxy, provider: Provider, code: int) -> None:
    async with connect(proxy) as socket:
        await socket.send_str("a")
        await socket.receive_str()
        await socket.close(code=code)
        assert socket.close_code == code
    await provider.received(1)
    assert (await proxy.exchange()).outcome is Outcome.OK


async def test_the_providers_close_code_reaches_the_client(proxy: Proxy) -> None:
    async with connect(proxy) as socket:
        await socket.send_str("close")
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, CLOSE_CODE)
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.messages_up, exchange.messages_down) == (Outcome.OK, 1, 0)


async def test_a_provider_that_dies_is_not_a_normal_end(proxy: Proxy) -> None:
    async with connect(proxy) as socket:
        await socket.send_str("a")
        assert await socket.receive_str() == "a"
        await socket.send_str("drop")
        message = await socket.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert socket.close_code not in (None, 1000, 1001)
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type) == (Outcome.STREAM_ERROR, "websocket_closed")
    assert (exchange.messages_up, exchange.messages_down) == (2, 1)


async def test_a_client_that_dies_takes_the_provider_with_it(proxy: Proxy, provider: Provider) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(proxy.url + PATH)
        await socket.send_str("a")
        await socket.receive_str()
        assert socket._response.connection is not None
        transport = socket._response.connection.transport
        assert transport is not None
        transport.abort()
        exchange = await proxy.exchange()
    assert exchange.outcome is Outcome.CLIENT_GONE
    assert exchange.client_gone_ns > 0
    await provider.received(1)


@pytest.mark.parametrize(
    ("script", "status", "outcome"),
    [
        (error(401, "Incorrect API key"), 401, Outcome.UPSTREAM_ERROR),
        (error(404, "no such model"), 404, Outcome.UPSTREAM_ERROR),
        (error(503, "busy"), 503, Outcome.UPSTREAM_ERROR),
        (reply(200, body=b"{}"), 502, Outcome.UPSTREAM_ERROR),  # not an upgrade at all
        (hang_up(), 502, Outcome.UPSTREAM_ERROR),
    ],
)
async def test_a_provider_that_refuses(proxy: Proxy, provider: Provider, script: Any, status: int, outcome: Outcome) -> None:
    provider.always(lambda request: script)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await connect(proxy)
    assert caught.value.status == status
    assert caught.value.headers is not None
    assert caught.value.headers["x-portkey-trace-id"]
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.status, exchange.websocket) == (outcome, status, True)
    assert exchange.error_type


async def test_a_provider_that_is_not_there(start_proxy: Start, free_port: Callable[[], int]) -> None:
    async with start_proxy(TRACER_UPSTREAM=f"http://127.0.0.1:{free_port()}/v1") as proxy:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await connect(proxy)
        assert caught.value.status == 502
        assert (await proxy.exchange()).error_type == "connect_refused"


async def test_an_unknown_provider_is_refused_before_anything(proxy: Proxy, provider: Provider) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await connect(proxy, headers={"x-portkey-provider": "nonesuch"})
    assert caught.value.status == 400
    assert not provider.requests
    assert (await proxy.exchange()).outcome is Outcome.REFUSED


async def test_messages_come_as_they_are_sent(proxy: Proxy) -> None:
    """Many messages without waiting for an answer: all arrive, in order."""
    async with connect(proxy) as socket, asyncio.timeout(20):
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(_send(socket, 500))
            got = [await socket.receive_str() for _ in range(500)]
        assert sending.done()
    assert got == [str(number) for number in range(500)]
    assert (await proxy.exchange()).messages_down == 500


async def _send(socket: aiohttp.ClientWebSocketResponse, count: int) -> None:
    for number in range(count):
        await socket.send_str(str(number))


async def test_openai_sdks_realtime_client(proxy: Proxy) -> None:
    async with (
        asyncio.timeout(10),
        openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="sk-some-key-1", max_retries=0) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        await connection.send({"type": "session.update", "session": {"type": "realtime", "instructions": "hi"}})  # type: ignore[typeddict-item]
        assert b'"session.update"' in await connection.recv_bytes()
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.messages_up, exchange.messages_down) == (Outcome.OK, 1, 1)
