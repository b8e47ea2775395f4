"""A page of another web site that makes its visitor's browser send something: it changes nothing, and spends nothing.

A browser sends such a request without asking first if it is "simple": GET or POST, with a form's content type. It says where
it comes from, in `Sec-Fetch-Site` or `Origin`; the page cannot leave that out. Tracer's own pages: tests/ui/test_guard.py.
"""

import pytest

from tests.provider import Provider, reply
from tests.proxy.conftest import Proxy, Start
from tests.proxy.http.wire import ask, request
from tests.proxy.test_portkey_clients import call, make_prompt

# What browsers send for a form or a `no-cors` fetch of https://evil.example.
FOREIGN = [
    ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Origin: https://evil.example"],
    ["Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:9999"],
    ["Origin: https://evil.example"],
    ["Origin: null"],
    ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
]
WRITES = [
    ("POST", "/v1/prompts", b'{"name":"p","string":"x","parameters":{"model":"m"}}'),
    ("PUT", "/v1/prompts/SLUG", b'{"string":"changed"}'),
    ("DELETE", "/v1/prompts/SLUG", b""),
    ("POST", "/v1/prompts/partials", b'{"name":"p","string":"x"}'),
    ("POST", "/v1/configs", b'{"name":"c","config":{}}'),
    ("POST", "/v1/labels", b'{"name":"l"}'),
    ("POST", "/v1/collections", b'{"name":"c"}'),
    ("POST", "/v1/feedback", b'{"trace_id":"t","value":1}'),
    ("POST", "/v1/logs", b'{"request":{},"response":{}}'),
    ("POST", "/v5/spans/batch", b'{"items":[]}'),
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: headers[0])
async def test_nothing_is_written_for_another_site(proxy: Proxy, headers: list[str]) -> None:
    slug = await make_prompt(proxy, "as it was", model="m")
    for method, path, body in WRITES:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            data = request(method, path.replace("SLUG", slug), ["Connection: close", f"Content-Type: {kind}", *headers], body)
            got = await ask(proxy.port, data)
            assert got.status == 403, (method, path, kind, got.body)
            assert got.header("access-control-allow-origin") is None
    status, prompt = await call(proxy, f"/v1/prompts/{slug}", None, method="GET")
    assert status == 200
    assert "as it was" in prompt["string"]
    assert (await call(proxy, "/v1/prompts", None, method="GET"))[1]["total"] == 1
    await proxy.exchanges(0)


@pytest.mark.parametrize("headers", [[], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Mode: cors"], ["Origin: http://h"]])
async def test_programs_and_own_pages_write(proxy: Proxy, headers: list[str]) -> None:
    """Node's fetch sends `Sec-Fetch-Mode` and nothing else of it."""
    data = request("POST", "/v1/labels", ["Connection: close", "Content-Type: application/json", *headers], b'{"name":"l"}')
    assert (await ask(proxy.port, data)).status == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/files", "/proxy/openai/v1/x", "/v1/prompts/SLUG/completions"])
async def test_no_money_is_spent_for_another_site(start_proxy: Start, provider: Provider, path: str) -> None:
    """Of the operator's provider key, where callers need none of their own."""
    provider.always(reply(200, [], b"{}"))
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_KEY_OPENAI="sk-of-the-operator") as proxy:
        slug = await make_prompt(proxy, "hi", model="m")
        body = b'{"model":"m","messages":[],"variables":{}}'
        for headers in FOREIGN:
            said = ["Connection: close", "Content-Type: text/plain", *headers]
            got = await ask(proxy.port, request("POST", path.replace("SLUG", slug), said, body))
            assert got.status == 403, headers
    assert not provider.requests


async def test_no_page_may_read_a_reply(proxy: Proxy, provider: Provider) -> None:
    provider.always(reply(200, [], b"{}"))
    for method in ("GET", "OPTIONS", "POST"):
        for path in ("/v1/models", "/v1/prompts", "/health", "/metrics"):
            headers = ["Connection: close", "Origin: https://evil.example", "Access-Control-Request-Method: POST"]
            got = await ask(proxy.port, request(method, path, headers))
            assert not [name for name, _ in got.lines if name.lower().startswith(b"access-control-")]
