"""The SQL console: a person's own question to the store, with the library of named ones beside it.

A link (`?q=…` or `?name=…`) only fills the editor; what runs is a form with its token, so nobody's page can make a visitor's
browser ask anything. The store's read-only user, a time limit, a row limit on screen and a size limit on downloads bound what
one question costs. SQL can name any row, so the console is for those who may see every row; others are told so.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from dashboards import queries
from dashboards.queries import Parameter, Query
from dashboards.queries.values import values as bind
from tracer.store.client import QueryFailed
from tracer.ui import held
from tracer.ui.page import PageError
from tracer.ui.reader import TookTooLong
from tracer.ui.view import View

SCREEN_ROWS = 1000
_LONGEST = 100_000
# Of a download: ClickHouse's format and the file's ending.
FORMATS = {"CSV": ("CSVWithNames", "csv"), "JSON": ("JSONEachRow", "jsonl"), "Parquet": ("Parquet", "parquet")}
_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
_PARAMETER = re.compile(r"\{(\w+):(\w+(?:\([^{}]*\))?)\}")
# Of a parameter that a person's own SQL has.
_DEFAULTS = {"since": "24h", "until": "now", "from": "24h", "to": "now"}
_NUMBER = re.compile(r"(?:Nullable\()?(?:LowCardinality\()?(?:U?Int|Float|Decimal|BFloat)")
_START = """SELECT provider, request_model, count() AS calls, sum(cost_usd) AS cost
FROM llm.calls
WHERE started_at > now() - INTERVAL 1 DAY
GROUP BY provider, request_model
ORDER BY cost DESC
LIMIT 20"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        return _NUMBER.match(self.type) is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: rows of texts, and what it took."""

    columns: list[Column]
    rows: list[list[str | None]]
    more: bool
    seconds: float
    read_rows: int = 0
    read_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the editor: SQL, what was typed for its parameters, and the named question that it came from, if any."""

    text: str
    question: Query | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> list[Parameter]:
        """Those of the SQL as it stands, with what the named question says of them."""
        known = {each.name: each for each in self.question.parameters} if self.question else {}
        found = dict(_PARAMETER.findall(self.text))
        return [known.get(name, Parameter(name, kind, _DEFAULTS.get(name, ""), "")) for name, kind in found.items()]

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields."""
        return {each.name: self.given.get(each.name, each.default) for each in self.parameters}


async def show(view: View) -> web.StreamResponse:
    _permit(view)
    name = view.query.get("name", "")
    question = _question(name)
    if name and question is None:
        raise PageError(404, f"There is no question named {name[:80]!r}", "The list on the SQL page has those that there are.")
    text = _body(question.sql) if question else view.query.get("q", "")[:_LONGEST]
    return _page(view, Asked(text or _START, question))


async def run(view: View) -> web.StreamResponse:
    """POST: ask, and show or send the answer."""
    _permit(view)
    form = {key: value for key, value in (await view.request.post()).items() if isinstance(value, str)}
    given = {key.removeprefix("p_"): value for key, value in form.items() if key.startswith("p_")}
    text = form.get("q", "")[:_LONGEST].replace("\r\n", "\n")
    asked = Asked(text, _question(form.get("name", "")), given)
    if not text.strip():
        return _page(view, asked, problem="There is nothing to ask yet.")
    try:
        bound = bind(asked.parameters, asked.values, view.now)
        if form.get("as") in FORMATS:
            return await _download(view, asked, bound, form["as"])
        return _page(view, asked, await _answer(view, asked, bound))
    except (QueryFailed, queries.WrongValue) as error:
        return _page(view, asked, problem=str(error), status=400)
    except TookTooLong as error:
        return _page(view, asked, problem=f"{error}. Ask for a shorter time, or fewer columns.", status=400)


async def _answer(view: View, asked: Asked, bound: Mapping[str, str]) -> Answer:
    began = time.monotonic()
    reply = orjson.loads(await view.request.app[held.CONSOLE].answer(_bare(asked.text), "JSONCompact", bound) or b"{}")
    columns = [Column(each["name"], each["type"]) for each in reply.get("meta", ())]
    rows = [[_cell(value) for value in row] for row in reply.get("data", ())]
    took = reply.get("statistics", {})
    return Answer(
        columns=columns,
        rows=rows[:SCREEN_ROWS],
        more=len(rows) > SCREEN_ROWS,
        seconds=took.get("elapsed") or time.monotonic() - began,
        read_rows=took.get("rows_read", 0),
        read_bytes=took.get("bytes_read", 0),
    )


async def _download(view: View, asked: Asked, bound: Mapping[str, str], form: str) -> web.Response:
    format_name, ending = FORMATS[form]
    body = await view.request.app[held.DOWNLOADS].answer(_bare(asked.text), format_name, bound)
    name = asked.question.name if asked.question else "tracer"
    stamp = f"{view.now:%Y%m%d-%H%M%S}"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{stamp}.{ending}"'}
    return web.Response(body=body, content_type=_TYPES[ending], headers=headers)


def _page(view: View, asked: Asked, answer: Answer | None = None, problem: str = "", status: int = 200) -> web.Response:
    return view.render(
        "sql.html",
        status,
        title="SQL",
        active="sql",
        asked=asked,
        answer=answer,
        problem=problem,
        questions=[queries.read(name) for name in queries.names()],
        formats=list(FORMATS),
        most=SCREEN_ROWS,
    )


def _permit(view: View) -> None:
    if not view.sees_all:
        advice = "SQL can name every row, and your key may see only some. An administrator's key of no workspace may use it."
        raise PageError(403, "SQL is for administrators", advice)


def _question(name: str) -> Query | None:
    return queries.read(name) if name in queries.names() else None


def _body(sql: str) -> str:
    """Without the comment at its head, which the page shows in another way."""
    lines = sql.splitlines()
    first = next((index for index, line in enumerate(lines) if not line.startswith("--")), 0)
    return "\n".join(lines[first:])


def _bare(text: str) -> str:
    """Without the end that the format is put behind."""
    return text.strip().rstrip(";").rstrip()


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.12g}"
    return orjson.dumps(value).decode()
