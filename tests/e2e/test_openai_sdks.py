"""OpenAI's SDKs for Python and Node with Portkey's headers, unmodified, against the real model."""

import json
from pathlib import Path
from typing import Any

import openai
import portkey_ai
import pytest

from tests.e2e.asked import ASKED, SIMPLE, WITH_TOOLS
from tests.e2e.node import Node, do
from tests.e2e.stack import Stack, wait_for_spans

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first test that needs them installs the SDKs for Node

CHAT = "chat.completions.create"
PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": "00-{}-{}-01".format(*PARENT)}


def sdk(stack: Stack, **headers: Any) -> openai.OpenAI:
    """As Portkey's pages tell users of OpenAI's SDK to make it."""
    own = portkey_ai.createHeaders(api_key="pk-test", **headers)
    return openai.OpenAI(base_url=stack.url, api_key="sk-test", default_headers=own, max_retries=0)


def test_python_with_portkeys_headers(stack: Stack) -> None:
    with sdk(stack, trace_id="oai-py", config=SIMPLE, metadata={"_user": "bo", "case": "oai-py"}) as client:
        asked = client.chat.completions.with_raw_response
        status = [asked.create(**ASKED).headers["x-portkey-cache-status"] for _ in range(2)]
        tools = client.chat.completions.create(**WITH_TOOLS)
        *_, last = client.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True})
    assert status == ["MISS", "HIT"]
    assert last.usage
    assert tools.choices
    rows = stack.wait_for_calls(4, "trace_id = 'oai-py'")
    assert [row["cache_status"] for row in rows] == ["MISS", "HIT", "MISS", "MISS"]
    assert {row["user"] for row in rows} == {"bo"}
    assert rows[2]["tools"] == ["weather"]
    assert json.loads(stack.body_of(rows[2])["request_body"]) == WITH_TOOLS
    assert rows[3]["total_tokens"] == last.usage.total_tokens


def test_errors_as_python_raises_them(stack: Stack) -> None:
    with sdk(stack, trace_id="oai-errors") as client:
        with pytest.raises(openai.BadRequestError, match="not valid JSON"):
            client.post("/chat/completions", cast_to=object, content=b'{"model": "x", "messages": [}')
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("no-such-model")
        with pytest.raises(openai.NotFoundError, match="Invalid prompt id"):
            client.post("/prompts/pp-nobody-123456/completions", cast_to=object, body={"variables": {}})
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**{**ASKED, "temperature": "hot"})
        with pytest.raises(openai.InternalServerError, match="Connection refused"):
            client.with_options(default_headers={"x-portkey-provider": "dead"}).chat.completions.create(**ASKED)
    rows = stack.wait_for_calls(5, "trace_id = 'oai-errors'")
    assert [row["status_code"] for row in rows] == [400, 404, 404, 400, 502]
    assert [row["outcome"] for row in rows] == ["refused", "upstream_error", "refused", "upstream_error", "upstream_error"]
    assert [row["error_type"] for row in rows][::2] == ["bad_json", "prompt_not_found", "connect_refused"]


def test_nothing_changes_but_an_address_in_the_environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", stack.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("PORTKEY_PROXY", stack.url)
    asked = {**ASKED, "user": "by-environment"}
    with openai.OpenAI() as client, portkey_ai.Portkey(api_key="pk-test") as portkey:
        assert client.chat.completions.create(**asked).choices
        assert portkey.chat.completions.create(**asked).choices
        portkey.openai_client.close()
    rows = stack.wait_for_calls(2, "user = 'by-environment'")
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert all(len(row["trace_id"]) == 36 for row in rows)  # as the hosted gateway makes them


def test_node_with_portkeys_headers(stack: Stack, node: Node) -> None:
    story = {**ASKED, "messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 400, "stream": True}
    plain, again, stream, tools, wrong, nothing, left = node.openai(
        stack.url,
        *[do(CHAT, ASKED)] * 2,
        do(CHAT, {**ASKED, "stream": True, "stream_options": {"include_usage": True}}),
        do(CHAT, WITH_TOOLS),
        do(CHAT, {**ASKED, "temperature": "hot"}),
        do("models.retrieve", "no-such-model"),
        do(CHAT, story, take=2),
        apiKey="pk-test",
        traceID="oai-node",
        metadata={"_user": "bo", "case": "oai-node"},
        config=SIMPLE,
    )
    assert (plain["headers"]["cache-status"], again["headers"]["cache-status"]) == ("MISS", "HIT")
    assert plain["headers"]["trace-id"] == "oai-node"
    usage = stream["chunks"][-1]["usage"]
    assert tools["reply"]["choices"]
    assert (wrong["error"]["type"], nothing["error"]["type"]) == ("BadRequestError", "NotFoundError")
    assert len(left["chunks"]) == 2
    rows = stack.wait_for_calls(7, "trace_id = 'oai-node'")
    assert [row["outcome"] for row in rows] == [
        "ok",
        "cache_hit",
        "ok",
        "ok",
        "upstream_error",
        "upstream_error",
        "client_gone",
    ]
    assert {row["client"].partition(" ")[0] for row in rows} == {"OpenAI/JS"}
    assert {row["user"] for row in rows} == {"bo"}
    assert rows[2]["total_tokens"] == usage["total_tokens"]
    assert json.loads(stack.body_of(rows[3])["request_body"]) == WITH_TOOLS


def test_trace_ids_of_any_kind_make_one_trace(spans_and_stack: tuple[Path, Stack]) -> None:
    """`1729` is no id for OpenTelemetry; the one made of it is the same each time."""
    spans, stack = spans_and_stack
    with sdk(stack, trace_id="1729") as client:
        for number in range(2):
            client.chat.completions.create(**ASKED, extra_headers={"x-portkey-span-id": f"step {number}"})
    first, second = stack.wait_for_calls(2, "trace_id = '1729'")
    assert first["otel_trace_id"] == second["otel_trace_id"]
    assert len(first["otel_trace_id"]) == 32
    assert first["otel_span_id"] != second["otel_span_id"]
    printed = wait_for_spans(spans, [first["otel_span_id"], second["otel_span_id"]])
    assert printed.count(f"Trace ID       : {first['otel_trace_id']}") == 2
    assert stack.command("trace", "1729") == stack.command("trace", first["otel_trace_id"])


def test_traceparent_fills_in_what_portkeys_headers_leave_out(stack: Stack) -> None:
    with sdk(stack, metadata={"case": "traceparent"}) as client:
        baggage = {"baggage": "team=blue;ttl=1,case=other"}
        client.chat.completions.create(**ASKED, extra_headers={**TRACEPARENT, **baggage})
        client.chat.completions.create(**ASKED, extra_headers={**TRACEPARENT, "x-portkey-trace-id": "mine-w3c"})
        client.chat.completions.create(**ASKED, extra_headers={"traceparent": "00-not-a-parent-01"})
    w3c, mixed, broken = stack.wait_for_calls(3, "metadata['case'] = 'traceparent'")
    assert (w3c["trace_id"], w3c["parent_span_id"]) == PARENT
    assert (w3c["otel_trace_id"], w3c["otel_parent_span_id"]) == PARENT
    assert w3c["span_name"] == "POST /v1/chat/completions"
    assert w3c["metadata"] == {"case": "traceparent", "team": "blue"}
    assert (mixed["trace_id"], mixed["parent_span_id"]) == ("mine-w3c", PARENT[1])
    assert broken["trace_id"] not in ("", PARENT[0])
    assert broken["parent_span_id"] == ""


def test_a_tree_with_cycles_and_parents_that_never_came_is_drawn_whole(stack: Stack) -> None:
    with sdk(stack, trace_id="oai-tree") as client:
        for span, parent in (("a", "b"), ("b", "a"), ("c", "never-logged"), ("d", "d")):
            headers = {"x-portkey-span-id": span, "x-portkey-parent-span-id": parent, "x-portkey-span-name": f"step-{span}"}
            client.chat.completions.create(**ASKED, extra_headers=headers)
    stack.wait_for_calls(4, "trace_id = 'oai-tree'")
    tree = stack.command("trace", "oai-tree")
    assert [tree.count(f"step-{span}") for span in "abcd"] == [1, 1, 1, 1]
