"""`tracer query`: SQL of your own, or one of the named questions of dashboards/queries/ as `@name`.

Options such as --since and --model are parameters of the question under a shorter name; --param sets any of them. What a
question does not know is refused with the list of what it does know. `tracer query @name --help` tells of the question.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from dashboards import queries
from dashboards.queries import NoSuchQuery, Query, WrongValue
from tracer.config import Settings
from tracer.console import WRONG, ConfigFile, fail, load_settings
from tracer.store import client
from tracer.store.client import StoreError

_SAYS_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*;?\s*$", re.IGNORECASE)
_LEAST_WIDTH = 100


class QueryCommand(TyperCommand):
    """`tracer query @name --help` is about the question."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if any(each.startswith("@") for each in args):
            args = ["--describe" if each == "--help" else each for each in args]
        return super().parse_args(ctx, args)


def query(
    sql: Annotated[
        str, typer.Argument(help="A ClickHouse query, such as 'SELECT count() FROM llm.calls', or @name of a question.")
    ] = "",
    format: Annotated[str, typer.Option("--format", "-f", help="A ClickHouse format.", show_default="TabSeparated")] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since", "--from", help="From when on: an age (7d, 24h, 90m), a date with or without a time, today, month."
        ),
    ] = "",
    until: Annotated[str, typer.Option("--until", "--to", help="Up to when.", show_default="now")] = "",
    model: Annotated[str, typer.Option("--model", help="Only this model.")] = "",
    provider: Annotated[str, typer.Option("--provider", help="Only this provider.")] = "",
    user: Annotated[str, typer.Option("--user", help="Only this user.")] = "",
    limit: Annotated[str, typer.Option("--limit", help="Most rows.")] = "",
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value for {name:Type} in the query.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the named questions (--format json for programs).")] = False,
    describe: Annotated[bool, typer.Option("--describe", help="Tell what a question answers, and its parameters.")] = False,
    config_file: ConfigFile = None,
) -> None:
    """Run SQL over the calls, whether Tracer runs or not: your own, or a named question such as @cost-by-model."""
    short = {"since": since, "until": until, "model": model, "provider": provider, "user": user, "limit": limit}
    given = {name: value for name, value in short.items() if value} | dict(_pair(text) for text in param or [])
    if listed:
        _list(format)
    elif sql.startswith("@"):
        question = _question(sql.removeprefix("@"))
        if describe:
            _describe(question, format)
        else:
            _run(load_settings(config_file), question.sql, format, _bound(question, given))
    elif not sql:
        fail("what to ask is missing: SQL, or @name of one of the questions that --list shows", WRONG)
    else:
        _run(load_settings(config_file), sql, format, _parameters(given, param))


def _parameters(given: Mapping[str, str], param: list[str] | None) -> Mapping[str, str]:
    named = {text.partition("=")[0] for text in param or []}
    if others := [f"--{name}" for name in given if name not in named]:
        fail(f"{', '.join(others)}: only named questions have that; put {{name:Type}} into the SQL and use --param", WRONG)
    return given


def _question(name: str) -> Query:
    try:
        return queries.read(name)
    except NoSuchQuery as error:
        fail(f"{error}; `tracer query --list` shows them all", WRONG)


def _bound(question: Query, given: Mapping[str, str]) -> Mapping[str, str]:
    try:
        return question.bind(given, datetime.now(UTC))
    except WrongValue as error:
        fail(f"@{question.name}: {error}", WRONG)


def _run(settings: Settings, sql: str, format: str, parameters: Mapping[str, str]) -> None:
    as_table = sys.stdout.isatty() and not _SAYS_FORMAT.search(sql)
    chosen = format or ("PrettyCompactMonoBlock" if as_table else None)
    try:
        for piece in client.run_query(settings, sql, chosen, parameters):
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
    except StoreError as error:
        fail(error)


def _list(format: str) -> None:
    there = [queries.read(name) for name in queries.names()]
    if format.lower() == "json":
        typer.echo(orjson.dumps([_plain(each) for each in there], option=orjson.OPT_INDENT_2))
        return
    if format:
        fail("--list is a table, or --format json", WRONG)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("question", no_wrap=True)
    table.add_column("what it answers")
    for each in there:
        table.add_row(f"@{each.name}", each.description)
    _console().print(table)


def _describe(question: Query, format: str) -> None:
    if format.lower() == "json":
        typer.echo(orjson.dumps(_plain(question), option=orjson.OPT_INDENT_2))
        return
    typer.echo("\n".join(_description(question)))


def _description(question: Query) -> Iterator[str]:
    yield f"@{question.name}: {question.title}"
    yield ""
    yield question.description
    yield ""
    yield "Parameters (--param name=value; some have an option of their own):"
    known = ((each.name, f"{each.type}, default {each.default or 'empty'}", each.meaning) for each in question.parameters)
    yield from _aligned(known)
    yield ""
    yield "Columns:"
    yield from _aligned((each.name, each.type, each.meaning) for each in question.columns)


def _aligned(rows: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    found = list(rows)
    first, second = (max(len(row[place]) for row in found) for place in (0, 1))
    for row in found:
        yield f"  {row[0]:<{first}}  {row[1]:<{second}}  {row[2]}"


def _plain(question: Query) -> dict[str, Any]:
    return {
        "name": question.name,
        "title": question.title,
        "description": question.description,
        "parameters": [
            {"name": each.name, "type": each.type, "default": each.default, "meaning": each.meaning}
            for each in question.parameters
        ],
        "columns": [{"name": each.name, "type": each.type, "meaning": each.meaning} for each in question.columns],
        "sql": question.sql,
    }


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    return console if console.width >= _LEAST_WIDTH else Console(highlight=False, markup=False, width=_LEAST_WIDTH)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        fail(f"--param should be name=value, not {text!r}", WRONG)
    return name, value
