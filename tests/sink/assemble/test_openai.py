from typing import Any

import orjson
from hypothesis import given

from tests.sink.exchanges import chunk, openai_shaped
from tests.sink.test_facts import JSON
from tracer.sink.assemble import assemble
from tracer.sink.body import Plain
from tracer.sink.stream import read_stream


def whole(*documents: dict[str, Any]) -> dict[str, Any]:
    found = orjson.loads(assemble(list(documents)))
    assert isinstance(found, dict)
    return found


def test_a_chat_answer() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    found = whole(
        chunk(delta={"role": "assistant", "content": "", "refusal": None}, obfuscation="abc"),
        chunk("Hel", obfuscation="d"),
        chunk("lo", system_fingerprint="fp_1"),
        chunk(delta={}, finish_reason="stop"),
        {"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": usage},
    )
    message = {"role": "assistant", "content": "Hello"}
    assert found == {
        "id": "c-1",
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "system_fingerprint": "fp_1",
        "usage": usage,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }


def call(**piece: Any) -> dict[str, Any]:
    return chunk(delta={"tool_calls": [piece]})


def test_tool_calls_are_joined_by_index() -> None:
    found = whole(
        call(index=0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(index=1, id="b", type="function", function={"name": "g", "arguments": "{"}),
        call(index=0, function={"arguments": '{"x":'}),
        call(index=1, function={"arguments": "}"}),
        call(index=0, function={"arguments": "1}"}),
    )
    calls = found["choices"][0]["message"]["tool_calls"]
    assert [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls] == [
        ("a", "f", '{"x":1}'),
        ("b", "g", "{}"),
    ]


def test_tool_calls_without_an_index_are_joined_by_id() -> None:
    found = whole(
        call(id="a", function={"name": "f", "arguments": "{"}),
        call(function={"arguments": "}"}),
        call(id="b", function={"name": "g", "arguments": "[]"}),
    )
    calls = found["choices"][0]["message"]["tool_calls"]
    assert [(c["id"], c["function"]["arguments"]) for c in calls] == [("a", "{}"), ("b", "[]")]


def test_choices_are_kept_apart_and_logprobs_grow() -> None:
    def piece(index: int, text: str) -> dict[str, Any]:
        return {"choices": [{"index": index, "delta": {"content": text}, "logprobs": {"content": [text], "refusal": None}}]}

    found = whole(piece(1, "b"), piece(0, "a"), piece(1, "B"))
    assert [(c["message"]["content"], c["logprobs"]["content"]) for c in found["choices"]] == [("a", ["a"]), ("bB", ["b", "B"])]


def test_reasoning_audio_and_function_call() -> None:
    found = whole(
        chunk(delta={"reasoning_content": "hm", "audio": {"id": "a", "data": "QQ=="}}),
        chunk(delta={"reasoning_content": "m", "audio": {"data": "Qg==", "transcript": "hi"}}),
        chunk(delta={"function_call": {"name": "f", "arguments": "{"}}),
        chunk(delta={"function_call": {"arguments": "}"}, "reasoning_details": [1]}),
        chunk(delta={"reasoning_details": [2]}),
    )
    message = found["choices"][0]["message"]
    assert message["reasoning_content"] == "hmm"
    assert message["audio"] == {"id": "a", "data": "QQ==Qg==", "transcript": "hi"}
    assert message["function_call"] == {"name": "f", "arguments": "{}"}
    assert message["reasoning_details"] == [1, 2]


def test_a_legacy_completion() -> None:
    found = whole(
        {"object": "text_completion", "choices": [{"index": 0, "text": "a", "finish_reason": None}]},
        {"object": "text_completion", "choices": [{"index": 0, "text": "b", "finish_reason": "length"}]},
    )
    assert found["choices"] == [{"finish_reason": "length", "index": 0, "text": "ab"}]


def test_a_completed_response_is_taken_as_it_is() -> None:
    response = {"id": "r", "object": "response", "output": [{"type": "message"}], "status": "completed"}
    assert (
        whole({"type": "response.created", "response": {"id": "r"}}, {"type": "response.completed", "response": response})
        == response
    )


def test_a_response_that_was_cut_is_put_together_from_its_events() -> None:
    found = whole(
        {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "summary": []}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning", "summary": ["done"]}},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "content": []}},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 1, "delta": "Hel"},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 1, "delta": "lo"},
        {
            "type": "response.output_item.added",
            "output_index": 2,
            "item": {"type": "function_call", "name": "f", "arguments": ""},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
    )
    assert found["output"] == [
        {"type": "reasoning", "summary": ["done"]},
        {"type": "message", "content": [{"type": "output_text", "text": ""}, {"type": "output_text", "text": "Hello"}]},
        {"type": "function_call", "name": "f", "arguments": "{}"},
    ]


def test_other_streams_are_left_alone() -> None:
    assert assemble([]) == ""
    assert assemble([{"value": "Sure"}, {"type": "message_start"}]) == ""


@given(JSON)
def test_no_event_makes_it_raise(document: Any) -> None:
    documents = (
        [document, document]
        if isinstance(document, dict)
        else [{"choices": document}, {"type": "response.x", "response": document}]
    )
    assert isinstance(assemble(documents), str)


def test_every_recorded_stream_gives_the_text_of_its_deltas() -> None:
    seen = 0
    for recorded in openai_shaped():
        if recorded["content_type"].startswith("text/event-stream") and "/responses" not in recorded["path"]:
            documents = read_stream(Plain(recorded["response"].encode())).documents
            if not any("choices" in document for document in documents):
                continue
            choices = [choice for document in documents for choice in document.get("choices", [])]
            texts = [(choice.get("delta") or {}).get("content") or choice.get("text") or "" for choice in choices]
            whole = orjson.loads(assemble(documents))["choices"]
            if len(whole) == 1 and all(isinstance(text, str) for text in texts):
                got = whole[0].get("text", whole[0].get("message", {}).get("content")) or ""
                assert got == "".join(texts), recorded["id"]
                seen += 1
    assert seen > 100


def test_a_recorded_response_is_the_one_of_its_last_event() -> None:
    seen = 0
    for recorded in openai_shaped():
        if recorded["content_type"].startswith("text/event-stream") and recorded["path"].endswith("/responses"):
            documents = read_stream(Plain(recorded["response"].encode())).documents
            last = documents[-1]["response"]
            if last["output"]:
                assert orjson.loads(assemble(documents))["output"] == last["output"]
                seen += 1
    assert seen > 30


def test_nesting_beyond_what_can_be_written_gives_nothing() -> None:
    deep: Any = []
    for _ in range(600):
        deep = [deep]
    assert assemble([chunk("a", extra=deep)]) == ""


def test_shapes_that_make_no_sense_do_not_hide_the_rest() -> None:
    found = whole(
        {"choices": [None, {"index": 0, "delta": "text?", "text": 5}]},
        chunk(delta={"tool_calls": ["no", {"index": 0, "function": "f"}], "audio": "a"}),
        chunk(delta={"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}], "audio": {"data": "x"}}),
        chunk("a"),
    )
    assert found["choices"][0]["message"]["content"] == "a"


def test_text_of_an_item_that_was_never_announced() -> None:
    found = whole({"type": "response.output_text.delta", "delta": "a"}, {"type": "response.x.delta", "delta": "b"})
    assert found["output"] == [{"type": "message", "content": [{"type": "output_text", "text": "a"}]}]
