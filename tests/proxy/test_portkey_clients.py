"""Prompts, keys, configs and Tracer's own endpoints on a running proxy: one row for each call, whoever refused it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.provider import Provider, echo
from tests.proxy.conftest import Proxy, Start
from tracer.records import Outcome
from tracer.registry import keys
from tracer.registry.database import Database
from tracer.registry.keys import Wish

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


async def call(
    proxy: Proxy, path: str, body: object, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> tuple[int, Any]:
    async with proxy.client.request(method, proxy.url + path, json=body, headers=headers or {}) as got:
        assert got.headers["x-portkey-trace-id"]
        data = await got.read()
        return got.status, json.loads(data) if got.content_type == "application/json" else data


async def make_prompt(proxy: Proxy, template: str, headers: Mapping[str, str] | None = None, **parameters: object) -> str:
    messages = json.dumps([{"role": "user", "content": template}])
    prompt = {"name": "p", "collection_id": "", "string": messages, "parameters": parameters, "virtual_key": ""}
    status, made = await call(proxy, "/v1/prompts", prompt, headers)
    assert status == 200, made
    return str(made["slug"])


async def make_key(proxy: Proxy, **wish: Any) -> tuple[str, str]:
    """(public id, secret)"""
    database = Database(proxy.settings)
    await database.open()
    try:
        key, secret = await keys.create(database, Wish(name="k", **wish))
    finally:
        await database.close()
    for _ in range(500):  # the watcher looks four times a second
        known = await call(proxy, "/v1/labels", None, {"Authorization": f"Bearer {secret}"}, "GET")
        nobody = await call(proxy, "/v1/labels", None, method="GET")
        if (known[0], nobody[0]) == (200, 401):
            return key.id, secret
        await asyncio.sleep(0.02)
    raise AssertionError("the key never became known")


async def test_a_prompt_becomes_a_call(proxy: Proxy, provider: Provider) -> None:
    slug = await make_prompt(proxy, "Say {{what}}", model="gpt-4o-mini", temperature=0.5)
    sent = {"variables": {"what": 'a "b"\n'}, "temperature": 0, "stream": False}
    status, _ = await call(proxy, f"/v1/prompts/{slug}/completions", sent)
    assert status == 200
    (request,) = provider.requests
    assert request.target == "/v1/chat/completions"
    assert json.loads(request.body) == {
        "model": "gpt-4o-mini",
        "temperature": 0,
        "stream": False,
        "messages": [{"role": "user", "content": 'Say a "b"\n'}],
    }
    assert request.header("Content-Length") == str(len(request.body))
    exchange = await proxy.exchange()
    assert (exchange.door, exchange.prompt_id, exchange.prompt_version) == ("prompts", slug, "1")
    assert json.loads(exchange.original.head) == sent
    assert json.loads(exchange.request.head) == json.loads(request.body)
    assert exchange.path == f"/v1/prompts/{slug}/completions"


async def test_a_rendered_prompt_is_no_call(proxy: Proxy, provider: Provider) -> None:
    slug = await make_prompt(proxy, "Say {{what}}", model="m")
    status, got = await call(proxy, f"/v1/prompts/{slug}/render", {"variables": {"what": "x"}})
    assert (status, got["success"]) == (200, True)
    assert got["data"]["messages"] == [{"role": "user", "content": "Say x"}]
    assert not provider.requests
    await proxy.exchanges(0)


@pytest.mark.parametrize("name", ["pp-nobody-123456", "..%2F..%2Fetc", "a%00b", "x" * 5000, "pp-a@999"])
async def test_no_such_prompt(proxy: Proxy, provider: Provider, name: str) -> None:
    status, got = await call(proxy, f"/v1/prompts/{name}/completions", {"variables": {}})
    assert status in (400, 404)
    assert got["status"] == "failure"
    assert got["message"] == got["error"]["message"]
    assert not provider.requests
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.status) == (Outcome.REFUSED, status)


async def test_a_bomb_of_a_template(proxy: Proxy, provider: Provider) -> None:
    slug = await make_prompt(proxy, "{{#a}}" * 40 + "x" + "{{/a}}" * 40, model="m")
    status, _ = await call(proxy, f"/v1/prompts/{slug}/completions", {"variables": {"a": [1] * 50}})
    assert status == 400
    assert not provider.requests
    assert (await proxy.exchange()).outcome is Outcome.REFUSED


async def test_override_params_go_into_the_body(proxy: Proxy, provider: Provider) -> None:
    headers = {"x-portkey-config": json.dumps({"override_params": {"model": "other", "seed": 1}, "strategy": {"mode": "x"}})}
    assert (await call(proxy, "/v1/chat/completions", CHAT, headers))[0] == 200
    assert json.loads(provider.requests[0].body) == {**CHAT, "model": "other", "seed": 1}
    exchange = await proxy.exchange()
    assert json.loads(exchange.original.head) == CHAT
    assert json.loads(exchange.request.head)["model"] == "other"
    assert any("strategy" in note for note in exchange.notes)


async def test_a_model_that_names_its_provider_goes_there(proxy: Proxy, provider: Provider) -> None:
    headers = {"x-portkey-provider": "@not-here"}
    assert (await call(proxy, "/v1/chat/completions", {**CHAT, "model": "@openai/gpt-4o"}, headers))[0] == 200
    assert json.loads(provider.requests[0].body) == {**CHAT, "model": "gpt-4o"}
    exchange = await proxy.exchange()
    assert exchange.provider == "openai"
    assert json.loads(exchange.original.head)["model"] == "@openai/gpt-4o"
    assert any("'@not-here'" in note for note in exchange.notes)


async def test_a_saved_config_by_its_id(proxy: Proxy, provider: Provider) -> None:
    status, made = await call(proxy, "/v1/configs", {"name": "c", "config": {"cache": {"mode": "simple"}}})
    assert status == 200, made
    headers = {"x-portkey-config": made.get("slug") or made["data"]["slug"]}
    for _ in range(2):
        assert (await call(proxy, "/v1/chat/completions", CHAT, headers))[0] == 200
    assert len(provider.requests) == 1
    assert [e.cache_status for e in await proxy.exchanges(2)] == ["MISS", "HIT"]


async def test_a_key_of_ours_is_not_the_providers(start_proxy: Start, provider: Provider) -> None:
    provider.always(echo)
    upstream = {"TRACER_UPSTREAM_OPENAI": provider.url, "TRACER_KEY_TEAM_A": "sk-provider-key-of-team-a"}
    async with start_proxy(**upstream) as proxy:
        id, secret = await make_key(proxy, provider="openai", credential="team-a", tags={"team": "search", "user": "ann"})
        headers = {"x-api-key": secret, "x-portkey-metadata": '{"team":"forged","own":"1"}'}
        assert (await call(proxy, "/v1/chat/completions", CHAT, headers))[0] == 200
        request = provider.requests[-1]
        assert request.header("Authorization") == "Bearer sk-provider-key-of-team-a"
        assert not any(secret in value for _, value in request.headers)
        for wrong in ({}, {"Authorization": "Bearer sk-some-other-key"}, {"x-portkey-api-key": secret[:-1] + "0"}):
            status, got = await call(proxy, "/v1/chat/completions", CHAT, wrong)
            assert status == 401
            assert got["error"]["message"]
        assert len(provider.requests) == 1
        call_made, no_key, other_key, wrong_key = await proxy.exchanges(4)
        assert call_made.key_id == id
        assert call_made.trace.metadata == {"team": "search", "user": "ann", "_user": "ann", "own": "1"}
        assert [e.error_type for e in (no_key, other_key, wrong_key)] == ["missing_key", "invalid_key", "invalid_key"]
        assert {e.outcome for e in (no_key, other_key, wrong_key)} == {Outcome.REFUSED}


async def test_somebody_elses_prompt_is_not_there(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        _, ours = await make_key(proxy, workspace="ours", admin=True)
        _, theirs = await make_key(proxy, workspace="theirs", admin=True)
        slug = await make_prompt(proxy, "secret {{x}}", {"x-portkey-api-key": ours}, model="m")
        path = f"/v1/prompts/{slug}/completions"
        mine = await call(proxy, path, {"variables": {}}, {"x-portkey-api-key": ours})
        other = await call(proxy, path, {"variables": {}}, {"x-portkey-api-key": theirs})
        nobody = await call(
            proxy, "/v1/prompts/pp-nothing-000000/completions", {"variables": {}}, {"x-portkey-api-key": theirs}
        )
        assert mine[0] == 200
        assert other[0] == 404
        assert other == nobody


async def test_a_question_mark_at_the_end_changes_nothing(proxy: Proxy, provider: Provider) -> None:
    """Portkey's SDK for Python ends the paths of its lists so."""
    async with httpx.AsyncClient(base_url=proxy.url) as client:  # aiohttp's would leave it out
        for name in ("prompts", "labels", "collections", "configs"):
            assert (await client.get(f"/v1/{name}?")).json()["object"] == "list"
        assert not provider.requests
        assert (await client.get("/v1/models?")).status_code == 200
    assert [request.target for request in provider.requests] == ["/v1/models?"]


async def test_endpoints_answer_wrong_use_clearly(proxy: Proxy) -> None:
    for method, path, wanted in (("GET", "/v1/prompts/nope", 404), ("DELETE", "/v1/logs", 405), ("POST", "/v1/feedback", 400)):
        status, got = await call(proxy, path, {}, method=method)
        assert status == wanted, (method, path, got)
        assert got["message"]
    await proxy.exchanges(0)
