"""Portkey's SDK for Node, unmodified, against the real model: calls, cache, feedback, traces, and what goes wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asked import ASKED, SIMPLE, WITH_TOOLS
from tests.e2e.node import Node, do
from tests.e2e.stack import Stack, wait_for_spans

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first test that needs them installs the SDKs for Node

CHAT = "chat.completions.create"


def said(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def test_a_call_a_stream_and_tools(spans_and_stack: tuple[Path, Stack], node: Node) -> None:
    spans, stack = spans_and_stack
    plain, stream, tools, responses = node.portkey(
        stack.url,
        do(CHAT, {**ASKED, "user": "ada"}),
        do(CHAT, {**ASKED, "stream": True}),
        do(CHAT, WITH_TOOLS),
        do("responses.create", {"model": ASKED["model"], "input": "Name three fruits.", "max_output_tokens": 8}),
        traceID="node-calls",
        spanID="s1",
        spanName="plan",
        parentSpanID="root",
        metadata={"team": "x"},
    )
    assert plain["headers"] == stream["headers"] == {"trace-id": "node-calls", "cache-status": "DISABLED"}
    assert said(stream["chunks"]) == plain["reply"]["choices"][0]["message"]["content"]
    assert not any(chunk.get("usage") for chunk in stream["chunks"])
    assert tools["reply"]["usage"]
    assert responses["reply"]["object"] == "response"
    rows = stack.wait_for_calls(4, "trace_id = 'node-calls'")
    for row in rows:
        assert (row["outcome"], row["status_code"], row["usage_source"]) == ("ok", 200, "provider")
        assert (row["span_id"], row["span_name"], row["parent_span_id"]) == ("s1", "plan", "root")
        assert (row["metadata"]["team"], row["key_hash"]) == ("x", "")
        assert float(row["cost_usd"]) > 0
        assert row["client"] == "portkey-3.1.0"
    assert [row["stream"] for row in rows] == [False, True, False, False]
    assert rows[0]["user"] == rows[0]["metadata"]["_user"] == "ada"
    assert rows[2]["tools"] == ["weather"]
    assert json.loads(stack.body_of(rows[2])["request_body"]) == WITH_TOOLS
    wait_for_spans(spans, [row["otel_span_id"] for row in rows])


def test_the_cache_says_what_it_did(stack: Stack, node: Node) -> None:
    asked = do(CHAT, ASKED)
    answers = node.portkey(
        stack.url,
        *(asked, asked),
        *[do(CHAT, {**ASKED, "stream": True})] * 2,
        do(CHAT, ASKED, {"cacheForceRefresh": True}),
        traceID="node-cache",
        config=SIMPLE,
        cacheForceRefresh=False,
        cacheNamespace="node-cache",
    )
    assert [each["headers"]["cache-status"] for each in answers] == ["MISS", "HIT", "MISS", "HIT", "REFRESH"]
    assert answers[2]["chunks"] == answers[3]["chunks"]
    rows = stack.wait_for_calls(5, "trace_id = 'node-cache'")
    assert [row["cache_status"] for row in rows] == ["MISS", "HIT", "MISS", "HIT", "REFRESH"]
    assert [row["outcome"] for row in rows] == ["ok", "cache_hit", "ok", "cache_hit", "ok"]


def test_feedback_one_and_many(stack: Stack, node: Node) -> None:
    """Its list arrives as an object of numbered objects, in camel case."""
    many = [{"traceID": "node-judged", "value": -2, "weight": 0.25}, {"traceID": "node-judged", "value": 3}]
    _, one, both, wrong = node.portkey(
        stack.url,
        do(CHAT, ASKED),
        do("feedback.create", {"traceID": "node-judged", "value": 5, "weight": 1, "metadata": {"_user": "ada"}}),
        do("feedback.create", many),
        do("feedback.create", {"traceID": "node-judged"}),
        traceID="node-judged",
    )
    (first,) = one["reply"]["feedback_ids"]
    second, third = both["reply"]["feedback_ids"]
    assert (wrong["error"]["status"], "032" in wrong["error"]["message"]) == (400, True)
    (changed,) = node.portkey(stack.url, do("feedback.update", {"feedbackID": first, "value": 4}))
    assert changed["reply"]["feedback_ids"] == [first]
    stack.wait_for_rows(1, "SELECT 1 FROM llm.feedback FINAL WHERE trace_id = 'node-judged' AND value = 4")
    kept = stack.rows("SELECT * FROM llm.feedback FINAL WHERE trace_id = 'node-judged'")
    assert {row["feedback_id"]: (row["value"], row["weight"]) for row in kept} == {
        first: (4, 1),
        second: (-2, 0.25),
        third: (3, 1),
    }
    joined = stack.wait_for_rows(3, "SELECT * FROM llm.call_feedback WHERE trace_id = 'node-judged' ORDER BY weighted_value")
    assert [row["weighted_value"] for row in joined] == [-0.5, 3, 4]


def test_a_trace_id_that_sticks_to_the_client(stack: Stack, node: Node) -> None:
    """What a call's options say stays with this SDK's client, so many calls share a trace id, and even a span id."""
    node.portkey(stack.url, do(CHAT, ASKED, {"traceID": "node-sticky", "spanID": "same"}), do(CHAT, ASKED))
    first, second = stack.wait_for_calls(2, "trace_id = 'node-sticky'")
    assert first["call_id"] != second["call_id"]
    assert (first["span_id"], first["otel_trace_id"]) == (second["span_id"], second["otel_trace_id"])
    assert stack.command("trace", "node-sticky").count(ASKED["model"]) == 2


def test_failures_in_words_and_asked_once(stack: Stack, node: Node) -> None:
    """The SDK repeats a POST that failed, unless the reply has a trace id; so all of ours have one."""
    dead, wrong, nothing = (
        *node.portkey(stack.url, do(CHAT, ASKED), traceID="node-failed", provider="dead"),
        *node.portkey(
            stack.url,
            do(CHAT, {**ASKED, "temperature": "hot"}),
            do("models.retrieve", "no-such-model"),
            traceID="node-failed",
        ),
    )
    assert (dead["error"]["type"], dead["error"]["status"]) == ("InternalServerError", 502)
    assert "Connection refused" in dead["error"]["message"]
    assert (wrong["error"]["type"], wrong["error"]["status"]) == ("BadRequestError", 400)
    assert (nothing["error"]["type"], nothing["error"]["status"]) == ("NotFoundError", 404)
    rows = stack.wait_for_calls(3, "trace_id = 'node-failed'")
    assert [(row["outcome"], row["status_code"]) for row in rows] == [("upstream_error", status) for status in (502, 400, 404)]


def test_a_stream_that_is_left(stack: Stack, node: Node) -> None:
    asked = {**ASKED, "messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 400, "stream": True}
    (left,) = node.portkey(stack.url, do(CHAT, asked, take=3), traceID="node-left")
    assert len(left["chunks"]) == 3
    (row,) = stack.wait_for_calls(1, "trace_id = 'node-left'")
    assert (row["outcome"], row["status_code"], row["stream"]) == ("client_gone", 200, True)
    assert 0 < row["client_gone_ms"] <= row["duration_ms"]
