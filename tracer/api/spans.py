"""`/v5/spans`: an application's own spans, as Scale's SDK sends and reads them.

`POST /v5/spans`             one span.
`PUT, POST /v5/spans/batch`  up to 1000. Both write over what is there: a span is sent when it starts and again when it ends.
`GET /v5/spans/{id}`         the newest version of one.
`POST /v5/spans/search`      those that fit (span_search.py).
`PATCH /v5/spans/{id}`       501, as at Scale for accounts whose spans are only written over.

What was accepted reaches SQL a moment later, so the last ones are remembered here too. Errors are in FastAPI's shapes. A
request is taken whole or not at all, unless the spool stops taking in the middle of it; sent again, it writes the same over.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from tracer import metrics
from tracer.api import span_items
from tracer.api.errors import ApiError
from tracer.api.incoming import parse, read_body
from tracer.api.queries import sql
from tracer.api.questions import Questions
from tracer.api.recent import Recent
from tracer.api.span_items import Sender, shown
from tracer.api.span_search import search, visible
from tracer.api.texts import storable
from tracer.api.visibility import sees
from tracer.config import Settings
from tracer.proxy.refused import Refused
from tracer.redact import callers_secrets
from tracer.registry.records import Caller
from tracer.scale.errors import Fault, failed, unprocessable
from tracer.scale.errors import body as told
from tracer.signals import AppSpan

PATH = "/v5/spans"

_RECENT, _RECENT_BYTES = 5_000, 32 << 20
_LONGEST_ACCOUNT = 128
# Spans of one id in different traces that are looked at for the newest.
_MOST_NAMESAKES = 100

# Takes a record for the spool; whether it could.
Append = Callable[[AppSpan], bool]


class SpansEndpoint:
    """The endpoint."""

    def __init__(self, settings: Settings, append: Append, questions: Questions) -> None:
        self._settings = settings
        self._append = append
        self._questions = questions
        self._recent: Recent[AppSpan] = Recent(_RECENT, _RECENT_BYTES)

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        name = unquote(request.rel_url.raw_path.removeprefix(PATH).strip("/"))
        try:
            return await self._answer(request, name, caller)
        except ApiError as error:  # of what all endpoints share, which speaks Portkey's dialect
            return _reply(failed(error.message), error.status)
        except Refused as refusal:
            return _reply(told(refusal), refusal.status)

    async def _answer(self, request: web.BaseRequest, name: str, caller: Caller) -> web.Response:
        match request.method, name:
            case ("POST", ""):
                (span,) = await self._take(request, caller, span_items.read_one)
                return _reply(shown(span))
            case ("POST" | "PUT", "batch"):
                spans = await self._take(request, caller, span_items.read_many)
                return _reply({"object": "list", "items": [shown(span) for span in spans]})
            case ("POST", "search"):
                return await self._search(request, caller)
            case ("GET", _) if name:
                return await self._read(name, caller)
            case ("PATCH", _) if name:
                raise ApiError(501, "spans are written over, not changed in part: send the span again to PUT /v5/spans/batch")
            case _:
                raise ApiError(405, f"{request.method} is not a method of {request.path}")

    async def _take(
        self, request: web.BaseRequest, caller: Caller, read: Callable[[Any, Sender], list[AppSpan]]
    ) -> list[AppSpan]:
        body = await read_body(request, self._settings.max_request_bytes)
        headers = request.headers
        sender = Sender(
            caller=caller,
            account=storable(headers.get("x-selected-account-id", ""))[:_LONGEST_ACCOUNT],
            content=self._settings.capture == "full" and headers.get("x-portkey-debug", "").lower() != "false",
            secrets=callers_secrets(request.raw_headers, request.raw_path),
            received_ns=time.time_ns(),
            kept_days=self._settings.retention_days,
        )
        # Megabytes of JSON, to be searched for secrets: not on the event loop.
        spans = await asyncio.to_thread(lambda: read(_json(body), sender))
        for span in spans:
            if not self._append(span):
                raise ApiError(503, "the spans cannot be kept: the spool takes no more at the moment")
            self._recent.add(span)
        metrics.signals.labels("span").inc(len(spans))
        return spans

    async def _read(self, name: str, caller: Caller) -> web.Response:
        own, bound = visible(caller)
        recent = self._recent.get(name)
        found = [recent] if recent is not None and sees(caller, recent.workspace) else []
        try:
            asked = {**bound, "span_id": name, "limit": _MOST_NAMESAKES}
            found += await self._ask(f"span_id = {{span_id:String}} AND {own}", "DESC", asked)
        except ApiError:
            if not found:
                raise
        if not found:
            raise ApiError(404, "there is no span with this id")
        span = max(found, key=lambda each: each.version)
        return _reply(shown(span))

    async def _search(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        body = await read_body(request, self._settings.max_request_bytes)
        asked = search(_json(body) if body.strip() else None, request.query, caller)
        found = await self._ask(asked.conditions, asked.direction, asked.parameters)
        page = found[: asked.limit]
        if asked.reversed_:
            page.reverse()
        items = [shown(span) for span in page]
        return _reply({"object": "list", "items": items, "has_more": len(found) > asked.limit})

    async def _ask(self, conditions: str, direction: str, parameters: dict[str, Any]) -> list[AppSpan]:
        rows = await self._questions.rows(sql("spans", conditions=conditions, direction=direction), parameters)
        return [AppSpan(**row) for row in rows]


def _json(body: bytes) -> Any:
    try:
        return parse(body)
    except ApiError as error:
        raise unprocessable([Fault((), f"JSON decode error: {error.message}", "json_invalid")]) from None


def _reply(body: dict[str, Any], status: int = 200) -> web.Response:
    try:
        data = orjson.dumps(body)
    except orjson.JSONEncodeError:  # an object that is as deep as orjson writes, and the reply around it
        data = json.dumps(body).encode()
    return web.Response(body=data, status=status, content_type="application/json")
