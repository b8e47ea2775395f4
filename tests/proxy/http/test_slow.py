"""Whoever is slow waits for itself alone: what it does not take is not fetched, and costs a buffer each, not a body.

Memory is the worker process's own, before and after, with more bytes in play than it may grow by.
"""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.provider import Provider, chunk, huge, pattern, reply
from tests.proxy.http.conftest import LARGEST_BODY, Worker
from tests.proxy.http.wire import request, wire
from tracer.records import Outcome

MIB = 1 << 20
CHUNKED = "Transfer-Encoding: chunked"
# What may wait on the way of one call: some buffers and the bounded copy in the worker, and the kernel's on both sides of it.
IN_THE_WORKER = 2 * MIB
ON_THE_WAY = 16 * MIB


async def settled(provider: Provider) -> None:
    """Wait until the provider can send no more."""
    before = -1
    while before != (before := sum(one.sent for one in provider.requests)):
        await asyncio.sleep(0.05)


async def fetched(worker: Worker) -> None:
    """Somebody else's call goes through meanwhile."""
    async with wire(worker.port) as client:
        await client.write(request(target="/v1/other"))
        assert (await client.answer()).body == b"other"


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_client_that_reads_slowly(worker: Worker, provider: Provider, framing: str) -> None:
    provider.always(reply(200, [], b"other"), "/v1/other")
    provider.reply(huge(48 * MIB, framing="length" if framing == "length" else "chunked"))
    before = worker.memory
    async with wire(worker.port, receive_buffer=8192) as client:
        await client.write(request())
        await client.reader.readuntil(b"\r\n\r\n")
        for _ in range(3):
            await client.reader.read(5_000)
            await settled(provider)
        assert provider.requests[0].sent < ON_THE_WAY
        assert worker.memory - before < 2 * IN_THE_WORKER
        await fetched(worker)
    await provider.until(lambda: provider.requests[0].client_gone)


async def test_a_slow_client_gets_every_byte(worker: Worker, provider: Provider) -> None:
    provider.reply(huge(2 * MIB))
    async with wire(worker.port, receive_buffer=8192) as client:
        await client.write(request())
        await client.reader.readuntil(b"\r\n\r\n")
        got = bytearray()
        while len(got) < 2 * MIB:
            got += await client.reader.read(100_000)
            if len(got) % 7 == 0:
                await asyncio.sleep(0.001)
    assert bytes(got) == b"".join(pattern(2 * MIB))


async def test_many_clients_that_do_not_read(worker: Worker, provider: Provider) -> None:
    count = 24
    provider.always(huge(16 * MIB))
    before = worker.memory
    async with AsyncExitStack() as several:
        for _ in range(count):
            client = await several.enter_async_context(wire(worker.port, receive_buffer=8192))
            await client.write(request())
        await provider.until(lambda: len(provider.requests) == count)
        await settled(provider)
        assert worker.memory - before < count * IN_THE_WORKER


async def test_a_client_that_asks_and_does_not_read(worker: Worker, provider: Provider) -> None:
    """Pipelined: the second request is not even asked while the first reply is not taken."""
    provider.always(huge(4 * MIB))
    before = worker.memory
    async with wire(worker.port, receive_buffer=8192) as client:
        client.writer.write(request() * 2_000)
        await provider.until(lambda: len(provider.requests) == 1)
        await settled(provider)
        assert len(provider.requests) <= 2
        assert worker.memory - before < 2 * IN_THE_WORKER


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_provider_that_reads_slowly(worker: Worker, provider: Provider, framing: str) -> None:
    """Uploads wait at the client; so does what each has sent of its body."""
    count, size = 12, LARGEST_BODY
    provider.uploads.clear()
    before = worker.memory
    body = chunk(b"x" * (size // 2)) * 2 + b"0\r\n\r\n" if framing == "chunked" else b"x" * size
    async with AsyncExitStack() as several:
        clients = [await several.enter_async_context(wire(worker.port)) for _ in range(count)]
        framed = CHUNKED if framing == "chunked" else f"Content-Length: {size}"
        for client in clients:
            client.writer.write(request("POST", "/v1/files", [framed]) + body)
        await provider.until(lambda: len(provider.requests) == count)
        await asyncio.sleep(0.2)
        grown = worker.memory - before
        provider.uploads.set()
        for client in clients:
            assert (await client.answer()).status < 500
    assert grown < count * IN_THE_WORKER
    assert all(len(one.body) == size for one in provider.requests)


async def test_a_request_that_takes_its_time(worker: Worker, provider: Provider) -> None:
    """A body a few bytes at a time, while others ask: it goes up as it comes."""
    provider.always(reply(200, [], b"other"), "/v1/other")
    async with wire(worker.port) as client:
        await client.write(request("POST", "/v1/files", [CHUNKED]))
        for number in range(20):
            await client.write(chunk(b"%03d" % number))
            await provider.until(lambda size=3 * number + 3: any(len(one.body) == size for one in provider.requests))
            if number % 5 == 0:
                await fetched(worker)
        await client.write(b"0\r\n\r\n")
        got = await client.answer()
    found = await worker.recorded(got.call_id)
    assert found.request.head == b"".join(b"%03d" % number for number in range(20))
    assert found.outcome in (Outcome.OK, Outcome.UPSTREAM_ERROR)
    assert found.request_end_ns >= found.sent_ns
