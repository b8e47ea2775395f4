"""Streams of every framing go through piece by piece, and under `strict` their last words wait for the disk."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provider import FIN, Provider, Reply, reply, sse_event
from tests.provider.native import amazon_event
from tests.provider.replies import Step
from tests.proxy.conftest import Start
from tests.proxy.test_durability import MOMENT_S, Client, Disk, disk, received  # noqa: F401  (a fixture among them)
from tracer.framing import Framing
from tracer.proxy.streams import LONGEST_END, framing, is_end, was_whole
from tracer.records import Outcome

WORDS = ("It", " rains", ".")
AMAZONS = "application/vnd.amazon.eventstream"


def part(text: str, **more: object) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}]}


def named(name: str, last: str) -> list[bytes]:
    """An event stream whose events have names, one for each word."""
    events = [sse_event({"type": name, "text": word}, name) for word in WORDS]
    return [*events, sse_event({"type": last}, last)]


PARTS = [*map(part, WORDS), part("", finishReason="STOP")]
ARRAY = [b"[" + orjson.dumps(PARTS[0]), *(b",\r\n" + orjson.dumps(one) for one in PARTS[1:]), b"\n]"]
LINES = [orjson.dumps({"message": {"content": word}, "done": False}) + b"\n" for word in WORDS]
SSE = "text/event-stream; charset=utf-8"
ANY = "/v1beta/models/g:streamGenerateContent"
# By framing: the path asked, the reply's type, its pieces, and what a client has that takes itself to have it all.
STREAMS: dict[str, tuple[str, str, list[bytes], bytes]] = {
    "messages": ("/v1/messages", SSE, named("content_block_delta", "message_stop"), b'"message_stop"}'),
    "cohere": ("/proxy/cohere/v2/chat", SSE, named("content-delta", "message-end"), b'"message-end"}'),
    "gemini": (f"{ANY}?alt=sse", SSE, [sse_event(one) for one in PARTS], b'"STOP"'),
    "array": (ANY, "application/json; charset=UTF-8", ARRAY, b'"STOP"'),
    "lines": ("/proxy/ollama/api/chat", "application/x-ndjson", [*LINES, b'{"done":true}\n'], b'"done":true'),
    "amazon": (
        "/proxy/bedrock/model/m/converse-stream",
        AMAZONS,
        [amazon_event("contentBlockDelta", {"text": word}) for word in WORDS],
        b"\x00nothing that could be told",
    ),
}


def settings(url: str) -> dict[str, str]:
    return {f"TRACER_UPSTREAM_{slug}": url for slug in ("ANTHROPIC", "COHERE", "GOOGLE", "OLLAMA", "BEDROCK")}


def gated(whole: Reply, gate: asyncio.Event) -> Reply:
    """The same reply, which waits for `gate` after its first piece."""

    def steps() -> Iterator[Step]:
        for at, step in enumerate(whole.body()):
            if at == 1:
                yield gate
            yield step

    return replace(whole, body=steps)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("how", ["chunked", "length", "close"])
async def test_the_first_piece_comes_while_the_provider_waits(
    start_proxy: Start, provider: Provider, name: str, how: Any
) -> None:
    path, media, pieces, _ = STREAMS[name]
    gate = asyncio.Event()
    provider.always(gated(reply(200, [("Content-Type", media)], pieces, framing=how), gate))
    async with start_proxy(**settings(provider.url)) as proxy:
        async with proxy.client.post(proxy.url + path, json={"stream": True}) as got:
            assert await got.content.readany() == pieces[0]
            gate.set()
            assert await got.content.read() == b"".join(pieces[1:])
        exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.response.head) == (Outcome.OK, b"".join(pieces))
    assert len(exchange.chunks.length) // 4 >= 2


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("how", ["chunked", "close"])
async def test_a_cut_stream_is_a_stream_error(start_proxy: Start, provider: Provider, name: str, how: Any) -> None:
    path, media, pieces, _ = STREAMS[name]
    whole = reply(200, [("Content-Type", media)], pieces, framing="chunked" if how == "chunked" else "length")
    provider.always(whole.cut(len(pieces[0]) + 8, FIN))
    async with start_proxy(**settings(provider.url)) as proxy:
        async with Client(proxy, path=path) as client, asyncio.timeout(10):
            while not client.ended:
                await asyncio.sleep(0.005)
        exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.status, exchange.error_type) == (Outcome.STREAM_ERROR, 200, "incomplete_body")
    assert exchange.response.head.startswith(pieces[0])


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("cut", ["pieces", "bytes", "whole"])
async def test_strict_holds_the_last_words(start_proxy: Start, provider: Provider, disk: Disk, name: str, cut: str) -> None:  # noqa: F811
    path, media, pieces, end = STREAMS[name]
    body = b"".join(pieces)
    sent = {"pieces": pieces, "whole": [body], "bytes": [body[at : at + 1] for at in range(len(body))]}[cut]
    provider.always(reply(200, [("Content-Type", media)], sent, framing="chunked", every_s=0.02 if cut == "pieces" else 0.0005))
    async with start_proxy(**settings(provider.url), TRACER_DURABILITY="strict") as proxy:
        async with Client(proxy, path=path) as client:
            await asyncio.to_thread(disk.asked.wait, 10)
            await asyncio.sleep(MOMENT_S)
            had, complete = received(client.got)
            assert body.startswith(had)
            assert end not in had
            assert not complete
            if cut == "pieces":
                assert had.startswith(pieces[0])
            disk.commit.set()
            async with asyncio.timeout(10):
                while received(client.got) != (body, True):
                    await asyncio.sleep(0.005)
        assert (await proxy.exchange()).response.head == body


@pytest.mark.parametrize(
    ("media", "path", "expected"),
    [
        ("text/event-stream; charset=utf-8", "/v1/x", Framing.SSE),
        ("Text/Event-Stream", "", Framing.SSE),
        ("application/x-ndjson", "", Framing.LINES),
        (AMAZONS, "", Framing.AWS),
        ("application/json", "/v1/models/g:streamGenerateContent", Framing.ARRAY),
        ("application/json", "/v1/models/g:generateContent", None),
        ("application/json; charset=utf-8", "/v1/chat/completions", None),
        ("text/plain", "", None),
        ("audio/mpeg", "", None),
        ("", "", None),
    ],
)
def test_what_is_a_stream(media: str, path: str, expected: Framing | None) -> None:
    assert framing(media, path) is expected


@given(st.text(max_size=200), st.integers(0, 400), st.sampled_from(sorted(STREAMS)))
def test_the_end_is_found_however_it_is_cut_and_never_in_text(text: str, cut: int, name: str) -> None:
    path, media, pieces, end = STREAMS[name]
    framed = framing(media, path)
    said = sse_event({"text": text + ' "finishReason": "STOP" "done":true\nevent: message_stop\n'})
    assert not is_end(framed, said)
    assert not was_whole(said)
    if framed is not Framing.AWS:
        last = pieces[-1] if framed is not Framing.ARRAY else pieces[-2]
        at = last.find(end) + len(end) - cut if cut < len(last) else 0
        first, rest = last[: max(at, 0)], last[max(at, 0) :]
        assert is_end(framed, first) or is_end(framed, (said + first)[-LONGEST_END:] + rest)


def test_which_streams_were_whole() -> None:
    assert was_whole(b"".join(STREAMS["messages"][2]))
    assert was_whole(b"".join(STREAMS["cohere"][2]))
    assert was_whole(b"data: {}\n\ndata: [DONE]\n\n")
    assert not was_whole(b"".join(STREAMS["gemini"][2]))
    assert not was_whole(b"data: {}\n\ndata: [DO")
