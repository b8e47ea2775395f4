"""Providers over TLS: a certificate that the machine trusts works, any other is a clear error and not a call."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def tls_url(authority: trustme.CA) -> AsyncIterator[str]:
    """A provider on 127.0.0.1 with a certificate of `authority`."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [], "protocol": request.scheme})

    app = web.Application()
    app.router.add_get("/v1/models", answer)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def models(proxy: Proxy) -> tuple[int, dict[str, object]]:
    async with proxy.client.get(f"{proxy.url}/v1/models") as got:
        return got.status, await got.json()


async def test_trusted(
    start_proxy: Start, tls_url: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with start_proxy(TRACER_UPSTREAM=tls_url) as proxy:
        for _ in range(3):
            assert await models(proxy) == (200, {"object": "list", "data": [], "protocol": "https"})
        first, *others = await proxy.exchanges(3)
    assert first.connect_ns > 0
    assert [exchange.connect_ns for exchange in others] == [0, 0]  # the connection is kept


async def test_not_trusted(start_proxy: Start, tls_url: str) -> None:
    async with start_proxy(TRACER_UPSTREAM=tls_url) as proxy:
        status, body = await models(proxy)
        assert status == 502
        assert body["error"]["code"] == "tls_error"  # type: ignore[index]
        exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type) == (Outcome.UPSTREAM_ERROR, "tls_error")
