"""Portkey's SDK for Python, unmodified, against the real model: calls, cache, feedback, traces, and what goes wrong."""

import asyncio
import json
from pathlib import Path
from typing import Any

import portkey_ai
import pytest
from portkey_ai._vendor import openai as vendored

from tests.e2e.asked import ASKED, SIMPLE, WITH_TOOLS
from tests.e2e.portkey import portkey
from tests.e2e.stack import Stack, wait_for_spans

pytestmark = pytest.mark.slow


def said(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_call_a_stream_and_tools(spans_and_stack: tuple[Path, Stack]) -> None:
    spans, stack = spans_and_stack
    with portkey(stack, "py-calls", span_id="s1", span_name="plan", parent_span_id="root", session_id="x") as client:
        plain = client.chat.completions.create(**ASKED, user="ada")
        text = said(client.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True}))
        client.chat.completions.create(**WITH_TOOLS)
    assert plain.get_headers() == {"trace-id": "py-calls", "cache-status": "DISABLED"}
    assert text == plain.choices[0].message.content
    first, second, third = rows = stack.wait_for_calls(3, "trace_id = 'py-calls'")
    for row in rows:
        assert (row["outcome"], row["status_code"], row["usage_source"]) == ("ok", 200, "provider")
        assert (row["span_id"], row["span_name"], row["parent_span_id"]) == ("s1", "plan", "root")
        assert (row["door"], row["operation"], row["key_hash"]) == ("openai", "chat", "")
        assert row["client"] == "portkey-2.3.4"
        assert float(row["cost_usd"]) > 0
    assert first["user"] == "ada"
    assert first["response_id"] == plain.id
    assert (second["stream"], second["output_tokens"]) == (True, first["output_tokens"])
    assert third["tools"] == ["weather"]
    up = json.loads(stack.body_of(third)["request_body"])
    assert {name: up[name] for name in WITH_TOOLS} == WITH_TOOLS
    printed = wait_for_spans(spans, [row["otel_span_id"] for row in rows])
    assert printed.count(f"Trace ID       : {first['otel_trace_id']}") == 3


def test_the_cache_says_what_it_did(stack: Stack) -> None:
    """Both SDKs send every flag that is off as `false`: by its value and not its presence it counts."""
    answers = []
    with portkey(stack, "py-cache", config=SIMPLE, cache_force_refresh=False, metadata={"case": "py-cache"}) as client:
        answers += [client.chat.completions.create(**ASKED) for _ in range(2)]
        streams = [list(client.chat.completions.create(**ASKED, stream=True)) for _ in range(2)]
        other = client.chat.completions.create(**ASKED, extra_headers={"x-portkey-metadata": '{"case":"another"}'})
        refresh = {"x-portkey-cache-force-refresh": "true"}
        answers += [client.chat.completions.create(**ASKED, extra_headers=refresh), other]
    assert [each.get_headers()["cache-status"] for each in answers] == ["MISS", "HIT", "REFRESH", "MISS"]
    assert answers[0].id == answers[1].id != answers[2].id
    assert [said(stream) for stream in streams] == [answers[0].choices[0].message.content] * 2
    assert not any(chunk.usage for stream in streams for chunk in stream)  # nobody asked for it, whoever filled the entry
    rows = stack.wait_for_calls(6, "trace_id = 'py-cache'")
    assert [row["cache_status"] for row in rows] == ["MISS", "HIT", "MISS", "HIT", "MISS", "REFRESH"]
    for asked, hit in ((rows[0], rows[1]), (rows[2], rows[3])):
        assert (hit["outcome"], float(hit["cost_usd"])) == ("cache_hit", 0)
        assert hit["saved_usd"] == asked["cost_usd"]
        assert (hit["input_tokens"], hit["output_tokens"]) == (asked["input_tokens"], asked["output_tokens"])


def test_without_debug_nothing_of_the_content_is_kept(stack: Stack) -> None:
    with portkey(stack, "py-private", config=SIMPLE, debug=False) as client:
        asked = {**ASKED, "messages": [{"role": "user", "content": "a-very-private-fruit"}]}
        answers = [client.chat.completions.create(**asked) for _ in range(2)]
        with pytest.raises(vendored.BadRequestError):
            client.chat.completions.create(**{**asked, "temperature": "hot"})
    assert [each.get_headers()["cache-status"] for each in answers] == ["DISABLED", "DISABLED"]
    rows = stack.wait_for_calls(3, "trace_id = 'py-private'")
    assert [row["status_code"] for row in rows] == [200, 200, 400]
    ids = ", ".join(f"'{row['call_id']}'" for row in rows)
    assert stack.rows(f"SELECT count() AS n FROM llm.bodies WHERE call_id IN ({ids})") == [{"n": 0}]
    data = Path(stack.environ["TRACER_DATA_DIR"])
    assert not [f for f in data.rglob("*") if f.is_file() and b"a-very-private-fruit" in f.read_bytes()]


async def test_the_asynchronous_client_with_calls_at_the_same_time(stack: Stack) -> None:
    """Equal calls in flight are one to the model; each has its row."""
    trace_id = "py-async"
    async with portkey_ai.AsyncPortkey(base_url=stack.url, api_key="pk-test", trace_id=trace_id, config=SIMPLE) as client:
        asked = {**ASKED, "max_tokens": 30, "user": trace_id}
        answers = await asyncio.gather(*(client.chat.completions.create(**asked) for _ in range(4)))
        stream = await client.chat.completions.create(**asked, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        await client.openai_client.close()  # which the SDK makes its calls by, and forgets
    assert len({answer.id for answer in answers}) == 1
    assert sorted(answer.get_headers()["cache-status"] for answer in answers) == ["HIT", "HIT", "HIT", "MISS"]
    assert text == answers[0].choices[0].message.content
    rows = await asyncio.to_thread(stack.wait_for_calls, 5, f"trace_id = '{trace_id}'")
    assert len({row["call_id"] for row in rows}) == 5
    assert sum(float(row["cost_usd"]) > 0 for row in rows) == 2
    assert sum(float(row["saved_usd"] or 0) > 0 for row in rows) == 3


def test_feedback_one_and_many(stack: Stack) -> None:
    with portkey(stack, "py-judged") as client:
        client.chat.completions.create(**ASKED)
        one = client.feedback.create(trace_id="py-judged", value=5, weight=0.5, metadata={"_user": "ada"})
        many = [{"trace_id": "py-judged", "value": 1}, {"trace_id": "py-judged-too", "value": -10, "weight": 7}]
        both = client.feedback.bulk_create(feedbacks=many)
        assert client.feedback.update(feedback_id=one.feedback_ids[0], value=-1).status == "success"
        with pytest.raises(portkey_ai.api_resources.exceptions.BadRequestError, match="033"):
            client.feedback.create(trace_id="py-judged", value=11)
    assert one.message == "Feedback successfully saved"
    assert len(both.feedback_ids) == 2
    stack.wait_for_rows(1, "SELECT 1 FROM llm.feedback FINAL WHERE trace_id = 'py-judged' AND value = -1")
    kept = stack.rows("SELECT * FROM llm.feedback FINAL WHERE trace_id LIKE 'py-judged%'")
    newest = {row["feedback_id"]: (row["trace_id"], row["value"], row["weight"]) for row in kept}
    assert newest == {
        one.feedback_ids[0]: ("py-judged", -1, 0.5),
        both.feedback_ids[0]: ("py-judged", 1, 1),
        both.feedback_ids[1]: ("py-judged-too", -10, 1),  # a weight out of range is none
    }
    joined = stack.rows("SELECT * FROM llm.call_feedback WHERE trace_id = 'py-judged' ORDER BY weighted_value")
    assert [row["weighted_value"] for row in joined] == [-0.5, 1]
    assert "feedback" in stack.command("trace", "py-judged").splitlines()[0]


def test_metadata_is_cut_and_made_text_and_never_refused(stack: Stack) -> None:
    with portkey(stack, "py-tags", metadata={"_user": "Zoë", "long": "x" * 300, "n": 7, "yes": True}) as client:
        client.chat.completions.create(**ASKED, user="not-this-one")
        client.chat.completions.create(**ASKED, extra_headers={"x-portkey-metadata": "{'a': 'b'}"})
    first, second = stack.wait_for_calls(2, "trace_id = 'py-tags'")
    assert first["user"] == "Zoë"
    assert first["metadata"] == {"_user": "Zoë", "long": "x" * 128, "n": "7", "yes": "true"}
    assert second["metadata"] == {}


def test_a_failure_is_not_asked_twice(stack: Stack) -> None:
    """The SDK repeats a POST that failed, unless the reply has a trace id; so all of ours have one."""
    with portkey(stack, "py-dead", provider="dead") as client:
        made = client.prompts.create(name="x", collection_id="", string="[]", parameters={"model": "m"}, virtual_key="")
        with pytest.raises(portkey_ai.api_resources.exceptions.InternalServerError, match="Connection refused"):
            client.prompts.completions.create(prompt_id=made.slug, variables={})
        with pytest.raises(portkey_ai.api_resources.exceptions.NotFoundError, match="Invalid prompt id"):
            client.prompts.completions.create(prompt_id="pp-nobody-123456", variables={})
    rows = stack.wait_for_calls(2, "trace_id = 'py-dead'")
    assert [(row["outcome"], row["status_code"]) for row in rows] == [("upstream_error", 502), ("refused", 404)]


def test_names_of_providers_as_portkey_writes_them(stack: Stack) -> None:
    """`@slug` is a provider of the settings; one that is none, or an old virtual key, is left out and named on the row."""
    with portkey(stack, "py-virtual", virtual_key="openai-virtual-1a2b3c") as client:
        assert client.chat.completions.create(**ASKED).choices[0].message.content
    with portkey(stack, "py-slug", provider="@dead") as client, pytest.raises(vendored.InternalServerError):
        client.chat.completions.create(**ASKED)
    with portkey(stack, "py-slug", provider="@team-prod") as client:
        assert client.chat.completions.create(**ASKED).choices[0].message.content
    (virtual,) = stack.wait_for_calls(1, "trace_id = 'py-virtual'")
    assert (virtual["outcome"], virtual["provider"]) == ("ok", "openai")
    assert any("x-portkey-virtual-key" in note for note in virtual["notes"])
    dead, unknown = stack.wait_for_calls(2, "trace_id = 'py-slug'")
    assert (dead["provider"], dead["error_type"]) == ("dead", "connect_refused")
    assert (unknown["outcome"], unknown["provider"]) == ("ok", "openai")
    assert any("'@team-prod'" in note for note in unknown["notes"])


def test_a_saved_config_and_one_that_is_not_saved_here(stack: Stack) -> None:
    with portkey(stack, "py-config") as client:
        made = client.configs.create(name="cached", config=SIMPLE)
        assert client.configs.retrieve(slug=made.slug).slug == made.slug
    with portkey(stack, "py-config", metadata={"case": "py-config"}, config=made.slug) as client:
        status = [client.chat.completions.create(**ASKED).get_headers()["cache-status"] for _ in range(2)]
    with portkey(stack, "py-config", config="pc-of-portkey-9f9f9f") as client:
        unknown = client.chat.completions.create(**ASKED)
    assert status == ["MISS", "HIT"]
    assert unknown.get_headers()["cache-status"] == "DISABLED"
    rows = stack.wait_for_calls(3, "trace_id = 'py-config'")
    assert any("pc-of-portkey-9f9f9f" in note for note in rows[2]["notes"])


def test_a_custom_host_that_nobody_allowed_is_refused(stack: Stack) -> None:
    with (
        portkey(stack, "py-host", custom_host="http://localhost:1/v1") as client,
        pytest.raises(vendored.BadRequestError, match="TRACER_CUSTOM_HOSTS"),
    ):
        client.chat.completions.create(**ASKED)
    (row,) = stack.wait_for_calls(1, "trace_id = 'py-host'")
    assert (row["outcome"], row["status_code"]) == ("refused", 400)


def test_a_log_of_a_call_made_elsewhere_is_a_row(stack: Stack) -> None:
    url = "https://api.openai.com/v1/chat/completions"
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    with portkey(stack, "py-other") as client:
        client.logs.create(
            request={"url": url, "method": "POST", "body": {"model": "gpt-4o-mini", "messages": []}},
            response={"status": 200, "body": {"model": "gpt-4o-mini", "choices": [], "usage": usage}, "response_time": 120},
            metadata={"traceId": "py-elsewhere", "spanId": "e1", "spanName": "elsewhere"},
        )
    (row,) = stack.wait_for_calls(1, "trace_id IN ('py-elsewhere', 'py-other')")
    assert (row["door"], row["provider"], row["total_tokens"]) == ("logs", "openai", 5)
