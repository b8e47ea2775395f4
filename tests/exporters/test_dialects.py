import json
from typing import Any

import pytest

from exporters import semconv
from exporters.messages import content_attributes
from tests.exporters.otlp_samples import content

IN, OUT = semconv.GEN_AI_INPUT_MESSAGES, semconv.GEN_AI_OUTPUT_MESSAGES
SYSTEM, TOOLS = semconv.GEN_AI_SYSTEM_INSTRUCTIONS, semconv.GEN_AI_TOOL_DEFINITIONS
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "name": "weather", "description": "The weather.", "parameters": SCHEMA}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "content": said}


def read(request: Any, response: Any = None) -> dict[str, Any]:
    found = content_attributes(content(json.dumps(request), json.dumps(response)), "chat")
    return {name: json.loads(str(value)) for name, value in found.items()}


ASKED = {"type": "tool_call", "name": "weather", "id": "t1", "arguments": {"city": "Bern"}}
TOLD = {"type": "tool_call_response", "id": "t1", "response": "rain"}

ANTHROPIC = (
    {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bern"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "rain"}]},
        ],
        "tools": [{"name": "weather", "description": "The weather.", "input_schema": SCHEMA}],
    },
    {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Rain."}], "stop_reason": "end_turn"},
    [{"type": "reasoning", "content": "hm"}, ASKED],
)
GEMINI = (
    {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Weather?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"functionCall": {"id": "t1", "name": "weather", "args": {"city": "Bern"}}},
                ],
            },
            {"role": "user", "parts": [{"functionResponse": {"id": "t1", "name": "weather", "response": "rain"}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "weather", "description": "The weather.", "parameters": SCHEMA}]}],
    },
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Rain."}]}, "finishReason": "STOP"}]},
    [{"type": "reasoning", "content": "hm"}, ASKED],
)
CONVERSE = (
    {
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Weather?"}]},
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
                    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Bern"}}},
                ],
            },
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": "rain"}}]},
        ],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": SCHEMA}}}]
        },
    },
    {"output": {"message": {"role": "assistant", "content": [{"text": "Rain."}]}}, "stopReason": "end_turn"},
    [{"type": "reasoning", "content": "hm"}, ASKED],
)


@pytest.mark.parametrize(
    ("request_", "response", "turn"), [ANTHROPIC, GEMINI, CONVERSE], ids=["anthropic", "gemini", "converse"]
)
def test_the_same_conversation_in_three_dialects(request_: Any, response: Any, turn: list[Any]) -> None:
    found = read(request_, response)
    assert found[SYSTEM] == [text("Be brief.")]
    assert found[TOOLS] == [WEATHER]
    assert [message["role"] for message in found[IN]] == ["user", "assistant", "user"]
    assert [message["parts"] for message in found[IN]] == [[text("Weather?")], turn, [TOLD]]
    assert found[OUT] == [{"role": "assistant", "parts": [text("Rain.")], "finish_reason": "stop"}]


@pytest.mark.parametrize(
    ("response", "parts", "reason"),
    [
        (
            {"message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}, "finish_reason": "COMPLETE"},
            1,
            "stop",
        ),
        ({"message": {"role": "assistant", "content": "Hi", "thinking": "hm"}, "done_reason": "length"}, 2, "length"),
        ({"text": "Hi", "finish_reason": "MAX_TOKENS"}, 1, "length"),
        ({"response": "Hi", "done_reason": "stop"}, 1, "stop"),
        ({"generation": "Hi", "stop_reason": "stop"}, 1, "stop"),
        ({"text": "", "tool_calls": [{"name": "f", "parameters": {}}], "finish_reason": "TOOL_CALL"}, 1, "tool_call"),
        ({"candidates": [{"finishReason": "SAFETY"}]}, 0, "content_filter"),
        ({"type": "message", "content": [], "stop_reason": None}, 0, "error"),
    ],
)
def test_answers(response: Any, parts: int, reason: str) -> None:
    (answer,) = read({}, response)[OUT]
    assert len(answer["parts"]) == parts
    assert (answer["role"], answer["finish_reason"]) == ("assistant", reason)


def test_coheres_first_version() -> None:
    request = {"preamble": "Be brief.", "message": "And now?", "chat_history": [{"role": "CHATBOT", "message": "Hi"}]}
    found = read(request)
    assert found[SYSTEM] == [text("Be brief.")]
    assert found[IN] == [
        {"role": "assistant", "parts": [text("Hi")]},
        {"role": "user", "parts": [text("And now?")]},
    ]


def test_openais_parts_stay_openais() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.test/a.png"}}
    (message,) = read({"messages": [{"role": "user", "name": "ada", "content": [{"type": "text", "text": "Look"}, picture]}]})[
        IN
    ]
    assert message["name"] == "ada"
    assert message["parts"] == [text("Look"), {"type": "uri", "modality": "image", "uri": "https://example.test/a.png"}]


def test_what_has_no_kind_goes_through() -> None:
    (message,) = read({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]})[IN]
    assert message["parts"] == [{"type": "inlineData", "inlineData": {"mimeType": "image/png"}}]
