"""Bodies and templates made to cost memory: what a worker takes for them is bounded, given back, and each leaves one row."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.stack import Stack, tracer_up
from tests.provider import Provider

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}
MIB = 1 << 20


@dataclass
class Worker:
    """The stack's only worker."""

    stack: Stack
    client: aiohttp.ClientSession
    sent: int = 0

    async def ask(self, path: str, body: bytes) -> tuple[int, int]:
        """The status of the answer, and by how many bytes the worker was larger meanwhile than before."""
        (pid,) = await asyncio.to_thread(self.stack.pids, "worker")
        process = Path(f"/proc/{pid}")
        (process / "clear_refs").write_text("5")  # from now on VmHWM is the most since now
        before = size(process, "VmRSS")
        async with self.client.post(self.stack.origin + path, data=pieces(body), headers=JSON) as got:
            assert await got.read()
        self.sent += path.endswith("completions")
        return got.status, size(process, "VmHWM") - before


def size(process: Path, line: str) -> int:
    return int((process / "status").read_text().partition(f"{line}:")[2].split()[0]) << 10


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), MIB):
        yield body[at : at + MIB]


def prompt(text: str, slug: str) -> bytes:
    string = json.dumps([{"role": "user", "content": text}])
    return json.dumps({"name": "p", "slug": slug, "string": string, "parameters": {"model": "m"}}).encode()


@pytest.fixture
async def worker(tmp_path: Path, free_port: Callable[[], int], provider: Provider) -> AsyncIterator[Worker]:
    settings = {"TRACER_UPSTREAM_OPENAI": provider.url, "TRACER_WORKERS": "1", "TRACER_UI": "false"}
    with tracer_up(tmp_path, free_port, settings) as stack:
        async with aiohttp.ClientSession() as client:
            running = Worker(stack, client)
            yield running
            rows = await asyncio.to_thread(stack.wait_for_calls, running.sent)
            assert len({row["call_id"] for row in rows}) == running.sent


async def test_large_bodies(worker: Worker, provider: Provider) -> None:
    assert (await worker.ask("/v1/prompts", prompt("Say {{x}}", "say")))[0] == 200
    variable = b'{"variables":{"x":"%b"}}' % (b"v" * 10 * MIB)
    grown = []
    for _ in range(12):
        status, more = await worker.ask("/v1/prompts/say/completions", variable)
        assert status == 200
        grown.append(more)
    assert max(grown) < 20 * len(variable)
    assert sum(grown[6:]) < 20 * len(variable)  # what is given back is used again

    chat = b'{"model":"openai/m","messages":[{"role":"user","content":"%b"}]}' % (b"v" * (64 * MIB - 100))
    status, more = await worker.ask("/v5/chat/completions", chat)
    assert status == 200
    assert more < 10 * len(chat)
    assert len(provider.requests) == 13


BOMBS: dict[str, tuple[str, dict[str, object]]] = {
    "deep": ("{{#a}}" * 40 + "{{b}}" + "{{/a}}" * 40, {"a": [1] * 50, "b": "v" * 10_000}),
    "long": ("{{b}}" * 9_000, {"b": "v" * 1_000_000}),
    "unclosed": ("{{#a}}" * 100_000, {"a": [1]}),
    "wide": ("{{#a}}{{#a}}{{#a}}{{b}}{{/a}}{{/a}}{{/a}}", {"a": [1] * 40, "b": '"' * 1_000_000}),
}


async def test_bombs(worker: Worker, provider: Provider) -> None:
    for name, (template, variables) in BOMBS.items():
        status, more = await worker.ask("/v1/prompts", prompt(template, name))
        assert (name, status) == (name, 200)
        assert more < 100 * MIB, name
        for _ in range(3):
            body = json.dumps({"variables": variables}).encode()
            status, more = await worker.ask(f"/v1/prompts/{name}/completions", body)
            assert (name, status) == (name, 400)
            assert more < 100 * MIB, name
    assert not provider.requests
