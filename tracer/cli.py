"""The `tracer` command: options in, text and exit codes out. What the commands do lives elsewhere.

Exit codes: 0 done, 1 it did not work out (a failed query, no such trace, a finding of doctor), 2 wrong options or settings.
"""

import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import orjson
import typer
from rich.console import Console

from tracer import (
    __version__,
    config,
    doctor,
    keys_command,
    preflight,
    prices_command,
    prompts_command,
    query_command,
    reprice_command,
)
from tracer.child import log_to_stderr
from tracer.config import ConfigError, Settings
from tracer.console import FAILED, WRONG, ConfigFile
from tracer.console import fail as _fail
from tracer.console import load_settings as _settings
from tracer.store import client, schema, tree
from tracer.supervisor import CannotStart, Supervisor

app = typer.Typer(
    name="tracer",
    help="Observability and tracing for LLM calls: a reverse proxy, a spool, a store.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(keys_command.app)
app.add_typer(prompts_command.app)
_NO_WIDTH = 1 << 16
T = TypeVar("T")


def main() -> None:
    """Entry point of the `tracer` program."""
    try:
        app()
    except BrokenPipeError:  # `tracer query … | head`
        sys.stderr.close()
        sys.exit(FAILED)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        typer.echo(f"tracer {__version__}")
        raise typer.Exit


@app.command()
def up(config_file: ConfigFile = None) -> None:
    """Start the proxy, the sink, the embedded store and the pages, and watch them until Ctrl-C or SIGTERM."""
    settings = _settings(config_file)
    log_to_stderr(settings.log_level, "tracer")
    try:
        with preflight.owned_data_dir(settings):
            preflight.check(settings)
            _announce(settings)
            Supervisor(settings, config_file).run()
    except ConfigError as error:
        _fail(error, WRONG)
    except (preflight.AlreadyRunning, CannotStart) as error:
        _fail(error)


# A query may begin with an SQL comment, which is no option.
_register = app.command(cls=query_command.QueryCommand, context_settings={"ignore_unknown_options": True})
_register(query_command.query)
app.command()(reprice_command.reprice)
app.command()(prices_command.prices)


@app.command()
def trace(
    id: Annotated[str, typer.Argument(help="A trace id as it was sent, or its 32 hex digits.")], config_file: ConfigFile = None
) -> None:
    """Print one trace as a tree of calls and applications' own spans, with times, tokens, costs and feedback."""
    settings = _settings(config_file)
    rows = _attempt(lambda: tree.rows(settings, id))
    if not rows:
        _fail(f"no call with trace id {id!r}; a call can take a second to arrive")
    # Rich cuts a tree's lines at the width it takes for the output's, 80 where that is no terminal, and costs stand last.
    Console(width=None if sys.stdout.isatty() else _NO_WIDTH).print(
        tree.trace_tree(rows, _attempt(lambda: tree.opinions(settings, id)))
    )


@app.command(name="schema")
def print_schema(
    cluster: Annotated[str | None, typer.Option("--cluster", help="Print the form for this cluster.")] = None,
    config_file: ConfigFile = None,
) -> None:
    """Print the tables and views as SQL."""
    typer.echo(schema.ddl(cluster, _settings(config_file)))


@app.command(name="doctor")
def print_findings(config_file: ConfigFile = None) -> None:
    """Check what is configured, reachable and writable, and how deep the spool is."""
    console = Console(soft_wrap=True)
    bad = 0
    for finding in doctor.examine(_settings(config_file)):
        mark = {True: "[green]ok[/]", False: "[red]no[/]", None: "[dim]--[/]"}[finding.ok]
        console.print(f"{mark}  [bold]{finding.what}[/]: ", end="")
        console.print(finding.detail, markup=False, highlight=False)
        bad += finding.ok is False
    raise typer.Exit(FAILED if bad else 0)


@app.command(name="config")
def print_config(config_file: ConfigFile = None) -> None:
    """Print the settings in force, secrets masked."""
    typer.echo(orjson.dumps(config.shown(_settings(config_file)), option=orjson.OPT_INDENT_2))


def _announce(settings: Settings) -> None:
    base = f"http://{settings.host}:{settings.port}"
    typer.echo(f"tracer {__version__}: OpenAI API at {base}/v1, default upstream {settings.upstream}", err=True)
    where = (
        "ClickHouse by TRACER_CLICKHOUSE"
        if settings.clickhouse
        else f"embedded store at http://{settings.host}:{settings.store_port}"
    )
    typer.echo(f"tracer: rows in llm.calls, {where}; data in {settings.data_dir}", err=True)
    if settings.ui:
        typer.echo(f"tracer: pages at http://{settings.host}:{settings.ui_port}/", err=True)
    if settings.clickhouse and (fault := client.fault(settings)):
        typer.echo(f"tracer: warning: {fault}; calls are kept in the spool until it answers", err=True)
    without = {"registry": "no call is taken until it can", "cache": "calls go without a cache until it can"}
    for finding in doctor.shared(settings):
        if finding.ok is False:
            typer.echo(f"tracer: warning: {finding.what} {finding.detail}; {without[finding.what]}", err=True)


def _attempt(action: Callable[[], T]) -> T:
    try:
        return action()
    except client.StoreError as error:
        _fail(error)
