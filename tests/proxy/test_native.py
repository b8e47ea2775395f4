"""Native doors: whose a path is, and that the bytes behind it reach that provider's origin and nobody else's."""

import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from tests.provider import Provider, WebSocketEcho, echo, native, openai, reply
from tests.proxy.conftest import Proxy, Start
from tests.proxy.test_abuse import send
from tests.proxy.test_portkey_clients import make_key
from tracer.proxy.native import Door, with_key_of_query, without_tracers_key
from tracer.records import Outcome
from tracer.registry.key_format import new_key

UPSTREAMS = ("openai", "anthropic", "google", "vertex-ai", "bedrock", "groq", "azure-openai", "ollama", "writer", "cohere")


def settings(url: str) -> dict[str, str]:
    return {f"TRACER_UPSTREAM_{slug.upper().replace('-', '_')}": url for slug in UPSTREAMS}


@pytest.fixture
async def natives(start_proxy: Start, provider: Provider) -> AsyncIterator[Proxy]:
    provider.always(echo)
    async with start_proxy(**settings(provider.url)) as running:
        yield running


ANTHROPIC, GOOGLE = {"anthropic-version": "2023-06-01"}, {"x-goog-api-key": "AIza-own-key-1"}
WHOSE: list[tuple[str, str, dict[str, str], str, str, str]] = [
    ("POST", "/v1/messages", {}, "anthropic", "anthropic", ""),
    ("POST", "/v1/messages?beta=true", ANTHROPIC, "anthropic", "anthropic", ""),
    ("POST", "/v1/messages/count_tokens", ANTHROPIC, "anthropic", "anthropic", ""),
    ("GET", "/v1/messages/batches/b_1/results", ANTHROPIC, "anthropic", "anthropic", ""),
    ("GET", "/v1/models", ANTHROPIC, "anthropic", "anthropic", ""),
    ("GET", "/v1/files?limit=2", ANTHROPIC, "anthropic", "anthropic", ""),
    ("GET", "/v1/models", {}, "openai", "openai", ""),
    ("GET", "/v1/models/ft:gpt-4o:org::id", {}, "openai", "openai", ""),
    ("GET", "/v1/messages_of_mine", {}, "openai", "openai", ""),
    ("POST", "/v1/chat/completions", ANTHROPIC, "openai", "openai", ""),
    ("GET", "/v1/models?pageSize=5", GOOGLE, "gemini", "google", ""),
    ("GET", "/v1/models", {"x-goog-api-client": "google-genai-sdk/3", "Authorization": "Bearer own"}, "gemini", "google", ""),
    ("GET", "/v1/models", {**GOOGLE, "Authorization": "Bearer own"}, "openai", "openai", ""),
    ("POST", "/v1/models/gemini-3:generateContent", {}, "gemini", "google", ""),
    ("POST", "/v1/models/gemini-3:streamGenerateContent?alt=sse", GOOGLE, "gemini", "google", ""),
    ("POST", "/v1beta/models/gemini-3:countTokens", {}, "gemini", "google", ""),
    ("POST", "/v1beta/models/a%2Fb%3Ac:embedContent", {}, "gemini", "google", ""),
    ("GET", "/v1beta/files", GOOGLE, "gemini", "google", ""),
    ("POST", "/v1beta/cachedContents", GOOGLE, "gemini", "google", ""),
    ("POST", "/upload/v1beta/files?uploadType=resumable", GOOGLE, "gemini", "google", ""),
    (
        "POST",
        "/v1beta1/projects/p/locations/us-central1/publishers/google/models/g:generateContent",
        {},
        "gemini",
        "vertex-ai",
        "",
    ),
    ("POST", "/proxy/groq/openai/v1/chat/completions", {}, "proxy", "groq", "/proxy/groq"),
    ("POST", "/proxy/GROQ/openai/v1/chat/completions", {}, "proxy", "groq", "/proxy/GROQ"),
    ("POST", "/proxy/cohere/v2/chat", {}, "proxy", "cohere", "/proxy/cohere"),
    ("POST", "/proxy/writer/v1/chat", ANTHROPIC, "proxy", "writer", "/proxy/writer"),
    ("GET", "/proxy/ollama/api/tags", {}, "proxy", "ollama", "/proxy/ollama"),
    ("POST", "/proxy/anthropic/v1/messages", {}, "proxy", "anthropic", "/proxy/anthropic"),
    ("POST", "/proxy/bedrock/model/a.b-v1%3A0/converse", {}, "proxy", "bedrock", "/proxy/bedrock"),
    (
        "POST",
        "/proxy/azure-openai/openai/deployments/d/chat/completions?api-version=1",
        {},
        "proxy",
        "azure-openai",
        "/proxy/azure-openai",
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "headers", "door", "provider_slug", "prefix"), WHOSE, ids=lambda value: str(value)[:48]
)
async def test_whose_a_request_is(
    natives: Proxy, method: str, path: str, headers: dict[str, str], door: str, provider_slug: str, prefix: str
) -> None:
    body = b'{ "a" : 1.0 }' if method == "POST" else b""
    status, got = await send(natives, path, body, headers, method)
    assert status == 200
    assert (got["target"], got["method"], got["body"]) == (path.removeprefix(prefix), method, body.decode())
    exchange = await natives.exchange()
    assert (exchange.door, exchange.provider, exchange.status) == (door, provider_slug, 200)
    assert exchange.path.partition("?")[0] == path.partition("?")[0]
    assert exchange.notes == ()


async def test_what_no_door_knows(natives: Proxy, provider: Provider) -> None:
    for path in (
        "/proxy",
        "/proxy/",
        "/proxy/a_b/x",
        "/proxy//x",
        "/proxy/-x/y",
        "/v2/chat",
        "/v1beta",
        "/upload/x",
        "/api/chat",
    ):
        status, got = await send(natives, path, b"{}")
        assert (status, got["error"]["code"]) == (404, "not_found")
        assert "/proxy/{provider}/" in got["message"]
    assert not provider.requests
    await natives.exchanges(0)


@pytest.mark.parametrize(
    ("slug", "status", "wanted"),
    [
        ("nobodys", 404, "TRACER_UPSTREAM_NOBODYS"),
        ("azure-openai", 400, "TRACER_UPSTREAM_AZURE_OPENAI"),
        ("bedrock", 400, "TRACER_UPSTREAM_BEDROCK"),
    ],
)
async def test_a_provider_without_an_origin_names_its_setting(start_proxy: Start, slug: str, status: int, wanted: str) -> None:
    async with start_proxy() as proxy:
        got_status, got = await send(proxy, f"/proxy/{slug}/x", b"{}")
        assert got_status == status
        assert wanted in (got.get("message") or got["error"]["message"])
        exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.door, exchange.path) == (Outcome.REFUSED, "proxy", f"/proxy/{slug}/x")


# Each stays inside the provider's origin, byte for byte, or is refused; `None`: refused.
RESTS = [
    ("/../admin", None),
    ("/a/../../b", None),
    ("/%2e%2e/admin", None),
    ("/a/%252e%252e%252fadmin", None),
    ("/..%5c..%5cadmin", None),
    ("/./x", None),
    ("//evil.example/x", "//evil.example/x"),
    ("///x", "///x"),
    ("/http://evil.example/x", "/http://evil.example/x"),
    ("/@evil.example/x", "/@evil.example/x"),
    ("/a%2Fb%2fc%3A0", "/a%2Fb%2fc%3A0"),
    ("/a%0d%0aX-Evil:%20y", "/a%0d%0aX-Evil:%20y"),
    ("/a%00b%ff", "/a%00b%ff"),
    ("/a:b;c=d,e~'()*!$&", "/a:b;c=d,e~'()*!$&"),
    ("/x?a=%2F&b=1%202+3&&c&=d?", "/x?a=%2F&b=1%202+3&&c&=d?"),
    ("?x=/../y", "/?x=/../y"),
    ("", "/"),
]


@pytest.mark.parametrize(("rest", "expected"), RESTS)
async def test_the_rest_never_leaves_the_origin(natives: Proxy, provider: Provider, rest: str, expected: str | None) -> None:
    status, got = await send(natives, "/proxy/groq" + rest, b"{}")
    if expected is None:
        assert (status, got["error"]["code"]) == (400, "bad_path")
        assert not provider.requests
    else:
        assert (status, got["target"]) == (200, expected)
        assert ["Host", provider.url.removeprefix("http://")] in got["headers"]
    assert (await natives.exchange()).status == status


@pytest.mark.parametrize("line", ["/proxy/groq/a b", "/proxy/groq/\x01", "/proxy/groq/a\tb"])
async def test_what_is_no_request_line_goes_nowhere(natives: Proxy, provider: Provider, line: str) -> None:
    assert (await send(natives, line, b"{}"))[0] == 400
    assert not provider.requests


@pytest.mark.parametrize(
    ("configured", "path", "expected"),
    [
        ("", "/proxy/groq/openai/v1/models", "/openai/v1/models"),
        ("/openai/v1", "/proxy/groq/openai/v1/models", "/openai/v1/models"),
        ("/v1", "/proxy/groq/openai/v1/models", "/openai/v1/models"),
        ("/gateway", "/proxy/groq/openai/v1/models", "/gateway/openai/v1/models"),
        ("/gateway/openai/v1", "/proxy/groq/openai/v1/models", "/gateway/openai/v1/models"),
    ],
)
async def test_a_configured_origin_may_have_a_path(
    start_proxy: Start, provider: Provider, configured: str, path: str, expected: str
) -> None:
    provider.always(echo)
    async with start_proxy(TRACER_UPSTREAM_GROQ=provider.url + configured) as proxy:
        assert (await send(proxy, path, b"{}"))[1]["target"] == expected


async def test_header_and_config_choose_at_a_door_but_not_under_proxy(natives: Proxy, provider: Provider) -> None:
    other = {"x-portkey-provider": "writer"}
    await send(natives, "/v1/messages", b"{}", other)
    await send(
        natives,
        "/v1/messages",
        b"{}",
        {"x-portkey-config": '{"provider":"@groq","cache":{"mode":"simple"},"override_params":{"a":1}}'},
    )
    await send(natives, "/proxy/groq/v1/messages", b"{}", other)
    first, second, third = await natives.exchanges(3)
    assert [one.provider for one in (first, second, third)] == ["writer", "groq", "groq"]
    assert first.notes == ()
    assert second.notes == (
        "config.cache is ignored: calls of native doors are not cached",
        "config.override_params is ignored: bodies of native doors are not changed",
    )
    assert third.notes == ("x-portkey-provider is ignored: the path names 'groq'",)
    assert {request.target for request in provider.requests} == {"/v1/messages"}
    assert {bytes(request.body) for request in provider.requests} == {b"{}"}


async def test_portkeys_headers_work_here_too(natives: Proxy, provider: Provider) -> None:
    provider.reply(reply(429, [("Content-Type", "application/json")], b"{}"))
    sent = {
        "x-portkey-trace-id": "t-1",
        "x-portkey-metadata": '{"_user":"ada"}',
        "x-portkey-config": '{"retry":{"attempts":1}}',
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-1m-2025-08-07",
    }
    status, got = await send(natives, "/v1/messages?beta=true", b"{}", sent)
    assert status == 200
    names = {name.lower(): value for name, value in got["headers"]}
    assert names["anthropic-beta"] == "context-1m-2025-08-07"
    assert not [name for name in names if name.startswith("x-portkey")]
    attempt, call = sorted(await natives.exchanges(2), key=lambda one: one.trace.span_name)
    assert (attempt.status, call.status, call.trace.trace_id) == (429, 200, "t-1")
    assert call.trace.metadata == {"_user": "ada"}
    assert ("anthropic-version", "2023-06-01") in call.request_headers


KEYS = {
    "TRACER_KEY_ANTHROPIC": "server-key-of-anthropic",
    "TRACER_KEY_GOOGLE": "server-key-of-google",
    "TRACER_KEY_GROQ": "server-key-of-groq",
    "TRACER_KEY_AZURE_OPENAI": "server-key-of-azure",
}
CREDENTIALS = {"authorization", "x-api-key", "api-key", "x-goog-api-key"}


@pytest.mark.parametrize(
    ("path", "header", "value"),
    [
        ("/v1/messages", "x-api-key", "server-key-of-anthropic"),
        ("/proxy/anthropic/v1/messages", "x-api-key", "server-key-of-anthropic"),
        ("/proxy/anthropic/v1/chat/completions", "authorization", "Bearer server-key-of-anthropic"),
        ("/v1beta/models/g:generateContent", "x-goog-api-key", "server-key-of-google"),
        ("/v1beta/models/g:generateContent?alt=sse", "x-goog-api-key", "server-key-of-google"),
        ("/proxy/google/v1beta/openai/models", "authorization", "Bearer server-key-of-google"),
        ("/proxy/groq/openai/v1/models", "authorization", "Bearer server-key-of-groq"),
        ("/proxy/azure-openai/openai/deployments/d/completions", "api-key", "server-key-of-azure"),
    ],
)
async def test_whose_key_goes_up_and_in_which_header(
    start_proxy: Start, provider: Provider, path: str, header: str, value: str
) -> None:
    provider.always(echo)

    def keys(got: Any) -> dict[str, str]:
        return {name.lower(): text for name, text in got["headers"] if name.lower() in CREDENTIALS}

    async with start_proxy(**settings(provider.url), **KEYS) as proxy:
        assert keys((await send(proxy, path, b"{}"))[1]) == {header: value}
        for own in (
            {"authorization": "Bearer own-key-1"},
            {"authorization": "own-key-1"},
            {"x-api-key": "own-key-1"},
            {"x-goog-api-key": "own-key-1"},
        ):
            assert keys((await send(proxy, path, b"{}", own))[1]) == own
        _, secret = await make_key(proxy)
        for carrier in ({"authorization": f"Bearer {secret}"}, {"x-api-key": secret}, {"x-goog-api-key": secret}):
            assert keys((await send(proxy, path, b"{}", carrier))[1]) == {header: value}
        assert (await send(proxy, path, b"{}"))[0] == 401
        status, got = await send(proxy, f"{path}{'&' if '?' in path else '?'}key={secret}", b"{}")
        assert (status, keys(got)) == (200, {header: value})
        assert path.endswith(got["target"])
        last = (await proxy.exchanges(10))[-1]
    assert last.key_id
    assert secret.encode() not in b"".join(request.target.encode() for request in provider.requests)


async def test_geminis_key_in_the_query_goes_up_and_is_nowhere_else(natives: Proxy, provider: Provider) -> None:
    target = "/v1beta/models/g:generateContent?alt=sse&key=AIza-a-secret-of-its-caller"
    status, got = await send(natives, target, b"{}")
    assert (status, got["target"]) == (200, target)
    assert not [name for name, _ in got["headers"] if name.lower() in CREDENTIALS]
    exchange = await natives.exchange()
    assert exchange.path == "/v1beta/models/g:generateContent?alt=sse&key=***"
    assert exchange.key_hash
    assert "AIza-a-secret" not in repr(exchange)


async def test_a_key_that_is_held_to_a_provider(natives: Proxy, provider: Provider) -> None:
    _, secret = await make_key(natives, provider="groq")
    headers = {"x-portkey-api-key": secret}
    assert (await send(natives, "/proxy/groq/x", b"{}", headers))[0] == 200
    seen = len(provider.requests)
    for path in ("/proxy/openai/x", "/v1/messages", "/v1beta/models/g:generateContent", "/proxy/bedrock/model/m/converse"):
        status, got = await send(natives, path, b"{}", headers)
        assert status == 403
        assert "'groq' only" in json.dumps(got)
    assert len(provider.requests) == seen


async def test_errors_are_in_the_doors_own_words(start_proxy: Start, free_port: Any) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with start_proxy(**settings(nobody)) as proxy:
        said: dict[str, Any] = {}
        for path in (
            "/v1/messages",
            "/v1beta/models/g:generateContent",
            "/proxy/bedrock/model/m/converse",
            "/proxy/ollama/api/chat",
            "/proxy/cohere/v2/chat",
        ):
            status, said[path.split("/")[2]] = await send(proxy, path, b"{}")
            assert status == 502
        words = "cannot be reached"
        assert (said["messages"]["type"], said["messages"]["error"]["type"]) == ("error", "api_error")
        assert words in said["messages"]["error"]["message"]
        google = said["models"]["error"]
        assert (google["code"], google["status"], google["details"][0]["reason"]) == (502, "UNAVAILABLE", "CONNECT_REFUSED")
        assert words in google["message"]
        assert said["bedrock"]["__type"] == "ServiceUnavailableException"
        assert words in said["ollama"]["error"]
        assert words in said["cohere"]["message"]


async def test_usage_is_asked_for_where_openais_streams_need_it(start_proxy: Start, provider: Provider) -> None:
    asked = b'{"model":"m","stream":true,"messages":[]}'
    async with start_proxy(**settings(provider.url), TRACER_UPSTREAM_MISTRAL_AI=provider.url) as proxy:
        for path, expected in (
            ("/proxy/openai/v1/chat/completions", True),
            ("/proxy/writer/v1/chat/completions", True),
            ("/proxy/mistral-ai/v1/chat/completions", False),  # refuses the option
            ("/proxy/groq/openai/v1/chat/completions", False),  # sends usage anyway
        ):
            provider.always(openai.answer if expected else native.answer)
            async with proxy.client.post(proxy.url + path, data=asked, headers={"Content-Type": "application/json"}) as got:
                shown = await got.read()
            assert (b"include_usage" in provider.requests[-1].body) is expected
            if expected:
                assert b'"usage"' not in shown
                assert shown.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/proxy/openai/v1/realtime?model=gpt-realtime", "/v1/realtime?model=gpt-realtime"),
        (
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=AIza-own-key-1",
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=AIza-own-key-1",
        ),
    ],
)
async def test_websockets(natives: Proxy, provider: Provider, path: str, target: str) -> None:
    provider.always(WebSocketEcho())
    async with natives.client.ws_connect(URL(natives.url + path, encoded=True)) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
    (request,) = await provider.received(1)
    assert request.target == target
    exchange = await natives.exchange()
    assert (exchange.websocket, exchange.status, exchange.messages_up) == (True, 101, 1)
    assert "AIza" not in repr(exchange)


@pytest.mark.parametrize("size", [100, 300_000, 9 << 20])
@pytest.mark.parametrize("media", ["application/json", "multipart/form-data; boundary=x", "application/octet-stream"])
async def test_bodies_of_every_size_go_up_as_they_are(natives: Proxy, provider: Provider, size: int, media: str) -> None:
    provider.always(reply(200, [("Content-Type", "application/json")], b"{}"))
    body = b'{"not even JSON ' + b"\xff" * size
    async with natives.client.post(f"{natives.url}/v1/messages", data=BytesIO(body), headers={"Content-Type": media}) as got:
        assert got.status == 200
    assert bytes(provider.requests[0].body) == body
    exchange = await natives.exchange()
    assert exchange.request.size == len(body)


@given(st.text(max_size=40), st.sampled_from(["key=", "a=1&key=", "api_key=", "x="]))
def test_a_tracer_key_never_stays_in_a_query(before: str, name: str) -> None:
    key = new_key()
    rest = f"/v1beta/models/{before.replace('?', '')}?{name}{key}&alt=sse"
    assert key not in without_tracers_key(rest)
    assert without_tracers_key(rest).endswith("alt=sse")
    assert without_tracers_key(rest.replace(key, "own")) == rest.replace(key, "own")


def test_the_key_of_a_query_is_a_header_to_those_who_ask() -> None:
    own = {"x-goog-api-key": "of the header"}
    assert with_key_of_query(own, "key=of-the-query") is own
    assert with_key_of_query({}, "monkey=1&key=") == {}
    assert with_key_of_query({"A": "b"}, "alt=sse&key=k1&key=k2") == {"A": "b", "x-goog-api-key": "k1"}


def test_a_door_knows_openais_endpoints_elsewhere() -> None:
    assert Door("proxy", "google", "/v1beta/openai/models?x=1").openai_like
    assert not Door("proxy", "google", "/v1beta/models?x=/openai/").openai_like
    assert Door("proxy", "groq", "/openai/v1/completions?x=1").usage_on_request
    assert not Door("anthropic", "anthropic", "/v1/chat/completions").usage_on_request
