"""What nobody sends by mistake: a clear error in the shape of the door, nothing upstream, exactly one row, and no long wait.

Each test has a time limit that only something unbounded would reach. Memory is looked at in tests/e2e/test_abuse.py, where a
worker is a process.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import h11
import pytest

from tests.provider import Provider
from tests.proxy.conftest import Proxy, Start
from tests.proxy.test_portkey_clients import call, make_key, make_prompt
from tracer import metrics
from tracer.records import Outcome
from tracer.registry import keys
from tracer.registry.database import Database

pytestmark = pytest.mark.timeout(60)

CHAT: dict[str, object] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
JSON = {"Content-Type": "application/json"}
MIB = 1 << 20


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), MIB):
        yield body[at : at + MIB]


async def send(
    proxy: Proxy, path: str, body: bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> tuple[int, Any]:
    """One request as it is written here: no client of ours tidies its path."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    parser.send(h11.EndOfMessage())
    lines = {"Host": "x", "Connection": "close", **JSON, "Content-Length": str(len(body)), **(headers or {})}
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""])
    writer.write(head.encode("latin-1") + body)
    await writer.drain()
    parser.receive_data(await reader.read())
    parser.receive_data(b"")
    writer.close()
    reply, data = None, bytearray()
    while not isinstance(event := parser.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
        if isinstance(event, h11.Response):
            reply = event
        elif isinstance(event, h11.Data):
            data += event.data
    assert reply is not None
    return reply.status_code, json.loads(data)


def message_of(got: Any) -> str:
    """The words of an error, in the shape that the door's clients read."""
    text = got["detail"] if "detail" in got else got["error"]["message"]
    assert isinstance(text, str)
    assert text
    return text


TRICKS = (
    *("..", ".", "%2e%2e", "%252e%252e", "..%2f..%2fetc%2fpasswd", "a%2fb", "a/b", "a/../b", "a%5cb", "a\\b", "..\\..\\etc"),
    *("a%00b", "%00", "a%0d%0aX:%20y", "%ff%fe", "%", "%zz", "@", "a@", "@1", "a@@1", "a@1@2", "%40latest", "", "/", "//"),
    *("a;b", "a%23b", "a%3fb", "a%20b", "%c3%a4", "a" * 257, "a" * 60_000, "%61" * 20_000, "a@" + "9" * 50_000),
)


@pytest.mark.parametrize("name", TRICKS, ids=lambda name: name[:24].encode("unicode_escape").decode() or "nothing")
async def test_a_trick_in_a_prompts_id(proxy: Proxy, provider: Provider, name: str) -> None:
    slug = await make_prompt(proxy, "hi", model="m")
    status, got = await send(proxy, f"/v1/prompts/{name}/completions", b'{"variables":{}}')
    assert (status, message_of(got)) in ((404, "Invalid prompt id"), (400, "the path has dot segments"))
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.status, exchange.prompt_id) == (Outcome.REFUSED, status, "")
    assert len(exchange.path) <= 64 << 10
    status, got = await send(proxy, f"/v1/prompts/{name}/render", b'{"variables":{}}')
    assert status in (400, 404)
    assert message_of(got)
    await proxy.exchanges(1)
    assert not provider.requests
    assert (await call(proxy, f"/v1/prompts/{slug}/render", {"variables": {}}))[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/models", None),
        ("/v1/prompts/pp-x/completions", {"variables": {}}),
        ("/v4/beta/chat/completions", {**CHAT, "model": "openai/gpt-4o-mini"}),
        ("/v5/chat/completions", {**CHAT, "model": "openai/gpt-4o-mini"}),
    ],
)
async def test_every_door_asks_for_the_key(start_proxy: Start, provider: Provider, path: str, body: object) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        id, secret = await make_key(proxy)
        database = Database(proxy.settings)
        await database.open()
        await keys.revoke(database, id)
        await database.close()
        data = b"" if body is None else json.dumps(body).encode()
        async with asyncio.timeout(20):
            while (await send(proxy, "/v1/labels", b"", {"x-api-key": secret}, "GET"))[0] != 401:
                await asyncio.sleep(0.02)
        for header in ({"x-api-key": secret}, {"x-api-key": "sk-somebody-elses"}, {}):
            status, got = await send(proxy, path, data, header)
            assert status == 401
            assert "API key" in message_of(got)
        found = [(e.error_type, e.status, e.outcome) for e in await proxy.exchanges(3)]
        assert found == [(kind, 401, Outcome.REFUSED) for kind in ("revoked_key", "invalid_key", "missing_key")]
    assert not provider.requests


async def test_what_belongs_to_others_is_not_there_by_any_name(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url) as proxy:
        ours, theirs = [{"x-api-key": (await make_key(proxy, workspace=name, admin=True))[1]} for name in ("ours", "theirs")]
        slug = await make_prompt(proxy, "our secret", ours, model="m")
        _, prompt = await call(proxy, f"/v1/prompts/{slug}", None, ours, "GET")
        _, partial = await call(proxy, "/v1/prompts/partials", {"name": "s", "slug": "ours", "string": "our secret"}, ours)
        _, config = await call(proxy, "/v1/configs", {"name": "c", "config": {"override_params": {"seed": 7}}}, ours)
        asked = [
            (method, f"/v1/prompts/{name}{rest}", {"variables": {}, "version": 1})
            for name in (slug, prompt["id"])
            for method, rest in (
                *(("POST", "/completions"), ("POST", "@latest/completions"), ("POST", "@1/completions"), ("POST", "/render")),
                *(("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/makeDefault"), ("GET", "/versions")),
            )
        ]
        asked += [("GET", "/v1/prompts/partials/ours", {}), ("GET", f"/v1/configs/{config['slug']}", {})]
        for method, path, body in asked:
            other = path.replace(slug, "pp-nobody").replace(prompt["id"], "pp-nobody").replace("/ours", "/pl-nobody")
            other = other.replace(config["slug"], "pc-nobody")
            got = await call(proxy, path, body, theirs, method)
            assert got[0] == 404, (method, path, got)
            assert got == await call(proxy, other, body, theirs, method)
        mine = await make_prompt(proxy, "{{>ours}}", theirs, model="m")
        status, got = await call(proxy, f"/v1/prompts/{mine}/render", {"variables": {}}, theirs)
        assert (status, message_of(got)) == (400, "Missing prompt partials: ours")
        assert (await call(proxy, "/v1/chat/completions", CHAT, {**theirs, "x-portkey-config": config["slug"]}))[0] == 200
        assert json.loads(provider.requests[-1].body) == CHAT
        assert partial["slug"] == "ours"


BOMBS = {
    "lists in lists": ([("user", "{{#a}}" * 40 + "x" + "{{/a}}" * 40)], {"a": [1] * 50}),
    "sections deeper than any": ([("user", "{{#a}}" * 60 + "x" + "{{/a}}" * 60)], {"a": [1]}),
    "sections without end": ([("user", "{{#a}}" * 100_000)], {"a": [1]}),
    "more than a million items": ([("user", "{{#a}}{{.}}{{/a}}")], {"a": [1] * 1_100_000}),
    "a large value many times": ([("user", "{{a}}" * 9_000)], {"a": "v" * 10_000}),
    "in many messages": ([("user", "{{a}}" * 100)] * 1_000, {"a": "v" * 1_000}),
    "a partial of itself": ([("user", "{{>loop}}")], {}),
    "a partial by its own variable": ([("user", "{{>>name}}")], {"name": "named"}),
    "partials that double": ([("user", "{{>d16}}")], {}),
}
if sys.version_info < (3, 12):  # from there on whatever could be read can be written: C's stack is counted apart from Python's
    BOMBS["a value too deep"] = ([("user", "{{a}}")], {"a": "[" * 990 + "]" * 990})


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_of_templates(proxy: Proxy, provider: Provider, name: str) -> None:
    said, variables = BOMBS[name]
    partials = {"loop": "x{{>loop}}{{>loop}}", "named": "{{>>name}}{{>>name}}", "d0": "x" * 100}
    partials |= {f"d{n}": f"{{{{>d{n - 1}}}}}" * 2 for n in range(1, 17)}
    for slug, text in partials.items():
        assert (await call(proxy, "/v1/prompts/partials", {"name": "p", "slug": slug, "string": text}))[0] == 200
    string = json.dumps([{"role": role, "content": text} for role, text in said])
    status, made = await call(proxy, "/v1/prompts", {"name": "p", "string": string, "parameters": {"model": "m"}})
    assert status == 200
    body = json.dumps({"variables": variables}).replace('"[[[', "[[[").replace(']]]"', "]]]").encode()
    status, got = await send(proxy, f"/v1/prompts/{made['slug']}/completions", body)
    assert status == 400
    assert message_of(got).startswith("prompt template: ")
    exchange = await proxy.exchange()
    assert (exchange.outcome, exchange.error_type) == (Outcome.REFUSED, "template_too_large")
    assert not provider.requests


@pytest.mark.parametrize("depth", [200, 300, 900, 960, 980, 1000, 1015, 1023, 1030, 10_000, 500_000])
async def test_json_however_deep_is_passed_on_or_refused(proxy: Proxy, provider: Provider, depth: int) -> None:
    slug = await make_prompt(proxy, "hi {{x}}", model="m")
    deep = b"[" * depth + b"]" * depth
    bodies = [
        ("/v1/chat/completions", b'{"model":"m","messages":[],"x":%b}'),
        ("/v1/responses", b'{"model":"m","input":[],"x":%b}'),
        (f"/v1/prompts/{slug}/completions", b'{"response_format":%b}'),
        (f"/v1/prompts/{slug}/completions", b'{"variables":{"x":%b}}'),
        (f"/v1/prompts/{slug}/completions", b'{"variables":%b}'),
        ("/v4/beta/chat/completions", b'{"model":"openai/m","messages":[{"role":"user","content":"x"}],"x":%b}'),
        ("/v5/chat/completions", b'{"model":"openai/m","messages":%b}'),
    ]
    rows = 0
    for path, body in bodies:
        for config in ({}, {"override_params": {"seed": 1}}, {"cache": {"mode": "simple"}}):
            header = {"x-portkey-config": json.dumps(config)}
            status, got = await send(proxy, path, body % deep, header)
            assert status in (200, 400, 422), (path, config, got)
            rows += 1
    for path, body in [
        (f"/v1/prompts/{slug}/render", b'{"response_format":%b}'),
        (f"/v1/prompts/{slug}/render", b'{"variables":{"x":%b}}'),
        ("/v1/prompts", b'{"name":"p","string":"x","parameters":{"x":%b}}'),
        ("/v1/configs", b'{"name":"p","config":{"x":%b}}'),
    ]:
        status, got = await send(proxy, path, body % deep)
        assert status in (200, 400), (path, got)
        assert status == 200 or message_of(got)
    exchanges = await proxy.exchanges(rows)
    assert {e.error_type for e in exchanges if e.outcome is Outcome.REFUSED} <= {
        *("bad_json", "nested_too_deep", "template_too_large", "bad_variables", "validation_error", "invalid_request")
    }


@pytest.mark.parametrize("depth", [200, 990, 10_000])
@pytest.mark.parametrize("field", ["override_params", "nonsense", "cache", "strategy"])
async def test_a_config_however_deep(proxy: Proxy, provider: Provider, field: str, depth: int) -> None:
    config = f'{{"{field}":{{"x":{"[" * depth}{"]" * depth}}}}}'
    status, got = await send(proxy, "/v1/chat/completions", json.dumps(CHAT).encode(), {"x-portkey-config": config})
    exchange = await proxy.exchange()
    if status == 200:
        assert field == "override_params" or any("ignored" in note for note in exchange.notes) or field == "cache"
    else:
        assert (status, exchange.error_type) == (400, "nested_too_deep")
        assert message_of(got)
        assert not provider.requests


async def test_a_config_of_ten_megabytes_is_no_request(proxy: Proxy, provider: Provider) -> None:
    before = metrics.not_http.labels("too_large")._value.get()
    status, got = await send(proxy, "/v1/chat/completions", b"", {"x-portkey-config": "{" + "x" * 10 * MIB})
    assert status == 431
    assert message_of(got)
    assert metrics.not_http.labels("too_large")._value.get() == before + 1
    await proxy.exchanges(0)
    assert not provider.requests


@pytest.mark.parametrize("text", ["v", '"', "\n", "é", "{{x}}"], ids=["plain", "quotes", "breaks", "accents", "tags"])
async def test_variables_of_ten_megabytes(proxy: Proxy, provider: Provider, text: str) -> None:
    slug = await make_prompt(proxy, "Say {{x}}", model="m")
    value = text * (10 * MIB // len(text.encode()))
    body = json.dumps({"variables": {"x": value, "unused": [1]}}).encode()
    async with proxy.client.post(f"{proxy.url}/v1/prompts/{slug}/completions", data=pieces(body), headers=JSON) as got:
        assert got.status == 200
        assert await got.read()
    (request,) = provider.requests
    assert json.loads(request.body)["messages"][0]["content"] == "Say " + value
    exchange = await proxy.exchange()
    assert exchange.outcome is Outcome.OK
    assert exchange.request.truncated


@pytest.mark.parametrize(
    ("path", "limit", "rows"),
    [
        ("/v1/chat/completions", "TRACER_MAX_REQUEST_BYTES", 1),
        ("/v1/prompts/SLUG/completions", "TRACER_MAX_REQUEST_BYTES", 1),
        ("/v4/beta/chat/completions", "TRACER_MAX_REQUEST_BYTES", 1),
        ("/v5/chat/completions", "TRACER_MAX_REQUEST_BYTES", 1),
        ("/v1/prompts/SLUG/render", "TRACER_MAX_REQUEST_BYTES", 0),
        ("/v1/prompts", "4194304 bytes", 0),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_a_body_that_is_too_large(
    proxy: Proxy, provider: Provider, path: str, limit: str, rows: int, chunked: bool
) -> None:
    slug = await make_prompt(proxy, "hi", model="m")
    body = b'{"model":"openai/m","variables":{"x":"' + b"v" * (64 * MIB) + b'"}}'

    length = {} if chunked else {"Content-Length": str(len(body))}
    async with proxy.client.post(proxy.url + path.replace("SLUG", slug), data=pieces(body), headers={**JSON, **length}) as got:
        assert got.status == 413
        assert limit in message_of(await got.json())
    found = await proxy.exchanges(rows)
    assert all((e.outcome, e.error_type) == (Outcome.REFUSED, "body_too_large") for e in found)
    assert not provider.requests
