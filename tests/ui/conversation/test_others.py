"""Dialects that say little more than a text, and Bedrock's Converse: what is asked and what is answered."""

import json
from typing import Any

import pytest

from tracer.ui.conversation import read
from tracer.ui.conversation.parts import Conversation, Message


def said(request: Any, reply: Any) -> Conversation:
    return read.conversation(json.dumps(request), json.dumps(reply))


def shape(messages: tuple[Message, ...]) -> list[tuple[str, list[tuple[str, str, str]], str]]:
    return [(each.role, [(part.kind.value, part.title, part.text) for part in each.parts], each.end) for each in messages]


def text(words: str, end: str = "") -> list[tuple[str, list[tuple[str, str, str]], str]]:
    return [("assistant", [("text", "", words)], end)]


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ({"generations": [{"text": "The Elbe.", "finish_reason": "COMPLETE"}]}, text("The Elbe.", "COMPLETE")),
        ({"completions": [{"data": {"text": "The Elbe."}, "finishReason": {"reason": "length"}}]}, text("The Elbe.", "length")),
        ({"completion": " The Elbe.", "stop_reason": "stop_sequence"}, text(" The Elbe.", "stop_sequence")),
        ({"generation": "The Elbe.", "stop_reason": "stop"}, text("The Elbe.", "stop")),
        ({"outputs": [{"text": "The Elbe.", "stop_reason": "stop"}]}, text("The Elbe.", "stop")),
        ({"results": [{"outputText": "The Elbe.", "completionReason": "FINISH"}]}, text("The Elbe.", "FINISH")),
        ([{"generated_text": "The Elbe."}], text("The Elbe.")),
        ({"response": "The Elbe.", "done_reason": "stop"}, text("The Elbe.", "stop")),
        ({"text": "The Elbe.", "finish_reason": "COMPLETE"}, text("The Elbe.", "COMPLETE")),
        ({"content": "The Elbe.", "stop_type": "eos"}, text("The Elbe.", "eos")),
        ({"result": {"response": "The Elbe."}}, text("The Elbe.")),
    ],
)
def test_answers_that_are_one_text(reply: Any, found: Any) -> None:
    assert shape(said({"prompt": "Name a river."}, reply).answered) == found


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"embedding": [0.1, 0.2]}, "1 vector of 2 figures"),
        ({"embedding": {"values": [0.1]}}, "1 vector of 1 figures"),
        ({"embeddings": [[0.1], [0.2]]}, "2 vectors of 1 figures"),
        ({"embeddings": {"float": [[0.1]]}}, "1 vector of 1 figures"),
        ({"predictions": [{"embeddings": {"values": [0.1]}}]}, "1 vector of 1 figures"),
        ({"results": [{"index": 0, "relevance_score": 0.9}]}, "1 document ranked"),
        ({"totalTokens": 1031}, "1,031 tokens"),
        ({"input_tokens": 2095}, "2,095 tokens"),
    ],
)
def test_answers_without_words_are_told(reply: Any, words: str) -> None:
    assert shape(said({}, reply).answered) == [("output", [("note", "", words)], "")]


def test_coheres_first_chat() -> None:
    request = {
        "preamble": "Be brief.",
        "chat_history": [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"}],
        "message": "Name a river.",
    }
    reply = {"text": "", "tool_calls": [{"name": "rivers", "parameters": {"of": "Saxony"}}], "finish_reason": "COMPLETE"}
    found = said(request, reply)
    assert [(role, parts[0][2]) for role, parts, _ in shape(found.asked)] == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Name a river."),
    ]
    assert shape(found.answered) == [("assistant", [("tool_call", "rivers", '{\n  "of": "Saxony"\n}')], "COMPLETE")]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"inputText": "river"}, ["river"]),
        ({"inputs": "river"}, ["river"]),
        ({"texts": ["a", "b"]}, ["a", "b"]),
        ({"query": "river", "documents": ["a"]}, ["river"]),
        ({"instances": [{"content": "a"}, {"content": "b"}, {"x": 1}]}, ["a", "b"]),
    ],
)
def test_requests_that_are_texts(request_: Any, words: list[str]) -> None:
    assert [parts[0][2] for _, parts, _ in shape(said(request_, {}).asked)] == words


def test_converse_with_everything_in_it() -> None:
    request = {
        "system": [{"text": "Be brief."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "What is this?"},
                    {
                        "image": {
                            "format": "png",
                            "source": {"bytes": "tracer:media;type=image/png;bytes=345;sha256=" + "a" * 64},
                        }
                    },
                    {"document": {"format": "pdf", "name": "contract", "source": {"s3Location": {"uri": "s3://b/k"}}}},
                    {"cachePoint": {"type": "default"}},
                ],
            },
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "cat"}}}]},
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "t1", "status": "error", "content": [{"json": {"a": 1}}, {"text": "no"}]}}
                ],
            },
        ],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "look", "description": "Looks.", "inputSchema": {"json": {"type": "object"}}}}]
        },
    }
    answer = [
        {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
        {"reasoningContent": {"redactedContent": "x"}},
        {"text": "A cat."},
    ]
    found = said(request, {"output": {"message": {"role": "assistant", "content": answer}}, "stopReason": "end_turn"})
    assert shape(found.asked) == [
        ("system", [("text", "", "Be brief.")], ""),
        (
            "user",
            [("text", "", "What is this?"), ("media", "image/png", ""), ("media", "document/pdf", "contract s3://b/k")],
            "",
        ),
        ("assistant", [("tool_call", "look", '{\n  "at": "cat"\n}')], ""),
        ("user", [("tool_result", "failed", '{\n  "a": 1\n}\nno')], ""),
    ]
    words = [("reasoning", "", "Hm."), ("reasoning", "", "(encrypted by the provider)"), ("text", "", "A cat.")]
    assert shape(found.answered) == [("assistant", words, "end_turn")]
    assert [(tool.name, tool.description) for tool in found.tools] == [("look", "Looks.")]


def test_an_error_that_is_only_a_message() -> None:
    assert shape(said({}, {"message": "The model is not there"}).answered) == [
        ("error", [("error", "", "The model is not there")], "")
    ]
