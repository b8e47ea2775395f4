"""`/v1/prompts`: managing prompts, by the calls that Portkey's SDKs and Terraform provider make.

    POST, GET /v1/prompts                    GET, PUT, DELETE /v1/prompts/{slug or id}
    PUT …/makeDefault                        GET …/versions, GET and PUT …/versions/{id}

Calling a prompt (`…/completions`, `…/render`) is elsewhere, and partials, which live under the same path, are in partials.py.
Beyond Portkey's API, a new prompt may bring its `slug`, so that programs which name it go on working.

Traps: a null means "not given" (Terraform sends `"parameters": null` with a new name alone). `is_raw_template` is 0 or 1, or a
boolean, or inside `template_metadata`, which an update calls `prompt_metadata`. Fields that a version does not mention are
inherited from the newest one, with `patch` or without: Python's SDK cannot send `patch`, and losing the rest would be worse.
"""

from collections.abc import Mapping
from typing import Any

from tracer.api.partials import PARTIAL_ROUTES
from tracer.api.registry import Ask, Endpoints, Route, list_reply
from tracer.registry import labels, prompts, versioned
from tracer.registry.database import Database
from tracer.registry.rules import Invalid
from tracer.registry.snapshot import Watcher
from tracer.registry.stored import Content, Item, Label, Version
from tracer.registry.variables import variables_of
from tracer.registry.versioned import PROMPT

PATH = "/v1/prompts"
_JSON: dict[str, type | tuple[type, ...]] = {"parameters": dict, "tools": list, "functions": list, "tool_choice": (dict, str)}


class Prompts(Endpoints):
    """Answers what is asked under `/v1/prompts`, calls of prompts excepted."""

    def __init__(self, database: Database, watcher: Watcher) -> None:
        super().__init__(PATH, (*PARTIAL_ROUTES, *PROMPT_ROUTES), database, watcher)


async def _create(ask: Ask) -> object:
    content = prompts.changed(Content(ask.needed_text("string")), _changes(ask))
    where = await prompts.place(ask.connection, ask.new_workspace, ask.text("collection_id"))
    item, version = await prompts.create_prompt(
        ask.connection, where, ask.needed_text("name"), content, ask.text("version_description"), ask.text("slug")
    )
    return {"id": item.id, "slug": item.slug, "version_id": version.id, "object": "prompt"}


async def _list(ask: Ask) -> object:
    workspace = ask.listed_workspace
    if workspace is None:
        return list_reply(0, [])
    total, found = await versioned.listed(
        ask.connection, PROMPT, workspace, ask.page, ask.query.get("collection_id", ""), ask.query.get("search", "")
    )
    return list_reply(total, [_head(item, version) for item, version in found])


async def _read(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PROMPT, ask.workspace, ask.ids[0])
    number: int | None = item.published
    if wanted := ask.query.get("version", ""):
        number = versioned.NEWEST if wanted == "latest" else _number(wanted)
    return await _whole(ask, item, await versioned.version(ask.connection, PROMPT, item.id, number))


async def _update(ask: Ask) -> object:
    changes = _changes(ask)
    item, version = await prompts.update_prompt(
        ask.connection,
        ask.workspace,
        ask.ids[0],
        name=ask.optional_text("name"),
        collection=ask.optional_text("collection_id"),
        changes=changes,
        description=ask.text("version_description"),
    )
    if version is None:
        return {}
    return {"id": item.id, "slug": item.slug, "prompt_version_id": version.id, "object": "prompt"}


async def _delete(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PROMPT, ask.workspace, ask.ids[0])
    await versioned.remove(ask.connection, PROMPT, item)
    return {}


async def _publish(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PROMPT, ask.workspace, ask.ids[0])
    await versioned.publish(ask.connection, PROMPT, item, ask.number("version"))
    return {}


async def _versions(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PROMPT, ask.workspace, ask.ids[0])
    on = await prompts.labels_of(ask.connection, item)
    found = await versioned.versions(ask.connection, PROMPT, item.id)
    return list_reply(len(found), [_listed_version(item, version, on.get(version.number, [])) for version in found])


async def _version(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PROMPT, ask.workspace, ask.ids[0])
    return await _whole(ask, item, await versioned.version_by_id(ask.connection, PROMPT, item.id, ask.ids[1]))


async def _label(ask: Ask) -> object:
    if "label_id" not in ask.body:
        raise Invalid("`label_id` is missing; null takes the labels off")
    prompt, version = ask.ids
    await prompts.label_version(ask.connection, ask.workspace, prompt, version, ask.optional_text("label_id"))
    return {}


PROMPT_ROUTES = (
    Route("POST", "", _create),
    Route("GET", "", _list),
    Route("GET", "*", _read),
    Route("PUT", "*", _update),
    Route("DELETE", "*", _delete),
    Route("PUT", "*/makeDefault", _publish),
    Route("GET", "*/versions", _versions),
    Route("GET", "*/versions/*", _version),
    Route("PUT", "*/versions/*", _label),
)


def _changes(ask: Ask) -> dict[str, Any]:
    """What the body says of a version, by the names of Content's fields."""
    changes: dict[str, Any] = {}
    if (string := ask.optional_text("string")) is not None:
        changes["string"] = string
    if (provider := ask.optional_text("virtual_key")) is not None:
        changes["provider"] = provider
    for name, kind in _JSON.items():
        if (value := ask.body.get(name)) is not None:
            changes[name] = _typed(name, value, kind)
    if model := ask.text("model"):
        changes["model"] = model
    metadata = ask.body.get("template_metadata", ask.body.get("prompt_metadata"))
    if metadata is not None:
        changes["template_metadata"] = _typed("template_metadata", metadata, dict)
    raw = ask.body.get("is_raw_template")
    if raw is None and isinstance(metadata, Mapping):
        raw = metadata.get("is_raw_template")
    if raw is not None:
        changes["raw"] = bool(_typed("is_raw_template", raw, int))
    return changes


def _typed(name: str, value: object, kind: type | tuple[type, ...]) -> Any:
    if isinstance(value, kind):
        return value
    kinds = kind if isinstance(kind, tuple) else (kind,)
    words = {dict: "an object", list: "a list", str: "a string", int: "0 or 1"}
    raise Invalid(f"`{name}` should be {' or '.join(words[k] for k in kinds)}")


def _number(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text[:12])
    raise Invalid("`version` should be a number or `latest`")


def _head(item: Item, version: Version) -> dict[str, object]:
    return {
        "id": item.id,
        "slug": item.slug,
        "name": item.name,
        "collection_id": item.collection_id,
        "workspace_id": item.workspace,
        "model": version.content.model,
        "status": "active",
        "created_at": item.created_at,
        "last_updated_at": item.updated_at,
        "object": "prompt",
    }


def _listed_version(item: Item, version: Version, on: list[Label]) -> dict[str, object]:
    return {
        "id": version.id,
        "prompt_id": item.id,
        "prompt_template": version.content.string,
        "prompt_version": version.number,
        "prompt_description": version.description,
        "label_id": on[0].id if on else None,
        "prompt_version_labels": _names(on),
        "is_raw_template": int(version.content.raw),
        "created_at": version.created_at,
        "status": "active",
        "object": "prompt",
    }


async def _whole(ask: Ask, item: Item, version: Version) -> dict[str, object]:
    on = (await labels.on_versions(ask.connection, [item.id])).get((item.id, version.number), [])
    content, found = version.content, variables_of(version.content.string)
    return {
        **_head(item, version),
        "prompt_version_id": version.id,
        "prompt_version": version.number,
        "prompt_version_description": version.description,
        "prompt_version_status": "active",
        "string": content.string,
        "variable_components": {
            "variables": found.variables,
            "partials": found.partials,
            "sections": found.sections,
            "sectionVariables": found.inside,
            "variablePartials": found.variable_partials,
        },
        "parameters": content.parameters,
        "functions": content.functions,
        "tools": content.tools,
        "tool_choice": content.tool_choice,
        "template_metadata": content.template_metadata,
        "prompt_version_label_id": on[0].id if on else None,
        "prompt_version_label_name": on[0].name if on else None,
        "is_raw_template": int(content.raw),
        "prompt_version_labels": _names(on),
        "virtual_key": content.provider,
    }


def _names(on: list[Label]) -> list[dict[str, str]]:
    return [{"id": label.id, "name": label.name} for label in on]
