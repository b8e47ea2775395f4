"""Events of every dialect that has a row: which are tokens, which end a stream, which are errors."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.dialects.row import Where
from tracer.dialects.table import DIALECTS, PLAIN
from tracer.sink.facts import Facts
from tracer.sink.reading import read_document, read_event


def folded(*events: dict[str, Any]) -> Facts:
    facts = Facts()
    for event in events:
        facts.take_event(event)
    return facts


def delta(**said: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": said}


def block(**said: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": 0, "content_block": said}


def parts(*found: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(found)}}]}


def converse(**said: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": 0, "delta": said}}


TOKENS: list[tuple[dict[str, Any], bool]] = [
    ({"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}}, False),
    ({"type": "ping"}, False),
    (block(type="text", text=""), False),
    (block(type="text", text="a"), True),
    (block(type="thinking", thinking="", signature=""), False),
    (block(type="redacted_thinking", data="Zm9v"), True),
    (block(type="tool_use", id="t", name="lookup", input={}), True),
    (block(type="web_search_tool_result", tool_use_id="t", content=[{"title": "t"}]), False),
    (delta(type="text_delta", text="a"), True),
    (delta(type="text_delta", text=""), False),
    (delta(type="thinking_delta", thinking="a"), True),
    (delta(type="signature_delta", signature="Zm9v"), False),
    (delta(type="input_json_delta", partial_json="{"), True),
    (delta(type="citations_delta", citation={"cited_text": "x"}), False),
    ({"type": "content_block_stop", "index": 0}, False),
    ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}, False),
    (parts({"text": "a"}), True),
    (parts({"text": "a", "thought": True}), True),
    (parts({"text": "", "thoughtSignature": "Zm9v"}), False),
    (parts({"thoughtSignature": "Zm9v"}), False),
    (parts({"functionCall": {"name": "f", "args": {}}}), True),
    (parts({"executableCode": {"language": "PYTHON", "code": "1"}}), True),
    (parts({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}), False),
    (parts({"inlineData": {"mimeType": "image/png", "data": "iVBOR"}}), True),
    (parts(), False),
    ({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1}}, False),
    ({"usageMetadata": {"promptTokenCount": 1}}, False),
    ({"messageStart": {"role": "assistant"}}, False),
    ({"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}}}, True),
    ({"contentBlockStart": {"start": {}}}, False),
    (converse(text="a"), True),
    (converse(toolUse={"input": ""}), False),
    (converse(toolUse={"input": "{"}), True),
    (converse(reasoningContent={"text": "a"}), True),
    (converse(reasoningContent={"signature": "Zm9v"}), False),
    ({"messageStop": {"stopReason": "end_turn"}}, False),
    ({"metadata": {"usage": {"inputTokens": 1}}}, False),
    (
        {
            "type": "message-start",
            "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}},
        },
        False,
    ),
    ({"type": "content-delta", "delta": {"message": {"content": {"text": "a"}}}}, True),
    ({"type": "content-delta", "delta": {"message": {"content": {"thinking": "a"}}}}, True),
    ({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "a"}}}, True),
    (
        {
            "type": "tool-call-start",
            "delta": {"message": {"tool_calls": {"id": "t", "function": {"name": "f", "arguments": ""}}}},
        },
        True,
    ),
    ({"type": "tool-call-delta", "delta": {"message": {"tool_calls": {"function": {"arguments": ""}}}}}, False),
    ({"type": "citation-start", "delta": {"message": {"citations": {"text": "x"}}}}, False),
    ({"event_type": "stream-start", "generation_id": "g", "is_finished": False}, False),
    ({"event_type": "text-generation", "text": "a", "is_finished": False}, True),
    ({"event_type": "stream-end", "is_finished": True, "response": {"text": "a"}, "finish_reason": "COMPLETE"}, False),
    ({"model": "l", "message": {"role": "assistant", "content": "a"}, "done": False}, True),
    ({"model": "l", "message": {"role": "assistant", "content": "", "thinking": "a"}, "done": False}, True),
    (
        {"model": "l", "message": {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}, "done": False},
        True,
    ),
    ({"model": "l", "response": "", "done": True, "context": [1], "eval_count": 3}, False),
    ({"content": "a", "stop": False, "tokens_predicted": 1, "tokens_evaluated": 3}, True),
    ({"content": "", "stop": True, "tokens_predicted": 1, "tokens_evaluated": 3}, False),
    ({"index": 1, "token": {"id": 5, "text": "a"}, "generated_text": None, "details": None}, True),
    ({"outputText": "a", "index": 0, "inputTextTokenCount": 3}, True),
    ({"generation": "", "prompt_token_count": 3}, False),
    ({"outputs": [{"text": "a", "stop_reason": None}]}, True),
    ({"type": "completion", "completion": " a", "stop_reason": None}, True),
    ({"type": "transcript.text.delta", "delta": "a"}, True),
    ({"object": "thread.message.delta", "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "a"}}]}}, True),
    ({"object": "thread.run", "status": "in_progress"}, False),
    ({"value": "a"}, True),
    ({"nobody": "knows"}, False),
]


@pytest.mark.parametrize(("event", "token"), TOKENS)
def test_what_is_a_token(event: dict[str, Any], token: bool) -> None:
    assert Facts().take_event(event) is token


ENDS: list[tuple[list[dict[str, Any]], bool, tuple[str, ...]]] = [
    ([delta(type="text_delta", text="a")], False, ("error",)),
    ([{"type": "message_delta", "delta": {"stop_reason": "refusal"}, "usage": {"output_tokens": 1}}], True, ("refusal",)),
    ([{"type": "message_stop"}], True, ("error",)),
    ([parts({"text": "a"})], False, ("error",)),
    ([{"candidates": [{"finishReason": "STOP"}, {"index": 1}]}], True, ("STOP", "error")),
    ([{"candidates": [{"index": 1, "finishReason": "STOP"}]}], True, ("error", "STOP")),
    ([{"candidates": [{"finishReason": "FINISH_REASON_UNSPECIFIED"}]}], False, ("error",)),
    ([converse(text="a")], False, ("error",)),
    ([{"messageStop": {"stopReason": "tool_use"}}], True, ("tool_use",)),
    ([{"metadata": {"usage": {"inputTokens": 1}}}], False, ("error",)),
    ([{"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}}], True, ("MAX_TOKENS",)),
    ([{"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE"}], True, ("COMPLETE",)),
    ([{"done": False, "response": "a"}], False, ("error",)),
    ([{"done": True, "response": ""}], True, ("error",)),
    ([{"content": "a", "stop": False, "stop_type": "none", "tokens_predicted": 1}], False, ("error",)),
    ([{"content": "", "stop": True, "stop_type": "word", "tokens_predicted": 1}], True, ("word",)),
    ([{"token": {"text": "a"}, "details": None, "generated_text": None}], False, ("error",)),
    ([{"type": "response.in_progress", "response": {"status": "in_progress"}}], False, ("error",)),
    (
        [{"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}],
        True,
        ("max_output_tokens",),
    ),
    ([{"value": "a"}], False, ()),
]


@pytest.mark.parametrize(("events", "ended", "reasons"), ENDS)
def test_how_a_stream_ends(events: list[dict[str, Any]], ended: bool, reasons: tuple[str, ...]) -> None:
    facts = folded(*events)
    assert (facts.ended, facts.finish_reasons(cut=True)) == (ended, reasons)
    assert facts.must_end is (reasons != ())


ERRORS: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, ("overloaded_error", "m")),
    ({"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}, ("UNAVAILABLE", "m")),
    (
        {"throttlingException": {"message": "m"}, "error": {"type": "throttlingException", "message": "m"}},
        ("throttlingException", "m"),
    ),
    ({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "m"}}, ("", "m")),
    ({"error": "m"}, ("", "m")),
    ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "c", "message": "m"}}}, ("c", "m")),
    ({"object": "thread.run", "status": "failed", "last_error": {"code": "c", "message": "m"}}, ("c", "m")),
]


@pytest.mark.parametrize(("event", "error"), ERRORS)
def test_errors_inside_streams(event: dict[str, Any], error: tuple[str, str]) -> None:
    assert folded(event).error == error
    assert folded(parts({"text": "a"}), event).error == error or "delta" in event or "response" in event or "object" in event


def test_usage_that_comes_in_pieces_is_overwritten_field_by_field() -> None:
    start = {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 5}},
    }
    end = {"type": "message_delta", "delta": {}, "usage": {"input_tokens": None, "output_tokens": 7}}
    assert folded(start, end).usage == {"input_tokens": 9, "output_tokens": 7, "cache_read_input_tokens": 5}
    assert folded(start).usage_is_final is False


def test_running_totals_stand_alone() -> None:
    first, last = (
        {"candidates": [], "usageMetadata": usage}
        for usage in ({"promptTokenCount": 9, "thoughtsTokenCount": 4}, {"promptTokenCount": 9})
    )
    assert folded(first, last).usage == {"promptTokenCount": 9}


def test_a_stream_keeps_to_the_dialect_of_its_first_event() -> None:
    facts = folded({"type": "ping"}, {"value": "a", "text": "b"})
    assert facts.dialect is not None
    assert facts.dialect.name == "anthropic"
    assert folded({"error": {"message": "m"}}, parts({"text": "a"})).dialect is not None


def test_figures_in_a_document_are_cut_out_of_it() -> None:
    facts = Facts()
    facts.take_document({"results": [{"tokenCount": 3, "outputText": "secret"}], "inputTextTokenCount": 4})
    assert facts.usage == {"inputTextTokenCount": 4, "results": [{"tokenCount": 3}]}


@pytest.mark.parametrize(
    ("usage", "tier"),
    [
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": "priority", "speed": "standard"}, "priority"),
        ({"service_tier": "batch"}, "batch"),
        ({"service_tier": "standard", "speed": "standard"}, "standard"),
        ({}, ""),
    ],
)
def test_the_tier_is_the_switch_that_tells_the_price(usage: dict[str, str], tier: str) -> None:
    facts = Facts()
    facts.take_document({"type": "message", "usage": {"input_tokens": 1, **usage}})
    assert facts.tier == tier


def keys_of(paths: Any) -> set[str]:
    return {step for path in paths for step in path if isinstance(step, str)}


WORDS = sorted(
    {
        word
        for dialect in (*DIALECTS, PLAIN)
        for paths in (dialect.usage, dialect.reasons, dialect.tokens, dialect.errors, dialect.tier, dialect.figures)
        for word in keys_of(paths)
    }
    | {
        value
        for dialect in DIALECTS
        for mark in dialect.marks
        for value in (*mark.values, *mark.path)
        if isinstance(value, str)
    }
    | {
        step.field
        for dialect in DIALECTS
        for path in dialect.reasons
        for step in path
        if isinstance(step, Where) and step.field
    }
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 2000), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)),
    max_leaves=20,
)


@given(st.sampled_from((*DIALECTS, PLAIN)), st.lists(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6), max_size=3))
def test_no_json_makes_it_raise(dialect: Any, documents: list[dict[str, Any]]) -> None:
    facts = Facts()
    for document in documents:
        read_event(facts, document, dialect)
        read_document(facts, document, dialect)
        facts.take_event(document)
    assert all(isinstance(reason, str) for reason in facts.finish_reasons(cut=True))
    assert all(isinstance(word, str) for word in (facts.id, facts.model, facts.tier, facts.fingerprint))
