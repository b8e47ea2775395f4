"""Usage in streams that did not ask for it, end to end: the client sees the provider's bytes, the exchange has the tokens."""

import asyncio
from typing import Any

import openai
import orjson
import pytest

from tests.provider import Provider, Reply, Request, error, gzipped, reply, sse
from tests.provider.openai import answer
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": 'say "usage":null'}]}
TEXT: dict[str, Any] = {"model": "m", "stream": True, "prompt": "a b"}


async def call(proxy: Proxy, url: str, body: Any, path: str = "/v1/chat/completions", **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    async with proxy.client.post(url + path, data=data, headers={"Content-Type": "application/json", **headers}) as got:
        assert got.status == 200, await got.text()
        return await got.read()


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/completions", TEXT), ("/v1/chat/completions", {**CHAT, "n": 2})]
)
async def test_client_sees_what_the_provider_sends_without_the_option(
    proxy: Proxy, provider: Provider, path: str, body: dict[str, Any]
) -> None:
    expected = await call(proxy, provider.url, body, path)
    assert b"usage" not in expected.replace(b'say "usage"', b"")
    assert await call(proxy, proxy.url, body, path) == expected
    direct, through = provider.requests
    assert b"stream_options" not in direct.body
    assert through.json() == {**body, "stream_options": {"include_usage": True}}
    assert through.header("content-length") == str(len(through.body))
    exchange = await proxy.exchange()
    assert exchange.usage_requested_by_us
    assert b'"usage":{"prompt_tokens":' in exchange.response.head.replace(b" ", b"")
    assert b"stream_options" not in exchange.request.head  # what the caller sent


@pytest.mark.parametrize(
    "options",
    [{"include_usage": True}, {"include_usage": False}, None, {"include_usage": None}, {"include_usage": True, "x": 1}],
)
async def test_an_explicit_choice_is_not_touched(proxy: Proxy, provider: Provider, options: Any) -> None:
    body = orjson.dumps({**CHAT, "stream_options": options}, option=orjson.OPT_INDENT_2)
    expected = await call(proxy, provider.url, body)
    assert await call(proxy, proxy.url, body) == expected
    assert bytes(provider.requests[1].body) == body
    assert not (await proxy.exchange()).usage_requested_by_us


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", {**CHAT, "stream": False}), ("/v1/responses", {"stream": True, "input": "a"})]
)
async def test_nothing_is_asked_where_nothing_is_missing(proxy: Proxy, provider: Provider, path: str, body: Any) -> None:
    data = orjson.dumps(body)
    await call(proxy, proxy.url, data, path)
    assert bytes(provider.requests[0].body) == data


@pytest.mark.parametrize("slug", ["mistral-ai", "cohere", "groq", "openrouter"])
async def test_providers_that_refuse_or_need_no_asking_are_not_asked(start_proxy: Start, provider: Provider, slug: str) -> None:
    name = "TRACER_UPSTREAM_" + slug.upper().replace("-", "_")
    async with start_proxy(**{name: provider.url + "/v1"}) as proxy:
        data = orjson.dumps(CHAT)
        await call(proxy, proxy.url, data, **{"x-portkey-provider": slug})
        assert bytes(provider.requests[0].body) == data
        assert not (await proxy.exchange()).usage_requested_by_us


def objecting(status: int, pieces: int = 1) -> Any:
    """A provider that does not know the option."""
    said = b'{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]}}'

    def script(request: Request) -> Any:
        if b"stream_options" not in request.body:
            return answer(request)
        size = len(said) // pieces
        parts = [said[at : at + size] for at in range(0, len(said), size)]
        return reply(status, [("Content-Type", "application/json")], parts, framing="chunked", every_s=0.01)

    return script


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("pieces", [1, 5])
async def test_a_provider_that_objects_is_asked_again_without_and_remembered(
    proxy: Proxy, provider: Provider, status: int, pieces: int
) -> None:
    provider.always(objecting(status, pieces))
    body = orjson.dumps(CHAT, option=orjson.OPT_INDENT_2)
    first = await call(proxy, proxy.url, body)
    assert first.endswith(b"data: [DONE]\n\n")
    asked, again = provider.requests
    assert b"stream_options" in asked.body
    assert bytes(again.body) == body
    assert await call(proxy, proxy.url, body) == first
    assert len(provider.requests) == 3
    for exchange in await proxy.exchanges(2):
        assert (exchange.outcome, exchange.status, exchange.usage_requested_by_us) == (Outcome.OK, 200, False)
        assert exchange.response.head == first


async def test_an_error_that_only_repeats_our_bytes_is_not_taken_for_an_objection(proxy: Proxy, provider: Provider) -> None:
    """FastAPI's 422 has the whole input in it; a request that is wrong otherwise must not cost the usage of all others."""

    def strict(request: Request) -> Any:
        return answer(request) if b"gpt" in request.body else error(422, f"field required; input: {request.body.decode()}")

    provider.always(strict)
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json={**CHAT, "model": ""}) as got:
        said = (await got.json())["error"]["message"]
    assert got.status == 422
    assert "stream_options" not in said  # the error about the caller's own bytes
    await call(proxy, proxy.url, CHAT)
    wrong, right = await proxy.exchanges(2)
    assert (wrong.outcome, wrong.usage_requested_by_us) == (Outcome.UPSTREAM_ERROR, False)
    assert right.usage_requested_by_us


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_other_errors_pass_and_are_not_asked_again(proxy: Proxy, provider: Provider, status: int) -> None:
    provider.always(error(status, "something else"))
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT) as got:
        assert (await got.json())["error"]["message"] == "something else"
    assert got.status == status
    assert len(provider.requests) == 1
    exchange = await proxy.exchange()
    assert (exchange.status, exchange.outcome) == (status, Outcome.UPSTREAM_ERROR)
    assert exchange.first_byte_ns >= exchange.headers_ns > 0


async def test_a_provider_that_compresses_all_the_same_is_left_alone(proxy: Proxy, provider: Provider) -> None:
    events = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]\n\n'
    made = gzipped(events, [("Content-Type", "text/event-stream")])
    provider.always(made)
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers={"Accept-Encoding": "gzip"}) as got:
        body = await got.read()
    assert provider.requests[0].header("accept-encoding") == "identity"
    exchange = await proxy.exchange()
    assert exchange.response.head == body
    assert got.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_pieces_of_any_size_arrive_as_sent(proxy: Proxy, provider: Provider, newline: str, framing: Any) -> None:
    plain = ["".join(['{"choices":[{"delta":{"content":"', word, '"}}]}']) for word in ("a", "b", "c")] + ["[DONE]"]
    with_usage = [text.replace("]}", '],"usage":null}') for text in plain[:-1]] + [
        '{"choices":[],"usage":{"total_tokens":1}}',
        "[DONE]",
    ]
    data = "".join(f"data: {text}{newline * 2}" for text in with_usage).encode()
    provider.always(sse([data[at : at + 7] for at in range(0, len(data), 7)], framing=framing))
    got = await call(proxy, proxy.url, CHAT)
    assert got == "".join(f"data: {text}{newline * 2}" for text in plain).encode()
    exchange = await proxy.exchange()
    assert exchange.response.head == data


async def test_openai_sdk_sees_no_chunk_without_choices(proxy: Proxy) -> None:
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="sk-some-key-1", max_retries=0) as client:
        stream = await client.chat.completions.create(model="m", messages=CHAT["messages"], stream=True)
        chunks = [chunk async for chunk in stream]
        assert all(chunk.choices and chunk.usage is None for chunk in chunks)
        stream = await client.chat.completions.create(
            model="m", messages=CHAT["messages"], stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert chunks[-1].usage is not None


async def test_a_stream_whose_client_left_was_asked_for_usage_all_the_same(proxy: Proxy, provider: Provider) -> None:
    gate = asyncio.Event()
    whole = sse([b'data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\n', b"data: [DONE]\n\n"])

    def steps() -> Any:
        for number, step in enumerate(whole.body()):
            if number:
                yield gate
            yield step

    provider.always(Reply(whole.head, steps))
    async with proxy.client.post(f"{proxy.url}/v1/chat/completions", json=CHAT) as got:
        assert await got.content.readany() == b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
        got.close()
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.usage_requested_by_us) == (Outcome.CLIENT_GONE, True)
