"""Each field of Portkey's and Scale's pages on a running proxy: up as it came, back as it came.

docs/compatibility.toml names them. A field is sent alone beside the model and the messages, so that none can stand in for
another.
"""

import json
from typing import Any

import pytest

from tests.compatibility import parts
from tests.provider import Provider, reply
from tests.proxy.conftest import Proxy
from tests.proxy.test_portkey_clients import call
from tracer.records import Exchange
from tracer.sink import price
from tracer.sink.decode import decode

PRICES = price.load(None)
MESSAGES = [{"role": "user", "content": "hi", "name": "Ada"}]
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
# A value of each field that is not what anybody would put there in its place.
VALUES: dict[str, Any] = {
    "messages": [{"role": "system", "content": "Be brief."}, *MESSAGES],
    "model": "gpt-4o-mini-2024-07-18",
    "frequency_penalty": -1.5,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 7,
    "max_tokens": 11,
    "n": 3,
    "presence_penalty": 0.25,
    "response_format": {"type": "json_object"},
    "seed": -9223372036854775808,
    "stop": ["a", "b"],
    "stream": False,
    "stream_options": {"include_usage": True},
    "temperature": 0.125,
    "top_p": 0.5,
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "user": "u-17",
    "function_call": {"name": "f"},
    "functions": [FUNCTION],
}
LOGPROB = {"token": "a", "logprob": -9999.0, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1.5, "bytes": None}]}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
REPLY: dict[str, Any] = {
    "id": "chatcmpl-every",
    "choices": [
        {
            "index": index,
            "finish_reason": reason,
            "logprobs": {"content": [LOGPROB]},
            "message": {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "f", "arguments": "{"},
                "tool_calls": [TOOL_CALL],
            },
        }
        for index, reason in enumerate(("stop", "length", "tool_calls", "content_filter", "function_call"))
    ],
    "created": 1790000000,
    "model": "gpt-4o-mini-2024-07-18",
    "object": "chat.completion",
    "system_fingerprint": "fp_every",
    "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
}
JSON = [("Content-Type", "application/json")]
# Spaces as no JSON writer of ours sets them, so that writing it again would show.
REPLY_BYTES = json.dumps(REPLY, separators=(" , ", " : ")).encode()


def test_every_field_has_its_value() -> None:
    assert set(VALUES) == set(parts()["portkey-chat-body"].fields)
    assert set(REPLY) == set(parts()["portkey-chat-reply"].fields) == set(parts()["scale-reply"].fields)


def kept(exchange: Exchange, name: str) -> object:
    """What the row says of a field, wherever it says it."""
    row = decode(exchange, PRICES)
    if name in ("messages", "stream_options"):
        assert row.content is not None
        return json.loads(row.content.request_body)[name]
    if name in ("tools", "functions"):
        return VALUES[name] if row.tools == ("f",) else row.tools
    columns = {"model": "request_model"}
    if name in row.extra_parameters:
        return json.loads(row.extra_parameters[name])
    return getattr(row, columns.get(name, name))


@pytest.mark.parametrize("name", VALUES)
async def test_a_field_of_a_chat_request_goes_up_as_it_came(proxy: Proxy, provider: Provider, name: str) -> None:
    raw = json.dumps({"model": "gpt-4o", "messages": MESSAGES, name: VALUES[name]}, separators=(" , ", " : ")).encode()
    headers = {"Content-Type": "application/json"}
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", data=raw, headers=headers) as got:
        assert got.status == 200
    (request,) = provider.requests
    assert bytes(request.body) == raw
    assert kept(await proxy.exchange(), name) == VALUES[name]


@pytest.mark.parametrize("name", REPLY)
async def test_a_field_of_a_chat_reply_comes_back_as_it_came(proxy: Proxy, provider: Provider, name: str) -> None:
    provider.always(reply(200, JSON, REPLY_BYTES))
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json={"model": "m", "messages": MESSAGES}) as got:
        data = await got.read()
    assert data == REPLY_BYTES
    assert json.loads(data)[name] == REPLY[name]
    row = decode(await proxy.exchange(), PRICES)
    columns = {"id": row.response_id, "model": row.response_model, "system_fingerprint": row.system_fingerprint}
    assert columns.get(name, REPLY[name]) == REPLY[name]
    assert row.finish_reasons == ("stop", "length", "tool_calls", "content_filter", "function_call")
    assert (row.input_tokens, row.output_tokens) == (12, 5)


async def make_prompt(proxy: Proxy, **parameters: object) -> str:
    prompt = {"name": "p", "collection_id": "", "string": json.dumps(MESSAGES), "parameters": parameters, "virtual_key": ""}
    status, made = await call(proxy, "/v1/prompts", prompt)
    assert status == 200, made
    return str(made["slug"])


@pytest.mark.parametrize("name", sorted(VALUES.keys() - {"messages"}))
async def test_a_hyperparameter_at_the_root_overrides_the_saved_one(proxy: Proxy, provider: Provider, name: str) -> None:
    saved = {"model": "saved", "temperature": 1.75, "max_tokens": 999, "top_p": 0.875, "seed": 1, "user": "saved"}
    slug = await make_prompt(proxy, **saved)
    status, _ = await call(proxy, f"/v1/prompts/{slug}/completions", {"variables": {}, name: VALUES[name]})
    assert status == 200
    (request,) = provider.requests
    assert request.json() == {**saved, name: VALUES[name], "messages": MESSAGES}


async def test_the_reply_to_a_prompt_is_the_providers(proxy: Proxy, provider: Provider) -> None:
    slug = await make_prompt(proxy, model="m")
    provider.always(reply(201, [*JSON, ("x-request-id", "req_every")], REPLY_BYTES))
    async with proxy.client.post(f"{proxy.url}/v1/prompts/{slug}/completions", json={"variables": {}}) as got:
        assert await got.read() == REPLY_BYTES
        assert (got.status, got.headers["x-request-id"]) == (201, "req_every")
        assert got.headers["x-portkey-trace-id"]


PASSING = [
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/moderations"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs/ftjob-1/events"),
    ("POST", "/v1/assistants"),
    ("POST", "/v1/threads"),
    ("POST", "/v1/threads/thread_1/messages"),
    ("POST", "/v1/threads/thread_1/runs"),
    ("GET", "/v1/threads/thread_1/runs/run_1/steps"),
]


@pytest.mark.parametrize(("method", "path"), PASSING)
async def test_an_endpoint_that_the_pages_only_name_passes(proxy: Proxy, provider: Provider, method: str, path: str) -> None:
    provider.always(reply(200, JSON, REPLY_BYTES))
    sent = b'{ "model" : "m" }' if method == "POST" else b""
    headers = {"Content-Type": "application/json"}
    async with proxy.client.request(method, proxy.url + path, data=sent or None, headers=headers) as got:
        assert await got.read() == REPLY_BYTES
    (request,) = provider.requests
    assert (request.method, request.target, bytes(request.body)) == (method, path, sent)
    assert (await proxy.exchange()).path == path


@pytest.mark.parametrize("name", REPLY)
async def test_a_field_of_a_reply_comes_back_at_scales_door(proxy: Proxy, provider: Provider, name: str) -> None:
    provider.always(reply(200, JSON, REPLY_BYTES))
    body = {"model": "openai/gpt-4o-mini", "messages": MESSAGES}
    async with proxy.client.post(f"{proxy.url}/v4/beta/chat/completions", json=body) as got:
        data = await got.read()
    assert data == REPLY_BYTES
    assert json.loads(data)[name] == REPLY[name]
