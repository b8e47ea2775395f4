"""Calls that go express and calls that go the general way: the same bytes at both ends, the same record."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest

from tests.provider import FIN, RST, Provider, hang_up, reply
from tests.provider.openai import WORDS
from tests.provider.replies import Reply, chunk, error, gzipped, huge, pattern, raw, sse, sse_event
from tests.proxy.conftest import Proxy, Start
from tracer.proxy import express
from tracer.proxy.ask import ASKED_AGAIN
from tracer.records import Exchange, Outcome

PATH = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**CHAT, "stream": True}
OBJECTION = error(400, "stream_options is not supported")
EVENTS = [sse_event({"choices": [{"index": 0, "delta": {"content": word}}]}) for word in WORDS]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

# What the provider says to a call, and what is asked. None: what the scripted provider says by itself.
CASES: dict[str, tuple[list[Callable[[], Reply]], dict[str, Any]]] = {
    "plain": ([], CHAT),
    "stream": ([], STREAM),
    "stream-with-usage": ([], {**STREAM, "stream_options": {"include_usage": True}}),
    "not-json": ([], {}),
    "error": ([lambda: error(429, "slow down")], CHAT),
    "server-error": ([lambda: error(500, "oh")], STREAM),
    "objection": ([lambda: OBJECTION], STREAM),
    "other-400": ([lambda: error(400, "no such model")], STREAM),
    "gzip": ([lambda: gzipped(b'{"a": 1}' * 100)], CHAT),
    "no-content": ([lambda: reply(204)], CHAT),
    "until-the-end": ([lambda: raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b'{"a":1}')], CHAT),
    "long": ([lambda: reply(200, [("Content-Type", "application/json")], b"".join(pattern(700_000)))], CHAT),
    "slow-pieces": ([lambda: sse(EVENTS, every_s=0.01)], STREAM),
    "cut-stream": ([lambda: sse(EVENTS).cut(150, FIN)], STREAM),
    "reset-stream": ([lambda: sse(EVENTS).cut(150, RST)], STREAM),
    "cut-body": ([lambda: reply(200, [("Content-Type", "application/json")], b"x" * 1000).cut(500, FIN)], CHAT),
    "cut-head": ([lambda: reply(200, body=b"x" * 1000).cut(10, FIN, of="head")], CHAT),
    "bad-chunk": ([lambda: raw(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"one"), b"zz\r\n")], CHAT),
    "two-replies": ([lambda: raw(2 * (HEAD + b"Content-Length: 2\r\n\r\n{}"))], CHAT),
    "switching": ([lambda: raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")], CHAT),
    "line-break-in-a-header": ([lambda: raw(HEAD, b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}")], CHAT),
    "early-hints": ([lambda: raw(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", HEAD, b"Content-Length: 2\r\n\r\n{}")], CHAT),
}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the calls that went express."""
    found: list[str] = []
    begin = express.Passage.begin

    def noting(passage: express.Passage) -> None:
        found.append(passage._order.request.message.path)
        begin(passage)

    monkeypatch.setattr(express.Passage, "begin", noting)
    return found


async def said(proxy: Proxy, body: dict[str, Any]) -> tuple[Any, ...]:
    """What a client got: status, headers, body, or how far it came."""
    sent = {"json": body} if body else {"data": b"{not json", "headers": {"Content-Type": "application/json"}}
    async with proxy.client.post(proxy.url + PATH, **sent) as got:
        whole = b""
        try:
            async for piece in got.content.iter_any():
                whole += piece
        except aiohttp.ClientPayloadError:
            return got.status, plain_headers(got), whole, "cut"
        return got.status, plain_headers(got), whole, "whole"


def plain_headers(got: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    ids = (b"x-portkey-trace-id", b"x-tracer-call-id", b"date")
    return [(name, value) for name, value in got.raw_headers if name.lower() not in ids]


def told(exchange: Exchange) -> dict[str, Any]:
    """A record without its ids, times and cuts."""
    fields = msgspec.structs.asdict(exchange)
    dropped = {name for name in fields if name.endswith("_ns")} | {"call_id", "trace", "chunks", "reused", "upstream"}
    happened = {name: bool(fields[name]) for name in fields if name.endswith("_ns") and name != "connect_ns"}
    kept = {name: value for name, value in fields.items() if name not in dropped}
    kept["request_headers"] = [header for header in exchange.request_headers if header[0] != "host"]
    return kept | happened


@pytest.mark.parametrize("durability", ["fast", "strict"])
@pytest.mark.parametrize("case", CASES)
async def test_both_ways_are_the_same(
    start_proxy: Start,
    provider: Provider,
    taken: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    case: str,
    durability: str,
) -> None:
    replies, body = CASES[case]
    seen = []
    for way in ("express", "general"):
        environ = {"TRACER_DATA_DIR": str(tmp_path / way), "TRACER_DURABILITY": durability}
        async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, **environ) as proxy:
            assert (await said(proxy, CHAT))[0] == 200  # opens a connection, and the headers are known
            if way == "general":
                monkeypatch.setattr(express.Express, "_known", lambda *_: None)
            taken.clear()
            before = len(provider.requests)
            for made in replies:
                provider.reply(made())
            got = await said(proxy, body)
            went = [(request.target, request.headers, bytes(request.body)) for request in provider.requests[before:]]
            assert bool(taken) == (way == "express" and body != {})
            record = (await proxy.exchanges(2))[1]
            assert (await said(proxy, CHAT))[0] == 200  # and it goes on
            seen.append((got, went, told(record)))
    express_, general = seen
    assert express_[0] == general[0]
    assert without_host(express_[1]) == without_host(general[1])
    assert express_[2] == general[2]


def without_host(went: list[Any]) -> list[Any]:
    return [(target, [h for h in headers if h[0].lower() != "host"], body) for target, headers, body in went]


async def test_a_connection_that_was_closed_meanwhile(proxy: Proxy, provider: Provider, taken: list[str]) -> None:
    await said(proxy, CHAT)
    provider.reply(hang_up())
    assert (await said(proxy, CHAT))[0] == 200
    assert len(taken) == 1
    assert (await proxy.exchanges(2))[1].notes == (ASKED_AGAIN,)


async def test_a_client_that_leaves_takes_the_upstreams_call_with_it(
    proxy: Proxy, provider: Provider, taken: list[str]
) -> None:
    await said(proxy, CHAT)
    provider.reply(sse(EVENTS * 200, every_s=0.01))
    got = await proxy.client.post(proxy.url + PATH, json=STREAM)
    await got.content.readany()
    got.close()
    exchange = (await proxy.exchanges(2))[1]
    assert (exchange.outcome, len(taken)) == (Outcome.CLIENT_GONE, 1)
    assert exchange.client_gone_ns
    assert exchange.response.size < len(b"".join(EVENTS)) * 100
    await provider.until(lambda: provider.requests[-1].client_gone)


async def test_stopping_ends_a_call_that_takes_too_long(start_proxy: Start, provider: Provider, taken: list[str]) -> None:
    body = orjson.dumps(STREAM)
    request = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(request.encode() + body)
        await reader.readuntil(b"[DONE]\n\n\r\n0\r\n\r\n")
        provider.reply(sse(EVENTS * 1000, every_s=0.01))
        writer.write(request.encode() + body)
        await reader.readuntil(b"delta")
    assert b"[DONE]" not in await reader.read()  # and then the end
    writer.close()
    exchange = (await proxy.exchanges(2))[1]
    assert (exchange.error_type, len(taken)) == ("shutdown", 1)


async def test_a_slow_client_holds_the_provider(proxy: Proxy, provider: Provider, taken: list[str]) -> None:
    """Nothing piles up in between: the provider cannot send what nobody takes."""
    await said(proxy, CHAT)
    size = 64 << 20
    provider.reply(huge(size))
    got = await proxy.client.post(proxy.url + PATH, json=CHAT)
    await asyncio.sleep(0.5)
    assert provider.requests[-1].sent < size // 2
    taken_bytes = 0
    async for piece in got.content.iter_any():
        taken_bytes += len(piece)
    assert (taken_bytes, len(taken)) == (size, 1)
    assert (await proxy.exchanges(2))[1].response.size == size
