"""`/v1/labels`: names for versions of prompts.

POST, GET /v1/labels        GET, PUT, DELETE /v1/labels/{id}
"""

from tracer.api.registry import Ask, Endpoints, Route, list_reply
from tracer.registry import labels
from tracer.registry.database import Database
from tracer.registry.snapshot import Watcher
from tracer.registry.stored import Label

PATH = "/v1/labels"
_FIELDS = {"name": "name", "description": "description", "color_code": "color"}


class Labels(Endpoints):
    """Answers what is asked under `/v1/labels`."""

    def __init__(self, database: Database, watcher: Watcher) -> None:
        super().__init__(PATH, LABEL_ROUTES, database, watcher)


async def _create(ask: Ask) -> object:
    label = await labels.create(
        ask.connection, ask.new_workspace, ask.needed_text("name"), ask.text("description"), ask.text("color_code")
    )
    return {"id": label.id}


async def _list(ask: Ask) -> object:
    workspace = ask.listed_workspace
    if workspace is None:
        return list_reply(0, [])
    total, found = await labels.listed(ask.connection, workspace, ask.page, ask.query.get("search", ""))
    return list_reply(total, [_shown(label) for label in found])


async def _read(ask: Ask) -> object:
    return _shown(await labels.find(ask.connection, ask.workspace, ask.ids[0]))


async def _update(ask: Ask) -> object:
    given = {ours: ask.optional_text(theirs) for theirs, ours in _FIELDS.items()}
    changes = {name: value for name, value in given.items() if value is not None}
    await labels.change(ask.connection, ask.workspace, ask.ids[0], changes)
    return {}


async def _delete(ask: Ask) -> object:
    await labels.remove(ask.connection, ask.workspace, ask.ids[0])
    return {}


LABEL_ROUTES = (
    Route("POST", "", _create),
    Route("GET", "", _list),
    Route("GET", "*", _read),
    Route("PUT", "*", _update),
    Route("DELETE", "*", _delete),
)


def _shown(label: Label) -> dict[str, object]:
    return {
        "id": label.id,
        "name": label.name,
        "description": label.description,
        "color_code": label.color,
        "organisation_id": "",
        "workspace_id": label.workspace,
        "is_universal": label.universal,
        "status": "active",
        "created_at": label.created_at,
        "last_updated_at": label.updated_at,
    }
