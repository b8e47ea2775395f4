"""TRACER_REDACT through a whole Tracer, with a real SDK: the caller gets and the provider is sent every letter, and nothing of
it is kept.

Addresses, keys and cards stand in every place that a caller fills and in what the model says, split over its stream. Then
all that Tracer keeps, sends on or shows is searched, as tests/attacks/test_canaries.py does for callers' own keys.
"""

import asyncio
import gzip
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from tests.exporters.scripted_collector import Collector, http_collector
from tests.provider import STALL, Provider, Reply, Request, raw, reply, sse
from tests.up import Up, until

pytestmark = pytest.mark.timeout(180)

PATIENCE_S = 90.0  # the store starts meanwhile
MAIL, KEY, CARD = "canary.of.mine@example.com", "sk-" + "CANARY0123456789abcdefCANARY", "4111 1111 1111 1111"
STAFF = "CANARY-123456"
SAID = f"Write to {MAIL} with {KEY}, pay by {CARD}, ask {STAFF}."
KEPT = "Write to [email] with [key], pay by [card], ask [staff]."
MARKS = re.compile(rb"canary|4111 1111|4111\+1111", re.IGNORECASE)
USAGE = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
TABLES = ("calls", "bodies", "otel_traces", "feedback", "spans", "span_bodies")


def answers(asked: Request) -> Reply:
    """What the model says, in the manner that was asked for."""
    body = json.loads(asked.body)
    assert SAID in json.dumps(body)  # the provider is sent all of it
    if body.get("stream"):
        pieces = [SAID[at : at + 3] for at in range(0, len(SAID), 3)]
        events = [{"id": "x", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        events.append({"id": "x", "model": "gpt-4o", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({"id": "x", "model": "gpt-4o", "choices": [], "usage": USAGE})
        stream = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events) + b"data: [DONE]\n\n"
        return sse([stream[at : at + 50] for at in range(0, len(stream), 50)])
    choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    said = json.dumps({"id": "x", "model": "gpt-4o", "choices": [choice], "usage": USAGE}).encode()
    return reply(200, [("Content-Type", "application/json"), ("Content-Encoding", "gzip")], gzip.compress(said))


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as running:
        yield running


@pytest.fixture
def up(tmp_path: Path, free_port: Callable[[], int], collector: Collector, provider: Provider) -> Iterator[Up]:
    extra = {
        "TRACER_UPSTREAM_OPENAI": provider.url,
        "TRACER_REDACT": "all",
        "TRACER_REDACT_PATTERN_STAFF": r"CANARY-\d{6}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
    }
    with Up(tmp_path, free_port(), free_port(), extra) as running:
        yield running


async def call(client: openai.AsyncOpenAI, *, stream: bool) -> str:
    messages = [{"role": "user", "content": SAID}]
    more = {"x-portkey-metadata": json.dumps({"_user": MAIL, "card": CARD}), "x-portkey-trace-id": f"of {MAIL}"}
    if not stream:
        answer = await client.chat.completions.create(
            model="gpt-4o",
            messages=messages,
            user=MAIL,
            extra_headers=more,
            extra_query={"who": MAIL},  # type: ignore[arg-type]
        )
        return answer.choices[0].message.content or ""
    said = ""
    async for event in await client.chat.completions.create(
        model="gpt-4o",
        messages=messages,
        user=MAIL,
        stream=True,
        extra_headers=more,  # type: ignore[arg-type]
    ):
        said += (event.choices[0].delta.content or "") if event.choices else ""
    return said


async def test_nothing_is_kept_and_all_of_it_passes(up: Up, provider: Provider, collector: Collector) -> None:
    provider.always(answers)
    async with openai.AsyncOpenAI(api_key="none-of-these", base_url=f"{up.url}/v1", max_retries=0) as client:
        assert await call(client, stream=False) == SAID
        assert await call(client, stream=True) == SAID
        given = {"trace_id": f"of {MAIL}", "value": 1, "metadata": {"by": MAIL}}
        await client.post("/feedback", body=given, cast_to=object)
        provider.always(raw(STALL))
        left = asyncio.ensure_future(call(client, stream=True))
        await asyncio.to_thread(until, lambda: MARKS.sub(b"", noted(up)) == noted(up) != b"", "the open call is noted")
        worker = up.children()["worker"][0]
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(openai.APIConnectionError):
            await left
    await asyncio.to_thread(until, lambda: up.query("SELECT count() FROM llm.calls") == "3", "rows", PATIENCE_S)
    await asyncio.to_thread(until, lambda: up.query("SELECT count() FROM llm.feedback") == "1", "feedback", PATIENCE_S)
    await asyncio.to_thread(until, lambda: len(collector.spans()) >= 3, "spans")

    rows = [
        json.loads(line) for line in up.query("SELECT * FROM llm.calls ORDER BY started_at FORMAT JSONEachRow").splitlines()
    ]
    assert [row["outcome"] for row in rows] == ["ok", "ok", "proxy_crash"]
    for row in rows:
        assert (row["user"], row["metadata"]["card"]) == ("[email]", "[card]")
        assert any(re.fullmatch(r"redacted: card \d+, email \d+, key \d+, staff \d+", note) for note in row["notes"])
    for row in rows[:2]:
        assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (7, 11, "provider")
        assert float(row["cost_usd"]) > 0
    bodies = [json.loads(line) for line in up.query("SELECT * FROM llm.bodies FORMAT JSONEachRow").splitlines()]
    assert all(json.loads(body["request_body"])["messages"][0]["content"] == KEPT for body in bodies)
    answered = [json.loads(body["assembled"] or body["response_body"]) for body in bodies if body["response_body"]]
    assert [said["choices"][0]["message"]["content"] for said in answered] == [KEPT, KEPT]

    kept = {
        table: (await asyncio.to_thread(up.query, f"SELECT * FROM llm.{table} FORMAT JSONEachRow")).encode() for table in TABLES
    }
    kept["spans"] = b"".join(one.SerializeToString() for one in collector.requests)
    kept |= {str(path.relative_to(up.directory)): path.read_bytes() for path in up.directory.rglob("*") if path.is_file()}
    assert b"[email]" in kept["bodies"]
    assert b"[email]" in kept["spans"]
    assert {where: MARKS.findall(what)[:3] for where, what in kept.items() if MARKS.search(what)} == {}


def noted(up: Up) -> bytes:
    """What stands on the disk of calls that are under way, if any is."""
    path = up.directory / "data/spool/w0/unfinished"
    found = path.read_bytes() if path.exists() else b""
    return found if b"[email]" in found else b""
