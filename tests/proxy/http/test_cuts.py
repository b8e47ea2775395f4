"""Any cut of the bytes gives the same result at both ends and the same record: requests on their way in, replies on theirs.

Every single cut of one message of each kind is tried in turn, then some with many cuts, and one byte at a time. TCP keeps no
such boundaries; a pause between two writes keeps them for us nearly always.
"""

import gzip
import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cuts import cuts
from tests.provider import FIN, Provider, Reply, chunk, raw, reply, sse_event
from tests.provider.request import Request
from tests.proxy.http.conftest import Worker, essence
from tests.proxy.http.wire import GAP_S, ask, request, wire

TRACED = [
    "x-portkey-trace-id: cut-1",
    "x-portkey-span-id: s",
    'x-portkey-metadata: {"a": "b"}',
    "Authorization: Bearer sk-caller-1",
]
ASKING = json.dumps({"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "häi\r\n\r\n"}]})
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"

REQUESTS: dict[str, tuple[str, bytes]] = {
    "get": ("GET", request("GET", "/v1/models?limit=5&secret=x", [*TRACED, "X-Odd:\t a b ", "X-Empty:"])),
    "head": ("HEAD", request("HEAD", "/v1/models", TRACED)),
    "json": ("POST", request("POST", "/v1/embeddings", [*TRACED, JSON], b'{"model":"m","input":"x"}')),
    "stream": ("POST", request("POST", "/v1/chat/completions", [*TRACED, JSON], ASKING.encode())),
    "config": (
        "POST",
        request("POST", "/v1/chat/completions", [*TRACED, JSON, 'x-portkey-config: {"override_params":{"n":2}}'], b"{}"),
    ),
    "chunked": (
        "POST",
        request("POST", "/v1/files", [*TRACED, CHUNKED], b'5;a="b"\r\nhe\r\no\r\n00A\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n'),
    ),
    "chunked json": (
        "POST",
        request("POST", "/v1/chat/completions", [*TRACED, JSON, CHUNKED], chunk(ASKING.encode()) + b"0\r\n\r\n"),
    ),
    "expect": ("POST", request("POST", "/v1/files", [*TRACED, "Expect: 100-continue"], b"hello")),
    "old": ("POST", request("POST", "/v1/files", [*TRACED, "Connection: keep-alive"], b"hello", version="1.0")),
    "native": ("POST", request("POST", "/proxy/openai/v1/chat/completions", [*TRACED, JSON], ASKING.encode())),
}

EVENT = sse_event({"choices": [{"index": 0, "delta": {"content": "häi"}}]})
USAGE = sse_event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
EVENTS = [EVENT, EVENT.replace(b"\n\n", b"\r\n\r\n"), b": ping\n\n", EVENT, USAGE, b"data: [DONE]\n\n"]
ZIPPED = gzip.compress(b'{"a":1}', mtime=0)

REPLIES: dict[str, bytes] = {
    "length": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Odd:  a \r\nContent-Length: 7\r\n\r\n{"a":1}',
    "zipped": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(ZIPPED), ZIPPED),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5;a="b"\r\nhe\r\no\r\n00A;x\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n',
    "events": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(map(chunk, EVENTS))
    + b"0\r\n\r\n",
    "events with a length": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b"
    % (sum(map(len, EVENTS)), b"".join(EVENTS)),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "nothing": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "error": b'HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"error":1}',
    "until the end": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(EVENTS),
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n" + b"x" * 200,
}
ENDING = {"until the end", "cut off"}

Seen = tuple[Any, ...]


def echoed(asked: Request) -> Reply:
    return reply(200, [("X-Got", f"{asked.method} {asked.target}")], bytes(asked.body))


async def sent(worker: Worker, provider: Provider, method: str, pieces: Sequence[bytes]) -> tuple[Seen, str]:
    """What both ends saw of one call, and its id."""
    provider.requests.clear()
    got = await ask(worker.port, *pieces, method=method)
    came = [(r.method, r.target, r.version, r.headers, bytes(r.body), r.trailers, r.complete) for r in provider.requests]
    seen = got.status, got.reason, got.without(b"x-tracer-call-id", b"date"), got.body, got.complete, got.trailers, came
    return seen, got.call_id


async def same(worker: Worker, tries: Sequence[Sequence[bytes]], once: Callable[[Sequence[bytes]], Awaitable[Any]]) -> Seen:
    """Every try is seen and recorded like the first."""
    first, *others = [(pieces, *await once(pieces)) for pieces in tries]
    record = essence(await worker.recorded(first[2]))
    for pieces, seen, call_id in others:
        assert seen == first[1], pieces
        assert essence(await worker.recorded(call_id)) == record, pieces
    seen: Seen = first[1]
    return seen


def every_cut(data: bytes) -> list[list[bytes]]:
    """Whole, in two at every seventh place and around the end of the head, where most would go wrong, and byte by byte."""
    end = data.index(b"\r\n\r\n")
    places = sorted({*range(1, len(data), 7), *range(end + 1, min(end + 5, len(data)))})
    return [[data], *([data[:at], data[at:]] for at in places), [data[n : n + 1] for n in range(len(data))]]


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_cut_of_a_request(worker: Worker, provider: Provider, name: str) -> None:
    method, data = REQUESTS[name]
    provider.always(echoed)
    seen = await same(worker, every_cut(data), lambda pieces: sent(worker, provider, method, pieces))
    assert seen[0] == 200
    assert len(seen[-1]) == 1


@pytest.mark.parametrize("name", REPLIES)
async def test_every_cut_of_a_reply(worker: Worker, provider: Provider, name: str) -> None:
    asking = [REQUESTS["stream"][1]]

    async def got(pieces: Sequence[bytes]) -> tuple[Seen, str]:
        provider.reply(raw(*spaced(pieces), *([FIN] if name in ENDING else []), close=name in ENDING))
        return await sent(worker, provider, "POST", asking)

    seen = await same(worker, every_cut(REPLIES[name]), got)
    assert len(seen[-1]) == 1


def spaced(pieces: Sequence[bytes]) -> list[Any]:
    return list(itertools.chain.from_iterable((piece, GAP_S) for piece in pieces))


@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_many_cuts_of_requests_and_replies(worker: Worker, provider: Provider, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(REQUESTS)))
    answer = data.draw(st.sampled_from(sorted(REPLIES.keys() - ENDING)))
    method, bytes_up = REQUESTS[name]
    bytes_down = REPLIES[answer] if method != "HEAD" else REPLIES["nothing"]
    up = [piece for piece in data.draw(cuts(bytes_up)) if piece]
    down = [piece for piece in data.draw(cuts(bytes_down)) if piece]

    async def got(pieces: Sequence[bytes]) -> tuple[Seen, str]:
        provider.reply(raw(*spaced([bytes_down] if pieces == [bytes_up] else down), close=False))
        return await sent(worker, provider, method, pieces)

    await same(worker, [[bytes_up], up], got)


SIZES = st.integers(0, 300_000)


@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(up=SIZES, down=SIZES, piece=st.integers(1_000, 70_000), chunked_up=st.booleans(), chunked_down=st.booleans())
async def test_bodies_of_every_size(
    worker: Worker, provider: Provider, up: int, down: int, piece: int, chunked_up: bool, chunked_down: bool
) -> None:
    """Around the sizes at which Tracer changes from whole to piece by piece, and pauses reading."""
    body, answer = _pattern(up), _pattern(down)
    in_pieces = [body[at : at + piece] for at in range(0, up, piece)]
    framed = CHUNKED if chunked_up else f"Content-Length: {up}"
    coded = [*map(chunk, in_pieces), b"0\r\n\r\n"] if chunked_up else in_pieces
    provider.reply(reply(200, [], [answer[at : at + piece] for at in range(0, down, piece)], framing=_framing(chunked_down)))
    async with wire(worker.port) as client:
        await client.write(request("POST", "/v1/files", [framed]), *coded, gap_s=0)
        got = await client.answer("POST")
    assert (got.status, got.body, got.complete) == (200, answer, True)
    assert bytes(provider.requests[-1].body) == body
    found = await worker.recorded(got.call_id)
    assert (found.request.size, found.response.size) == (up, down)
    for kept, full in ((found.request, body), (found.response, answer)):
        assert full.startswith(kept.head)
        assert full.endswith(kept.tail)
        assert kept.truncated == (len(kept.head) + len(kept.tail) < len(full))


def _pattern(size: int) -> bytes:
    return bytes(itertools.islice(itertools.cycle(range(251)), size))


def _framing(chunked: bool) -> Any:
    return "chunked" if chunked else "length"
