"""Scale's own SDKs, unmodified, against the door: what they send is taken, what they get they understand.

The door runs in tests/scale/front.py before the scripted provider; streams come in pieces of seven bytes.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.provider import Provider, error, sse, sse_event
from tests.provider.openai import WORDS
from tests.provider.replies import RST
from tests.scale.doors import door
from tests.scale.front import Front
from tests.scale.sdk import Sdk, sdk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first use of an SDK installs it

A58, A62, BETA = "scale-gp==0.1.0a58", "scale-gp==0.1.0a62", "scale-gp-beta==0.7.0"
V4, V5 = "beta.chat.completions.create", "chat.completions.create"
EVERY = pytest.mark.parametrize(("requirement", "do"), [(A58, V4), (A62, V4), (BETA, V5)], ids=["a58", "a62", "beta"])
CLIENT = {"api_key": "sgp-secret", "account_id": "acct-1"}
HI = [{"role": "user", "content": "What is the capital of France?"}]
TEXT = "".join(WORDS)


@pytest.fixture
async def front(provider: Provider) -> AsyncIterator[Front]:
    openai = f"http://localhost:{provider.port}"  # another name than the default upstream's, which is a server of one's own
    at = door(provider.url + "/v1", upstreams={"openai": openai})
    async with Front.start(at) as running:
        yield running


async def ask(to: Sdk, front: Front, do: str, prefix: str = "", **given: Any) -> dict[str, Any]:
    (made,) = await to(front.url + prefix, {"do": do, "with": {"model": "smollm2", "messages": HI, **given}}, **CLIENT)
    return made


def text(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@EVERY
async def test_a_plain_call(requirement: str, do: str, front: Front, provider: Provider) -> None:
    made = await ask(sdk(requirement), front, do, temperature=0.1, max_tokens=20)
    reply = made["reply"]
    assert reply["choices"][0]["message"]["content"] == TEXT
    assert reply["choices"][0]["index"] == 0
    assert reply["usage"]["prompt_tokens"] == 6
    assert reply["system_fingerprint"]
    (request,) = provider.requests
    assert request.path == "/v1/chat/completions"
    assert request.json() == {"model": "smollm2", "messages": HI, "temperature": 0.1, "max_tokens": 20}
    assert request.header("x-api-key") is None
    assert request.header("x-selected-account-id") is None
    assert request.header("x-stainless-lang") == "python"
    (seen,) = front.requests
    assert (seen.headers["x-api-key"], seen.headers["x-selected-account-id"]) == ("sgp-secret", "acct-1")


@EVERY
async def test_streams_end_as_the_sdks_need_it(requirement: str, do: str, front: Front) -> None:
    given = {"model": "smollm2", "messages": HI, "stream": True, "stream_options": {"include_usage": True}}
    calls = [{"do": do, "with": given, "async": way} for way in (False, True)]
    for made in await sdk(requirement)(front.url, *calls, **CLIENT):
        assert "error" not in made
        assert text(made["chunks"]) == TEXT
        assert made["chunks"][-1]["usage"]["completion_tokens"] == len(WORDS)
    assert front.requests[0].headers["Accept"] == "application/json"  # of a stream: not what to go by


@EVERY
async def test_why_the_sentinel_is_taken_out(requirement: str, do: str, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day the SDKs take a bare `data: [DONE]`, this fails and the filter can go."""
    monkeypatch.setattr("tests.scale.front.StreamEnd", _Unfiltered)
    made = await ask(sdk(requirement), front, do, stream=True)
    assert made["error"]["type"] == "JSONDecodeError"
    assert text(made["chunks"]) == TEXT


class _Unfiltered:
    def __init__(self, *, unname_errors: bool) -> None:
        pass

    def feed(self, piece: bytes) -> bytes:
        return piece

    def close(self) -> bytes:
        return b""


@EVERY
async def test_tools(requirement: str, do: str, front: Front, provider: Provider) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
    said = [
        *HI,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sun"},
    ]
    chunks = [
        {"index": 0, "id": "c2", "type": "function", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{}"}},
    ]
    events = [
        sse_event({"choices": [{"index": 0, "delta": {"tool_calls": [chunk]}, "finish_reason": None}]}) for chunk in chunks
    ]
    provider.reply(sse([*events, sse_event("[DONE]")]))
    made = await ask(sdk(requirement), front, do, messages=said, tools=[tool], tool_choice="auto", stream=True)
    got = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in made["chunks"]]
    assert [call["function"]["arguments"] for call in got] == ["", "{}"]
    assert provider.requests[0].json()["messages"] == said
    assert provider.requests[0].json()["tools"] == [tool]


@EVERY
async def test_errors(requirement: str, do: str, front: Front, provider: Provider) -> None:
    provider.reply(error(429, "slow down", "rate_limit"))
    asked = {"model": "smollm2", "messages": HI}
    calls = [
        {"do": do, "with": asked},
        {"do": do, "with": {**asked, "temperature": "warm"}},
        {"do": do, "with": {**asked, "model": "azure/x"}},
    ]
    limited, wrong, unknown = [made["error"] for made in await sdk(requirement)(front.url, *calls, **CLIENT)]
    assert (limited["type"], limited["status_code"]) == ("RateLimitError", 429)
    assert limited["body"]["error"]["message"] == "slow down"  # an upstream's error is not translated
    assert (wrong["type"], wrong["status_code"]) == ("UnprocessableEntityError", 422)
    assert wrong["body"]["detail"][0]["loc"] == ["body", "temperature"]
    assert unknown["status_code"] == 422
    assert "TRACER_UPSTREAM_AZURE_OPENAI" in unknown["body"]["detail"][0]["msg"]


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
@EVERY
async def test_errors_inside_a_stream_are_seen(
    requirement: str, do: str, named: bool, front: Front, provider: Provider
) -> None:
    first = sse_event({"choices": [{"index": 0, "delta": {"content": "The"}}]})
    failure = (b"event: error\n" if named else b"") + sse_event({"error": {"message": "overloaded", "code": 529}})
    provider.reply(sse([first, failure, sse_event("[DONE]")]))
    made = await ask(sdk(requirement), front, do, stream=True)
    if named and do == V4:
        assert made["error"]["type"] == "APIStatusError"
        assert made["error"]["body"]["error"]["message"] == "overloaded"
        assert len(made["chunks"]) == 1
    else:
        assert "error" not in made
        assert made["chunks"][1]["error"]["message"] == "overloaded"


@EVERY
async def test_a_stream_that_breaks_raises(requirement: str, do: str, front: Front, provider: Provider) -> None:
    first = sse_event({"choices": [{"index": 0, "delta": {"content": "The"}}]})
    provider.reply(sse([first, first]).cut(len(first) + 20, RST))
    made = await ask(sdk(requirement), front, do, stream=True)
    assert made["error"]["type"] in ("RemoteProtocolError", "ReadError")
    assert len(made["chunks"]) <= 2


async def test_every_field_of_a58(front: Front, provider: Provider) -> None:
    """All forty, as the SDK's own signature has them, to a self-hosted upstream."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    passing: dict[str, Any] = {
        "audio": {"format": "wav", "voice": "alloy"},
        "best_of": 1,
        "chat_template": "{{ messages }}",
        "chat_template_kwargs": {"enable_thinking": False},
        "frequency_penalty": 0.1,
        "include_stop_str_in_output": True,
        "logit_bias": {"1": 5},
        "logprobs": True,
        "max_completion_tokens": 5,
        "max_tokens": 5,
        "modalities": ["text"],
        "n": 1,
        "parallel_tool_calls": False,
        "prediction": {"type": "content", "content": "x"},
        "presence_penalty": 0.1,
        "seed": 3,
        "stop": ["x"],
        "stream": False,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "tool_choice": "none",
        "top_k": 5,
        "top_logprobs": 1,
        "top_p": 0.9,
        "user": "u1",
    }
    image = {"type": "image_url", "image_url": {"url": "AAAA", "media_type": "image/png"}}
    said = [{"content": "s", "role": "system"}, {"content": "old"}, {"content": image}]
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}
    made = await ask(
        sdk(A58),
        front,
        V4,
        **passing,
        messages=said,
        tools=[tool],
        guided_json=schema,
        guided_regex="a",
        guided_choice=["a"],
        guided_grammar="root ::= 'a'",
        guided_decoding_backend="outlines",
        guided_whitespace_pattern=" ",
        memory_strategy={"name": "last_k", "k": 1},
        inference_timeout="30",
        inference_extra_params={"min_p": 0.1},
        inference_extra_headers={"X-Team": "a", "Authorization": "Bearer sk"},
        suffix="x",
        extra_body={"response_format": {"type": "json_object"}},
    )
    assert made == {"reply": made.get("reply")}
    assert made["reply"]["choices"][0]["message"]["content"] == TEXT
    (request,) = provider.requests
    outputs = {"json": schema, "regex": "a", "choice": ["a"], "grammar": "root ::= 'a'", "whitespace_pattern": " "}
    data_url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert request.json() == {
        **passing,
        "model": "smollm2",
        "messages": [{"content": "s", "role": "system"}, {"role": "user", "content": [data_url]}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "structured_outputs": outputs,
        "min_p": 0.1,
        "response_format": {"type": "json_object"},
    }
    assert request.header("X-Team") == "a"
    assert request.header("Authorization") is None
    (wanted,) = front.wanted
    assert wanted.time_limit_s == 30
    said_on_the_row = " ".join(wanted.notes)
    for name in ("suffix", "memory_strategy", "inference_extra_headers", "cache_control", "guided_decoding_backend"):
        assert name in said_on_the_row


@pytest.mark.parametrize(("requirement", "do"), [(A62, V4), (BETA, V5)], ids=["a62", "beta"])
async def test_what_the_later_schema_adds(requirement: str, do: str, front: Front, provider: Provider) -> None:
    added: dict[str, Any] = {
        "function_call": {"name": "f"},
        "functions": [{"name": "f"}],
        "metadata": {"a": "b"},
        "reasoning_effort": "low",
        "store": False,
    }
    old = {"memory_strategy": {"k": 1}, "x_unknown": [1]}
    await ask(
        sdk(requirement), front, do, **added, model="openai/gpt-4o", x_openai_api_key="sk-mine", extra_body=old, messages=HI * 3
    )
    (request,) = provider.requests
    assert request.json() == {"model": "gpt-4o", "messages": HI, **added, "x_unknown": [1]}
    assert request.header("Authorization") == "Bearer sk-mine"
    assert request.header("x-openai-api-key") is None


@pytest.mark.parametrize(
    ("requirement", "do"), [(A58, "beta.completions.create"), (A62, "beta.completions.create"), (BETA, "completions.create")]
)
async def test_text_completions(requirement: str, do: str, front: Front, provider: Provider) -> None:
    given = {"model": "smollm2", "prompt": "Once", "max_tokens": 3}
    plain, streamed = await sdk(requirement)(
        front.url, {"do": do, "with": given}, {"do": do, "with": {**given, "stream": True}}, **CLIENT
    )
    assert plain["reply"]["choices"][0]["text"] == TEXT
    assert "error" not in streamed
    assert "".join(chunk["choices"][0]["text"] for chunk in streamed["chunks"]) == TEXT
    assert [request.path for request in provider.requests] == ["/v1/completions"] * 2


async def test_responses_and_the_list_of_models(front: Front, provider: Provider) -> None:
    made, listed, missing = await sdk(BETA)(
        front.url,
        {"do": "responses.create", "with": {"model": "openai/gpt-5", "input": "Hi"}},
        {"do": "chat.completions.models"},
        {"do": "chat.completions.models", "with": {"model_vendor": "azure"}},
        **CLIENT,
    )
    assert made["reply"]["output"][0]["content"][0]["text"] == TEXT
    assert provider.requests[0].path == "/v1/responses"
    assert provider.requests[0].json() == {"model": "gpt-5", "input": "Hi"}
    assert [(item["model_vendor"], item["model_name"]) for item in listed["reply"]["items"]] == [("llmengine", "gpt-4o-mini")]
    assert missing["error"]["body"]["detail"][0]["loc"] == ["query", "model_vendor"]
