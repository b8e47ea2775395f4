"""What a caller or a provider says never sends a request to a place that the configuration does not name.

Which hosts may be named, in which spelling, is tests/proxy/test_route.py: only names on the operator's list, letter by letter,
so a private or metadata address, an odd notation of one, or a name that resolves to one is refused before anything is looked
up. Here: that nothing else leads anywhere either.
"""

from collections.abc import AsyncIterator

import pytest

from tests.provider import Provider, raw, reply
from tests.proxy.conftest import Proxy, Start
from tests.proxy.http.wire import ask, request

REDIRECTS = [300, 301, 302, 303, 307, 308]


@pytest.fixture
async def elsewhere() -> AsyncIterator[Provider]:
    """A place that nobody configured."""
    async with Provider.start() as running:
        yield running


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("target", ["/v1/chat/completions", "/v1/files", "/proxy/openai/v1/x"])
async def test_redirects_are_the_clients(
    proxy: Proxy, provider: Provider, elsewhere: Provider, status: int, target: str
) -> None:
    where = f"{elsewhere.url}/v1/x"
    provider.always(
        reply(status, [("Location", where), ("Refresh", f"0; url={where}"), ("Alt-Svc", f'h1=":{elsewhere.port}"')])
    )
    data = request("POST", target, ["Connection: close", "Content-Type: application/json"], b'{"model":"m"}')
    got = await ask(proxy.port, data)
    assert (got.status, got.header("location")) == (status, where)
    assert not elsewhere.connections


@pytest.mark.parametrize(
    "said",
    [
        "Host: {there}",
        "X-Forwarded-Host: {there}",
        "Forwarded: host={there}",
        "X-Original-URL: http://{there}/v1/x",
        "X-Rewrite-URL: http://{there}/v1/x",
        "x-portkey-custom-host: http://{there}/v1",
        'x-portkey-config: {{"custom_host":"http://{there}/v1"}}',
        'x-portkey-config: {{"targets":[{{"custom_host":"http://{there}/v1"}}]}}',
        'x-portkey-config: {{"override_params":{{"custom_host":"http://{there}/v1","base_url":"http://{there}"}}}}',
        "x-portkey-azure-resource-name: {there}/",
        "x-portkey-azure-endpoint-name: http://{there}",
        "x-portkey-vertex-region: {there}/",
        "x-portkey-vertex-project-id: ../../{there}",
        "x-portkey-aws-region: {there}/",
        "x-portkey-provider: http://{there}",
        "x-portkey-virtual-key: http://{there}",
        "Proxy: http://{there}",
        "Proxy-Connection: keep-alive",
    ],
)
@pytest.mark.parametrize("slug", ["openai", "azure-openai"])  # others have public addresses, which tests do not ask
async def test_no_header_leads_elsewhere(proxy: Proxy, provider: Provider, elsewhere: Provider, said: str, slug: str) -> None:
    there = f"127.0.0.1:{elsewhere.port}"
    line = said.format(there=there)
    named = [] if "x-portkey-provider" in said else [f"x-portkey-provider: {slug}"]
    data = request("POST", "/v1/embeddings", ["Connection: close", "x-portkey-request-timeout: 500", *named, line], b"{}")
    if line.startswith("Host:"):
        data = data.replace(b"Host: h\r\n", b"")
    assert (await ask(proxy.port, data)).status < 500
    assert not elsewhere.connections


@pytest.mark.parametrize(
    "target", ["http://{there}/v1/models", "//{there}/v1/models", "http://{there}", "@{there}/v1", "/v1/@{there}"]
)
async def test_no_request_line_leads_elsewhere(proxy: Proxy, provider: Provider, elsewhere: Provider, target: str) -> None:
    there = f"127.0.0.1:{elsewhere.port}"
    await ask(proxy.port, request(target=target.format(there=there), headers=["Connection: close"]))
    await ask(proxy.port, request("CONNECT", there, ["Connection: close"]))
    assert not elsewhere.connections
    assert all(one.target.startswith("/") for one in provider.requests)


async def test_the_environments_http_proxy_is_not_asked(
    start_proxy: Start, provider: Provider, elsewhere: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls carry keys; where they go is TRACER_UPSTREAM_…'s to say, not a variable that some other program needs."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        assert (await ask(proxy.port, request(headers=["Connection: close"]))).status == 200
        async with proxy.client.ws_connect(f"{proxy.url}/v1/realtime") as socket:
            await socket.send_str("x")
            assert await socket.receive_str() == "x"
    assert not elsewhere.connections


async def test_an_interim_reply_leads_nowhere(proxy: Proxy, provider: Provider, elsewhere: Provider) -> None:
    hint = f"HTTP/1.1 103 Early Hints\r\nLink: <{elsewhere.url}/x>; rel=preload\r\n\r\n".encode()
    provider.reply(raw(hint + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    assert (await ask(proxy.port, request(headers=["Connection: close"]))).status == 200
    assert not elsewhere.connections
