"""Calls that were under way when their worker was killed: each leaves one record, once a worker opens the spool again."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.ports import free_port
from tests.provider import Provider
from tests.provider.replies import reply, sse, sse_event
from tests.proxy.conftest import Proxy, Start
from tracer.config import environment
from tracer.proxy import open_calls
from tracer.records import Outcome

PATH = "/v1/chat/completions"
STREAM: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "tell me"}], "stream": True}
EVENTS = [sse_event({"choices": [{"index": 0, "delta": {"content": f"word{n} "}}]}) for n in range(1000)]


async def test_a_killed_worker_leaves_a_record_of_each_call(start_proxy: Start, provider: Provider, tmp_path: Path) -> None:
    port, data_dir = free_port(), tmp_path / "data"
    (tmp_path / "metrics").mkdir()
    environ = environment(
        TRACER_DATA_DIR=str(data_dir), TRACER_PORT=str(port), TRACER_CONFIG="/dev/null", TRACER_UPSTREAM_OPENAI=provider.url
    )
    environ["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path / "metrics")
    child = [sys.executable, "-m", "tracer.child", "worker", "0"]
    worker = await asyncio.create_subprocess_exec(*child, env=environ, stdin=asyncio.subprocess.PIPE)
    url = f"http://127.0.0.1:{port}"
    provider.always(sse(EVENTS, every_s=0.01))
    async with aiohttp.ClientSession() as client:
        await _until_up(client, url)
        for number in range(3):
            got = await client.post(url + PATH, json=STREAM, headers={"x-portkey-trace-id": f"talk-{number}"})
            await got.content.readany()
        provider.always(reply(200, [("Content-Type", "application/json")], b"{}"))
        async with client.post(url + PATH, json={**STREAM, "stream": False}) as whole:
            assert whole.status == 200
        await asyncio.sleep(open_calls.FIRST_S * open_calls.FACTOR**2 + 0.5)  # until the notes have some of the stream
        worker.kill()
        await worker.wait()
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_DATA_DIR=str(data_dir)) as proxy:
        *crashed, fourth = await proxy.exchanges(4)
    assert fourth.outcome is Outcome.OK
    assert {exchange.trace.trace_id for exchange in crashed} == {"talk-0", "talk-1", "talk-2"}
    for exchange in crashed:
        assert (exchange.outcome, exchange.error_type, exchange.status) == (Outcome.PROXY_CRASH, "proxy_crash", 200)
        assert b"tell me" in exchange.request.head
        assert b"word0" in exchange.response.head
        assert exchange.end_ns > 0


async def _until_up(client: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with client.get(url + "/health") as got:
                    if got.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def test_a_call_that_ends_leaves_no_second_record(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        provider.reply(sse(EVENTS[:30], every_s=0.01))
        await _read(proxy)
        assert (await proxy.exchange()).outcome is Outcome.OK
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        assert (await proxy.exchange()).outcome is Outcome.OK


async def _read(proxy: Proxy) -> None:
    async with proxy.client.post(proxy.url + PATH, json=STREAM) as got:
        await got.read()


async def test_a_note_that_cannot_be_made_disturbs_nobody(
    start_proxy: Start, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def encode(*_: object) -> bytes:
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(open_calls, "encode", encode)
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        for count in (1, 2):
            provider.reply(sse(EVENTS[:20], every_s=0.01))
            await _read(proxy)
            assert [exchange.outcome for exchange in await proxy.exchanges(count)] == [Outcome.OK] * count
    assert "could not be noted as under way" in caplog.text
