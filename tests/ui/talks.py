"""Calls with something said in them, made by the sink from exchanges as the proxy would have kept them.

`chat` streams, with tools and a picture; the rest is one of each dialect. `agent` is a trace with all that a trace can have.
"""

import re
import time
from array import array
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import orjson

from exporters import clickhouse
from tests.sink.exchanges import MS, body, events_of, exchange, sse
from tracer import ids
from tracer.config import Settings
from tracer.media import replace_media
from tracer.records import Call, Chunks, Exchange, Outcome, TraceContext
from tracer.registry import labels, prompts, versioned
from tracer.registry.database import Database
from tracer.registry.stored import Content
from tracer.signals import AppSpan, Feedback, Record
from tracer.sink import price
from tracer.sink.decode import decode

_PRICES = price.load(None)
_PICTURE = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUg" * 400
TRACE = "research/4711?x=1"
HEADERS = (
    ("content-type", "application/json"),
    ("authorization", "***"),
    ("user-agent", "OpenAI/Python 3.54.0"),
    ("x-portkey-metadata", '{"team":"search","_user":"ada"}'),
)
TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Looks for pages in the handbook.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
}
QUESTION = "Which of our suppliers deliver within two days?\nAnswer with a table, and say where each figure comes from."
SYSTEM = "You are the assistant of the purchasing department. Be brief and name your sources. " * 12


def call(number: int, made: Exchange) -> Call:
    """The row of an exchange that becomes call number `number`."""
    call_id = UUID(int=(0x0195 << 112) | (7 << 76) | (0b10 << 62) | number)
    return decode(msgspec.structs.replace(made, call_id=call_id), _PRICES)


def said(request: Any, answer: Any, trace: TraceContext | None = None, **other: Any) -> Exchange:
    """An exchange of now; an `answer` that is a list is a stream's events."""
    data, _ = replace_media(orjson.dumps(request), array("I"))
    streamed = isinstance(answer, list)
    response = sse(*answer) if streamed else orjson.dumps(answer)
    values: dict[str, Any] = {
        "started_ns": time.time_ns() - 60 * 10**9,
        "request_headers": HEADERS,
        "client": "OpenAI/Python 3.54.0",
        "media": "text/event-stream" if streamed else "application/json",
    }
    if trace is not None:
        values["trace"] = trace
    return exchange(response, body(data), **{**values, **other})


def context(trace_id: str, span_id: str, parent: str = "", name: str = "llm", **metadata: str) -> TraceContext:
    return TraceContext(
        trace_id,
        span_id,
        ids.otel_trace_id(trace_id),
        ids.otel_span_id(span_id),
        parent_span_id=parent,
        otel_parent_span_id=ids.otel_span_id(parent) if parent else "",
        span_name=name,
        metadata=metadata,
    )


def chat_request(**more: Any) -> dict[str, Any]:
    picture = {"type": "image_url", "image_url": {"url": _PICTURE}}
    arguments = '{"query": "delivery times of suppliers"}'
    return {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "search", "arguments": arguments}}],
            },
            {
                "role": "tool",
                "tool_call_id": "call_1",
                "content": '{"pages": [{"id": 12, "title": "Contracts 2026"}, {"id": 31, "title": "Stock"}]}',
            },
        ],
        "tools": [TOOL],
        "temperature": 0.2,
        "max_completion_tokens": 400,
        "reasoning_effort": "low",
        "stream": True,
        **more,
    }


def chat_events(words: Sequence[str] = (), fingerprint: str = "fp_cbf1785567", end: bool = True) -> list[dict[str, Any]]:
    text = "| supplier | days |\n|---|---|\n| Brandt | 1 |\n| Olsen | 2 |\n\nSources: pages 12 and 31."
    words = words or re.findall(r"\S+\s*", text)
    frame = {
        "id": "chatcmpl-Z9",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "system_fingerprint": fingerprint,
    }
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": word} for word in words)]
    events = [{**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    usage = {
        "prompt_tokens": 2210,
        "completion_tokens": 148,
        "total_tokens": 2358,
        "prompt_tokens_details": {"cached_tokens": 1536, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 96, "audio_tokens": 0},
    }
    if end:
        events.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({**frame, "choices": [], "usage": usage})
    return events


def chat(number: int, trace: TraceContext | None = None, **other: Any) -> Call:
    """A streamed chat with a tool's result and a picture."""
    return call(number, said(chat_request(), chat_events(), trace, every_ms=38, **other))


def stalling(number: int) -> Call:
    """A streamed chat that came to a stop twice."""
    events = events_of(sse(*chat_events()))
    at_ms = [38 * (place + 1) + 1762 * (place > 11) + 2562 * (place > 16) for place in range(len(events))]
    came = Chunks(array("Q", [at * MS for at in at_ms]).tobytes(), array("I", [len(event) for event in events]).tobytes())
    return call(number, said(chat_request(), chat_events(), every_ms=38, chunks=came, end_ns=(at_ms[-1] + 1) * MS))


def anthropic(number: int) -> Call:
    request = {
        "model": "claude-sonnet-4-5",
        "system": "Answer in German.",
        "max_tokens": 300,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is the weather in Ulm?"}]}],
        "tools": [{"name": "weather", "description": "Weather of a town.", "input_schema": {"type": "object"}}],
    }
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [
            {"type": "thinking", "thinking": "I should ask the tool."},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"town": "Ulm"}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 80, "output_tokens": 31},
    }
    return call(number, said(request, answer, path="/v1/messages", provider="anthropic"))


def gemini(number: int) -> Call:
    request = {"contents": [{"role": "user", "parts": [{"text": "Name a river."}]}]}
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "The Elbe."}]}, "finishReason": "STOP"}]}
    return call(number, said(request, answer, path="/v1beta/models/gemini-2.5-flash:generateContent", provider="google"))


def from_a_prompt(number: int, slug: str = "pp-support-a1b2") -> Call:
    """A call whose body a prompt's template made."""
    original = {"variables": {"name": "Ada", "order": "4711"}, "max_tokens": 80}
    made = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Greet Ada, who asks about order 4711."}],
        "max_tokens": 80,
    }
    answer = {
        "id": "chatcmpl-Z2",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello Ada!"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 22, "completion_tokens": 4, "total_tokens": 26},
    }
    kept = said(
        made,
        answer,
        path=f"/v1/prompts/{slug}/completions",
        original=body(orjson.dumps(original)),
        prompt_id=slug,
        prompt_version="3",
        notes=("config.retry is ignored: Tracer does not retry",),
    )
    return call(number, kept)


def failed(number: int, trace: TraceContext | None = None, **other: Any) -> Call:
    error = {
        "error": {
            "type": "rate_limit_exceeded",
            "message": "Rate limit reached for gpt-4o: Limit 30000, Used 29510.",
            "code": "rate_limit_exceeded",
        }
    }
    return call(number, said(chat_request(), error, trace, status=429, outcome=Outcome.UPSTREAM_ERROR, **other))


def agent(first: int) -> list[Record]:
    """An agent's run: its own spans, calls below them, a retry, a client that left, a span that never ended, feedback."""
    start = time.time_ns() - 90 * 10**9

    def span(id: str, parent: str, name: str, at_ms: int, for_ms: int | None, **more: Any) -> AppSpan:
        ended = {"end_ns": start + (at_ms + for_ms) * MS} if for_ms is not None else {"end_ns": 0}
        return AppSpan(
            id=id,
            parent_id=parent,
            trace_id=TRACE,
            name=name,
            start_ns=start + at_ms * MS,
            received_ns=start,
            **{"type": "STANDALONE", "status": "SUCCESS", **ended, **more},
        )

    def at(ms: int, span_id: str, parent: str, name: str) -> dict[str, Any]:
        return {"started_ns": start + ms * MS, "trace": context(TRACE, span_id, parent, name, _user="ada", team="search")}

    return [
        span("run", "", "answer question", 0, 5200, type="TRACER", **RUN),
        span("plan", "run", "plan", 20, 1100),
        failed(first, **at(40, "c1", "plan", "make plan")),
        chat(first + 1, attempt=1, **at(190, "c2", "plan", "make plan")),
        span("work", "run", "work", 1200, 3000),
        span("search", "work", "search", 1230, 420, type="RETRIEVER"),
        call(
            first + 2,
            said(
                {"model": "text-embedding-3-small", "input": QUESTION},
                {
                    "data": [{"embedding": [0.1] * 8}],
                    "model": "text-embedding-3-small",
                    "usage": {"prompt_tokens": 12, "total_tokens": 12},
                },
                path="/v1/embeddings",
                end_ns=90 * MS,
                **at(1240, "c3", "search", "embed"),
            ),
        ),
        span("open", "work", "open page", 1700, 350, status="ERROR", metadata='{"error_type":"TimeoutError"}'),
        chat(first + 3, **at(2100, "c4", "work", "read pages")),
        chat(first + 4, outcome=Outcome.CLIENT_GONE, client_gone_ns=700 * MS, **at(3100, "c5", "work", "draft")),
        chat(first + 5, **at(4250, "c6", "run", "write answer")),
        span("check", "run", "check", 5180, None, status=""),
        Feedback(
            id=UUID(int=first),
            trace_id=TRACE,
            value=7.0,
            weight=1.0,
            metadata={"by": "ada"},
            created_ns=start + 9000 * MS,
            version=1,
        ),
    ]


RUN = {
    "input": orjson.dumps({"question": QUESTION}).decode(),
    "output": '{"answer":"Brandt, one day.","confidence":0.8}',
    "expected": '{"answer":"Brandt"}',
}
PROMPT_VERSIONS = (
    ("Greet {{name}}.", {"model": "gpt-4o-mini"}),
    ("Greet {{name}}, who asks about order {{order}}.", {"model": "gpt-4o-mini", "max_tokens": 80}),
    ("Greet {{name}} warmly, who asks about order {{order}}.\nSay when it comes.", {"model": "gpt-4o-mini", "max_tokens": 120}),
    ("Greet {{name}}, who asks about order {{order}}.\nSay when it comes.", {"model": "gpt-4o", "max_tokens": 120}),
)


async def write_prompts(
    settings: Settings, slugs: Sequence[str] = ("pp-support-a1b2", "pp-answer-77fe", "pp-triage-03cd")
) -> None:
    """Prompts of four versions into the registry; version 3 is published, version 4 is being tried."""
    database = Database(settings)
    try:
        await database.open()
        for slug in slugs:
            async with database.changing() as connection:
                made = [
                    Content(
                        orjson.dumps(
                            [{"role": "system", "content": "{{>tone}}\nYou help customers."}, {"role": "user", "content": text}]
                        ).decode(),
                        parameters,
                    )
                    for text, parameters in PROMPT_VERSIONS
                ]
                name = slug.split("-")[1].capitalize()
                item, _ = await prompts.create_prompt(connection, prompts.Place(""), name, made[0], slug=slug)
                for content, about in zip(
                    made[1:], ("Asks for the order", "Warmer", "Cooler, and a larger model"), strict=True
                ):
                    await versioned.add_version(connection, versioned.PROMPT, item, content, about)
                await versioned.publish(connection, versioned.PROMPT, item, 3)
                staging = await labels.named(connection, "", "staging")
                assert staging is not None
                await labels.put(connection, item, 4, staging)
    finally:
        await database.close()


def write(settings: Settings, records: Sequence[Record]) -> None:
    """The records into the store, as the sink delivers them: each kind by itself."""
    exporter = clickhouse.open(settings)
    try:
        for kind in (Call, AppSpan, Feedback):
            some = [record for record in records if isinstance(record, kind)]
            if some:
                exporter.export(some, f"{kind.__name__}-{time.time_ns()}")
    finally:
        exporter.close()
