"""What passes through passes unchanged, both ways, and each call leaves exactly one exchange."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from io import BytesIO

import aiohttp
import pytest
from yarl import URL

from tests.provider import Provider, Reply, echo, gzipped, huge, pattern, reply, sse
from tests.provider.replies import Step
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


async def test_json_call_passes_and_is_recorded(proxy: Proxy, provider: Provider) -> None:
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT) as got:
        body = await got.read()
    async with proxy.client.post(f"{provider.url}/v1/chat/completions", json=CHAT) as direct:
        expected = await direct.read()
    assert got.status == direct.status == 200
    assert len(body) == len(expected)
    exchange = await proxy.exchange()
    assert exchange.outcome is Outcome.OK
    assert exchange.response.head == body
    assert exchange.status == 200
    assert (exchange.provider, exchange.door, exchange.path) == ("openai", "openai", "/v1/chat/completions")
    assert exchange.upstream == provider.url.removeprefix("http://")
    assert 0 < exchange.request_end_ns <= exchange.sent_ns <= exchange.headers_ns <= exchange.first_byte_ns
    assert exchange.first_byte_ns <= exchange.upstream_end_ns <= exchange.end_ns
    assert exchange.connect_ns > 0


async def test_request_arrives_as_sent(proxy: Proxy, provider: Provider) -> None:
    provider.always(echo)
    raw = b'{ "model":"m", "n":1.0,  "big":12345678901234567890123, "u":"\\u00e9", "messages":[], "x_unknown":{"a":[null]} }'
    headers = {
        "Content-Type": "application/json",
        "X-Custom-Thing": "Kept As Is",
        "Authorization": "Bearer sk-caller-key-1",
        "OpenAI-Organization": "org",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "goes no further",
        "TE": "trailers",
        "x-portkey-metadata": '{"a":"b"}',
        "X-Portkey-Api-Key": "pk-portkey-key-1",
    }
    url = URL(f"{proxy.url}/v1/chat/completions?beta=true&q=a%2Fb+c", encoded=True)
    async with proxy.client.post(url, data=raw, headers=headers) as got:
        assert got.status == 200
    (request,) = provider.requests
    assert request.target == "/v1/chat/completions?beta=true&q=a%2Fb+c"
    assert bytes(request.body) == raw
    names = ["Content-Type", "X-Custom-Thing", "Authorization", "OpenAI-Organization", "Accept-Encoding", "Content-Length"]
    assert [name for name, _ in request.headers] == ["Host", *names]
    assert request.header("Host") == provider.url.removeprefix("http://")
    assert request.header("X-Custom-Thing") == "Kept As Is"
    exchange = await proxy.exchange()
    assert exchange.request.head == raw
    assert exchange.path == "/v1/chat/completions?beta=true&q=***"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_every_method_and_unknown_paths(proxy: Proxy, provider: Provider, method: str) -> None:
    provider.always(
        reply(207, [("X-Some", "a"), ("x-some", "b"), ("Content-Type", "text/x-odd")], b"" if method == "HEAD" else b"body")
    )
    async with proxy.client.request(method, f"{proxy.url}/v1/no/such/thing%20here") as got:
        body = await got.read()
    assert got.status == 207
    assert got.headers.getall("X-Some") == ["a", "b"]
    assert got.headers["Content-Type"] == "text/x-odd"
    assert body == (b"" if method == "HEAD" else b"body")
    assert provider.requests[0].target == "/v1/no/such/thing%20here"
    assert provider.requests[0].method == method
    exchange = await proxy.exchange()
    assert (exchange.method, exchange.status, exchange.outcome) == (method, 207, Outcome.OK)


async def test_reply_headers_are_the_providers(proxy: Proxy, provider: Provider) -> None:
    sent = [
        ("Content-Type", "application/json"),
        ("X-Request-Id", "req_1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("openai-processing-ms", "12"),
        ("x-portkey-trace-id", "of another gateway"),
    ]
    provider.always(reply(200, sent, b"{}"))
    async with proxy.client.get(f"{proxy.url}/v1/models", headers={"x-portkey-trace-id": "mine"}) as got:
        await got.read()
    names = [name.decode() for name, _ in got.raw_headers]
    assert names == [
        "Content-Type",
        "X-Request-Id",
        "Set-Cookie",
        "Set-Cookie",
        "openai-processing-ms",
        "Content-Length",
        "x-portkey-trace-id",
        "x-tracer-call-id",
        "x-portkey-cache-status",
    ]
    assert got.headers["x-portkey-trace-id"] == "mine"
    assert got.headers["x-portkey-cache-status"] == "DISABLED"
    exchange = await proxy.exchange()
    assert got.headers["x-tracer-call-id"] == str(exchange.call_id)
    assert dict(exchange.response_headers)["set-cookie"] == "***"


@pytest.mark.parametrize("status", [204, 304])
async def test_replies_without_a_body(proxy: Proxy, provider: Provider, status: int) -> None:
    provider.always(reply(status, [("ETag", '"x"')], framing="none"))
    async with proxy.client.get(f"{proxy.url}/v1/models") as got:
        assert await got.read() == b""
    assert (got.status, got.headers["ETag"]) == (status, '"x"')
    assert "Content-Type" not in got.headers
    assert (await proxy.exchange()).outcome is Outcome.OK


async def test_head_keeps_the_length_of_the_body_it_does_not_have(proxy: Proxy, provider: Provider) -> None:
    provider.always(reply(200, [("Content-Length", "1234"), ("Content-Type", "application/json")], framing="none"))
    async with proxy.client.head(f"{proxy.url}/v1/models/x") as got:
        assert got.headers["Content-Length"] == "1234"
    assert (await proxy.exchange()).response.size == 0


async def test_compressed_reply_stays_compressed(proxy: Proxy, provider: Provider) -> None:
    plain = b'{"object":"list","data":[]}' * 50
    provider.always(gzipped(plain))
    async with proxy.client.get(f"{proxy.url}/v1/models", headers={"Accept-Encoding": "gzip"}) as got:
        body = await got.read()
    assert got.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == plain
    assert (await proxy.exchange()).response.head == body


async def test_binary_reply_of_64_mib_and_back_pressure(proxy: Proxy, provider: Provider) -> None:
    """A client that does not read stops the provider's writing: what is under way stays small."""
    provider.always(huge(64 << 20))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1 << 14)
    writer.write(b"GET /v1/files/f/content HTTP/1.1\r\nHost: x\r\n\r\n")
    await provider.received(0)
    await provider.until(lambda: bool(provider.requests) and provider.requests[0].sent > 0)
    seen = -1
    while seen != (now := provider.requests[0].sent):  # until the writing has come to rest
        seen = now
        await asyncio.sleep(0.3)
    assert seen < 32 << 20
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"200" in head
    rest = 64 << 20
    expected = iter(pattern(64 << 20))
    piece = b""
    while rest:
        data = await reader.read(1 << 16)
        assert data
        while len(piece) < len(data):
            piece += next(expected)
        assert piece.startswith(data)
        piece = piece[len(data) :]
        rest -= len(data)
    writer.close()
    exchange = await proxy.exchange()
    assert exchange.response.size == 64 << 20
    assert exchange.response.truncated
    assert len(exchange.response.head) <= proxy.settings.capture_bytes


async def test_upload_in_pieces_and_back_pressure(proxy: Proxy, provider: Provider) -> None:
    provider.always(lambda request: reply(200, body=b"%d" % len(request.body)))
    provider.uploads.clear()
    taken = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(256):
            yield b"u" * (128 << 10)
            taken += 128 << 10

    async with asyncio.TaskGroup() as group:
        call = group.create_task(proxy.client.post(f"{proxy.url}/v1/files", data=pieces()))
        seen = -1
        while seen != taken or not taken:
            seen = taken
            await asyncio.sleep(0.3)
        assert taken < 24 << 20
        provider.uploads.set()
        got = await call
    assert await got.text() == str(32 << 20)
    assert (await proxy.exchange()).request.size == 32 << 20


async def test_multipart_upload(proxy: Proxy, provider: Provider) -> None:
    form = aiohttp.FormData()
    form.add_field("purpose", "batch")
    form.add_field("file", b"\x00\xff" * 300_000, filename="a.bin", content_type="application/octet-stream")
    async with proxy.client.post(f"{proxy.url}/v1/files", data=form) as got:
        assert got.status == 200
    assert b"\x00\xff" * 300_000 in bytes(provider.requests[0].body)


async def test_body_over_the_limit_is_refused(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_MAX_REQUEST_BYTES="1MiB") as proxy:
        for data in (BytesIO(b"x" * ((1 << 20) + 1)), _many(b"y" * 65536, 40)):
            async with proxy.client.post(f"{proxy.url}/v1/files", data=data) as got:
                assert got.status == 413
                assert "TRACER_MAX_REQUEST_BYTES" in (await got.json())["error"]["message"]
                assert got.headers["x-portkey-trace-id"]
        found = await proxy.exchanges(2)
    assert [(e.outcome, e.error_type, e.status) for e in found] == [(Outcome.REFUSED, "body_too_large", 413)] * 2


async def _many(piece: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield piece


async def test_stream_arrives_piece_by_piece(proxy: Proxy, provider: Provider) -> None:
    gate = asyncio.Event()
    events = [b'data: {"a":%d}\n\n' % i for i in range(3)]
    provider.always(gated(events, gate))
    async with proxy.client.post(f"{proxy.url}/v1/responses", json={"stream": True}) as got:
        assert await got.content.readany() == events[0]  # while the provider waits for us
        gate.set()
        assert await got.content.read() == b"".join(events[1:])
    exchange = await proxy.exchange()
    assert exchange.response.head == b"".join(events)
    assert len(exchange.chunks.length) // 4 >= 2


def gated(events: list[bytes], gate: asyncio.Event) -> Reply:
    """An event stream that waits for `gate` after its first event."""
    whole = sse(events)

    def steps() -> Iterator[Step]:
        for i, step in enumerate(whole.body()):
            if i == 1:
                yield gate
            yield step

    return replace(whole, body=steps)


async def test_client_that_leaves_cancels_the_upstream_call(proxy: Proxy, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.always(gated([b"data: 1\n\n", b"data: 2\n\n"], gate))
    async with proxy.client.post(f"{proxy.url}/v1/responses", json={"stream": True}) as got:
        await got.content.readany()
        got.close()
    await provider.until(lambda: provider.requests[0].client_gone)
    exchange = await proxy.exchange()
    assert exchange.outcome is Outcome.CLIENT_GONE
    assert exchange.client_gone_ns > 0
    assert exchange.response.head == b"data: 1\n\n"


async def test_client_that_leaves_before_the_reply_cancels_the_upstream_call(proxy: Proxy, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.always(reply(200, body=b"{}").held(gate))
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
    await provider.received(0)
    await provider.until(lambda: bool(provider.requests))
    writer.close()
    await provider.until(lambda: provider.requests[0].client_gone)
    assert (await proxy.exchange()).outcome is Outcome.CLIENT_GONE


async def test_connections_are_reused_and_survive_failures(proxy: Proxy, provider: Provider) -> None:
    for script in (None, reply(500, body=b"{}"), None, reply(200, body=b"x" * 100).cut(50), None):
        if script:
            provider.reply(script)
        async with proxy.client.get(f"{proxy.url}/v1/models") as got:
            await got.read()
    assert [e.status for e in await proxy.exchanges(5)] == [200, 500, 200, 502, 200]
    assert provider.connections == 2
