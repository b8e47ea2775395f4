"""`POST /v5/spans/search`: filters in the body, paging in the query, as SGP's SDK sends them; to SQL. Pure.

A filter that Tracer does not have is refused with 422, never ignored: an answer with more than was asked for is a wrong one.
Values are bound; the texts that stand in the SQL are all from this file.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from tracer.registry.records import Caller
from tracer.scale.errors import Fault, unprocessable

M = TypeVar("M", bound=BaseModel)
Names = Annotated[list[str], Field(max_length=10_000)] | None

# filter, condition
_CONDITIONS = {
    "trace_ids": "trace_id IN {trace_ids:Array(String)}",
    "span_ids": "span_id IN {span_ids:Array(String)}",
    "parent_ids": "parent_span_id IN {parent_ids:Array(String)}",
    "excluded_trace_ids": "trace_id NOT IN {excluded_trace_ids:Array(String)}",
    "excluded_span_ids": "span_id NOT IN {excluded_span_ids:Array(String)}",
    "names": "name IN {names:Array(String)}",
    "types": "type IN {types:Array(String)}",
    "statuses": "status IN {statuses:Array(String)}",
    "obs_trace_ids": "obs_trace_id IN {obs_trace_ids:Array(String)}",
    "obs_span_ids": "obs_span_id IN {obs_span_ids:Array(String)}",
    "application_variant_ids": "application_variant_id IN {application_variant_ids:Array(String)}",
    "group_id": "group_id = {group_id:String}",
    "min_duration_ms": "duration_ms >= {min_duration_ms:Float64}",
    "max_duration_ms": "duration_ms <= {max_duration_ms:Float64}",
    "from_ts": "started_at >= parseDateTime64BestEffort({from_ts:String}, 6, 'UTC')",
    "to_ts": "started_at <= parseDateTime64BestEffort({to_ts:String}, 6, 'UTC')",
}
_AT_CURSOR = """(started_at, trace_id, span_id) {than} (
        SELECT started_at, trace_id, span_id FROM llm.spans FINAL
        WHERE span_id = {{cursor:String}} ORDER BY version DESC LIMIT 1
    )"""


class _Filters(BaseModel, extra="forbid"):
    trace_ids: Names = None
    span_ids: Names = None
    parent_ids: Names = None
    excluded_trace_ids: Names = None
    excluded_span_ids: Names = None
    names: Names = None
    types: Names = None
    statuses: Names = None
    obs_trace_ids: Names = None
    obs_span_ids: Names = None
    application_variant_ids: Names = None
    group_id: str | None = None
    min_duration_ms: float | None = None
    max_duration_ms: float | None = None
    parents_only: bool = False


class _Paging(BaseModel, extra="forbid"):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    sort_by: Literal["start_timestamp"] = "start_timestamp"
    sort_order: Literal["asc", "desc"] = "desc"
    starting_after: str | None = None
    ending_before: str | None = None
    from_ts: datetime | None = None
    to_ts: datetime | None = None
    allow_partial_results: bool = False


class Search(BaseModel, frozen=True):
    """`conditions` and `direction` for the SQL, `parameters` to bind; `limit` rows are asked for and one more.

    `reversed_`: the page before a cursor is read backwards.
    """

    conditions: str
    direction: Literal["ASC", "DESC"]
    parameters: dict[str, Any]
    limit: int
    reversed_: bool


def search(body: Any, query: Mapping[str, str], caller: Caller) -> Search:
    """The question that a request asks. Raises Refused."""
    filters = _checked(_Filters, {} if body is None else body, "body")
    paging = _checked(_Paging, dict(query), "query")
    if paging.from_ts and paging.to_ts and paging.from_ts > paging.to_ts:
        raise unprocessable([Fault(("from_ts",), "from_ts lies after to_ts")], part="query")
    values = filters.model_dump(exclude_none=True, exclude={"parents_only"})
    values |= {name: moment.isoformat() for name in ("from_ts", "to_ts") if (moment := getattr(paging, name))}
    conditions = [_CONDITIONS[name] for name in values]
    if filters.parents_only:
        conditions.append("parent_span_id = ''")
    backwards = paging.ending_before is not None
    ascending = (paging.sort_order == "asc") != backwards
    cursor = paging.ending_before or paging.starting_after
    if cursor:
        conditions.append(_AT_CURSOR.format(than=">" if ascending else "<"))
        values["cursor"] = cursor
    own, bound = visible(caller)
    return Search(
        conditions=" AND ".join([own, *conditions]),
        direction="ASC" if ascending else "DESC",
        parameters={**values, **bound, "limit": paging.limit + 1},
        limit=paging.limit,
        reversed_=backwards,
    )


def visible(caller: Caller) -> tuple[str, dict[str, str]]:
    """The condition for what the caller may read (visibility.py's `sees`), and what it binds."""
    if caller.admin and not caller.workspace:
        return "true", {}
    return "workspace = {workspace:String}", {"workspace": caller.workspace}


def _checked(kind: type[M], value: Any, part: str) -> M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise unprocessable([Fault(each["loc"], each["msg"], each["type"]) for each in error.errors()], part=part) from None
