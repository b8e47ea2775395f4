"""Streams of every dialect, by hand after the providers' documentation, against the reply of the same call unstreamed."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import corpus
from tests.sink.test_facts import JSON
from tracer.dialects.table import DIALECTS
from tracer.framing import framing_of
from tracer.sink.assemble import assemble
from tracer.sink.body import Plain
from tracer.sink.stream import read_stream


def converse(kind: str, **said: Any) -> dict[str, Any]:
    return {kind: said}


def block(index: int, kind: str, **said: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": index, **said}


def cohere(kind: str, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": 0, "delta": {"message": message}}


def gemini(*parts: dict[str, Any], **other: Any) -> dict[str, Any]:
    ends = {"finishReason": other.pop("finishReason")} if "finishReason" in other else {}
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "index": 0, **ends}], **other}


CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "anthropic": (
        [
            {
                "type": "message_start",
                "message": {"id": "m", "model": "c", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}},
            },
            block(0, "start", content_block={"type": "thinking", "thinking": "", "signature": ""}),
            block(0, "delta", delta={"type": "thinking_delta", "thinking": "h"}),
            block(0, "delta", delta={"type": "thinking_delta", "thinking": "m"}),
            block(0, "delta", delta={"type": "signature_delta", "signature": "s"}),
            {"type": "ping"},
            block(1, "start", content_block={"type": "text", "text": ""}),
            block(1, "delta", delta={"type": "text_delta", "text": "a"}),
            block(1, "delta", delta={"type": "citations_delta", "citation": {"n": 1}}),
            block(1, "delta", delta={"type": "text_delta", "text": "b"}),
            block(1, "stop"),
            block(2, "start", content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            block(2, "delta", delta={"type": "input_json_delta", "partial_json": '{"x"'}),
            block(2, "delta", delta={"type": "input_json_delta", "partial_json": ": 1}"}),
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use"},
                "usage": {"input_tokens": None, "output_tokens": 7},
            },
            {"type": "message_stop"},
        ],
        {
            "role": "assistant",
            "id": "m",
            "model": "c",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "ab", "citations": [{"n": 1}]},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
            ],
            "usage": {"input_tokens": 9, "output_tokens": 7},
            "stop_reason": "tool_use",
        },
    ),
    "anthropic, cut in a tool's input": (
        [
            {"type": "message_start", "message": {"id": "m"}},
            block(0, "start", content_block={"type": "tool_use", "name": "f", "input": {}}),
            block(0, "delta", delta={"type": "input_json_delta", "partial_json": '{"x"'}),
            {"type": "error", "error": {"type": "overloaded_error"}},
        ],
        {
            "role": "assistant",
            "id": "m",
            "content": [{"type": "tool_use", "name": "f", "input": '{"x"'}],
            "error": {"type": "overloaded_error"},
        },
    ),
    "gemini": (
        [
            gemini({"text": "h", "thought": True}, modelVersion="g", usageMetadata={"totalTokenCount": 1}),
            gemini({"text": "m", "thought": True}),
            gemini({"text": "a"}),
            gemini({"text": "b", "thoughtSignature": "s"}),
            gemini({"functionCall": {"name": "f"}}),
            gemini({"text": "c"}, finishReason="STOP", usageMetadata={"totalTokenCount": 5}),
        ],
        {
            "candidates": [
                {
                    "content": {
                        "parts": [
                            {"text": "hm", "thought": True},
                            {"text": "ab", "thoughtSignature": "s"},
                            {"functionCall": {"name": "f"}},
                            {"text": "c"},
                        ],
                        "role": "model",
                    },
                    "index": 0,
                    "finishReason": "STOP",
                }
            ],
            "modelVersion": "g",
            "usageMetadata": {"totalTokenCount": 5},
        },
    ),
    "converse": (
        [
            converse("messageStart", role="assistant", p="abc"),
            converse("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": "h"}}),
            converse("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": "s"}}),
            converse("contentBlockDelta", contentBlockIndex=1, delta={"text": "a"}),
            converse("contentBlockDelta", contentBlockIndex=1, delta={"text": "b"}),
            converse("contentBlockStart", contentBlockIndex=2, start={"toolUse": {"name": "f", "toolUseId": "t"}}),
            converse("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": '{"x":'}}),
            converse("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": "1}"}}),
            converse("contentBlockStop", contentBlockIndex=2),
            converse("messageStop", stopReason="tool_use"),
            converse("metadata", usage={"inputTokens": 1}, metrics={"latencyMs": 2}, p="ab"),
        ],
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "h", "signature": "s"}}},
                        {"text": "ab"},
                        {"toolUse": {"name": "f", "toolUseId": "t", "input": {"x": 1}}},
                    ],
                }
            },
            "stopReason": "tool_use",
            "usage": {"inputTokens": 1},
            "metrics": {"latencyMs": 2},
        },
    ),
    "cohere v2": (
        [
            {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant", "content": []}}},
            cohere("tool-plan-delta", tool_plan="I "),
            cohere("tool-plan-delta", tool_plan="will"),
            cohere("tool-call-start", tool_calls={"id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}),
            cohere("tool-call-delta", tool_calls={"function": {"arguments": "{"}}),
            cohere("tool-call-delta", tool_calls={"function": {"arguments": "}"}}),
            cohere("content-start", content={"type": "text", "text": ""}),
            cohere("content-delta", content={"text": "a"}),
            cohere("content-delta", content={"text": "b"}),
            cohere("citation-start", citations={"n": 1}),
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 1}}}},
        ],
        {
            "id": "c",
            "finish_reason": "COMPLETE",
            "usage": {"tokens": {"input_tokens": 1}},
            "message": {
                "role": "assistant",
                "tool_plan": "I will",
                "citations": [{"n": 1}],
                "content": [{"type": "text", "text": "ab"}],
                "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        },
    ),
    "cohere v1": (
        [
            {"event_type": "stream-start", "generation_id": "g", "is_finished": False},
            {"event_type": "text-generation", "text": "a", "is_finished": False},
            {
                "event_type": "stream-end",
                "is_finished": True,
                "finish_reason": "COMPLETE",
                "response": {"text": "a", "meta": {}},
            },
        ],
        {"text": "a", "meta": {}, "finish_reason": "COMPLETE"},
    ),
    "cohere v1, cut": (
        [
            {"event_type": "stream-start", "generation_id": "g", "is_finished": False},
            {"event_type": "text-generation", "text": "a", "is_finished": False},
            {"event_type": "text-generation", "text": "b", "is_finished": False},
        ],
        {"generation_id": "g", "text": "ab"},
    ),
    "ollama chat": (
        [
            {"model": "l", "message": {"role": "assistant", "content": "", "thinking": "h"}, "done": False},
            {"model": "l", "message": {"role": "assistant", "content": "a", "tool_calls": [1]}, "done": False},
            {"model": "l", "message": {"role": "assistant", "content": "b", "tool_calls": [2]}, "done": False},
            {"model": "l", "message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 2},
        ],
        {
            "model": "l",
            "message": {"role": "assistant", "content": "ab", "thinking": "h", "tool_calls": [1, 2]},
            "done": True,
            "eval_count": 2,
        },
    ),
    "ollama generate": (
        [{"response": "a", "done": False}, {"response": "b", "done": False}, {"response": "", "done": True, "context": [1]}],
        {"response": "ab", "done": True, "context": [1]},
    ),
    "titan": (
        [
            {"outputText": "a", "index": 0, "totalOutputTextTokenCount": None, "inputTextTokenCount": 3},
            {"outputText": "b", "index": 0, "totalOutputTextTokenCount": 2, "completionReason": "FINISH"},
        ],
        {
            "inputTextTokenCount": 3,
            "results": [{"outputText": "ab", "tokenCount": 2, "completionReason": "FINISH"}],
        },
    ),
    "llama on bedrock": (
        [
            {"generation": "a", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": None},
            {"generation": "b", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": "stop"},
        ],
        {"generation": "ab", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "stop"},
    ),
    "mistral on bedrock": (
        [{"outputs": [{"text": "a", "stop_reason": None}]}, {"outputs": [{"text": "b", "stop_reason": "stop"}]}],
        {"outputs": [{"text": "ab", "stop_reason": "stop"}]},
    ),
    "text-generation-inference": (
        [
            {"index": 1, "token": {"text": "a"}, "generated_text": None},
            {"index": 2, "token": {"text": "b"}, "generated_text": "ab", "details": {"finish_reason": "length"}},
        ],
        {"generated_text": "ab", "details": {"finish_reason": "length"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_as_if_it_had_not_been_streamed(name: str) -> None:
    events, reply = CASES[name]
    assert orjson.loads(assemble(events)) == reply


@given(st.sampled_from(sorted(CASES)), st.data())
def test_any_part_of_a_stream_gives_something(name: str, data: st.DataObject) -> None:
    events, _ = CASES[name]
    part = events[data.draw(st.integers(0, len(events))) : data.draw(st.integers(0, len(events)))]
    assert assemble(part) == "" or isinstance(orjson.loads(assemble(part)), dict)


MARKS = [mark for row in DIALECTS for mark in row.marks if len(mark.path) == 1 and isinstance(mark.path[0], str)]


@given(st.lists(st.tuples(st.sampled_from(MARKS), JSON, JSON), max_size=4))
def test_no_event_makes_it_raise(events: list[Any]) -> None:
    keys = ("delta", "message", "content_block", "start", "index", "content", "candidates", "response", "usage", "outputs")
    documents = [
        {**dict.fromkeys(keys, other), str(mark.path[0]): mark.values[0] if mark.values else value}
        for mark, value, other in events
    ]
    assert isinstance(assemble(documents), str)


def text_of(document: Any) -> str:
    """Every text in it that a model may have written, in order."""
    keys = ("text", "thinking", "content", "response", "generation", "tool_plan", "arguments", "partial_json")
    if isinstance(document, dict):
        return "".join(
            part if isinstance(part, str) and key in keys else text_of(part)
            for key, part in document.items()
            if key != "citations"
        )
    return "".join(map(text_of, document)) if isinstance(document, list) else ""


def test_recorded_streams_lose_no_text() -> None:
    seen = 0
    for recorded in corpus():
        media = recorded["content_type"].partition(";")[0]
        wire = recorded["response"].encode()
        if framing_of(media, wire) is None or any(host in recorded["host"] for host in ("openai", "azure")):
            continue
        documents = read_stream(Plain(wire), media).documents
        if any("choices" in document or str(document.get("type")).startswith("response.") for document in documents):
            continue
        whole = assemble(documents)
        assert whole or "writer" in recorded["host"], recorded["id"]
        if whole and "anthropic" not in recorded["host"] and "stream-end" not in recorded["response"]:
            assert sorted(text_of(orjson.loads(whole))) == sorted(text_of(documents)), recorded["id"]
            seen += 1
    assert seen > 20
