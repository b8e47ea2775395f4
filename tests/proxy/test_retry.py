"""A config's `retry`: what is asked again, what the client gets, and one row for each attempt."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.provider import Provider, Reply, error, hang_up, reply, sse
from tests.proxy.conftest import Proxy
from tracer.proxy import retry
from tracer.records import Outcome

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)


def config(**value: object) -> dict[str, str]:
    return {"x-portkey-config": json.dumps(value), "x-portkey-trace-id": "t"}


def say(provider: Provider, *replies: Reply) -> None:
    for one in replies:
        provider.reply(one)


async def test_until_it_works(proxy: Proxy, provider: Provider) -> None:
    say(provider, error(503, "busy"), error(429, "slower"))
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=config(retry={"attempts": 3})) as got:
        assert got.status == 200
        assert got.headers["x-portkey-retry-attempt-count"] == "2"
        answer = await got.read()
    first, second, call = sorted(await proxy.exchanges(3), key=lambda e: e.status, reverse=True)
    assert [e.status for e in (first, second, call)] == [503, 429, 200]
    assert call.response.head == answer
    assert call.outcome is Outcome.OK
    assert len({e.call_id for e in (first, second, call)}) == 3
    for number, attempt in enumerate((first, second), 1):
        assert attempt.outcome is Outcome.UPSTREAM_ERROR
        assert attempt.trace.parent_span_id == call.trace.span_id
        assert attempt.trace.trace_id == call.trace.trace_id == "t"
        assert attempt.trace.span_name == f"attempt {number}"
        assert attempt.request.head == call.request.head
        assert b"error" in attempt.response.head
        assert 0 <= attempt.sent_ns <= attempt.headers_ns <= attempt.end_ns
        assert attempt.started_ns >= call.started_ns
    assert len({e.trace.span_id for e in (first, second, call)}) == 3
    assert len(provider.requests) == 3


async def test_until_the_attempts_are_used_up(proxy: Proxy, provider: Provider) -> None:
    provider.always(error(500, "still"))
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=config(retry={"attempts": 2})) as got:
        assert got.status == 500
        assert got.headers["x-portkey-retry-attempt-count"] == "-1"
    assert [e.status for e in await proxy.exchanges(3)] == [500, 500, 500]


async def test_only_the_statuses_that_were_named(proxy: Proxy, provider: Provider) -> None:
    provider.always(error(503, "busy"))
    wish = {"attempts": 2, "on_status_codes": [429]}
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=config(retry=wish)) as got:
        assert got.status == 503
        assert got.headers["x-portkey-retry-attempt-count"] == "0"
    await proxy.exchanges(1)


async def test_a_connection_that_breaks_is_an_attempt_too(proxy: Proxy, provider: Provider) -> None:
    provider.reply(hang_up())
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=config(retry={"attempts": 1})) as got:
        assert got.status == 200
    failed, call = sorted(await proxy.exchanges(2), key=lambda e: e.status)
    assert (failed.status, failed.error_type) in ((0, "reset"), (0, "disconnected"))
    assert call.outcome is Outcome.OK
    assert call.error_type == ""


async def test_a_stream_that_begins_well_is_not_asked_for_again(proxy: Proxy, provider: Provider) -> None:
    say(provider, error(503, "busy"), sse([b'data: {"choices":[]}\n\n', b"data: [DONE]\n\n"]))
    asked = {**CHAT, "stream": True}
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=asked, headers=config(retry={"attempts": 2})) as got:
        assert got.status == 200
        assert (await got.read()).endswith(b"data: [DONE]\n\n")
    assert sorted(e.status for e in await proxy.exchanges(2)) == [200, 503]


async def test_an_upload_in_pieces_is_asked_once(proxy: Proxy, provider: Provider) -> None:
    provider.always(error(503, "busy"))

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 1000

    headers = {**config(retry={"attempts": 2}), "Content-Type": "application/octet-stream"}
    async with proxy.client.post(f"{proxy.url}/v1/files", data=pieces(), headers=headers) as got:
        assert got.status == 503
    await proxy.exchanges(1)


async def test_the_provider_is_waited_for_as_it_asks(proxy: Proxy, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleeps = asyncio.sleep

    async def sleep(seconds: float) -> None:
        """Everybody's: what else runs in this loop must go on to sleep."""
        waited.append(seconds)
        await sleeps(0 if seconds > 1 else seconds)

    monkeypatch.setattr(retry.asyncio, "sleep", sleep)
    busy = reply(429, [("Retry-After", "7")], b"{}")
    say(provider, busy, reply(429, [("Retry-After", "9999")], b"{}"), reply(429, [("retry-after-ms", "1500")], b"{}"))
    wish = {"attempts": 3, "use_retry_after_header": True}
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=config(retry=wish)) as got:
        assert got.status == 200
    monkeypatch.undo()
    assert [seconds for seconds in waited if seconds > 1] == [7, retry.LONGEST_WISH, 1.5]
    await proxy.exchanges(4)
