"""How connections begin to be something else, and end: old versions, closed halves, upgrades."""

import asyncio
import time

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import AcceptConnection, CloseConnection, TextMessage
from wsproto.events import Request as Handshake

from tests.provider import STALL, Provider, Reply, WebSocketEcho, echo, error, raw, reply
from tests.proxy.http.conftest import Worker
from tests.proxy.http.tokens import still_in_step
from tests.proxy.http.wire import GAP_S, Wire, request
from tracer.records import Outcome

FRAMINGS = [
    (reply(200, [], b"abc"), True),
    (reply(200, [], [b"a", b"bc"], framing="chunked"), False),
    (reply(200, [], b"abc", framing="close"), False),
    (reply(200, [("Content-Type", "text/event-stream")], [b"a", b"bc"], framing="chunked"), False),
    (reply(204, framing="none"), True),
]


@pytest.mark.parametrize(("script", "sized"), FRAMINGS)
@pytest.mark.parametrize("keep", [True, False], ids=["keep-alive", "close"])
async def test_http_1_0(client: Wire, provider: Provider, script: Reply, sized: bool, keep: bool) -> None:
    provider.reply(script)
    await client.write(request("POST", "/v1/files", ["Connection: keep-alive"] if keep else [], b"hello", version="1.0"))
    got = await client.answer()
    assert (got.version, got.complete) == (b"1.0", True)
    assert got.body == (b"" if got.status == 204 else b"abc")
    assert got.header("transfer-encoding") is None
    assert got.closes == (not (sized and keep))
    if got.closes:
        assert await client.end() == b""
    else:
        await client.write(request(version="1.0"))
        assert (await client.answer()).closes


@pytest.mark.parametrize("words", ["close", "Close", "keep-alive, close", "close, X-Hop"])
@pytest.mark.parametrize("more", [b"", request(target="/v1/too/late")], ids=["alone", "followed"])
async def test_a_client_that_asks_for_the_end(client: Wire, provider: Provider, words: str, more: bytes) -> None:
    """What it sends afterwards is not served. In the same packet it spoils the request too: llhttp has no half of an answer."""
    await client.write(request(headers=[f"Connection: {words}"]) + more)
    got = await client.answer()
    assert got.closes
    assert got.status == 200 or (more and got.status == 400 and not provider.requests)
    assert await client.end() == b""
    assert "/v1/too/late" not in [one.path for one in provider.requests]


async def test_a_provider_that_asks_for_the_end(client: Wire, provider: Provider) -> None:
    """Its connection is not used again, also if it stays open; the client's is."""
    for number in (1, 2):
        provider.reply(reply(200, [("Connection", "close")], b"%d" % number))
        await client.write(request())
        got = await client.answer()
        assert (got.body, got.closes) == (b"%d" % number, False)
    assert provider.connections == 2


@pytest.mark.parametrize("data", [request(), request("POST", "/v1/files", (), b"hello"), request(version="1.0")])
async def test_a_client_that_closes_its_sending_half_has_left(
    client: Wire, worker: Worker, provider: Provider, data: bytes
) -> None:
    """A closed socket and one whose sending half is closed look the same until something is written to it. SDKs that give up
    close; what they asked for must not go on costing money, so the end of what a client sends is taken for its leaving."""
    before = time.time_ns()
    provider.reply(raw(STALL))
    await client.write(data)
    await provider.until(lambda: bool(provider.requests) and provider.requests[0].complete)
    client.half_close()
    assert await client.end() == b""
    await provider.until(lambda: provider.requests[0].client_gone)
    found = [one for one in (await worker.settled()).values() if one.started_ns > before]
    assert [one.outcome for one in found] == [Outcome.CLIENT_GONE]


async def test_half_a_request_and_the_end(client: Wire, provider: Provider) -> None:
    await client.write(request("POST", "/v1/files", ["Content-Length: 10"], b"hell"))
    client.half_close()
    rest = await client.end()
    assert not rest or rest.startswith(b"HTTP/1.1 400 ")
    assert not any(one.complete for one in provider.requests)


WEBSOCKET = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("upgrade", ["h2c", "tls/1.0", "HTTP/3"])
async def test_an_upgrade_that_nobody_offers_is_a_plain_request(
    client: Wire, provider: Provider, method: str, upgrade: str
) -> None:
    provider.always(echo)
    data = request(
        method, "/v1/files", ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AA"], b"hello"
    )
    await client.write(data)
    got = await client.answer()
    assert (got.status, bytes(provider.requests[0].body)) == (200, b"hello")
    assert provider.requests[0].header("upgrade") is None
    assert provider.requests[0].header("http2-settings") is None
    await still_in_step(client, provider)


async def test_a_body_with_a_websocket_upgrade_is_not_lost(client: Wire, provider: Provider) -> None:
    """An upgrade is a GET without a body; anything else that asks for one keeps its method and its body, or is refused."""
    provider.always(echo)
    await client.write(request("POST", "/v1/files", WEBSOCKET, b"hello"))
    got = await client.answer()
    if got.status < 400:
        assert (provider.requests[0].method, bytes(provider.requests[0].body)) == ("POST", b"hello")
    else:
        assert 400 <= got.status < 500
        assert not provider.requests


async def test_a_websocket_that_the_provider_declines(client: Wire, provider: Provider) -> None:
    provider.reply(error(403, "no"))
    await client.write(request("GET", "/v1/realtime", WEBSOCKET))
    got = await client.answer()
    assert got.status in (403, 502)
    if not got.closes:
        await still_in_step(client, provider)


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_a_websocket_cut_anywhere(client: Wire, provider: Provider, size: int) -> None:
    """Handshake, frames and goodbye in pieces of every size, the first frame in the same write as the handshake."""
    provider.reply(WebSocketEcho(greeting="hello"))
    peer = WSConnection(ConnectionType.CLIENT)
    handshake = peer.send(Handshake(host="h", target="/v1/realtime"))
    frames = Connection(ConnectionType.CLIENT)
    early = handshake + frames.send(TextMessage(data="early " * 20))
    await client.write(*(early[at : at + size] for at in range(0, len(early), size)), gap_s=GAP_S / 4)
    head = await client.reader.readuntil(b"\r\n\r\n")
    peer.receive_data(head)
    assert any(isinstance(event, AcceptConnection) for event in peer.events())
    said = ""
    async with asyncio.timeout(5):
        while said != "hello" + "early " * 20:
            frames.receive_data(await client.reader.read(size))
            said += "".join(event.data for event in frames.events() if isinstance(event, TextMessage))
    await client.write(frames.send(CloseConnection(code=1000)))
    assert await client.end()
