from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.blank import StreamBlanker, blank_json
from tracer.tokens import DELTA_KEYS

CANARY = "canary 7f3a"  # with a space: no name has one
KEYS = [
    *(
        "id",
        "model",
        "object",
        "type",
        "status",
        "code",
        "role",
        "index",
        "finish_reason",
        "name",
        "function",
        "tools",
        "usage",
    ),
    *("error", "message", "choices", "delta", "content", "text", "tool_calls", "arguments", "response", "output", "input"),
    *(
        "messages",
        "metadata",
        "prompt",
        "parameters",
        "properties",
        "response_format",
        "incomplete_details",
        "reason",
        "detail",
    ),
    *(
        "msg",
        "value",
        "x_groq",
        "stream",
        "temperature",
        "prompt_tokens_details",
        "cost",
        "cost_details",
        "functions",
        "item",
        CANARY,
    ),
]
SCALARS = st.one_of(
    st.just(CANARY), st.just(CANARY), st.none(), st.booleans(), st.integers(-5, 5), st.just(0.5), st.just("gpt-4o")
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), ANY, max_size=8)
CHOICES = st.fixed_dictionaries(
    {"choices": st.lists(st.dictionaries(st.sampled_from(KEYS), ANY, max_size=5), min_size=1, max_size=2)}
)


@given(st.one_of(OBJECTS, CHOICES, ANY))
def test_no_text_survives_anywhere(document: Any) -> None:
    body = orjson.dumps(document)
    assert CANARY.encode() not in blank_json(body)
    stream = (
        b"event: " + CANARY.encode() + b"\nid: " + CANARY.encode() + b"\n: " + CANARY.encode() + b"\ndata: " + body + b"\n\n"
    )
    blanker = StreamBlanker()
    assert CANARY.encode() not in blanker.feed(stream + stream[:-1]) + blanker.close()


@given(OBJECTS)
def test_blanking_what_is_blank_changes_nothing(document: Any) -> None:
    once = blank_json(orjson.dumps(document))
    assert blank_json(once) == once


@pytest.mark.parametrize("body", [b"", b"hello " + CANARY.encode(), b"[1]", b'"x"', b"{", b"\xff\xfe", b"[" * 3000])
def test_what_is_not_an_object_leaves_nothing(body: bytes) -> None:
    assert blank_json(body) == b""


def test_a_request() -> None:
    request = {
        "model": "gpt-4o",
        "user": "Ada Lovelace",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "secret"}],
        "metadata": {"secret": "secret"},
        "tools": [{"type": "function", "function": {"name": "weather", "description": "secret", "parameters": {"secret": {}}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "secret"}},
        "stop": ["secret"],
    }
    assert orjson.loads(blank_json(orjson.dumps(request))) == {
        "model": "gpt-4o",
        "user": "Ada Lovelace",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
        "messages": [],
        "tools": [{"type": "function", "function": {"name": "weather"}}],
    }


def test_a_reply() -> None:
    message = {
        "role": "assistant",
        "content": "secret",
        "refusal": None,
        "annotations": ["secret"],
        "tool_calls": [{"id": "secret"}],
    }
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "secret": 5,
        "prompt_tokens_details": {"cached_tokens": 1, "secret": 2},
    }
    reply = {
        "id": "c-1",
        "model": "gpt-4o",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": ["secret"]}}],
        "usage": usage,
    }
    assert orjson.loads(blank_json(orjson.dumps(reply))) == {
        "id": "c-1",
        "model": "gpt-4o",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "x", "refusal": None, "tool_calls": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 1}},
    }


@pytest.mark.parametrize("key", DELTA_KEYS)
def test_one_still_sees_whether_there_was_a_token(key: str) -> None:
    for value, kept in (
        ("secret", "x"),
        ("", ""),
        (None, None),
        ([{"text": "secret"}], "x"),
        ({"data": "secret"}, "x"),
        ([], None),
    ):
        document = orjson.loads(blank_json(orjson.dumps({"choices": [{"delta": {key: value}}]})))
        assert document == {"choices": [{"delta": {key: kept}}]}


def test_usage_of_nobody_known_is_kept_where_it_may_stand() -> None:
    body = {
        "result": {"response": "secret", "usage": {"prompt_tokens": 2}, "secret": {"usage": {"tokens": 1}}},
        "secret": {"usage": {}},
    }
    body |= {"stats": {"tokenUsage": {"generatedTokens": 7, "inputs": {"promptTokens": 20}}}}
    assert orjson.loads(blank_json(orjson.dumps(body))) == {
        "result": {"usage": {"prompt_tokens": 2}},
        "stats": {"tokenUsage": {"generatedTokens": 7, "inputs": {"promptTokens": 20}}},
    }


def test_a_list_of_one() -> None:
    assert orjson.loads(blank_json(b'[{"generated_text":"secret"}]')) == [{"generated_text": "x"}]
    assert blank_json(b'[{"generated_text":"secret"},{}]') == b""
