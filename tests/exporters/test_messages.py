import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import messages, semconv
from exporters.messages import content_attributes
from tests.exporters.otlp_samples import content

CORPUS = Path(__file__).parents[3] / "shared/corpus/exchanges.jsonl.gz"

IN, OUT = semconv.GEN_AI_INPUT_MESSAGES, semconv.GEN_AI_OUTPUT_MESSAGES
SYSTEM, TOOLS = semconv.GEN_AI_SYSTEM_INSTRUCTIONS, semconv.GEN_AI_TOOL_DEFINITIONS


def read(request: Any, response: Any = None, operation: str = "chat") -> dict[str, Any]:
    """The attributes for two JSON values, parsed back."""
    found = content_attributes(content(json.dumps(request), json.dumps(response)), operation)
    return {name: json.loads(str(value)) for name, value in found.items()}


def parts_of(message: Any) -> Any:
    (read_back,) = read({"messages": [message]})[IN]
    return read_back["parts"]


def test_chat() -> None:
    request = {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi", "name": "ada"}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}],
    }
    response = {
        "choices": [
            {"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"},
            {"message": {"content": None}, "finish_reason": None},
        ]
    }
    assert read(request, response) == {
        IN: [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "user", "parts": [{"type": "text", "content": "Hi"}], "name": "ada"},
        ],
        OUT: [
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"},
            {"role": "assistant", "parts": [], "finish_reason": "error"},
        ],
        TOOLS: [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
    }


def test_a_streamed_answer_is_read_from_its_assembled_form() -> None:
    assembled = '{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}'
    found = content_attributes(content("{}", "data: {}\n\n", assembled), "chat")
    assert json.loads(str(found[OUT]))[0]["parts"] == [{"type": "text", "content": "whole"}]


def test_tool_calls_and_their_answers() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    broken = {"id": "c2", "type": "function", "function": {"name": "f", "arguments": '{"x":'}}
    custom = {"id": "c3", "type": "custom", "custom": {"name": "sh", "input": "ls"}}
    assert parts_of({"role": "assistant", "content": None, "tool_calls": [call, broken, custom]}) == [
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"x": 1}},
        {"type": "tool_call", "id": "c2", "name": "f", "arguments": '{"x":'},
        {"type": "tool_call", "id": "c3", "name": "sh", "arguments": "ls"},
    ]
    assert parts_of({"role": "tool", "tool_call_id": "c1", "content": "42"}) == [
        {"type": "tool_call_response", "id": "c1", "response": "42"}
    ]
    assert parts_of({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}) == [
        {"type": "tool_call", "name": "f", "arguments": {}}
    ]
    done = read({}, {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]})
    assert done[OUT][0]["finish_reason"] == "tool_call"


def test_media_and_other_parts() -> None:
    sent = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAA"}},
        {"type": "input_audio", "input_audio": {"data": "BBB", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video", "video": "unknown to us"},
    ]
    assert parts_of({"role": "user", "content": sent}) == [
        {"type": "text", "content": "look"},
        {"type": "uri", "modality": "image", "uri": "https://x/y.png"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAA"},
        {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "BBB"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
        {"type": "video", "video": "unknown to us"},
    ]


def test_reasoning_refusal_and_spoken_answers() -> None:
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "",
        "refusal": "no",
        "audio": {"id": "a1", "data": "CCC", "transcript": "spoken"},
    }
    assert parts_of(message) == [
        {"type": "reasoning", "content": "hm"},
        {"type": "refusal", "content": "no"},
        {"type": "text", "content": "spoken"},
        {"type": "blob", "modality": "audio", "content": "CCC"},
    ]


def test_legacy_completions() -> None:
    found = read({"prompt": ["a", [1, 2], "b"]}, {"choices": [{"text": "c", "finish_reason": "length"}]})
    assert [message["parts"][0]["content"] for message in found[IN]] == ["a", "b"]
    assert found[OUT] == [{"role": "assistant", "parts": [{"type": "text", "content": "c"}], "finish_reason": "length"}]
    assert read({"prompt": "a"})[IN] == [{"role": "user", "parts": [{"type": "text", "content": "a"}]}]


def test_responses() -> None:
    request = {
        "instructions": "Be kind.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
        ],
        "tools": [
            {"type": "function", "name": "f", "parameters": {}, "strict": True},
            {"type": "mcp", "server_label": "files", "server_url": "https://x", "authorization": "canary"},
            {"type": "web_search"},
        ],
    }
    response = {
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "web_search_call", "id": "ws1", "status": "completed"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
        ],
    }
    found = read(request, response)
    assert found[SYSTEM] == [{"type": "text", "content": "Be kind."}]
    assert [message["role"] for message in found[IN]] == ["user", "assistant", "tool"]
    assert found[IN][2]["parts"] == [{"type": "tool_call_response", "id": "c1", "response": "42"}]
    assert found[OUT] == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "hm"},
                {"type": "web_search_call", "id": "ws1", "status": "completed"},
                {"type": "text", "content": "Hello"},
            ],
            "finish_reason": "stop",
        }
    ]
    assert [tool["name"] for tool in found[TOOLS]] == ["f", "files", "web_search"]
    assert "canary" not in json.dumps(found[TOOLS])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "failed"}, "error"),
        ({"status": "completed", "calls": True}, "tool_call"),
    ],
)
def test_how_a_response_finished(fields: dict[str, Any], reason: str) -> None:
    item = {"type": "function_call", "name": "f"} if fields.pop("calls", False) else {"type": "message", "content": "x"}
    assert read({}, {**fields, "output": [item]})[OUT][0]["finish_reason"] == reason


def test_bodies_that_hold_no_conversation_give_nothing() -> None:
    assert read({"input": "a", "model": "m"}, {"data": []}, "embeddings") == {}
    assert content_attributes(content('{"messages":[', "<html>"), "chat") == {}
    assert content_attributes(content("", ""), "chat") == {}
    assert read([1], "text") == {}


def test_text_that_does_not_fit_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_BYTES", 300)
    long = '{"messages":[{"role":"user","content":"' + "é" * 200 + '"}]}'
    found = content_attributes(content(long), "chat")
    assert found[semconv.TRACER_CONTENT_DROPPED] == (IN,)
    assert OUT in found
    assert IN not in found


def test_json_deeper_than_can_be_written_is_left_out() -> None:
    deep = '{"messages":[{"role":"tool","content":' + "[" * 400 + "]" * 400 + "}]}"
    assert content_attributes(content(deep, "{}"), "chat") == {semconv.TRACER_CONTENT_DROPPED: (IN,)}


# fmt: off
KEYS = [
    "messages", "input", "prompt", "instructions", "tools", "functions", "choices", "output", "message",
    "role", "content", "type", "text", "function", "name", "arguments", "tool_calls", "tool_call_id",
    "call_id", "audio", "image_url", "input_audio", "file", "refusal", "reasoning", "summary", "custom",
    "status", "incomplete_details", "reason", "finish_reason", "function_call", "data", "format", "url", "id",
    "mcp", "contents", "parts", "candidates", "system", "systemInstruction", "toolUse", "toolResult", "reasoningContent",
    "reasoningText", "thinking", "preamble", "chat_history", "functionCall", "functionResponse", "args", "toolConfig",
    "toolSpec", "functionDeclarations", "input_schema", "inputSchema", "stopReason", "stop_reason", "done_reason", "generation",
    "response",
]
# fmt: on
WORDS = st.sampled_from(
    [*KEYS, "tool_use", "tool_result", "assistant", "tool", "output_text", "input_image", "data:x;base64,y", ""]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=40,
)


@given(request=JSON, response=JSON)
def test_no_body_is_too_odd(request: object, response: object) -> None:
    found = content_attributes(content(json.dumps(request), json.dumps(response)), "chat")
    for value in found.values():
        for message in json.loads(str(value)):
            for part in message.get("parts", [message]):
                assert isinstance(part["type"], str)


NATIVE = ("/v1/messages", ":generateContent", "/converse")


def native_texts(value: Any) -> list[str]:
    """Every `text` of an answer in a native dialect, at any depth."""
    if isinstance(value, list):
        return [found for item in value for found in native_texts(item)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) and value["text"] else []
    return own + [found for key, item in value.items() if key != "citations" for found in native_texts(item)]


def test_recorded_conversations_in_other_dialects_keep_their_text() -> None:
    if not CORPUS.exists():
        pytest.skip(f"no recorded exchanges at {CORPUS}")
    seen = 0
    with gzip.open(CORPUS, "rt") as lines:
        for line in lines:
            exchange = json.loads(line)
            if not exchange["path"].partition("?")[0].endswith(NATIVE) or exchange["status"] != 200:
                continue
            try:
                request, response = orjson.loads(exchange["request"]), orjson.loads(exchange["response"])
            except orjson.JSONDecodeError:
                continue  # a stream
            if "data" in response:  # a list of an assistant's messages
                continue
            found = read(request, response)
            spoken = json.dumps(found[OUT])
            whole = response.get("content") or response.get("output")
            whole = whole or [each.get("content") for each in response.get("candidates") or []]
            assert all(json.dumps(text)[1:-1] in spoken for text in native_texts(whole)), exchange["id"]
            assert found[IN], exchange["id"]
            seen += 1
    assert seen > 500


def test_recorded_conversations_keep_their_text() -> None:
    if not CORPUS.exists():
        pytest.skip(f"no recorded exchanges at {CORPUS}")
    seen = 0
    with gzip.open(CORPUS, "rt") as lines:
        for line in lines:
            exchange = json.loads(line)
            if not exchange["path"].endswith(("/chat/completions", "/responses")) or exchange["status"] != 200:
                continue
            try:
                request, response = orjson.loads(exchange["request"]), orjson.loads(exchange["response"])
            except orjson.JSONDecodeError:
                continue  # a stream: its assembled form is the sink's business
            found = read(request, response)
            choices = response.get("choices") or [response.get("output")]
            assert len(found.get(OUT, [])) == len([c for c in choices if c])
            for choice in response.get("choices") or []:
                text = choice.get("message", {}).get("content")
                assert not isinstance(text, str) or json.dumps(text)[1:-1] in json.dumps(found[OUT])
            seen += 1
    assert seen > 100
