"""`/v1/logs`: calls made elsewhere come in, single calls go out, both in Portkey's shapes.

`POST /v1/logs`      one entry or a list; answered with the text `ok`, as Portkey does. They go to the spool like every call.
`GET /v1/logs/{id}`  one call with its content. The id is the row's `call_id`, which the proxy says in `x-tracer-call-id`.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import orjson
from aiohttp import web

from tracer.api.errors import ApiError
from tracer.api.filters import VISIBLE
from tracer.api.incoming import parse, read_body
from tracer.api.log_entry import Sender, exchanges
from tracer.api.log_record import log_record
from tracer.api.queries import sql
from tracer.api.questions import Questions
from tracer.api.visibility import KeysOf, visible_keys
from tracer.config import Settings
from tracer.records import Exchange
from tracer.registry.records import Caller

PATH = "/v1/logs"
NOT_FOUND = "there is no log with this id"

# Takes a record for the spool; whether it could.
Append = Callable[[Exchange], bool]


class Logs:
    """The endpoint."""

    def __init__(self, settings: Settings, append: Append, questions: Questions, keys_of: KeysOf) -> None:
        self._settings = settings
        self._append = append
        self._questions = questions
        self._keys_of = keys_of

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        name = request.path.removeprefix(PATH).strip("/")
        if name == "exports" or name.startswith("exports/"):
            raise ApiError(501, "log exports are not in Tracer; `tracer query` writes llm.calls in any format")
        if not name and request.method == "POST":
            return await self._insert(request, caller)
        if name and request.method == "GET":
            return await self._read(name, caller)
        raise ApiError(405, f"{request.method} {request.path}: there are POST {PATH} and GET {PATH}/{{id}}")

    async def _insert(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        body = await read_body(request, self._settings.max_request_bytes)
        sender = Sender(
            headers=request.headers,
            raw_headers=request.raw_headers,
            target=request.raw_path,
            caller=caller,
            content=self._settings.capture == "full" and request.headers.get("x-portkey-debug", "").lower() != "false",
            capture_bytes=self._settings.capture_bytes,
            now_ns=time.time_ns(),
        )
        # Megabytes of JSON, to be searched for secrets: not on the event loop.
        made = await asyncio.to_thread(lambda: exchanges(parse(body), sender))
        taken = sum(map(self._append, made))
        if taken < len(made):
            raise ApiError(503, f"{taken} of {len(made)} log entries were taken: the spool takes no more at the moment")
        return web.Response(text="ok")

    async def _read(self, name: str, caller: Caller) -> web.Response:
        try:
            call_id = UUID(name)
        except ValueError:
            raise ApiError(404, NOT_FOUND, "AB02") from None
        keys = visible_keys(caller, self._keys_of)
        text = sql("log", visible="true" if keys is None else VISIBLE)
        rows = await self._questions.rows(text, {"call_id": str(call_id), "visible_keys": sorted(keys or ())})
        if not rows:
            raise ApiError(404, NOT_FOUND, "AB02")
        return web.Response(body=orjson.dumps(log_record(rows[0])), content_type="application/json")
