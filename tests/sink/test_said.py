from typing import Any

import pytest
from hypothesis import given

from tests.sink.test_facts import JSON
from tracer.sink.said import said_in_reply, said_in_request

PHOTO = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
REQUESTS: dict[str, tuple[dict[str, Any], list[str], int]] = {
    "openai": (
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "be"},
                {"role": "user", "content": [{"type": "text", "text": "hi"}, PHOTO]},
                {"role": "assistant", "reasoning_content": "hm", "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}]},
                {"role": "tool", "tool_call_id": "c", "content": "ok"},
            ],
            "user": "u",
        },
        ["be", "hi", "f", '{"x":1}', "ok"],
        4,
    ),
    "responses": ({"input": "hi", "instructions": "be"}, ["hi", "be"], 2),
    "anthropic": (
        {
            "system": [{"type": "text", "text": "be", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]},
            ],
        },
        ["hi", "f", '{"x":1}', "ok", "be"],
        4,
    ),
    "gemini": (
        {
            "contents": [{"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"data": "AAAA"}}]}],
            "systemInstruction": {"parts": [{"text": "be"}]},
        },
        ["hi", "be"],
        2,
    ),
    "ollama": ({"prompt": "hi", "system": "be", "images": ["AAAA"]}, ["hi", "be"], 2),
    "embeddings": ({"input": ["a", "b"]}, ["a", "b"], 2),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_texts_of_requests(name: str) -> None:
    request, texts, messages = REQUESTS[name]
    said = said_in_request(request)
    assert (said.texts, said.messages) == (texts, messages)
    assert said.media == (name in ("openai", "gemini"))


def test_tools_and_schemas() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    said = said_in_request(
        {
            "tools": [tool, {"type": "web_search"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        }
    )
    assert (said.tools, said.hosted, said.answer) == (1, 1, '{"type":"object"}')
    assert said.schemas == '{"type":"function","function":{"name":"f","parameters":{}}}'
    assert said_in_request({"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}}).tools == 1
    assert said_in_request({"tools": [{"functionDeclarations": [{}]}, {"googleSearch": {}}]}).hosted == 1


REPLIES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "openai": (
        {
            "id": "c",
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "a", "reasoning": "hm"}}],
        },
        ["a"],
        ["hm"],
    ),
    "responses": (
        {
            "output": [
                {
                    "type": "reasoning",
                    "id": "r",
                    "summary": [{"type": "summary_text", "text": "hm"}],
                    "encrypted_content": "zzz",
                },
                {"type": "message", "content": [{"type": "output_text", "text": "a", "annotations": []}]},
            ]
        },
        ["a"],
        ["hm"],
    ),
    "anthropic": (
        {"content": [{"type": "thinking", "thinking": "hm", "signature": "zzz"}, {"type": "text", "text": "a"}]},
        ["a"],
        ["hm"],
    ),
    "gemini": ({"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, {"text": "a"}]}}]}, ["a"], ["hm"]),
    "converse": (
        {"output": {"message": {"content": [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "a"}]}}},
        ["a"],
        ["hm"],
    ),
    "ollama": ({"message": {"content": "a", "thinking": "hm"}, "model": "l"}, ["a"], ["hm"]),
    "titan": ({"results": [{"outputText": "a"}]}, ["a"], []),
}


@pytest.mark.parametrize("name", REPLIES)
def test_texts_and_thoughts_of_replies(name: str) -> None:
    reply, texts, thoughts = REPLIES[name]
    said = said_in_reply(reply)
    assert (said.texts, said.thoughts) == (texts, thoughts)


def test_calls_of_tools_are_counted() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert said_in_reply({"choices": [{"message": {"tool_calls": [call, call]}}]}).calls == 2
    assert said_in_reply({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}}]}).calls == 1


@given(JSON)
def test_nothing_raises(value: Any) -> None:
    for key in ("messages", "tools", "choices", "content", "response_format", "toolConfig"):
        said_in_request({key: value})
        said_in_reply({key: value})
