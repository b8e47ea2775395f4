"""`/v1/prompts/partials`: texts that prompts include, by the calls that Portkey's SDKs and Terraform provider make.

POST, GET /v1/prompts/partials           GET, PUT, DELETE …/{slug or id}
PUT …/{slug or id}/makeDefault           GET …/{slug or id}/versions
"""

from tracer.api.registry import Ask, Route, list_reply
from tracer.registry import partials, versioned
from tracer.registry.rules import Invalid
from tracer.registry.stored import Item, Version
from tracer.registry.versioned import NEWEST, PARTIAL


async def _create(ask: Ask) -> object:
    item, version = await partials.create_partial(
        ask.connection,
        ask.new_workspace,
        ask.needed_text("name"),
        ask.needed_text("string"),
        ask.text("version_description"),
        ask.text("slug"),
    )
    return {"id": item.id, "slug": item.slug, "version_id": version.id}


async def _list(ask: Ask) -> object:
    workspace = ask.listed_workspace
    if workspace is None:
        return list_reply(0, [])
    total, found = await versioned.listed(
        ask.connection, PARTIAL, workspace, ask.page, ask.query.get("collection_id", ""), ask.query.get("search", "")
    )
    return list_reply(total, [_whole(item, version) for item, version in found])


async def _read(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PARTIAL, ask.workspace, ask.ids[0])
    number: int | None = item.published
    if wanted := ask.query.get("version", ""):
        if not (wanted == "latest" or (wanted.isascii() and wanted.isdigit())):
            raise Invalid("`version` should be a number or `latest`")
        number = NEWEST if wanted == "latest" else int(wanted[:12])
    return _whole(item, await versioned.version(ask.connection, PARTIAL, item.id, number))


async def _update(ask: Ask) -> object:
    # Python's SDK and Terraform's provider have different names for the description.
    description = ask.text("version_description") or ask.text("description")
    item, version = await partials.update_partial(
        ask.connection, ask.workspace, ask.ids[0], ask.optional_text("name"), ask.optional_text("string"), description
    )
    return {"id": item.id, "slug": item.slug, "prompt_partial_version_id": version.id} if version else {}


async def _delete(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PARTIAL, ask.workspace, ask.ids[0])
    await versioned.remove(ask.connection, PARTIAL, item)
    return {}


async def _publish(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PARTIAL, ask.workspace, ask.ids[0])
    await versioned.publish(ask.connection, PARTIAL, item, ask.number("version"))
    return {}


async def _versions(ask: Ask) -> object:
    item = await versioned.find(ask.connection, PARTIAL, ask.workspace, ask.ids[0])
    found = await versioned.versions(ask.connection, PARTIAL, item.id)
    return list_reply(len(found), [_listed_version(item, version) for version in found])


PARTIAL_ROUTES = (
    Route("POST", "partials", _create),
    Route("GET", "partials", _list),
    Route("GET", "partials/*", _read),
    Route("PUT", "partials/*", _update),
    Route("DELETE", "partials/*", _delete),
    Route("PUT", "partials/*/makeDefault", _publish),
    Route("GET", "partials/*/versions", _versions),
)


def _whole(item: Item, version: Version) -> dict[str, object]:
    return {
        "id": item.id,
        "slug": item.slug,
        "name": item.name,
        "collection_id": item.collection_id,
        "workspace_id": item.workspace,
        "string": version.content.string,
        "version": version.number,
        "version_description": version.description,
        "prompt_partial_version_id": version.id,
        "prompt_partial_version_status": "active",
        "status": "active",
        "created_at": item.created_at,
        "last_updated_at": item.updated_at,
        "object": "partial",
    }


def _listed_version(item: Item, version: Version) -> dict[str, object]:
    return {
        "prompt_partial_id": item.id,
        "prompt_partial_version_id": version.id,
        "slug": item.slug,
        "version": version.number,
        "string": version.content.string,
        "description": version.description,
        "created_at": version.created_at,
        "prompt_version_status": "active",
        "object": "partial",
    }
