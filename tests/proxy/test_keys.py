"""Keys and saved configs through a running proxy: who gets in, what goes up, what is on the row and never on the disk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.provider import Provider
from tests.proxy.conftest import Proxy, Start
from tracer.records import Exchange, Outcome
from tracer.registry import keys
from tracer.registry.database import Database
from tracer.registry.keys import Wish

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "metadata": {"team": "of the body"}}


@pytest.fixture
async def mapped(start_proxy: Start, provider: Provider) -> AsyncIterator[Proxy]:
    async with start_proxy(
        TRACER_UPSTREAM_OPENAI=provider.url, TRACER_KEY_OPENAI="sk-of-the-server", TRACER_KEY_SEARCH="sk-of-the-team"
    ) as running:
        yield running


@pytest.fixture
async def database(mapped: Proxy) -> AsyncIterator[Database]:
    opened = Database(mapped.settings)
    await opened.open()
    yield opened
    await opened.close()


async def ask(
    proxy: Proxy, headers: dict[str, str], path: str = "/v1/chat/completions", body: object = CHAT
) -> tuple[int, Any]:
    sent = {"Content-Type": "application/json", **headers}
    async with proxy.client.post(proxy.url + path, data=orjson.dumps(body), headers=sent) as got:
        assert got.headers["x-portkey-trace-id"]
        return got.status, orjson.loads(await got.read())


async def row(proxy: Proxy, trace_id: str) -> Exchange:
    """The record of the call with this trace id."""
    async with asyncio.timeout(10):
        while not (found := [exchange for exchange in proxy._spooled() if exchange.trace.trace_id == trace_id]):
            await asyncio.sleep(0.02)
    (only,) = found
    return only


async def status_becomes(status: int, proxy: Proxy, headers: dict[str, str]) -> Any:
    """Ask until a change of the registry has reached the worker; a second is what is promised, and machines are slow."""
    async with asyncio.timeout(10):
        while True:
            got, body = await ask(proxy, headers)
            if got == status:
                return body
            await asyncio.sleep(0.05)


async def test_the_first_key_closes_the_proxy_and_revoking_it_does_not_open_it(
    mapped: Proxy, provider: Provider, database: Database
) -> None:
    assert (await ask(mapped, {}))[0] == 200
    assert provider.requests[-1].header("authorization") == "Bearer sk-of-the-server"
    key, secret = await keys.create(database, Wish("search", "", "openai", "search", {"team": "search", "user": "bot"}))

    refused = await status_becomes(401, mapped, {})
    assert refused["error"]["code"] == "missing_key"
    assert refused["message"] == refused["error"]["message"]
    asked = len(provider.requests)
    assert (await ask(mapped, {"Authorization": "Bearer sk-own"}))[1]["error"]["code"] == "invalid_key"
    assert len(provider.requests) == asked  # nothing goes up for a stranger

    sent = {"x-api-key": secret, "x-portkey-metadata": '{"team": "mine", "run": "7"}', "x-note": f"my key is {secret}"}
    assert (await ask(mapped, {**sent, "x-portkey-trace-id": "with-key"}))[0] == 200
    up = provider.requests[-1]
    assert up.header("authorization") == "Bearer sk-of-the-team"
    assert (up.header("x-api-key"), up.header("x-note")) == (None, None)
    assert secret not in repr(up)
    recorded = await row(mapped, "with-key")
    assert recorded.key_id == key.id
    assert recorded.trace.metadata == {"team": "search", "user": "bot", "_user": "bot", "run": "7"}
    assert recorded.key_hash == ""

    assert (await ask(mapped, {"x-portkey-api-key": secret, "Authorization": "Bearer sk-own"}))[0] == 200
    assert provider.requests[-1].header("authorization") == "Bearer sk-own"
    assert (await ask(mapped, {"x-portkey-api-key": secret, "x-portkey-provider": "groq"}))[0] == 403

    await keys.revoke(database, key.id)
    assert (await status_becomes(401, mapped, {"x-api-key": secret}))["error"]["code"] == "revoked_key"
    for trace_id, headers, kind in (("old", {"x-api-key": secret}, "revoked_key"), ("none", {}, "missing_key")):
        assert (await ask(mapped, {**headers, "x-portkey-trace-id": trace_id}))[1]["error"]["code"] == kind
        recorded = await row(mapped, trace_id)
        assert (recorded.outcome, recorded.error_type, recorded.status) == (Outcome.REFUSED, kind, 401)
        assert recorded.upstream == ""
    for file in Path(mapped.settings.data_dir).rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


async def test_a_key_in_a_subprotocol_opens_a_websocket_and_stays_here(
    mapped: Proxy, provider: Provider, database: Database
) -> None:
    _, secret = await keys.create(database, Wish("browser"))
    await status_becomes(401, mapped, {})
    url = mapped.url.replace("http", "ws", 1) + "/v1/realtime?model=m"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await mapped.client.ws_connect(url, protocols=["realtime"])
    assert refused.value.status == 401
    async with mapped.client.ws_connect(url, protocols=["realtime", f"openai-insecure-api-key.{secret}"]) as socket:
        assert socket.protocol == "realtime"
        await socket.close()
    assert secret not in repr(provider.requests[-1])
    assert provider.requests[-1].header("authorization") == "Bearer sk-of-the-server"


async def test_a_saved_config_counts_at_once_and_an_unknown_one_is_named_on_the_row(mapped: Proxy, provider: Provider) -> None:
    config = {"override_params": {"temperature": 0.5}, "strategy": {"mode": "fallback"}}
    status, made = await ask(mapped, {}, "/v1/configs", {"name": "cool", "config": config})
    assert status == 200
    assert (await ask(mapped, {"x-portkey-config": made["slug"]}))[0] == 200
    assert provider.requests[-1].json()["temperature"] == 0.5
    assert (await ask(mapped, {"x-portkey-config": "pc-at-portkey-123"}))[0] == 200
    assert "temperature" not in provider.requests[-1].json()
    first, second = await mapped.exchanges(2)
    assert first.notes == ("config.strategy is ignored",)
    assert second.notes == ("x-portkey-config is ignored: no config 'pc-at-portkey-123' here",)
