"""`GET /v1/analytics/…`: Portkey's analytics, answered from `llm.calls` and `llm.feedback`.

One table of endpoints: which SQL file answers, what of its columns is the summary, and what are the points. A graph over time
asks the same question twice: in buckets, and with one bucket as long as all time for the summary, so percentiles and counts of
different things are right there too. A path that is not in the tables is 404; one that rows cannot answer is 501 and says why.

Figures that nobody knows (the average of nothing, a cost without a price) are null, never 0. Costs are US cents.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from tracer.api.errors import ApiError
from tracer.api.filters import Conditions, conditions, storable
from tracer.api.queries import MODEL, sql
from tracer.api.questions import Questions, Row
from tracer.api.visibility import KeysOf, visible_keys
from tracer.registry.records import Caller

PATH = "/v1/analytics/"
# At most so many points in a graph; the first width that gives no more is taken.
_MOST_POINTS = 200
_WIDTHS_S = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400, 28 * 86400)
_ALL_TIME_S = (1 << 32) - 1
_PAGE_SIZE, _LARGEST_PAGE, _LAST_PAGE = 50, 1000, 10**9
# Of no calls: counts are 0, everything else is not known.
_COUNTS = frozenset(
    {"total", "unique", "unpriced", "total_errors", "unique_error_codes", "retry", "fallback", "hits", "total_requests"}
)


@dataclass(frozen=True, slots=True)
class Graph:
    """`summary`: name in the reply → column; `points`: columns. Without `timed`, the summary stands in every row."""

    points: tuple[str, ...]
    summary: Mapping[str, str] = field(default_factory=dict)
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Dimension:
    """What calls are grouped by: the column's name in the reply, its expression, and when a call has one."""

    name: str
    expression: str
    present: str


def _column(name: str, column: str = "") -> Dimension:
    return Dimension(name, column or name, f"{column or name} != ''")


GRAPHS: dict[str, Graph] = {
    "requests": Graph(("timestamp", "total"), {"total": "total"}),
    "cost": Graph(("timestamp", "total", "avg", "unpriced"), {"total": "total", "avg": "avg", "unpriced": "unpriced"}),
    "latency": Graph(("timestamp", "avg", "p50", "p90", "p99"), {"avg": "avg", "p50": "p50", "p90": "p90", "p99": "p99"}),
    "tokens": Graph(("timestamp", "total", "avg"), {"total": "total", "avg": "avg"}),
    "users": Graph(("timestamp", "total"), {"total": "total"}),
    "users/requests": Graph(("timestamp", "avg"), {"total": "total", "unique": "unique", "avg": "avg"}),
    "errors": Graph(("timestamp", "total"), {"total": "total"}),
    "errors/rate": Graph(("timestamp", "rate"), {"rate": "rate"}),
    "errors/stacks": Graph(("timestamp", "stats"), {"total": "total"}),
    "errors/status-codes": Graph(
        ("status_code", "count"), {"total_errors": "total_errors", "unique_error_codes": "unique_error_codes"}, timed=False
    ),
    "requests/rescued": Graph(("timestamp", "retry", "fallback"), {"retry": "total", "fallback": "fallback"}),
    "cache/hit-rate": Graph(
        (
            "timestamp",
            "simple_hits",
            "semantic_hits",
            "rate",
            "cumulative_simple_cache_savings",
            "cumulative_semantic_cache_savings",
        ),
        {"total": "total", "rate": "rate"},
    ),
    "cache/latency": Graph(("timestamp", "avg"), {"avg": "avg"}),
    "feedbacks": Graph(("timestamp", "total"), {"total": "total"}),
    "feedbacks/scores": Graph(("score", "total"), {"total": "all_feedbacks"}, timed=False),
    "feedbacks/weighted": Graph(("timestamp", "avg"), {"avg": "avg"}),
    "feedbacks/ai-models": Graph(("ai_model", "total", "avg_weighted_feedback"), timed=False),
}
GROUPS: dict[str, Dimension] = {
    "users": _column("user"),
    "ai-models": Dimension("ai_model", MODEL, f"{MODEL} != ''"),
    "model": Dimension("model", MODEL, f"{MODEL} != ''"),
    "provider": _column("provider"),
    "ai_service": _column("ai_service", "provider"),
    "status_code": Dimension("status_code", "status_code", "true"),
    "api_key": _column("api_key", "key_id"),
    "prompt": _column("prompt", "prompt_id"),
}
_BY_METADATA = Dimension("metadata_value", "metadata[{metadata_key:String}]", "mapContains(metadata, {metadata_key:String})")
_NOT_GROUPED = {
    "workspaces": "rows do not say which workspace a call belongs to; `workspace_slug` selects the calls of one",
    "workspace": "rows do not say which workspace a call belongs to; `workspace_slug` selects the calls of one",
    "config": "rows do not say which saved config a call used",
}
_GROUP_COLUMNS = ("requests", "cost", "avg_tokens", "avg_weighted_feedback", "requests_with_feedback", "last_seen")
_GROUP_PARAMETERS = ("current_page", "page_size", "order_by", "order_by_type", "columns", "include_total")
_SUMMARY = ("hits", "avg_latency", "total_requests", "cache_speedup")


class Analytics:
    """The endpoint."""

    def __init__(self, questions: Questions, keys_of: KeysOf) -> None:
        self._questions = questions
        self._keys_of = keys_of

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        if request.method != "GET":
            raise ApiError(405, f"{request.path}: only GET")
        kind, _, name = request.rel_url.raw_path.removeprefix(PATH).strip("/").partition("/")
        query = _once(request.query)
        if kind == "graphs" and name in GRAPHS:
            answer = await self._graph(name, GRAPHS[name], self._conditions(query, caller))
        elif kind == "groups" and (dimension := _dimension(name)):
            answer = await self._group(name, dimension, query, self._conditions(query, caller, _GROUP_PARAMETERS))
        elif kind == "summary" and name == "cache":
            answer = await self._summary(self._conditions(query, caller))
        else:
            raise ApiError(404, f"{request.path}: there are no such analytics")
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    def _conditions(self, query: Mapping[str, str], caller: Caller, also: tuple[str, ...] = ()) -> Conditions:
        return conditions(query, also, visible_keys(caller, self._keys_of, query.get("workspace_slug", "")))

    async def _ask(self, name: str, where: Conditions, parts: Mapping[str, str] = {}, **values: Any) -> list[Row]:
        text = sql(name, filters=where.clause, visible=where.visible, feedback=where.feedback, **parts)
        return await self._questions.rows(text, {**where.values, **values})

    async def _graph(self, name: str, graph: Graph, where: Conditions) -> dict[str, Any]:
        file = name.replace("/", "-")
        if graph.timed:
            rows, whole = await asyncio.gather(
                self._ask(file, where, bucket=_width_s(where)), self._ask(file, where, bucket=_ALL_TIME_S)
            )
        else:
            rows = whole = await self._ask(file, where)
        return {
            "summary": {key: _value(whole, key, column) for key, column in graph.summary.items()},
            "data_points": [{column: row[column] for column in graph.points} for row in rows],
            "object": "analytics-graph",
        }

    async def _summary(self, where: Conditions) -> dict[str, Any]:
        rows = await self._ask("summary-cache", where)
        return {"summary": {key: _value(rows, key, key) for key in _SUMMARY}, "object": "analytics-summary"}

    async def _group(self, name: str, dimension: Dimension, query: Mapping[str, str], where: Conditions) -> dict[str, Any]:
        columns = _columns(query, dimension)
        size = _whole("page_size", query.get("page_size", str(_PAGE_SIZE)), 1, _LARGEST_PAGE)
        page = _whole("current_page", query.get("current_page", "0"), 0, _LAST_PAGE)
        parts = {
            "dimension": dimension.expression,
            "present": dimension.present,
            "name": dimension.name,
            "order": _order(query, dimension),
        }
        values: dict[str, Any] = {"page_size": size, "offset": page * size}
        if dimension is _BY_METADATA:
            values["metadata_key"] = storable("metadata key", unquote(name.removeprefix("metadata/")))
        answer: dict[str, Any] = {"object": "list"}
        if query.get("include_total", "true").lower() != "false":
            rows, (total,) = await asyncio.gather(
                self._ask("groups", where, parts, **values), self._ask("groups-total", where, parts, **values)
            )
            answer |= total
        else:
            rows = await self._ask("groups", where, parts, **values)
        answer["data"] = [{**{column: row[column] for column in columns}, "object": "analytics-group"} for row in rows]
        return answer


def _once(query: Any) -> dict[str, str]:
    """The parameters, each given once."""
    twice = next((name for name in query if len(query.getall(name)) > 1), None)
    if twice is not None:
        raise ApiError(400, f"{twice[:100]}: given more than once; put commas between several values")
    return dict(query)


def _dimension(name: str) -> Dimension | None:
    if name in _NOT_GROUPED:
        raise ApiError(501, f"groups/{name}: {_NOT_GROUPED[name]}")
    return _BY_METADATA if name.startswith("metadata/") and len(name) > len("metadata/") else GROUPS.get(name)


def _width_s(where: Conditions) -> int:
    """The width of a bucket for this time."""
    seconds = (where.until - where.since).total_seconds()
    return next((width for width in _WIDTHS_S if seconds <= width * _MOST_POINTS), _WIDTHS_S[-1])


def _value(rows: list[Row], key: str, column: str) -> Any:
    return rows[0][column] if rows else 0 if key in _COUNTS else None


def _columns(query: Mapping[str, str], dimension: Dimension) -> tuple[str, ...]:
    every = (dimension.name, *_GROUP_COLUMNS)
    wanted = tuple(part.strip() for part in query.get("columns", "").split(",") if part.strip())
    unknown = next((column for column in wanted if column not in every), None)
    if unknown is not None:
        raise ApiError(400, f"columns: there is no {unknown[:100]!r}; there are {', '.join(every)}")
    return tuple(dict.fromkeys((dimension.name, *wanted))) if wanted else every


def _order(query: Mapping[str, str], dimension: Dimension) -> str:
    column, direction = query.get("order_by", "requests"), query.get("order_by_type", "desc").lower()
    every = (dimension.name, *_GROUP_COLUMNS)
    if column not in every:
        raise ApiError(400, f"order_by: should be one of {', '.join(every)}")
    if direction not in ("asc", "desc"):
        raise ApiError(400, "order_by_type: should be asc or desc")
    return f"{column} {direction.upper()} NULLS LAST"


def _whole(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise ApiError(400, f"{name}: should be a whole number from {least} to {most}")
    return int(text)
