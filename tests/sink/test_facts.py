from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import chunk
from tracer.sink.facts import Facts

KEYS = [
    *("id", "model", "choices", "index", "delta", "message", "content", "finish_reason", "usage", "x_groq", "error"),
    *("type", "response", "status", "incomplete_details", "reason", "object", "code", "detail", "msg", "value", "tool_calls"),
]
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-9, 2000), st.sampled_from(["", "x", "error", "response.completed", "stop"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_no_json_makes_it_raise(documents: list[Any]) -> None:
    facts = Facts()
    for document in documents:
        if isinstance(document, dict):
            facts.take_event(document)
            facts.take_document(document)
    assert all(isinstance(reason, str) for reason in facts.finish_reasons(cut=True))


def folded(*events: dict[str, Any]) -> Facts:
    facts = Facts()
    for event in events:
        facts.take_event(event)
    return facts


TOKENS: list[tuple[dict[str, Any], bool]] = [
    (chunk(delta={"role": "assistant", "content": ""}), False),
    (chunk(delta={"role": "assistant", "content": None, "refusal": None}), False),
    (chunk(" "), True),
    (chunk(delta={"reasoning_content": "hm"}), True),
    (chunk(delta={"reasoning": "hm"}), True),
    (chunk(delta={"refusal": "no"}), True),
    (
        chunk(delta={"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
        True,
    ),
    (chunk(delta={"tool_calls": [{"index": 0, "function": {"arguments": ""}}]}), False),
    (chunk(delta={"function_call": {"arguments": "{"}}), True),
    (chunk(delta={"audio": {"id": "a", "expires_at": 5}}), False),
    (chunk(delta={"audio": {"id": "a", "transcript": "hi"}}), True),
    (chunk(delta={"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}), True),
    (chunk(delta={"content": [{"type": "text", "text": ""}]}), False),
    (chunk(delta={}, finish_reason="stop"), False),
    ({"choices": [], "usage": {"prompt_tokens": 1}}, False),
    ({"choices": [{"index": 0, "content_filter_offsets": {}}]}, False),  # Azure's asynchronous filter sends no delta
    ({"choices": [{"index": 0, "text": "a"}]}, True),
    ({"choices": [{"index": 0, "text": ""}]}, False),
    ({"type": "response.output_text.delta", "delta": "a"}, True),
    ({"type": "response.function_call_arguments.delta", "delta": "{"}, True),
    ({"type": "response.output_text.delta", "delta": ""}, False),
    ({"type": "response.output_text.done", "text": "a"}, False),
    ({"type": "response.output_item.done", "item": {"type": "tool_search_call", "arguments": {"queries": ["q"]}}}, True),
    ({"type": "response.output_item.done", "item": {"type": "reasoning", "summary": []}}, False),
    ({"value": "Sure"}, True),
]


@pytest.mark.parametrize(("event", "token"), TOKENS)
def test_what_is_a_token(event: dict[str, Any], token: bool) -> None:
    assert Facts().take_event(event) is token


def test_an_item_in_one_piece_is_no_token_behind_its_deltas() -> None:
    facts = folded({"type": "response.output_text.delta", "delta": "a"})
    assert not facts.take_event({"type": "response.output_item.done", "item": {"content": [{"text": "a"}]}})


def test_the_last_usage_wins_and_is_never_added_up() -> None:
    events = [chunk("a", usage={"prompt_tokens": 5, "completion_tokens": n}) for n in (1, 2, 3)]
    facts = folded(*events, chunk(usage=None))
    assert facts.usage == {"prompt_tokens": 5, "completion_tokens": 3}
    assert not facts.usage_is_final


def test_groqs_usage_is_taken_and_the_proper_one_behind_it_too() -> None:
    groq = chunk(finish_reason="stop", x_groq={"id": "r", "usage": {"prompt_tokens": 1}})
    assert folded(groq).usage == {"prompt_tokens": 1}
    assert folded(groq, {"choices": [], "usage": {"prompt_tokens": 2}}).usage == {"prompt_tokens": 2}


def test_azures_empty_first_chunk_does_not_name_the_model() -> None:
    first = {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": []}
    facts = folded(first, chunk("a", system_fingerprint=None), chunk("b", system_fingerprint="fp_1", service_tier="default"))
    assert (facts.id, facts.model, facts.fingerprint, facts.tier) == ("c-1", "gpt-4o-mini", "fp_1", "default")


def test_finish_reasons_stand_in_the_order_of_the_choices() -> None:
    facts = folded(chunk("b", index=1), chunk("a"), chunk(index=1, finish_reason="length"))
    assert facts.finish_reasons(cut=False) == ("", "length")
    assert facts.finish_reasons(cut=True) == ("error", "length")
    assert folded(chunk("a")).finish_reasons(cut=False) == ()


def test_the_end_of_a_response() -> None:
    frame = {"id": "resp_1", "model": "gpt-5", "usage": {"input_tokens": 3, "output_tokens": 4}}
    done = folded({"type": "response.completed", "response": {**frame, "status": "completed"}})
    assert (done.id, done.finish_reasons(False), done.ended, done.usage_is_final) == ("resp_1", ("completed",), True, True)
    details = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert folded({"type": "response.incomplete", "response": {**frame, **details}}).finish_reasons(False) == (
        "max_output_tokens",
    )
    error = {"status": "failed", "error": {"code": "server_error", "message": "boom"}}
    assert folded({"type": "response.failed", "response": {**frame, **error}}).error == ("server_error", "boom")
