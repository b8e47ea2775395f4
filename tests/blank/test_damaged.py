from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.blank.test_document import CANARY, OBJECTS
from tracer.blank import blank_damaged

LONG = "secret " * 600
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "openai reply": (
        {
            "id": "c-1",
            "object": "chat.completion",
            "model": "gpt-4o",
            "choices": [{"index": 0, "message": {"content": LONG}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
            "system_fingerprint": "fp",
        },
        {
            "id": "c-1",
            "object": "chat.completion",
            "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
            "system_fingerprint": "fp",
        },
    ),
    "openai request": (
        {"messages": [{"role": "user", "content": LONG}], "model": "gpt-4o", "stream": True, "metadata": {"model": "secret"}},
        {"model": "gpt-4o", "stream": True},
    ),
    "anthropic reply": (
        {
            "id": "m",
            "model": "c",
            "content": [{"input": {"model": "secret", "t": LONG}}],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 1},
        },
        {"id": "m", "model": "c", "stop_reason": "tool_use", "usage": {"input_tokens": 1}},
    ),
    "gemini reply": (
        {
            "candidates": [{"content": {"parts": [{"text": LONG}]}, "finishReason": "STOP"}],
            "usageMetadata": {"totalTokenCount": 3},
            "modelVersion": "g",
        },
        {"candidates": [{"index": 0, "finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 3}, "modelVersion": "g"},
    ),
    "ollama reply": (
        {"model": "l", "message": {"content": LONG}, "done_reason": "stop", "done": True, "eval_count": 7},
        {"model": "l", "done_reason": "stop", "done": True, "eval_count": 7},
    ),
    "nested things that look like parameters": (
        {"content": [{"input": {"t": LONG, "model": "secret", "usage": {"input_tokens": 66}}}]},
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2])
def test_what_stands_around_the_text(name: str, option: int) -> None:
    body, left = CASES[name]
    wire = orjson.dumps(body, option=option)
    found = blank_damaged(wire[:1000], wire[-1000:])
    assert (orjson.loads(found) if found else {}) == left
    assert b"secret" not in found


@given(OBJECTS, st.integers(0, 200), st.integers(0, 200))
def test_no_text_survives(document: Any, head: int, tail: int) -> None:
    wire = orjson.dumps(document)
    assert CANARY.encode() not in blank_damaged(wire[:head], wire[len(wire) - tail :])


@pytest.mark.parametrize("body", [b"", b"[1]", b"hello", b"\xff", b'{"a'])
def test_what_is_no_object_leaves_nothing(body: bytes) -> None:
    assert blank_damaged(body, body) == b""
