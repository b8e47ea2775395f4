"""Little that wants to become much: chunks, extensions, trailers and codings, on their way and in the sink."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial

import msgspec
import orjson
import pytest

from tests.attacks.stored import stored
from tests.provider import Provider, raw
from tests.proxy.http.conftest import Worker, process, worker  # noqa: F401  (fixtures)
from tests.proxy.http.wire import request, wire
from tests.sink.exchanges import exchange
from tracer.inflate import MAX_INFLATED_BYTES
from tracer.records import Body, Call, Outcome, UsageSource
from tracer.sink import price
from tracer.sink.body import MOST_HEAD
from tracer.sink.contents import contents_of, decoder
from tracer.sink.decode import decode
from tracer.spool.segment import Record

pytestmark = pytest.mark.timeout(60)

MIB = 1 << 20
CHUNKED = "Transfer-Encoding: chunked"
PRICES = price.load(None)
# What is unpacked passes by, and a few MiB of it stay, as text and for a moment as documents.
MOST = 3 * MAX_INFLATED_BYTES


@pytest.fixture
async def provider(process: Worker):  # type: ignore[no-untyped-def]  # noqa: F811
    """On the port that the worker knows."""
    async with Provider.start(process.provider_port) as running:
        yield running


WIRES = {
    "chunks of one byte": b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n",
    "long extensions": (b"1;" + b"e" * 60_000 + b"\r\nx\r\n") * 200 + b"0\r\n\r\n",
    "a chunk size of zeros": b"0" * 1_000_000 + b"1\r\nx\r\n0\r\n\r\n",
    "one long extension": b"1;" + b"e" * 12_000_000 + b"\r\nx\r\n0\r\n\r\n",
    "many trailers": b"1\r\nx\r\n0\r\n" + b"X-T: y\r\n" * 100_000 + b"\r\n",
    "one long trailer": b"1\r\nx\r\n0\r\nX-T: " + b"y" * 8_000_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", WIRES)
async def test_chunks_up(worker: Worker, provider: Provider, name: str) -> None:  # noqa: F811
    before = worker.memory
    async with wire(worker.port) as client:
        await client.write(request("POST", "/v1/files", [CHUNKED]) + WIRES[name])
        got = await client.answer("POST")
    assert got.status in (200, 400, 413, 431)
    assert worker.memory - before < 24 * MIB


@pytest.mark.parametrize("name", WIRES)
async def test_chunks_down(worker: Worker, provider: Provider, name: str) -> None:  # noqa: F811
    before = worker.memory
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    provider.reply(raw(head + WIRES[name], close=False))
    async with wire(worker.port) as client:
        await client.write(request(headers=["x-portkey-request-timeout: 5000"]))
        got = await client.answer()
    assert got.status == 502 or set(got.body) <= {ord("x")}
    assert worker.memory - before < 24 * MIB


def decoded(reply: bytes, *, media: str = "application/json", coding: str = "", request_body: bytes = b"{}") -> Call:
    """The call of an exchange, within bounds of memory."""
    sent = exchange(reply, request_body, media=media, response_headers=(("content-type", media), ("content-encoding", coding)))
    tracemalloc.start()
    try:
        call = decode(sent, PRICES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST + 4 * len(reply)
    return call


def brotli(data: bytes) -> bytes:
    import brotli as library

    return bytes(library.compress(data, quality=5))


def zstd(data: bytes) -> bytes:
    from backports import zstd as library

    return bytes(library.compress(data))


PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli, "zstd": zstd}


@pytest.mark.parametrize(
    ("coding", "media"),
    [
        *((coding, "application/json") for coding in (*PACKED, "gzip, gzip")),
        *((coding, "text/event-stream") for coding in ("gzip", "zstd, br")),
    ],
)
def test_a_body_that_unpacks_to_much(coding: str, media: str) -> None:
    """Out of kilobytes more than the limit, of which the limit is kept."""
    data = b'{"id":"x","choices":[{"message":{"content":"' + b"A" * (MAX_INFLATED_BYTES + 8 * MIB) + b'"}}]}'
    for name in coding.split(", "):
        data = PACKED[name](data)
    assert len(data) < 200_000
    call = decoded(data, media=media, coding=coding)
    assert call.content is not None
    assert len(call.content.response_body) <= MOST_HEAD + 1000
    assert len(call.content.assembled) <= MOST_HEAD + 1000
    assert call.truncated
    assert call.notes == (
        f"the body of the reply unpacks to more than 33554432 bytes, of which the first {MOST_HEAD} were kept",
    )


def test_usage_behind_what_is_not_kept_is_found() -> None:
    usage = b'"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}'
    data = b'{"id":"x","model":"gpt-4o","choices":[{"message":{"content":"' + b"A" * 20 * MIB + b'"}}],' + usage + b"}"
    many = b'{"id":"x","model":"gpt-4o","choices":[' + b"{}," * MIB + b"0]," + usage + b"}"
    events = b'data: {"id":"x","model":"gpt-4o","choices":[]}\n\n' + b"data: {}\n\n" * 400_000
    events += b'data: {"choices":[],' + usage + b"}\n\ndata: [DONE]\n\n"
    for whole, media in ((data, "application/json"), (many, "application/json"), (events, "text/event-stream")):
        call = decoded(gzip.compress(whole, 1), media=media, coding="gzip")
        assert (call.usage_source, call.total_tokens, call.response_model) == (UsageSource.PROVIDER, 7, "gpt-4o")
        assert call.outcome == Outcome.OK
        assert len(call.notes) == 1
        assert call.truncated == (whole is data)


def test_many_such_calls_in_one_batch() -> None:
    """What does not fit in memory with the others is left for the next batch."""
    whole = b'{"model":"gpt-4o","messages":[{"role":"user","content":"' + b"A" * 20 * MIB + b'"}]}'
    packed = gzip.compress(whole, 1)
    encoded = (("content-type", "application/json"), ("content-encoding", "gzip"))
    payload = msgspec.msgpack.encode(exchange(b"{}", packed, request_headers=encoded))
    records = [Record(payload, 1, 0)] * 100
    tracemalloc.start()
    try:
        found = contents_of(records, decoder(partial(decode, prices=PRICES)), 16 * MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 2  # the sign for what was left out makes a text twice as large
    assert peak < 16 * MIB + MOST


def test_more_codings_than_anybody_uses() -> None:
    call = decoded(b"x" * 100, coding=", ".join(["gzip", "br", "zstd", "deflate"] * 1_000))
    assert call.outcome == Outcome.OK


DEEP = 200_000
NUMBERS = [
    "1e999999",
    "-1e999999",
    "1e-999999",
    "9" * 100_000,
    "-0",
    "0." + "0" * 50_000 + "1",
    "1e400",
    str(2**63),
    str(2**64),
    "NaN",
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("where", ["usage", "request", "both streams"])
def test_numbers_that_no_column_holds(number: str, where: str) -> None:
    usage = f'{{"prompt_tokens":{number},"completion_tokens":{number},"total_tokens":{number},"cost":{number}}}'
    reply = f'{{"id":"x","model":"m","created":{number},"choices":[{{"index":{number},"message":{{}}}}],"usage":{usage}}}'
    asked = "{}"
    media = "application/json"
    if where != "usage":
        asked = f'{{"model":"m","seed":{number},"n":{number},"max_tokens":{number},"temperature":{number},"top_p":{number}}}'
    if where == "both streams":
        reply, media = f"data: {reply}\n\ndata: [DONE]\n\n", "text/event-stream"
    stored(decoded(reply.encode(), media=media, request_body=asked.encode()))


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"choices":[', '{"usage":'])
@pytest.mark.parametrize("media", ["application/json", "text/event-stream", "application/x-ndjson"])
def test_depth(opening: str, media: str) -> None:
    deep = (opening * DEEP).encode()
    for reply in (deep, b"data: " + deep + b"\n\n", deep + b"1" + b"]" * DEEP):
        call = decoded(reply, media=media, request_body=deep)
        assert call.total_tokens is None or call.usage_source == UsageSource.ESTIMATED
        assert call.response_bytes == len(reply)


def test_many_small_things() -> None:
    choices = [{"index": number, "finish_reason": "stop", "message": {}} for number in range(10_000)]
    call = decoded(orjson.dumps({"choices": choices}))
    assert len(call.finish_reasons) < 10_000
    events = b"".join(b'data: {"choices":[{"index":%d,"delta":{"content":"x"}}]}\n\n' % number for number in range(10_000))
    call = decoded(events, media="text/event-stream")
    assert call.content is not None
    keys = orjson.dumps({"usage": {f"k{number}": 1 for number in range(10_000)}, "choices": []})
    assert len(decoded(keys).usage_raw) < 2 * len(keys)


def test_a_body_that_was_cut_is_no_larger() -> None:
    whole = b'{"choices":[' + b'{"message":{"content":"x"}},' * 50_000
    sent = exchange(Body(whole, whole[-1000:], 10**15, truncated=True), b"{}")
    assert decode(sent, PRICES).response_bytes == 10**15
