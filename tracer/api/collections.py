"""`/v1/collections`: folders of prompts.

POST, GET /v1/collections        GET, PUT, DELETE /v1/collections/{id or slug}
"""

from tracer.api.registry import Ask, Endpoints, Route, list_reply
from tracer.registry import collections
from tracer.registry.collections import Holds
from tracer.registry.database import Database
from tracer.registry.snapshot import Watcher
from tracer.registry.stored import Collection

PATH = "/v1/collections"


class Collections(Endpoints):
    """Answers what is asked under `/v1/collections`."""

    def __init__(self, database: Database, watcher: Watcher) -> None:
        super().__init__(PATH, COLLECTION_ROUTES, database, watcher)


async def _create(ask: Ask) -> object:
    parent = None
    if key := ask.text("parent_collection_id"):
        parent = await collections.find(ask.connection, ask.workspace, key)
    made = await collections.create(ask.connection, ask.new_workspace, ask.needed_text("name"), parent)
    return {"id": made.id, "slug": made.slug}


async def _list(ask: Ask) -> object:
    workspace = ask.listed_workspace
    if workspace is None:
        return list_reply(0, [])
    total, found = await collections.listed(ask.connection, workspace, ask.page, ask.query.get("search", ""))
    holds = await collections.holds(ask.connection, found)
    return list_reply(total, [{**_shown(one), "collection_details": _details(holds[one.id])} for one in found])


async def _read(ask: Ask) -> object:
    found = await collections.find(ask.connection, ask.workspace, ask.ids[0])
    inner = await collections.children(ask.connection, found)
    holds = await collections.holds(ask.connection, inner)
    shown = [
        {
            "id": one.id,
            "name": one.name,
            "last_updated_at": one.updated_at,
            "collection_details": _details(holds[one.id]),
        }
        for one in inner
    ]
    return {**_shown(found), "child_collections": shown}


async def _update(ask: Ask) -> object:
    await collections.rename(ask.connection, ask.workspace, ask.ids[0], ask.needed_text("name"))
    return {}


async def _delete(ask: Ask) -> object:
    await collections.remove(ask.connection, ask.workspace, ask.ids[0])
    return {}


COLLECTION_ROUTES = (
    Route("POST", "", _create),
    Route("GET", "", _list),
    Route("GET", "*", _read),
    Route("PUT", "*", _update),
    Route("DELETE", "*", _delete),
)


def _shown(one: Collection) -> dict[str, object]:
    return {
        "id": one.id,
        "slug": one.slug,
        "name": one.name,
        "workspace_id": one.workspace,
        "parent_collection_id": one.parent_id,
        "is_default": 0,
        "status": "active",
        "created_at": one.created_at,
        "last_updated_at": one.updated_at,
        "object": "collection",
    }


def _details(holds: Holds) -> dict[str, object]:
    return {
        "child_collections_count": holds.collections,
        "prompts_count": holds.prompts,
        "child_collections_last_updated_at": holds.collections_updated_at,
        "prompts_last_updated_at": holds.prompts_updated_at,
    }
