"""`/v1/feedback`: what people thought of a trace, as Portkey's SDKs send it.

`POST /v1/feedback`      one object, a list, or the object of numbered objects (`{"0": {"traceID": …}}`) that Node's SDK makes
                         of a list. All of them are taken or none; the ids come back in their order.
`PUT /v1/feedback/{id}`  a new value, and weight or metadata if they are given; the rest stays as it was.

As at Portkey, nobody asks whether the trace exists, a weight outside 0 … 1 becomes 1, and texts of metadata end after 128
characters. An update is a new version above the one before, whatever this machine's clock says.

What was accepted reaches SQL a moment later. The last ones are remembered here, and one that another worker may just have
accepted, by the time in its id, is waited for.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from msgspec.structs import replace

from tracer import metrics
from tracer.api.errors import ApiError
from tracer.api.incoming import parse, read_body
from tracer.api.queries import sql
from tracer.api.questions import Questions
from tracer.api.recent import Recent
from tracer.api.texts import LONGEST, metadata_text, storable
from tracer.api.visibility import sees
from tracer.config import Settings
from tracer.ids import uuid7
from tracer.redact import Secrets, callers_secrets
from tracer.registry.records import Caller
from tracer.signals import Feedback, without_secrets

PATH = "/v1/feedback"
MOST_AT_ONCE = 1000
LOWEST, HIGHEST = -10, 10

_TRACE_ID = ("trace_id", "traceID", "traceId")
_MOST_METADATA = 256
_RECENT, _RECENT_BYTES = 10_000, 8 << 20
# How long a record may be on its way to SQL, and how often to look.
_ARRIVES_MS = 3000
_LOOK_AGAIN_SECONDS = 0.25

# Takes a record for the spool; whether it could.
Append = Callable[[Feedback], bool]


class FeedbackEndpoint:
    """The endpoint."""

    def __init__(self, settings: Settings, append: Append, questions: Questions) -> None:
        self._settings = settings
        self._append = append
        self._questions = questions
        self._recent: Recent[Feedback] = Recent(_RECENT, _RECENT_BYTES)

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        name = request.path.removeprefix(PATH).strip("/")
        if request.method == "POST" and not name:
            return await self._give(request, caller)
        if request.method == "PUT" and name:
            return await self._update(request, name, caller)
        raise ApiError(405, f"{request.method} {request.path}: there are POST {PATH} and PUT {PATH}/{{id}}")

    async def _give(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        body = await read_body(request, self._settings.max_request_bytes)
        secrets = callers_secrets(request.raw_headers, request.raw_path)
        # It may be megabytes: not on the event loop.
        made = await asyncio.to_thread(lambda: given(parse(body), caller, secrets, time.time_ns()))
        for record in made:
            self._take(record)
        return _saved("Feedback successfully saved", made)

    async def _update(self, request: web.BaseRequest, name: str, caller: Caller) -> web.Response:
        body = parse(await read_body(request, self._settings.max_request_bytes))
        if not isinstance(body, dict) or _numbered(body):
            raise _invalid("031")
        value = _value(body)
        before = await self._known(name, caller)
        changed = replace(
            before,
            value=value,
            weight=_weight(body["weight"]) if body.get("weight") is not None else before.weight,
            metadata=before.metadata if body.get("metadata") is None else _metadata(body["metadata"], caller),
            version=max(time.time_ns(), before.version + 1),
            key_id=caller.key_id,
        )
        record = without_secrets(changed, callers_secrets(request.raw_headers, request.raw_path))
        self._take(record)
        return _saved("Feedback successfully updated", [record])

    def _take(self, record: Feedback) -> None:
        if not self._append(record):
            raise ApiError(503, "the feedback cannot be kept: the spool takes no more at the moment")
        self._recent.add(record)
        metrics.signals.labels("feedback").inc()

    async def _known(self, name: str, caller: Caller) -> Feedback:
        """The newest version that the caller may see. Raises ApiError: 404, or what keeps the store from answering."""
        try:
            feedback_id = UUID(name)
        except ValueError:
            raise _unknown() from None
        while not (found := await self._found(feedback_id, caller)):
            if not 0 <= time.time_ns() // 10**6 - (feedback_id.int >> 80) < _ARRIVES_MS:
                raise _unknown()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return max(found, key=lambda record: record.version)

    async def _found(self, feedback_id: UUID, caller: Caller) -> list[Feedback]:
        found: list[Feedback] = []
        if (recent := self._recent.get(str(feedback_id))) is not None:
            found.append(recent)
        try:
            rows = await self._questions.rows(sql("feedback"), {"feedback_id": str(feedback_id)})
            found += [Feedback(**{**row, "id": UUID(row["id"])}) for row in rows]
        except ApiError:
            if not found:
                raise
        return [record for record in found if sees(caller, record.workspace)]


def given(body: Any, caller: Caller, secrets: Secrets, now_ns: int) -> list[Feedback]:
    """The feedback in a POST's body, in its order. Raises ApiError."""
    entries = list(_entries(body))
    if not entries:
        raise _invalid("031")
    if len(entries) > MOST_AT_ONCE:
        raise ApiError(400, f"at most {MOST_AT_ONCE} feedbacks in one request, not {len(entries)}")
    made = []
    for place, entry in enumerate(entries):
        opinion = _read(entry)
        at_ns = now_ns + place * 1000  # the order in which they stand
        record = Feedback(
            id=uuid7(at_ns, random.getrandbits(80)),
            trace_id=opinion.trace_id,
            value=opinion.value,
            weight=opinion.weight,
            metadata=_metadata(opinion.metadata, caller),
            created_ns=at_ns,
            version=at_ns,
            key_id=caller.key_id,
            workspace=caller.workspace,
        )
        made.append(without_secrets(record, secrets))
    return made


@dataclass(frozen=True, slots=True)
class _Opinion:
    trace_id: str
    value: float
    weight: float
    metadata: Any


def _entries(body: Any) -> Iterator[Any]:
    if isinstance(body, list):
        yield from body
    elif _numbered(body):
        yield from (body[key] for key in sorted(body, key=int))
    else:
        yield body


def _numbered(body: Any) -> bool:
    """A list as Node's SDK sends it."""
    return isinstance(body, dict) and bool(body) and all(key.isascii() and key.isdigit() and len(key) < 10 for key in body)


def _read(entry: Any) -> _Opinion:
    trace_id = next((entry[name] for name in _TRACE_ID if name in entry), None) if isinstance(entry, dict) else None
    if not isinstance(trace_id, str) or not trace_id:
        raise _invalid("032")
    return _Opinion(storable(trace_id), _value(entry), _weight(entry.get("weight", 1)), entry.get("metadata"))


def _value(entry: dict[str, Any]) -> float:
    if "value" not in entry:
        raise _invalid("032")
    value = _number(entry["value"])
    if value is None or not LOWEST <= value <= HIGHEST:
        raise _invalid("033")
    return value


def _weight(weight: Any) -> float:
    number = _number(weight)
    return number if number is not None and 0 <= number <= 1 else 1.0


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e6 and math.isfinite(value) else None


def _metadata(sent: Any, caller: Caller) -> dict[str, str]:
    """Texts as on a call's row; those of the caller's key win."""
    own = list(sent.items())[:_MOST_METADATA] if isinstance(sent, dict) else []
    return {storable(key)[:LONGEST]: metadata_text(value) for key, value in own} | dict(caller.tags)


def _saved(message: str, records: list[Feedback]) -> web.Response:
    ids = [str(record.id) for record in records]
    body = orjson.dumps({"status": "success", "message": message, "feedback_ids": ids})
    return web.Response(body=body, content_type="application/json", charset="UTF-8")


def _invalid(code: str) -> ApiError:
    return ApiError(400, f"Portkey Error: Invalid Request Body. Error code: {code}", code)


def _unknown() -> ApiError:
    return ApiError(404, "there is no feedback with this id")
