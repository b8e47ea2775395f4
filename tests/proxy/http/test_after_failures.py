"""After every kind of failure: the connections on both sides are usable and in step, or closed.

What follows a failure uses the same client connection if that is still open, and always the pool that the failure may have
spoilt; others at the same time notice nothing.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provider import FIN, RST, STALL, Provider, Reply, chunk, error, hang_up, raw, reply
from tests.provider.request import Request
from tests.proxy.http.conftest import LARGEST_BODY, Worker
from tests.proxy.http.tokens import CHUNKED, KINDS, answered, asked, nothing_more
from tests.proxy.http.wire import Answer, Wire, request, wire
from tracer.records import Outcome

JSON = "Content-Type: application/json"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Token: half\r\n\r\nhalf"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
BIG = request("POST", "/v1/files/0", ["Content-Length: 600000"])

# What goes wrong: the request's bytes, what the provider does about it, and the statuses that the client may get (0: none).
UPSTREAM: dict[str, tuple[Any, set[int]]] = {
    "reset before the head": (hang_up(RST), {502}),
    "end before the head": (hang_up(FIN), {502}),
    "reset in the head": (raw(HALF[:20], RST), {502}),
    "end in the head": (raw(HALF[:20], FIN), {502}),
    "reset in a short body": (raw(HALF, RST), {502}),
    "end in a short body": (raw(HALF, FIN), {502}),
    "end in a long body": (raw(HALF.replace(b"100", b"999999"), 0.01, FIN), {200}),
    "reset in a stream": (raw(STREAM, 0.01, RST), {200}),
    "end in a stream": (raw(STREAM, 0.01, FIN), {200}),
    "end in a chunk": (raw(STREAM, b"9\r\ndata", 0.01, FIN), {200}),
    "no http": (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), {502}),
    "bad status line": (raw(b"HTTP/1.1 abc OK\r\n\r\n", close=False), {502}),
    "bad header": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", close=False), {502}),
    "bad chunk": (raw(STREAM, 0.01, b"zz\r\n", close=False), {200}),
    "bad chunk at once": (raw(STREAM + b"zz\r\n", close=False), {200, 502}),
    "late head": (raw(STALL), {408}),
    "429": (error(429, "slow"), {429}),
    "500": (error(500, "no"), {500}),
    "400 and goodbye": (replace(error(400, "no"), close=True), {400}),
    "answer before the body": (error(413, "no").unread(), {413, 502}),
    "more than its length": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", close=False), {200, 502}),
    "a second reply": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + HALF, close=False), {200, 502}),
    "a second reply later": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0.01, HALF, close=False), {200}),
    "until the end": (reply(200, [], b"to the end", framing="close"), {200}),
    "http/1.0": (reply(200, [], b"old", version="1.0", close=True), {200}),
}


def limited(data: bytes, statuses: set[int]) -> bytes:
    """The request with a limit that is met where 408 is what it should give, and never, on the slowest machine, elsewhere."""
    return data.replace(b"Host: h\r\n", b"Host: h\r\nx-portkey-request-timeout: %d\r\n" % (50 if 408 in statuses else 30_000))


OURS: dict[str, tuple[bytes, set[int]]] = {
    "refused before its body": (
        request("POST", "/v1/chat/completions", [JSON, "x-portkey-provider: nobody"], b'{"a": "' + b"x" * 9000 + b'"}'),
        {400},
    ),
    "no json": (request("POST", "/v1/chat/completions", [JSON], b"no json at all"), {400}),
    "no such path": (request("POST", "/nothing", [JSON], b"{}" * 5000), {404}),
    "too large": (request("POST", "/v1/files", [f"Content-Length: {LARGEST_BODY + 1}"]), {413}),
    "too large in chunks": (
        request("POST", "/v1/files", [CHUNKED], chunk(b"x" * (LARGEST_BODY // 2)) * 3 + b"0\r\n\r\n"),
        {413},
    ),
    "too large as a whole": (
        request("POST", "/v1/chat/completions", [JSON, CHUNKED], chunk(b"x" * (LARGEST_BODY // 2)) * 3 + b"0\r\n\r\n"),
        {413},
    ),
    "bad framing of a body": (request("POST", "/v1/files", [CHUNKED], b"5\r\nhelloXX0\r\n\r\n"), {400}),
    "dot segments": (request("GET", "/v1/../x"), {400}),
    "long header": (request("GET", "/v1/x", ["X: " + "y" * 70_000]), {431}),
    "many headers": (request("GET", "/v1/x", [f"X-{n}: y" for n in range(500)]), {400, 431}),
    "no http": (b"\x16\x03\x01\x02\x00\r\n\r\n", {400}),
}


async def then_all_is_well(worker: Worker, client: Wire, first: Answer) -> None:
    """Two more requests on the same connection where it is open, and several at once on new ones."""
    following = [asked("get"), asked("chunked")]
    open_still = first.complete and not first.closes
    for one in following if open_still else ():
        await client.write(one.data)
        one.check(await client.answer(one.method))
    if not open_still:
        await client.write(following[0].data)
        await nothing_more(client)

    async def another(kind: str) -> None:
        one = asked(kind)
        async with wire(worker.port) as other:
            await other.write(one.data)
            one.check(await other.answer(one.method))

    await asyncio.gather(*map(another, KINDS))


@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "new"])
@pytest.mark.parametrize("name", UPSTREAM)
@pytest.mark.parametrize("kind", ["get", "post"])
async def test_after_a_failure_upstream(worker: Worker, provider: Provider, name: str, kind: str, pooled: bool) -> None:
    script, statuses = UPSTREAM[name]
    provider.always(answered)
    if pooled:
        async with wire(worker.port) as client:
            one = asked("get")
            await client.write(one.data)
            one.check(await client.answer())
        # A connection that ends before anything came is tried once more on a new one.
        provider.reply(script, times=2 if name in ("reset before the head", "end before the head") else 1)
    else:
        provider.reply(script)
    one = asked(kind)
    async with wire(worker.port) as client:
        await client.write(limited(one.data, statuses))
        got = await client.answer(one.method)
        assert got.status in statuses
        if name == "a second reply later":  # before the next request: afterwards it could not be told from the answer to that
            await asyncio.sleep(0.05)
        await then_all_is_well(worker, client, got)
    await in_the_record(worker, got, script)


async def in_the_record(worker: Worker, got: Answer, script: Any) -> None:
    found = await worker.recorded(got.call_id)
    assert found.status == got.status
    if not got.complete:
        assert found.outcome in (Outcome.STREAM_ERROR, Outcome.UPSTREAM_ERROR)
        assert found.response.head.startswith(got.body)
    elif got.status < 400:
        assert found.outcome is Outcome.OK


@pytest.mark.parametrize("name", OURS)
async def test_after_a_refusal(worker: Worker, provider: Provider, name: str) -> None:
    data, statuses = OURS[name]
    provider.always(answered)
    async with wire(worker.port) as client:
        await client.write(data)
        got = await client.answer()
        assert got.status in statuses
        assert got.header("x-token") is None
        await then_all_is_well(worker, client, got)
    assert not [one for one in provider.requests if one.path == "/v1/files" and one.complete]


@pytest.mark.parametrize("name", OURS)
async def test_a_request_behind_one_that_is_refused(worker: Worker, provider: Provider, name: str) -> None:
    """In the same write: it gets its own answer, or the connection has ended."""
    provider.always(answered)
    one = asked("post")
    async with wire(worker.port) as client:
        await client.write(OURS[name][0] + one.data)
        got = await client.answer()
        assert got.status in OURS[name][1]
        if got.closes:
            await nothing_more(client)
        else:
            one.check(await client.answer("POST"))


@pytest.mark.parametrize("when", ["before its body", "in its body", "before the reply", "in the reply", "in a pipeline"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_after_a_client_that_left(worker: Worker, provider: Provider, when: str, how: str) -> None:
    provider.always(answered)
    gate = asyncio.Event()
    async with wire(worker.port) as client:
        match when:
            case "before its body":
                await client.write(request("POST", "/v1/files/0", ["Content-Length: 600000"]))
            case "in its body":
                await client.write(BIG, b"x" * 300_000)
                await provider.until(lambda: bool(provider.requests) and len(provider.requests[0].body) > 1000)
            case "before the reply":
                provider.reply(lambda first: answered(first).held(gate))
                await client.write(asked("post").data)
                await provider.until(lambda: bool(provider.requests) and provider.requests[0].complete)
            case "in the reply":
                provider.reply(raw(HALF.replace(b"100", b"9999999") + b"x" * 100_000, STALL))
                await client.write(asked("get").data)
                await client.reader.readexactly(5000)
            case _:
                provider.reply(lambda first: answered(first).held(gate))
                await client.write(b"".join(asked("post").data for _ in range(5)))
                await provider.until(lambda: bool(provider.requests) and provider.requests[0].complete)
        if how == "reset":
            client.reset()
    await provider.until(lambda: all(one.client_gone for one in provider.requests))
    gate.set()
    async with wire(worker.port) as another:
        await then_all_is_well(worker, another, Answer(complete=True, version=b"1.1"))


STEPS = [*sorted(UPSTREAM.keys() - {"a second reply later"}), *KINDS, *KINDS]
PLAN = st.lists(st.sampled_from(STEPS), min_size=1, max_size=6)


@hypothesis.settings(max_examples=10, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.sampled_from([*sorted(UPSTREAM.keys() - {"a second reply later"}), *KINDS, *KINDS]), min_size=1, max_size=6
        ),
        min_size=2,
        max_size=5,
    )
)
async def test_failures_of_some_do_not_reach_others(worker: Worker, provider: Provider, plans: list[list[str]]) -> None:
    """Clients at the same time, each with a series of good and bad calls on as few connections as it can."""
    by_token = {}

    def scripted(came: Request) -> Reply:
        script: Reply = by_token.get(came.path.rpartition("/")[2]) or answered(came)
        return script

    async def one_client(plan: list[str]) -> None:
        client: Wire | None = None
        for name in plan:
            one = asked(name if name in KINDS else "post")
            if name in UPSTREAM:
                by_token[one.token] = replace(UPSTREAM[name][0], early=False)
            if client is None:
                client = await group.enter_async_context(wire(worker.port))
            await client.write(limited(one.data, UPSTREAM[name][1] if name in UPSTREAM else {200}))
            got = await client.answer(one.method)
            if name in UPSTREAM:
                assert got.status in UPSTREAM[name][1]
                assert got.header("x-token") in (None, "half")
            else:
                one.check(got)
            if got.closes or not got.complete:
                client = None

    provider.always(scripted)
    async with AsyncExitStack() as group:
        await asyncio.gather(*map(one_client, plans))
