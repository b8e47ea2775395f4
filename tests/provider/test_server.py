"""The scripted provider against a client that knows nothing of it: what was scripted is what arrives."""

import asyncio
import hashlib
import json
import time

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from tests.provider import (
    FIN,
    RST,
    STALL,
    Provider,
    Reply,
    WebSocketEcho,
    chunk,
    echo,
    gzipped,
    hang_up,
    huge,
    never,
    pattern,
    rate_limited,
    raw,
    reply,
    sse,
    sse_event,
)
from tests.provider.openai import WORDS
from tests.provider.realtime import CLOSE_CODE


async def exchange(provider: Provider, request: bytes) -> bytes:
    """Everything that the provider sends back on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(request)
    try:
        return await reader.read()
    finally:
        writer.close()


GET = b"GET /x?y=%20 HTTP/1.1\r\nHOST: h\r\nX-Odd: 1\r\nx-odd: 2\r\nConnection: close\r\n\r\n"


async def test_request_is_kept_as_sent(provider: Provider) -> None:
    await exchange(provider, GET)
    (request,) = await provider.received(1)
    assert (request.method, request.target, request.path) == ("GET", "/x?y=%20", "/x")
    assert request.headers == [("HOST", "h"), ("X-Odd", "1"), ("x-odd", "2"), ("Connection", "close")]
    assert request.header("x-odd") == "1, 2"
    assert request.complete
    assert not request.client_gone


@pytest.mark.parametrize(
    ("scripted", "expected"),
    [
        (
            reply(200, [("X-a", "1"), ("x-A", "2")], b"hi"),
            b"HTTP/1.1 200 OK\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 2\r\n\r\nhi",
        ),
        (
            reply(200, body=[b"a", b"", b"bc"], framing="chunked", trailers=[("T", "v")]),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nT: v\r\n\r\n",
        ),
        (reply(299, body=b"x", framing="close"), b"HTTP/1.1 299 Unknown\r\n\r\nx"),
        (reply(204), b"HTTP/1.1 204 No Content\r\n\r\n"),
        (
            reply(200, interim=[(103, [("Link", "</a>")])]),
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ),
        (reply(200, body=b"12345").cut(2, FIN), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12"),
        (reply(200, body=b"12345").cut(8, FIN, of="head"), b"HTTP/1.1"),
        (
            reply(200, body=[b"12345"], framing="chunked").cut(4, FIN),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1",
        ),
        (raw(b"HTTP/1.1 200 OK\r\n\r\n", chunk(b"ok"), b"zz\r\n"), b"HTTP/1.1 200 OK\r\n\r\n2\r\nok\r\nzz\r\n"),
        (hang_up(FIN), b""),
    ],
)
async def test_reply_is_sent_as_scripted(provider: Provider, scripted: Reply, expected: bytes) -> None:
    provider.reply(scripted)
    assert await exchange(provider, GET) == expected


async def test_reset_arrives_as_a_reset_after_the_bytes_before_it(provider: Provider) -> None:
    provider.reply(reply(200, body=b"12345").cut(2, RST))
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(GET)
    assert (await reader.readuntil(b"12")).endswith(b"\r\n\r\n12")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize("scripted", [never(), reply(200, body=b"12345").cut(2, STALL)])
async def test_client_that_leaves_is_seen(provider: Provider, scripted: Reply) -> None:
    provider.reply(scripted)
    _, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(GET)
    await provider.until(lambda: bool(provider.requests and provider.requests[0].complete))
    assert not provider.requests[0].done
    writer.close()
    (request,) = await provider.received(1)
    assert request.client_gone


async def test_client_that_leaves_during_upload_is_not_malformed(provider: Provider) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1234")
    await provider.until(lambda: bool(provider.requests and provider.requests[0].body))
    writer.close()
    (request,) = await provider.received(1)
    assert (request.client_gone, request.complete, bytes(request.body)) == (True, False, b"1234")


async def test_held_reply_waits_for_its_gate(provider: Provider) -> None:
    gate = asyncio.Event()
    provider.reply(reply(200, body=b"x").held(gate))
    answer = asyncio.ensure_future(exchange(provider, GET))
    await provider.until(lambda: bool(provider.requests and provider.requests[0].complete))
    assert provider.requests[0].sent == 0
    gate.set()
    assert (await answer).endswith(b"x")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
    ],
)
async def test_malformed_request_fails_the_test(request_bytes: bytes) -> None:
    with pytest.raises(AssertionError, match="malformed requests"):
        async with Provider.start() as provider:
            assert (await exchange(provider, request_bytes)).startswith(b"HTTP/1.1 400 ")


async def test_connection_is_kept_and_pipelined_requests_are_answered_in_order(provider: Provider) -> None:
    provider.always(echo)
    first = b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"
    second = b"POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nT: v\r\n\r\n"
    answer = await exchange(provider, first + second + GET)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    one, two, three = await provider.received(3)
    assert (bytes(one.body), bytes(two.body), two.trailers, three.target) == (b"a", b"b", [("T", "v")], "/x?y=%20")
    assert [r.connection for r in (one, two, three)] == [0, 0, 0]


async def test_expected_continue_is_given_unless_answered_unread(provider: Provider) -> None:
    provider.reply(reply(413, body=b"too large").unread())
    head = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    assert (await exchange(provider, head)).startswith(b"HTTP/1.1 413 ")
    provider.reply(echo)
    assert (await exchange(provider, head + b"abc")).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_held_upload_pushes_back(provider: Provider) -> None:
    provider.uploads.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    size = 32 << 20
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
    await provider.until(lambda: bool(provider.requests))
    draining = asyncio.ensure_future(writer.drain())
    await asyncio.sleep(0.05)
    assert not draining.done()
    provider.uploads.set()
    await draining
    (request,) = await provider.received(1, timeout_s=30)
    assert len(request.body) == size
    writer.close()


async def test_huge_body_is_the_pattern(provider: Provider) -> None:
    provider.reply(huge(8 << 20, "chunked"))
    async with aiohttp.ClientSession() as session, session.get(provider.url) as response:
        body = await response.read()
    expected = hashlib.sha256()
    for piece in pattern(8 << 20):
        expected.update(piece)
    assert hashlib.sha256(body).hexdigest() == expected.hexdigest()
    assert len({*pattern(8 << 20)}) == 128


async def test_head_has_no_body_and_gzip_is_gzip(provider: Provider) -> None:
    provider.reply(gzipped(b'{"a":1}'), times=2)
    async with aiohttp.ClientSession() as session:
        async with session.head(provider.url) as response:
            assert (await response.read(), response.headers["Content-Encoding"]) == (b"", "gzip")
        async with session.get(provider.url) as response:
            assert await response.json() == {"a": 1}
    assert provider.connections == 1


async def test_stream_pieces_come_one_by_one(provider: Provider) -> None:
    provider.reply(sse([sse_event({"n": 1}), b"data: [DO", b"NE]\n\n"], every_s=0.03))
    started = time.monotonic()
    async with aiohttp.ClientSession() as session, session.get(provider.url) as response:
        pieces = [piece async for piece, _ in response.content.iter_chunks()]
    assert pieces == [b'data: {"n":1}\n\n', b"data: [DO", b"NE]\n\n"]
    assert time.monotonic() - started >= 0.06


async def test_rate_limit_carries_retry_after(provider: Provider) -> None:
    provider.always(rate_limited("0.01"), path="/v1/models")
    async with aiohttp.ClientSession() as session, session.get(provider.url + "/v1/models") as response:
        assert (response.status, response.headers["retry-after"]) == (429, "0.01")


@pytest.mark.parametrize("deflate", [False, True])
async def test_websocket_echoes(provider: Provider, deflate: bool) -> None:
    provider.always(WebSocketEcho(deflate=deflate, greeting="hello"))
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(provider.url + "/v1/realtime", protocols=["realtime"], compress=15 if deflate else 0) as socket,
    ):
        assert (socket.protocol, bool(socket.compress)) == ("realtime", deflate)
        assert await socket.receive_str() == "hello"
        await socket.send_str("ä" * 70000)
        assert await socket.receive_str() == "ä" * 70000
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes() == b"\x00\xff"
        await socket.ping()
        await socket.send_str("close")
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, CLOSE_CODE)
    (request,) = await provider.received(1)
    assert request.messages == ["ä" * 70000, b"\x00\xff", "close"]


async def test_defaults_please_the_openai_sdk(provider: Provider) -> None:
    text = "".join(WORDS)
    async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="k", max_retries=0) as client:
        messages: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "What is the capital"}]
        plain = await client.chat.completions.create(model="m", messages=messages, n=2)
        assert [choice.message.content for choice in plain.choices] == [text, text]
        assert plain.usage
        assert (plain.usage.prompt_tokens, plain.usage.completion_tokens) == (4, 2 * len(WORDS))
        stream = await client.chat.completions.create(
            model="m", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        chunks = [piece async for piece in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text
        assert (chunks[-1].choices, chunks[-1].usage and chunks[-1].usage.total_tokens) == ([], 4 + len(WORDS))
        assert {c.system_fingerprint for c in chunks} == {plain.system_fingerprint}
        answer = await client.responses.create(model="m", input="a b")
        assert (answer.output_text, answer.usage and answer.usage.input_tokens) == (text, 2)
        events = [event async for event in await client.responses.create(model="m", input="a b", stream=True)]
        assert events[-1].type == "response.completed"
        assert (await client.completions.create(model="m", prompt="a")).choices[0].text == text
        assert (await client.embeddings.create(model="m", input=["a", "b"])).data[1].embedding == [0.25] * 4
        assert (await client.audio.speech.create(model="m", voice="v", input="a")).content.endswith(b"\r\n\r\n\xff")
        uploaded = await client.files.create(file=("a.jsonl", b"{}\r\n--x"), purpose="batch")
        assert (uploaded.filename, uploaded.bytes, uploaded.purpose) == ("a.jsonl", 7, "batch")
        assert [m.id async for m in client.models.list()] == ["gpt-4o-mini"]
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("x")


async def test_script_headers_change_the_default(provider: Provider) -> None:
    url = provider.url + "/v1/chat/completions"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={}, headers={"x-script-status": "503"}) as response:
            assert (response.status, (await response.json())["error"]["type"]) == (503, "server_error")
        async with session.post(url, json={}, headers={"x-script-words": "30"}) as response:
            assert json.loads(await response.read())["usage"]["completion_tokens"] == 30
        async with session.post(url, json={"stream": True}, headers={"x-script-cut": "rst"}) as response:
            with pytest.raises((aiohttp.ClientPayloadError, ConnectionResetError)):
                await response.read()
