"""Connections that are kept busy with next to nothing: each costs little and is closed in time; others are served meanwhile."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import pytest

from tests.provider import Provider, reply
from tests.proxy.conftest import Proxy, Start
from tests.proxy.http.conftest import Worker, process, worker  # noqa: F401  (fixtures)
from tests.proxy.http.wire import request, wire
from tracer.proxy import client

pytestmark = pytest.mark.timeout(60)

COUNT = 400
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def provider(process: Worker):  # type: ignore[no-untyped-def]  # noqa: F811
    """On the port that the worker knows."""
    async with Provider.start(process.provider_port) as running:
        yield running


@pytest.mark.parametrize("sent", [b"", b"GET /v1/models HTTP/1.1\r\nX-A: ", HEAD + b"Content-Length: 1000\r\n\r\n{"])
async def test_many_that_say_nothing_more(worker: Worker, provider: Provider, sent: bytes) -> None:  # noqa: F811
    provider.always(reply(200, [], b"served"))
    before = worker.memory
    async with AsyncExitStack() as several:
        held = [await several.enter_async_context(wire(worker.port)) for _ in range(COUNT)]
        for one in held:
            await one.write(sent)
        async with wire(worker.port) as other:
            await other.write(request())
            assert (await other.answer()).body == b"served"
        assert worker.memory - before < COUNT * (64 << 10)


async def dripping(proxy: Proxy, head: bytes) -> bytes:
    """What comes back to a client that sends a byte at a time and never comes to an end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

    async def drip() -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(head)
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)

    dropping = asyncio.ensure_future(drip())
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        dropping.cancel()
        writer.close()


async def test_a_head_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, start_proxy: Start) -> None:
    """Each byte more gives it no more time."""
    monkeypatch.setattr(client, "IDLE_SECONDS", 0.3)
    async with start_proxy() as proxy:
        assert await dripping(proxy, b"GET /v1/models HTTP/1.1\r\nX-Slow: ") == b""


@pytest.mark.parametrize("door", ["/v1/chat/completions", "/v1/files", "/v1/prompts"])
async def test_a_body_that_never_comes_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, start_proxy: Start, provider: Provider, door: str
) -> None:
    monkeypatch.setattr(client, "IDLE_SECONDS", 0.3)
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(HEAD.replace(b"/v1/chat/completions", door.encode()) + b"Content-Length: 1000\r\n\r\n{")
        try:
            async with asyncio.timeout(5):
                answer = await reader.read()
        finally:
            writer.close()
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert not any(one.complete for one in provider.requests)
