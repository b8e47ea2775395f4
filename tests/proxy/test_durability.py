"""`strict`: no client sees a complete answer that is not on disk. Here the commit is held back, and the client looked at."""

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import h11
import pytest

from tests.provider import FIN, Provider, reply, sse
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

EVENTS = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}}]}\n\ndata: [DONE]\n\n'
# A moment in which anything that is not held back would have arrived.
MOMENT_S = 0.15


class Disk:
    """fdatasync that waits until the test lets it go on, or refuses."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.commit = threading.Event()
        self.refuses = False

    def fdatasync(self, _file: int) -> None:
        self.asked.set()
        if self.refuses:
            raise OSError(28, "No space left on device")
        assert self.commit.wait(20)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk()
    monkeypatch.setattr(os, "fdatasync", made.fdatasync)
    yield made
    made.commit.set()


class Client:
    """A connection that takes what comes, so that one can see how far an answer has got."""

    def __init__(self, proxy: Proxy, body: bytes = b"{}", path: str = "/v1/responses") -> None:
        self.proxy = proxy
        self.got = b""
        self.ended = False
        self.request = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            path.encode(),
            len(body),
            body,
        )

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        self.writer.write(self.request)
        self.reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.reading

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(65536):
                self.got += data
        except ConnectionError:
            pass
        self.ended = True

    async def until(self, end: bytes) -> None:
        async with asyncio.timeout(10):
            while not self.got.endswith(end):
                await asyncio.sleep(0.005)


async def held_back(disk: Disk) -> None:
    """The record is on its way to the disk, and time has passed."""
    await asyncio.to_thread(disk.asked.wait, 10)
    await asyncio.sleep(MOMENT_S)


@pytest.fixture
async def strict(start_proxy: Start, provider: Provider) -> Any:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_DURABILITY="strict") as proxy:
        yield proxy


async def test_plain_reply(strict: Proxy, provider: Provider, disk: Disk) -> None:
    provider.always(reply(200, [("Content-Type", "application/json")], b'{"a":1}'))
    async with Client(strict) as client:
        await held_back(disk)
        assert not client.got.endswith(b"}")
        disk.commit.set()
        await client.until(b'{"a":1}')


async def test_long_reply_of_known_length(strict: Proxy, provider: Provider, disk: Disk) -> None:
    body = b"x" * (600 << 10)
    provider.always(reply(200, [], body))
    async with Client(strict) as client:
        await held_back(disk)
        assert not received(client.got)[1]
        disk.commit.set()
        async with asyncio.timeout(10):
            while received(client.got) != (body, True):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("body", [b"text", b"x" * 100_000])
async def test_chunked_reply(strict: Proxy, provider: Provider, disk: Disk, body: bytes) -> None:
    provider.always(reply(200, [], body, framing="chunked"))
    async with Client(strict) as client:
        await held_back(disk)
        assert not received(client.got)[1]
        disk.commit.set()
        await client.until(b"0\r\n\r\n")


CUTS = {
    "whole": [EVENTS],
    "at the event": [EVENTS[: -len(b"data: [DONE]\n\n")], b"data: [DONE]\n\n"],
    "before the blank line": [EVENTS[:-2], b"\n\n"],
    "inside the blank line": [EVENTS[:-1], b"\n"],
    "inside the word": [EVENTS[:-6], EVENTS[-6:]],
    "each byte": [EVENTS[at : at + 1] for at in range(len(EVENTS))],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_the_end_of_a_stream(strict: Proxy, provider: Provider, disk: Disk, cut: str, usage: bool, framing: Any) -> None:
    provider.always(sse(CUTS[cut], framing=framing, every_s=0.001))
    body, path = (b'{"stream":true}', "/v1/chat/completions") if usage else (b"{}", "/v1/responses")
    async with Client(strict, body, path) as client:
        await held_back(disk)
        body, complete = received(client.got)
        assert EVENTS.startswith(body)
        assert b"[DONE]" not in body
        assert not complete
        disk.commit.set()
        async with asyncio.timeout(10):
            while received(client.got) != (EVENTS, True):
                await asyncio.sleep(0.005)
    assert (await strict.exchange()).response.head == EVENTS


def received(got: bytes) -> tuple[bytes, bool]:
    """The body that a client has so far, and whether it has all of it."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="POST", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(got)
    body = b""
    while (event := client.next_event()) is not h11.NEED_DATA:
        if isinstance(event, h11.EndOfMessage):
            return body, True
        body += bytes(event.data) if isinstance(event, h11.Data) else b""
    return body, False


async def test_earlier_events_are_not_held_back(strict: Proxy, provider: Provider, disk: Disk) -> None:
    provider.always(sse(CUTS["at the event"], every_s=0.1))
    async with Client(strict, b'{"stream":true}', "/v1/chat/completions") as client:
        await held_back(disk)
        assert b'"b"' in client.got
        disk.commit.set()


async def test_a_stream_that_breaks_after_its_last_event(strict: Proxy, provider: Provider, disk: Disk) -> None:
    provider.always(sse([EVENTS]).cut(len(EVENTS) + 4, FIN))
    async with Client(strict) as client:
        await held_back(disk)
        assert b"[DONE]" not in client.got
        disk.commit.set()
        async with asyncio.timeout(10):
            while not client.ended:
                await asyncio.sleep(0.005)
    assert b"[DONE]" in client.got
    assert (await strict.exchange()).outcome is Outcome.STREAM_ERROR


async def test_done_in_the_text_does_not_end_a_stream(strict: Proxy, provider: Provider, disk: Disk) -> None:
    disk.commit.set()
    pieces = [b'data: {"text":"[DONE]', b' is what it says"}\n\n', b"data: [DONE]\n\n"]
    provider.always(sse(pieces, every_s=0.02))
    async with Client(strict) as client:
        await client.until(b"0\r\n\r\n")
    assert (await strict.exchange()).response.head == b"".join(pieces)


async def test_a_disk_that_refuses_does_not_hold_the_reply(strict: Proxy, provider: Provider, disk: Disk) -> None:
    disk.refuses = True
    async with Client(strict) as client:
        await client.until(b"}")
        async with strict.client.get(f"{strict.url}/ready") as got:
            assert got.status == 503
    async with Client(strict) as client:  # nor the next one
        await client.until(b"}")
    disk.refuses = False
    disk.commit.set()
    await strict.exchanges(2)


async def test_a_client_that_leaves_while_it_waits_leaves_one_record(strict: Proxy, provider: Provider, disk: Disk) -> None:
    provider.always(reply(200, [("Content-Type", "application/json")], b'{"a":1}'))
    async with Client(strict):
        await held_back(disk)
    disk.commit.set()
    await strict.exchange()


async def test_fast_does_not_wait(start_proxy: Start, provider: Provider, disk: Disk) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_DURABILITY="fast") as proxy:
        provider.always(reply(200, [("Content-Type", "application/json")], b'{"a":1}'))
        async with Client(proxy) as client:
            await client.until(b'{"a":1}')
        disk.commit.set()
        await proxy.exchange()
