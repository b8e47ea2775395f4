"""The clients' side of the proxy: connections, their order, and their end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.provider import Provider, echo, never, reply
from tests.proxy.conftest import Proxy, Start
from tracer.proxy import client
from tracer.records import Outcome


class Raw:
    """A client that writes bytes and reads replies one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def head(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def reply(self) -> tuple[bytes, bytes]:
        head = await self.head()
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return head, await self.reader.readexactly(int(length.partition(b":")[2]))

    async def end(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()


@pytest.fixture
async def raw(proxy: Proxy) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield Raw(reader, writer)
    writer.close()


async def asked(provider: Provider) -> None:
    """Wait until a request has arrived, answered or not."""
    async with asyncio.timeout(10):
        while not provider.requests:
            await asyncio.sleep(0.01)


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: h", *headers, "", ""]).encode()


async def test_pipelined_requests_are_answered_in_their_order(proxy: Proxy, provider: Provider, raw: Raw) -> None:
    count = 2 * client.MOST_WAITING + 3
    provider.always(echo)
    raw.writer.write(b"".join(get(f"/v1/models?after={n}") for n in range(count)))
    for _ in range(count):
        head, _ = await raw.reply()
        assert head.startswith(b"HTTP/1.1 200 ")
    assert [request.target for request in provider.requests] == [f"/v1/models?after={n}" for n in range(count)]
    await proxy.exchanges(count)


async def test_a_client_that_waits_for_permission_gets_it(proxy: Proxy, provider: Provider, raw: Raw) -> None:
    raw.writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        b"Content-Length: 14\r\nExpect: 100-continue\r\n\r\n"
    )
    assert await raw.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    raw.writer.write(b'{"model": "m"}')
    head, _ = await raw.reply()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert bytes(provider.requests[0].body) == b'{"model": "m"}'
    assert provider.requests[0].header("Expect") is None


async def test_no_permission_where_the_body_is_refused(proxy: Proxy, raw: Raw) -> None:
    raw.writer.write(b"POST /v1/files HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n")
    head, _ = await raw.reply()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in head


async def test_an_upgrade_that_is_no_websocket_is_an_ordinary_request(proxy: Proxy, raw: Raw) -> None:
    for request in (get("/v1/models", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), get("/v1/models")):
        raw.writer.write(request)
        head, _ = await raw.reply()
        assert head.startswith(b"HTTP/1.1 200 ")
    await proxy.exchanges(2)


async def test_a_declined_websocket_leaves_the_connection_usable(proxy: Proxy, raw: Raw) -> None:
    upgrade = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    raw.writer.write(get("/health", *upgrade) + get("/health"))
    for _ in range(2):
        head, body = await raw.reply()
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b'"ok"' in body


async def test_what_is_not_http_is_answered_in_its_turn(proxy: Proxy, raw: Raw) -> None:
    raw.writer.write(get("/health"))
    head, _ = await raw.reply()
    assert head.startswith(b"HTTP/1.1 200 ")
    raw.writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    head, _ = await raw.reply()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert await raw.end() == b""


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch, start_proxy: Start, provider: Provider) -> None:
    monkeypatch.setattr(client, "IDLE_SECONDS", 0.2)
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: h\r\nX-Slow: lor")  # never its end
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


async def test_a_call_that_takes_longer_than_the_idle_limit_goes_on(
    monkeypatch: pytest.MonkeyPatch, start_proxy: Start, provider: Provider
) -> None:
    monkeypatch.setattr(client, "IDLE_SECONDS", 0.05)
    provider.always(reply(200, [("Content-Type", "application/json")], [b"{", b"}"], every_s=0.3))
    async with (
        start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy,
        proxy.client.get(f"{proxy.url}/v1/models") as got,
    ):
        assert await got.read() == b"{}"


async def test_stopping_ends_idle_connections_and_lets_calls_end(start_proxy: Start, provider: Provider) -> None:
    provider.always(reply(200, [("Content-Type", "application/json")], [b"{", b"}"], every_s=0.3))
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        idle = await asyncio.open_connection("127.0.0.1", proxy.port)
        busy = Raw(*await asyncio.open_connection("127.0.0.1", proxy.port))
        busy.writer.write(get("/v1/models"))
        await asked(provider)
    head, body = await busy.reply()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"{}"
    assert await busy.end() == b""
    assert await idle[0].read() == b""
    idle[1].close()
    busy.writer.close()


async def test_a_call_that_does_not_end_in_the_grace_is_recorded(start_proxy: Start, provider: Provider) -> None:
    provider.always(never())
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(get("/v1/models"))
        await asked(provider)
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type) == (Outcome.UPSTREAM_ERROR, "shutdown")
    assert await reader.read() == b""
    writer.close()
