"""Canary keys wherever a key can stand: none of them on disk or in the log, whatever the provider says back."""

import asyncio
import gzip
import logging
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.provider import FIN, Provider, Request, echo, error, gzipped, reply, sse
from tests.proxy.conftest import Proxy, Start

HEADERS = {
    "Authorization": "Bearer sk-CANARY-authorization",
    "X-Api-Key": "CANARY-x-api-key",
    "Api-Key": "CANARY-api-key-00",
    "X-Goog-Api-Key": "CANARY-goog-key-0",
    "X-OpenAI-Api-Key": "CANARY-openai-key",
    "X-Portkey-Api-Key": "CANARY-portkey-key",
    "X-Portkey-Virtual-Key": "CANARY-virtual-key",
    "X-Portkey-Azure-Ad-Token": "CANARY-ad-token",
    "X-Portkey-Aws-Secret-Access-Key": "CANARY-aws-secret",
    "X-Portkey-Vertex-Service-Account-Json": '{"private_key":"CANARY-private"}',
    "X-Portkey-Config": '{"api_key":"CANARY-in-config","retry":{}}',
    "Cookie": "session=CANARY-cookie-0; other=CANARY-cookie-1",
    "Proxy-Authorization": "Basic CANARYcHJveHk=",
    "Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.CANARY-subprotocol",
}
QUERY = "?key=CANARY-query-key&api_key=CANARY%2Fquery&access_token=CANARY-token-0&sig=CANARY-signature"
# One whose name says nothing: masked where Tracer writes it, but not recognised in what a provider says.
UNKNOWN = {"X-My-Own-Header": "CANARY-of-a-kind"}


def repeat(request: Request) -> Any:
    """All that the provider got, said back in a header, plainly and in SSE."""
    return orjson.dumps([*request.headers, request.target, request.body.decode("latin-1")])


def echo_error(request: Request) -> Any:
    return error(401, f"Incorrect API key provided: {request.header('authorization')} {request.headers} {request.target}")


def echo_gzipped(request: Request) -> Any:
    return gzipped(repeat(request))


def echo_stream(request: Request) -> Any:
    said = repeat(request)
    pieces = [said[at : at + 11] for at in range(0, len(said), 11)]
    return sse([b"data: ", *pieces, b"\n\n", b"data: [DONE]\n\n"])


def echo_gzipped_stream(request: Request) -> Any:
    packed = gzip.compress(b"data: " + repeat(request) + b"\n\n")
    return sse([packed[:20], packed[20:]], headers=[("Content-Encoding", "gzip")])


def echo_in_headers(request: Request) -> Any:
    sent = request.header("authorization") or ""
    return reply(
        200, [("x-request-id", sent), ("Set-Cookie", sent), ("x-ratelimit-limit", sent), ("Content-Type", sent)], b"{}"
    )


def echo_cut(request: Request) -> Any:
    return reply(200, [("Content-Type", "application/json")], repeat(request) * 3).cut(700, FIN)


def without_a_trace(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    for path in Path(proxy.settings.data_dir).rglob("*"):
        assert not path.is_file() or b"CANARY" not in path.read_bytes(), path
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize(
    "script", [echo, echo_error, echo_gzipped, echo_stream, echo_gzipped_stream, echo_in_headers, echo_cut]
)
@pytest.mark.parametrize("alone", [False, True])
async def test_no_canary_on_disk_or_in_the_log(
    proxy: Proxy, provider: Provider, caplog: pytest.LogCaptureFixture, script: Any, alone: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.always(script)
    sent = [{name: value} for name, value in HEADERS.items()] if alone else [HEADERS]
    for headers in sent:
        body = orjson.dumps({"key": headers.get("Authorization", ""), "model": "m"})
        for path in ("/v1/responses", "/v1/chat/completions", "/v1/models"):
            with_json = {**headers, "Content-Type": "application/json"}
            try:
                async with proxy.client.post(proxy.url + path + QUERY, data=body, headers=with_json) as got:
                    await got.read()
            except aiohttp.ClientError:
                assert script is echo_cut
    exchanges = await proxy.exchanges(3 * len(sent))
    assert any(b"*****" in exchange.response.head for exchange in exchanges) or script is echo_in_headers
    without_a_trace(proxy, caplog)


async def test_refused_calls_keep_no_canary(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for more in (
        {"x-portkey-provider": "nonesuch"},
        {"x-portkey-custom-host": "https://user:CANARY-password@h/v1?key=CANARY-in-url"},
        {"x-portkey-metadata": '{"k":"sk-CANARY-authorization"}', "x-portkey-provider": "x"},
        {"x-portkey-trace-id": "CANARY-x-api-key", "x-portkey-provider": "x", "User-Agent": "sk-CANARY-authorization"},
        {"Content-Type": "application/json", "Referer": "https://example.com/?token=CANARY-referer"},
        UNKNOWN,
    ):
        async with proxy.client.post(
            f"{proxy.url}/v1/chat/completions{QUERY}", data=b"{CANARY", headers={**HEADERS, **more}
        ) as got:
            await got.read()
    found = await proxy.exchanges(6)
    bodies = {b"{CANARY"}
    assert {exchange.request.head for exchange in found} <= {*bodies, b""}
    spool = b"".join(p.read_bytes() for p in Path(proxy.settings.data_dir).rglob("*.log")).replace(b"{CANARY", b"")
    assert b"CANARY" not in spool
    assert "CANARY" not in caplog.text


async def test_server_side_keys_leave_no_trace(
    start_proxy: Start, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.always(echo_error)
    key = {"TRACER_KEY_OPENAI": "sk-CANARY-server-side"}
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, **key) as proxy:
        async with proxy.client.get(f"{proxy.url}/v1/models", headers={"Authorization": "Bearer OPENAI_API_KEY"}) as got:
            assert "sk-CANARY-server-side" in await got.text()  # the provider's bytes are the client's
        await proxy.exchange()
        without_a_trace(proxy, caplog)
        assert "CANARY" not in repr(proxy.settings)
    assert provider.requests[0].header("authorization") == "Bearer sk-CANARY-server-side"


async def test_portkeys_secrets_never_reach_the_provider(proxy: Proxy, provider: Provider) -> None:
    async with proxy.client.get(f"{proxy.url}/v1/models", headers=HEADERS) as got:
        await got.read()
    sent = str(provider.requests[0].headers)
    for name in HEADERS:
        if name.startswith("X-Portkey-") or name == "Proxy-Authorization":
            assert name.lower() not in sent.lower()
    for word in ("portkey-key", "virtual-key", "ad-token", "aws-secret", "private", "in-config"):
        assert word not in sent


async def test_a_portkey_key_in_authorization_stays_here(proxy: Proxy, provider: Provider) -> None:
    headers = {
        "Authorization": "Bearer CANARY-portkey-key",
        "x-portkey-api-key": "CANARY-portkey-key",
        "x-api-key": "CANARY-portkey-key",
    }
    async with proxy.client.get(f"{proxy.url}/v1/models", headers=headers) as got:
        await got.read()
    assert "CANARY" not in str(provider.requests[0].headers)


async def test_websocket_leaves_no_trace(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {name: value for name, value in HEADERS.items() if not name.startswith("Sec-")}
    async with asyncio.timeout(10):
        async with proxy.client.ws_connect(
            f"{proxy.url}/v1/realtime{QUERY}&model=gpt-realtime",
            headers=headers,
            protocols=["realtime", "openai-insecure-api-key.CANARY-subprotocol"],
        ) as socket:
            await socket.send_str("sk-CANARY-authorization")
            assert await socket.receive_str() == "sk-CANARY-authorization"
    exchange = await proxy.exchange()
    assert exchange.path.startswith("/v1/realtime?")
    without_a_trace(proxy, caplog)
