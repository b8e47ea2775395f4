"""`/v1/configs`: saved configs, by the calls that Portkey's SDKs and Terraform provider make.

    POST /v1/configs    GET /v1/configs?workspace_id=    GET, PUT, DELETE /v1/configs/{slug or id}

Reading is for every caller, within its workspace; changing is for those who may manage. `config` is read back as JSON text, as
Portkey's own service gives it, and keys in it are masked for those who may not change it. Beyond Portkey's API, a new config
may bring its `slug`, so that programs which name it go on working.
"""

import re
from collections.abc import Mapping

import orjson

from tracer.api.registry import Ask, Endpoints, Route, list_reply
from tracer.registry import configs
from tracer.registry.configs import Stored
from tracer.registry.database import Database
from tracer.registry.records import Caller
from tracer.registry.rules import Invalid
from tracer.registry.snapshot import Watcher

PATH = "/v1/configs"
MASK = "***"
_SECRET = re.compile(r"(?i)(?:^|.*_)(?:key|token|secret|password)|.*(?:apiKey|accessKey|secretKey|Token|Secret)$|.*_json$")


class Configs(Endpoints):
    """Answers what is asked under `/v1/configs`."""

    def __init__(self, database: Database, watcher: Watcher) -> None:
        super().__init__(PATH, _ROUTES, database, watcher)


async def _create(ask: Ask) -> object:
    config = _config(ask)
    if config is None:
        raise Invalid("`config` is missing")
    made = await configs.create(
        ask.connection,
        ask.new_workspace,
        ask.needed_text("name"),
        config,
        is_default=bool(ask.body.get("is_default") or ask.body.get("isDefault")),
        slug=ask.text("slug"),
    )
    return _written({"id": made.saved.id, "slug": made.saved.slug, "version_id": made.version_id})


async def _list(ask: Ask) -> object:
    workspace = ask.listed_workspace
    if workspace is None:
        return list_reply(0, [])
    total, found = await configs.listed(ask.connection, workspace, ask.page)
    return list_reply(total, [_shown(stored) for stored in found])


async def _read(ask: Ask) -> object:
    return _shown_whole(await configs.find(ask.connection, ask.workspace, ask.ids[0]), ask.caller)


async def _update(ask: Ask) -> object:
    if ask.optional_text("status") not in (None, "active"):
        raise Invalid("`status` cannot be changed here; delete the config instead")
    name, config = ask.optional_text("name"), _config(ask)
    return _written({"version_id": await configs.change(ask.connection, ask.workspace, ask.ids[0], name=name, config=config)})


async def _delete(ask: Ask) -> object:
    await configs.remove(ask.connection, ask.workspace, ask.ids[0])
    return {}


_ROUTES = (
    Route("POST", "", _create),
    Route("GET", "", _list),
    Route("GET", "*", _read),
    Route("PUT", "*", _update),
    Route("DELETE", "*", _delete),
)


def _written(ids: Mapping[str, object]) -> object:
    """Clients of Portkey's disagree on where the ids of something new stand, so they stand in both places."""
    return {**ids, "object": "config", "success": True, "data": dict(ids)}


def _config(ask: Ask) -> Mapping[str, object] | None:
    """The config of a request, an object or the JSON text of one; None if there is none."""
    config = ask.body.get("config")
    if isinstance(config, str):
        try:
            config = orjson.loads(config)
        except orjson.JSONDecodeError:
            raise Invalid("`config` should be a JSON object") from None
    if config is None or isinstance(config, dict):
        return config
    raise Invalid("`config` should be a JSON object")


def _shown(stored: Stored) -> dict[str, object]:
    saved = stored.saved
    return {
        "id": saved.id,
        "name": stored.name,
        "slug": saved.slug,
        "organisation_id": "",
        "workspace_id": saved.workspace,
        "is_default": int(stored.is_default),
        "status": "active",
        "owner_id": "",
        "updated_by": "",
        "created_at": stored.created_at,
        "last_updated_at": stored.updated_at,
        "object": "config",
    }


def _shown_whole(stored: Stored, caller: Caller) -> dict[str, object]:
    config = stored.saved.config if caller.admin else _masked(stored.saved.config)
    text = orjson.dumps(config).decode()
    return {**_shown(stored), "config": text, "format": "json", "type": "ORG_CONFIG", "version_id": stored.version_id}


def _masked(value: object) -> object:
    """A config without its keys."""
    if isinstance(value, Mapping):
        return {
            name: MASK if _SECRET.fullmatch(name) and isinstance(item, str) else _masked(item) for name, item in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, list) else value
