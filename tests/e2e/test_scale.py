"""Scale's SDKs in both generations, unmodified, against the real model; each in an environment of its own."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asked import ASKED, MESSAGES, WITH_TOOLS
from tests.e2e.stack import Stack, wait_for_spans
from tests.provider import Provider, sse, sse_event
from tests.scale.sdk import Sdk, sdk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first use of an SDK installs it

A58, A62, BETA = "scale-gp==0.1.0a58", "scale-gp==0.1.0a62", "scale-gp-beta==0.7.0"
V4, V5 = "beta.chat.completions.create", "chat.completions.create"
EVERY = pytest.mark.parametrize(("requirement", "do"), [(A58, V4), (A62, V4), (BETA, V5)], ids=["a58", "a62", "beta"])
PATHS = {V4: "/v4/beta/chat/completions", V5: "/v5/chat/completions"}
# A model that Scale would host itself: here it is the default upstream's.
MODEL = f"launch/{ASKED['model']}"
SECRET = "sgp-canary-of-the-e2e-test"
CLIENT = {"api_key": SECRET, "account_id": "acct-1"}


async def ask(to: Sdk, stack: Stack, trace_id: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    headers = {"x-portkey-trace-id": trace_id}
    return await to(stack.origin, *calls, **CLIENT, default_headers=headers)


def call(do: str, **given: Any) -> dict[str, Any]:
    return {"do": do, "with": {**ASKED, "model": MODEL, **given}}


def said(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@EVERY
async def test_a_call_streams_and_tools(requirement: str, do: str, spans_and_stack: tuple[Path, Stack]) -> None:
    """A stream ends for these SDKs without `[DONE]`, and though they ask for it as `application/json`."""
    spans, stack = spans_and_stack
    trace_id = f"sgp-{requirement}"
    streamed = {**call(do, stream=True), "async": True}
    with_usage = call(do, stream=True, stream_options={"include_usage": True})
    tools = {**WITH_TOOLS, "model": MODEL, "tools": [{**WITH_TOOLS["tools"][0], "cache_control": {"type": "ephemeral"}}]}
    made = await ask(sdk(requirement), stack, trace_id, call(do), streamed, with_usage, {"do": do, "with": tools})
    assert not [each for each in made if "error" in each]
    plain, stream, usage, called = made
    content = plain["reply"]["choices"][0]["message"]["content"]
    assert content == said(stream["chunks"]) == said(usage["chunks"])
    assert usage["chunks"][-1]["usage"]["total_tokens"] == plain["reply"]["usage"]["total_tokens"]
    assert called["reply"]["choices"]
    rows = stack.wait_for_calls(4, f"trace_id = '{trace_id}'")
    for row in rows:
        assert (row["door"], row["endpoint"], row["outcome"]) == ("scale", PATHS[do], "ok")
        assert (row["request_model"], row["provider"]) == (ASKED["model"], "openai")
        assert json.loads(stack.body_of(row)["original_body"])["model"] == MODEL
        assert (row["usage_source"], row["key_hash"]) == ("provider", "")
        assert float(row["cost_usd"]) > 0
        assert any("launch" in note for note in row["notes"])
    assert [row["stream"] for row in rows] == [False, True, True, False]
    assert rows[0]["total_tokens"] == plain["reply"]["usage"]["total_tokens"]
    up = json.loads(stack.body_of(rows[3])["request_body"])
    assert up == {**WITH_TOOLS, "model": ASKED["model"]}  # `cache_control` is Anthropic's
    assert rows[3]["tools"] == ["weather"]
    wait_for_spans(spans, [row["otel_span_id"] for row in rows])


@EVERY
async def test_errors_as_the_sdk_raises_them(requirement: str, do: str, stack: Stack) -> None:
    trace_id = f"sgp-errors-{requirement}"
    wrong, no_messages, unknown, dead, upstreams = [
        made["error"]
        for made in await ask(
            sdk(requirement),
            stack,
            trace_id,
            call(do, temperature="warm"),
            {"do": do, "with": {"model": MODEL, "messages": "hi"}},
            call(do, model="azure/gpt-4o"),
            call(do, model="dead/any"),
            call(do, messages=[{"role": "nobody", "content": 1}]),
        )
    ]
    assert [each["status_code"] for each in (wrong, no_messages, unknown)] == [422, 422, 422]
    assert wrong["type"] == "UnprocessableEntityError"
    assert wrong["body"]["detail"][0]["loc"] == ["body", "temperature"]
    assert no_messages["body"]["detail"][0]["loc"][:2] == ["body", "messages"]
    assert "TRACER_UPSTREAM_AZURE_OPENAI" in unknown["body"]["detail"][0]["msg"]
    assert (dead["type"], dead["status_code"]) == ("InternalServerError", 502)
    assert "Connection refused" in str(dead["body"]["detail"])
    assert upstreams["status_code"] in (400, 422, 500)
    rows = stack.wait_for_calls(5, f"trace_id = '{trace_id}'")
    assert [row["outcome"] for row in rows[:4]] == ["refused", "refused", "refused", "upstream_error"]


async def test_fields_of_the_first_schema_and_the_answer_to_them(stack: Stack) -> None:
    """The history is cut, a missing role and a part on its own are put right, the caller's time limit counts, notes say so."""
    image = {"type": "text", "text": "Name three fruits."}
    (made,) = await ask(
        sdk(A58),
        stack,
        "sgp-fields",
        call(
            V4,
            messages=[{"content": "Be brief.", "role": "system"}, {"content": "old"}, {"content": image}],
            memory_strategy={"name": "last_k", "k": 1},
            inference_timeout="30",
            inference_extra_params={"min_p": 0.05},
            inference_extra_headers={"X-Team": "blue", "Authorization": f"Bearer {SECRET}"},
            guided_regex="[a-z]{3}",
            top_k=1,
            user="ada",
        ),
    )
    assert made["reply"]["choices"][0]["message"]["content"]
    (row,) = stack.wait_for_calls(1, "trace_id = 'sgp-fields'")
    body = stack.body_of(row)
    up = json.loads(body["request_body"])
    assert up["messages"] == [{"content": "Be brief.", "role": "system"}, {"role": "user", "content": [image]}]
    assert (up["min_p"], up["top_k"], up["structured_outputs"]) == (0.05, 1, {"regex": "[a-z]{3}"})
    assert not {"memory_strategy", "inference_timeout", "inference_extra_headers", "guided_regex"} & set(up)
    assert row["user"] == "ada"
    assert any("memory_strategy" in note for note in row["notes"])
    assert json.loads(body["original_body"])["memory_strategy"] == {"name": "last_k", "k": 1}


async def test_the_older_shape_of_memory_and_a_format_that_only_extra_body_can_carry(stack: Stack) -> None:
    nested = {"memory_strategy": {"name": "last_k", "params": {"k": 1}}, "response_format": {"type": "json_object"}}
    history = [{"role": "user", "content": "old"}, *MESSAGES]
    remembered, refused = await ask(
        sdk(A62),
        stack,
        "sgp-nested",
        call(V4, messages=history, extra_body=nested),
        call(V4, messages=history, extra_body={"memory_strategy": {"name": "last_k", "params": {"k": 0}}}),
    )
    assert remembered["reply"]["choices"][0]["message"]["content"].lstrip().startswith("{")
    assert refused["error"]["body"]["detail"][0]["loc"][:2] == ["body", "memory_strategy"]
    first, second = stack.wait_for_calls(2, "trace_id = 'sgp-nested'")
    assert json.loads(stack.body_of(first)["request_body"])["messages"] == MESSAGES
    assert (second["outcome"], second["status_code"]) == ("refused", 422)


async def test_other_endpoints(stack: Stack) -> None:
    text, streamed, response, listed = await ask(
        sdk(BETA),
        stack,
        "sgp-others",
        {"do": "completions.create", "with": {"model": MODEL, "prompt": "One, two,", "max_tokens": 4}},
        {"do": "completions.create", "with": {"model": MODEL, "prompt": "One, two,", "max_tokens": 4, "stream": True}},
        {"do": "responses.create", "with": {"model": MODEL, "input": "Hi", "max_output_tokens": 16}},
        {"do": "chat.completions.models"},
    )
    assert text["reply"]["choices"][0]["text"]
    assert "error" not in streamed
    assert response["reply"]["output"]
    assert [item["model_name"] for item in listed["reply"]["items"]] == [ASKED["model"]]
    rows = stack.wait_for_calls(3, "trace_id = 'sgp-others'")
    assert [row["operation"] for row in rows] == ["text_completion", "text_completion", "chat"]
    assert {row["outcome"] for row in rows} == {"ok"}


@EVERY
async def test_scales_key_goes_to_nobody_else(requirement: str, do: str, stack: Stack, witness: Provider) -> None:
    """Nor does the key for OpenAI go to a host that is not OpenAI's."""
    where = {"x-portkey-custom-host": f"{witness.url}/v1"}
    headers = ({**where}, {**where, "x-openai-api-key": "sk-for-openai-only"})
    calls = [call(do, model="openai/gpt-4o", extra_headers=given) for given in headers]
    assert ["reply" in made for made in await ask(sdk(requirement), stack, f"sgp-keys-{requirement}", *calls)] == [True, True]
    for request in await witness.received(2):
        assert not any(SECRET in value or "sk-for" in value for _, value in request.headers)
        assert not {"x-api-key", "x-selected-account-id", "x-openai-api-key"} & {name.lower() for name, _ in request.headers}
        assert request.json()["model"] == "gpt-4o"
    await asyncio.to_thread(stack.wait_for_calls, 2, f"trace_id = 'sgp-keys-{requirement}'")
    data = Path(stack.environ["TRACER_DATA_DIR"])
    assert not [f for f in data.rglob("*") if f.is_file() and SECRET.encode() in f.read_bytes()]


@EVERY
async def test_an_error_inside_a_stream_is_seen(requirement: str, do: str, stack: Stack, witness: Provider) -> None:
    """scale-gp-beta drops every event that has a name, errors too, so at its door they come without."""
    first = sse_event({"choices": [{"index": 0, "delta": {"content": "The"}}]})
    failure = b"event: error\n" + sse_event({"error": {"message": "overloaded", "code": 529}})
    witness.reply(sse([first, failure]))
    given = call(do, stream=True, extra_headers={"x-portkey-custom-host": f"{witness.url}/v1"})
    (made,) = await ask(sdk(requirement), stack, f"sgp-broken-{requirement}", given)
    if do == V4:
        assert made["error"]["body"]["error"]["message"] == "overloaded"
    else:
        assert made["chunks"][1]["error"]["message"] == "overloaded"
    (row,) = await asyncio.to_thread(stack.wait_for_calls, 1, f"trace_id = 'sgp-broken-{requirement}'")
    assert row["outcome"] == "stream_error"
