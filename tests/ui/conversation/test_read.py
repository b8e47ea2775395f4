import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance import bodies
from tests.sink.exchanges import CONFORMANCE, exchange
from tracer.sink import price
from tracer.sink.decode import decode
from tracer.ui.conversation import read
from tracer.ui.conversation.parts import Conversation, Kind, Message, Part

PRICES = price.load(None)
HASH = "a" * 64
TAKEN_OUT = f"tracer:media;type=image/png;bytes=345;sha256={HASH}"


def said(request: Any, reply: Any = None, assembled: Any = None) -> Conversation:
    bodies = (part if isinstance(part, str) else json.dumps(part) if part is not None else "" for part in (request, reply))
    return read.conversation(*bodies, json.dumps(assembled) if assembled is not None else "")


def streamed(request: Any, body: str, path: str, media: str = "text/event-stream") -> Conversation:
    """A stream as the sink keeps it and puts it together."""
    content = decode(exchange(body.encode(), json.dumps(request).encode(), path=path, media=media), PRICES).content
    assert content is not None
    return read.conversation(content.request_body, content.response_body, content.assembled)


def shape(messages: tuple[Message, ...]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    return [(each.role, [(part.kind.value, part.title, part.text) for part in each.parts]) for each in messages]


def test_a_chat_with_everything_in_it() -> None:
    found = said(
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "name": "ada",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": TAKEN_OUT}},
                        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
                        {
                            "type": "input_audio",
                            "input_audio": {
                                "data": TAKEN_OUT.replace("image/png", "application/octet-stream"),
                                "format": "wav",
                            },
                        },
                        {
                            "type": "file",
                            "file": {"filename": "a.pdf", "file_data": TAKEN_OUT.replace("image/png", "application/pdf")},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"cat"}'}}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
            ],
            "tools": [
                {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}}
            ],
        },
        {
            "choices": [
                {"message": {"role": "assistant", "content": "A cat.", "reasoning_content": "Hm."}, "finish_reason": "stop"}
            ]
        },
    )
    assert shape(found.asked) == [
        ("system", [("text", "", "Be brief.")]),
        (
            "user",
            [
                ("text", "", "What is this?"),
                ("media", "image/png", ""),
                ("media", "image", "https://example.org/cat.png"),
                ("media", "audio/wav", ""),
                ("media", "application/pdf", "a.pdf"),
            ],
        ),
        ("assistant", [("tool_call", "look", '{\n  "at": "cat"\n}')]),
        ("tool", [("tool_result", "", "a cat")]),
    ]
    image = found.asked[1].parts[1]
    assert (image.size, image.sha256) == (345, HASH)
    assert found.asked[1].name == "ada"
    assert found.asked[2].parts[0].id == found.asked[3].parts[0].id == "c1"
    assert shape(found.answered) == [("assistant", [("reasoning", "", "Hm."), ("text", "", "A cat.")])]
    assert found.answered[0].end == "stop"
    assert [(tool.name, tool.description, json.loads(tool.schema)) for tool in found.tools] == [
        ("look", "Looks.", {"type": "object"})
    ]


def test_several_choices_and_old_functions() -> None:
    found = said(
        {"messages": [{"role": "function", "name": "f", "content": "1"}], "functions": [{"name": "f"}]},
        {
            "choices": [
                {"message": {"function_call": {"name": "f", "arguments": "{"}}},
                {"message": {"content": "b", "refusal": "no"}},
            ]
        },
    )
    assert shape(found.asked) == [("tool", [("tool_result", "f", "1")])]
    assert shape(found.answered) == [
        ("assistant", [("tool_call", "f", "{")]),
        ("assistant", [("text", "", "b"), ("refusal", "", "no")]),
    ]
    assert [tool.name for tool in found.tools] == ["f"]


def test_spoken_answers_and_custom_tools() -> None:
    call = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    message = {"content": None, "audio": {"transcript": "Hello", "data": TAKEN_OUT}, "tool_calls": [call]}
    found = said({"messages": []}, {"choices": [{"message": message}]})
    assert shape(found.answered) == [
        ("assistant", [("text", "", "Hello"), ("media", "image/png", ""), ("tool_call", "sql", "SELECT 1")])
    ]


def test_legacy_completions() -> None:
    found = said({"prompt": ["A", [1, 2, 3]]}, {"choices": [{"text": "b", "finish_reason": "length"}]})
    assert shape(found.asked) == [("input", [("text", "", "A")]), ("input", [("note", "", "3 tokens, as figures")])]
    assert shape(found.answered) == [("assistant", [("text", "", "b")])]
    assert found.answered[0].end == "length"
    assert shape(said({"prompt": [1, 2]}).asked) == [("input", [("note", "", "2 tokens, as figures")])]


def test_embeddings_are_told_and_not_shown() -> None:
    data = [{"embedding": [0.5] * 1536}, {"embedding": [0.5] * 1536}]
    found = said({"input": ["a", "b"], "model": "e"}, {"object": "list", "data": data})
    assert shape(found.asked) == [("input", [("text", "", "a")]), ("input", [("text", "", "b")])]
    assert shape(found.answered) == [("output", [("note", "", "2 vectors of 1536 figures")])]
    as_base64 = said({"input": "a"}, {"data": [{"embedding": TAKEN_OUT}]})
    assert shape(as_base64.answered) == [("output", [("note", "", "1 vector")])]


def test_images_that_were_made() -> None:
    found = said({"prompt": "a cat"}, {"data": [{"b64_json": TAKEN_OUT}, {"url": "https://example.org/x"}]})
    assert shape(found.answered) == [("output", [("media", "image/png", ""), ("media", "image", "https://example.org/x")])]


def test_the_responses_api() -> None:
    found = said(
        {
            "instructions": "Be brief.",
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_image", "image_url": TAKEN_OUT}],
                },
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "done"},
            ],
            "tools": [{"type": "web_search"}, {"type": "function", "name": "look", "parameters": {"a": 1}}],
        },
        {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Thinking"}]},
                {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "cats"}},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
            ],
        },
    )
    assert shape(found.asked) == [
        ("system", [("text", "", "Be brief.")]),
        ("user", [("text", "", "Hi"), ("media", "image/png", "")]),
        ("assistant", [("tool_call", "look", "{}")]),
        ("tool", [("tool_result", "", "done")]),
    ]
    ((role, parts),) = shape(found.answered)
    assert role == "assistant"
    assert parts[0] == ("reasoning", "", "Thinking")
    assert parts[1][:2] == ("tool_call", "web_search_call completed")
    assert json.loads(parts[1][2]) == {"action": {"query": "cats"}}
    assert parts[2] == ("text", "", "Hello")
    assert found.answered[0].end == "max_output_tokens"
    assert [tool.name for tool in found.tools] == ["web_search", "look"]
    assert shape(said({"input": "Hi", "max_output_tokens": 5}).asked) == [("user", [("text", "", "Hi")])]


ANTHROPIC = {
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {
            "role": "user",
            "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": TAKEN_OUT}}],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no such page"}],
                }
            ],
        },
    ],
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
}


def test_anthropics_messages() -> None:
    found = said(
        ANTHROPIC,
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm", "signature": "x"}, {"type": "text", "text": "A cat."}],
            "stop_reason": "end_turn",
        },
    )
    assert shape(found.asked) == [
        ("system", [("text", "", "Be brief.")]),
        ("user", [("media", "image/png", "")]),
        ("assistant", [("tool_call", "look", '{\n  "at": 1\n}')]),
        ("user", [("tool_result", "failed", "no such page")]),
    ]
    assert shape(found.answered) == [("assistant", [("reasoning", "", "Hm"), ("text", "", "A cat.")])]
    assert found.answered[0].end == "end_turn"
    assert found.tools[0].schema == '{\n  "type": "object"\n}'


def test_anthropics_stream() -> None:
    events = [
        {"type": "message_start", "message": {"role": "assistant", "content": [], "model": "claude"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "A "}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "cat."}},
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "tool_use", "id": "t", "name": "look", "input": {}},
        },
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"at":'}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "2}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    found = streamed(ANTHROPIC, body, "/v1/messages")
    assert shape(found.answered) == [
        ("assistant", [("reasoning", "", "Hm"), ("text", "", "A cat."), ("tool_call", "look", '{\n  "at": 2\n}')])
    ]
    assert found.answered[0].end == "tool_use"
    overloaded = 'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    cut = streamed(ANTHROPIC, body[: body.index("event: message_delta")] + "event: error\n" + overloaded, "/v1/messages")
    assert shape(cut.answered)[-1] == ("error", [("error", "overloaded_error", "Overloaded")])


GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": TAKEN_OUT}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"at": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"is": "cat"}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "look", "description": "Looks."}]}, {"googleSearch": {}}],
}


def test_gemini() -> None:
    reply = {
        "candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}, {"text": "A cat."}]}, "finishReason": "STOP"}]
    }
    found = said(GEMINI, reply)
    assert shape(found.asked) == [
        ("system", [("text", "", "Be brief.")]),
        ("user", [("text", "", "Hi"), ("media", "image/png", "")]),
        ("model", [("tool_call", "look", '{\n  "at": 1\n}')]),
        ("user", [("tool_result", "look", '{\n  "is": "cat"\n}')]),
    ]
    assert shape(found.answered) == [("model", [("reasoning", "", "Hm"), ("text", "", "A cat.")])]
    assert [tool.name for tool in found.tools] == ["look", "googleSearch"]
    blocked = said(GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}})
    assert shape(blocked.answered) == [("model", [("refusal", "", "the prompt was blocked: SAFETY")])]


@pytest.mark.parametrize("listed", [False, True])
def test_geminis_streams(listed: bool) -> None:
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": end}]}
        for text, end in (("A ", None), ("cat", None), (".", "STOP"))
    ]
    body = json.dumps(chunks) if listed else "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
    path = "/v1beta/models/gemini-x:streamGenerateContent"
    found = streamed(GEMINI, body, path, "application/json" if listed else "text/event-stream")
    assert shape(found.answered) == [("model", [("text", "", "A cat.")])]
    assert found.answered[0].end == "STOP"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"error": {"type": "rate_limit", "message": "slow down"}}, ("rate_limit", "slow down")),
        ({"error": "model not found"}, ("", "model not found")),
        ({"detail": [{"msg": "field required"}]}, ("", '[\n  {\n    "msg": "field required"\n  }\n]')),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, ("overloaded_error", "x")),
    ],
)
def test_errors(reply: Any, expected: tuple[str, str]) -> None:
    assert shape(said({"messages": []}, reply).answered) == [("error", [("error", *expected)])]


def test_what_was_assembled_wins_over_the_stream() -> None:
    found = said({"messages": []}, 'data: {"choices":[]}\n\n', {"choices": [{"message": {"content": "whole"}}]})
    assert shape(found.answered) == [("assistant", [("text", "", "whole")])]


@pytest.mark.parametrize("body", ["", "[binary audio/mpeg, 12 bytes]", '{"half', "[1,2]", '"x"', "{}", "data: x\n\n", "null"])
def test_what_cannot_be_read_is_empty(body: str) -> None:
    assert said(body, body) == Conversation()


CASES = {file.stem: case for file in CONFORMANCE.glob("*.json") if "response" in (case := json.loads(file.read_bytes()))}


@pytest.mark.parametrize("name", sorted(CASES))
def test_bodies_of_providers_read_as_a_conversation(name: str) -> None:
    assert said(CASES[name]["request"], CASES[name]["response"]).answered


# Of these nothing is read that would be worth a message: the page shows their events.
NOT_READ = {"openai_image_stream", "openai_run_stream", "openai_transcription_stream", "writer_completion_stream"}


@pytest.mark.parametrize("name", sorted(name for name, case in bodies.CASES.items() if "events" in case))
def test_streams_of_providers_read_as_a_conversation(name: str) -> None:
    """In any framing, as the sink puts them together."""
    case = bodies.CASES[name]
    wire, request = b"".join(bodies.pieces_of(case)), json.dumps(case["request"]).encode()
    made = exchange(wire, request, path=case["path"], provider=case["provider"], media=bodies.media_of(case))
    content = decode(made, PRICES).content
    assert content is not None
    found = read.conversation(content.request_body, content.response_body, content.assembled)
    assert bool(found.answered) is (name not in NOT_READ)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "role",
                        "content",
                        "type",
                        "text",
                        "messages",
                        "input",
                        "choices",
                        "message",
                        "tools",
                        "function",
                        "name",
                    ),
                    *("arguments", "output", "contents", "parts", "candidates", "source", "system", "prompt", "data", "error"),
                    *(
                        "tool_calls",
                        "functionCall",
                        "inlineData",
                        "image_url",
                        "audio",
                        "delta",
                        "index",
                        "embedding",
                        "summary",
                    ),
                ]
            ),
            inner
            | st.sampled_from(
                ["text", "tool_result", "image", "file", "message_start", "content_block_delta", "x_call", "tool"]
            ),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(JSON, JSON, st.lists(JSON, max_size=4))
def test_nothing_raises_whatever_the_json(request: Any, reply: Any, events: list[Any]) -> None:
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    for found in (said(request, reply), said(request, stream), said(request, events)):
        for message in (*found.asked, *found.answered):
            assert isinstance(message.role, str)
            for part in message.parts:
                assert isinstance(part, Part)
                assert isinstance(part.text, str)
                assert isinstance(part.title, str)


def test_a_page_shows_the_end_of_a_long_conversation_and_its_beginning() -> None:
    messages = [{"role": "user", "content": str(number)} for number in range(1000)]
    found = said({"messages": messages})
    assert found.skipped == 800
    assert len(found.asked) == read.MOST_MESSAGES
    assert [each.parts[0].text for each in found.asked[:2]] == ["0", "801"]
    assert found.asked[-1].parts[0].text == "999"


def test_texts_are_cut_and_counted() -> None:
    found = said({"messages": [{"role": "user", "content": "x" * (4 << 20)}] * 50}, {"choices": [{"text": "y" * 20_000}]})
    (answer,) = found.answered[0].parts
    assert (len(answer.text), answer.left_out) == (read.LONGEST_TEXT, 8_000)
    every = [part for message in (*found.asked, *found.answered) for part in message.parts]
    assert sum(len(part.text) for part in every) <= read.MOST_CHARACTERS
    assert all(len(part.text) + part.left_out == 4 << 20 for part in every if part is not answer)
    assert found.asked[-1].parts[0].text
    assert not found.asked[0].parts[0].text


def test_parts_of_one_message_are_bounded() -> None:
    found = said({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}] * 1000}]})
    assert found.asked[0].parts[-1] == Part(Kind.NOTE, "800 more parts are in the raw body")
