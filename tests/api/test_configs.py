"""Saved configs as Portkey's own SDK makes, reads, changes and deletes them, and as the proxy then finds them."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import portkey_ai
import pytest
from portkey_ai.api_resources.exceptions import NotFoundError

from tests.api.serving import Served, serving
from tracer.api.configs import Configs
from tracer.config import Settings
from tracer.proxy.portkey_config import Retry, read_config
from tracer.registry.database import Database
from tracer.registry.records import Caller
from tracer.registry.snapshot import Watcher

CONFIG = {"retry": {"attempts": 3}, "cache": {"mode": "simple"}, "api_key": "sk-saved", "provider": "openai"}
TEAM_A = Caller("key_a", workspace="team-a", admin=True)
TEAM_B = Caller("key_b", workspace="team-b", admin=True)
READER = Caller("key_r", workspace="team-a", admin=False)


@pytest.fixture
async def watcher(settings: Settings) -> AsyncIterator[Watcher]:
    database = Database(settings)
    made = Watcher(database)
    await made.refresh()
    yield made
    await database.close()


@pytest.fixture
async def served(watcher: Watcher) -> AsyncIterator[Served]:
    async with serving(Configs(watcher._database, watcher)) as running:
        yield running


@pytest.fixture
async def portkey(served: Served) -> AsyncIterator[portkey_ai.AsyncPortkey]:
    client = portkey_ai.AsyncPortkey(api_key="x", base_url=f"{served.url}/v1")
    yield client
    await client.close()


async def ask(served: Served, method: str, path: str, body: object = None, **query: str) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else None
    async with served.client.request(method, served.url + path, data=data, params=query) as got:
        return got.status, orjson.loads(await got.read() or b"{}")


async def test_portkeys_sdk(portkey: portkey_ai.AsyncPortkey, watcher: Watcher) -> None:
    made = await portkey.configs.create(name="My config", config=CONFIG, is_default=1)
    assert made.object == "config"
    assert made.slug
    assert made.slug.startswith("pc-my-config-")
    read = await portkey.configs.retrieve(slug=made.slug)
    assert (read.id, read.slug, read.name, read.version_id) == (made.id, made.slug, "My config", made.version_id)
    assert (read.is_default, read.status, read.workspace_id) == (1, "active", "")
    assert isinstance(read.config, str)
    assert orjson.loads(read.config) == CONFIG

    changed = await portkey.configs.update(slug=made.slug, name="Renamed", config={"retry": {"attempts": 1}})
    assert changed.version_id not in (None, made.version_id)
    listed = await portkey.configs.list()
    assert (listed.object, listed.total) == ("list", 1)
    assert listed.data
    assert (listed.data[0]["name"], listed.data[0]["slug"], listed.data[0]["object"]) == ("Renamed", made.slug, "config")
    # The worker that answered has it at once.
    assert read_config(made.slug, watcher.current.configs, "").retry == Retry(1)

    await portkey.configs.delete(slug=made.slug)
    assert (await portkey.configs.list()).total == 0
    with pytest.raises(NotFoundError, match="Invalid config id"):
        await portkey.configs.retrieve(slug=made.slug)


async def test_the_terraform_providers_calls(served: Served) -> None:
    status, made = await ask(
        served, "POST", "/v1/configs", {"name": "tf", "config": CONFIG, "workspace_id": "w", "isDefault": 1}
    )
    assert status == 200
    assert made["success"]
    assert made["data"] == {name: made[name] for name in ("id", "slug", "version_id")}
    status, read = await ask(served, "GET", f"/v1/configs/{made['slug']}")
    assert (status, read["workspace_id"], read["is_default"]) == (200, "w", 1)
    assert read["created_at"].endswith("Z")  # Go reads RFC 3339 and nothing else
    assert read["last_updated_at"].endswith("Z")
    assert (await ask(served, "GET", "/v1/configs", workspace_id="w"))[1]["total"] == 1
    assert (await ask(served, "GET", "/v1/configs", workspace_id="other"))[1]["total"] == 0
    assert await ask(served, "DELETE", f"/v1/configs/{made['id']}") == (200, {})


async def test_a_slug_that_programs_know_can_be_kept(served: Served, watcher: Watcher) -> None:
    body = {"name": "old", "config": orjson.dumps(CONFIG).decode(), "slug": "pc-prod-3f9a1c"}
    assert (await ask(served, "POST", "/v1/configs", body))[1]["slug"] == "pc-prod-3f9a1c"
    assert read_config("pc-prod-3f9a1c", watcher.current.configs, "").provider == "openai"
    status, error = await ask(served, "POST", "/v1/configs", body)
    assert (status, error["error"]["code"]) == (409, "AB07")


async def test_another_workspaces_config_is_not_there_word_for_word(served: Served) -> None:
    served.caller = TEAM_A
    _, made = await ask(served, "POST", "/v1/configs", {"name": "a", "config": CONFIG})
    served.caller = TEAM_B
    missing = await ask(served, "GET", "/v1/configs/pc-nonesuch")
    assert missing[0] == 404
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        assert await ask(served, method, f"/v1/configs/{made['slug']}", body) == missing
    assert (await ask(served, "GET", "/v1/configs"))[1]["total"] == 0
    assert (await ask(served, "GET", "/v1/configs", workspace_id="team-a"))[1]["total"] == 0
    assert (await ask(served, "POST", "/v1/configs", {"name": "x", "config": {}, "workspace_id": "team-a"}))[0] == 404
    served.caller = TEAM_A
    assert (await ask(served, "GET", "/v1/configs"))[1]["total"] == 1


async def test_who_may_only_read_sees_no_keys_and_changes_nothing(served: Served) -> None:
    served.caller = TEAM_A
    secret = {
        **CONFIG,
        "targets": [{"apiKey": "sk-2", "aws_secret_access_key": "s", "retry": {}, "override_params": {"max_tokens": 5}}],
    }
    _, made = await ask(served, "POST", "/v1/configs", {"name": "a", "config": secret})
    assert orjson.loads((await ask(served, "GET", f"/v1/configs/{made['id']}"))[1]["config"]) == secret
    served.caller = READER
    shown = orjson.loads((await ask(served, "GET", f"/v1/configs/{made['id']}"))[1]["config"])
    masked = {"apiKey": "***", "aws_secret_access_key": "***", "retry": {}, "override_params": {"max_tokens": 5}}
    assert shown == {**CONFIG, "api_key": "***", "targets": [masked]}
    for method in ("POST", "PUT", "DELETE"):
        status, error = await ask(served, method, "/v1/configs" + ("" if method == "POST" else f"/{made['id']}"), {"name": "x"})
        assert (status, error["error"]["code"]) == (403, "AB03")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/configs", b"{", 400),
        ("POST", "/v1/configs", [], 400),
        ("POST", "/v1/configs", {"config": {}}, 400),
        ("POST", "/v1/configs", {"name": "a"}, 400),
        ("POST", "/v1/configs", {"name": "a", "config": []}, 400),
        ("POST", "/v1/configs", {"name": "a", "config": "{"}, 400),
        ("POST", "/v1/configs", {"name": 7, "config": {}}, 400),
        ("POST", "/v1/configs", {"name": "a\0", "config": {}}, 400),
        ("POST", "/v1/configs", {"name": "a", "config": {}, "slug": "../x"}, 400),
        ("PUT", "/v1/configs/pc-nonesuch", {"name": "a"}, 404),
        ("PUT", "/v1/configs/pc-nonesuch", {"status": "archived"}, 400),
        ("GET", "/v1/configs/pc%2Fnonesuch", None, 404),
        ("GET", "/v1/configs/a%00b", None, 404),
        ("GET", "/v1/configs/a/b", None, 404),
        ("PATCH", "/v1/configs", {}, 405),
        ("DELETE", "/v1/configs", None, 405),
    ],
)
async def test_wrong_requests(served: Served, method: str, path: str, body: object, status: int) -> None:
    got, error = await ask(served, method, path, body)
    assert got == status
    assert error["status"] == "failure"
    assert error["message"] == error["error"]["message"]
