"""`tracer prompts …`: prompts as files in a folder, to and from the registry. What these do is in registry/push.py."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from tracer.config import Settings
from tracer.console import ConfigFile, fail, load_settings
from tracer.registry import labels, push, versioned
from tracer.registry.database import Database, Unavailable
from tracer.registry.folder import FileError
from tracer.registry.rules import Refusal
from tracer.registry.stored import Page
from tracer.registry.versioned import PROMPT

app = typer.Typer(
    name="prompts",
    help="Prompts as files that can live in git.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(help="Folder with one TOML file a prompt; partials in its folder `partials`.")]
Workspace = Annotated[str, typer.Option(help="Only what is in this workspace; new prompts go there.", show_default="all")]
T = TypeVar("T")
_WIDE = 4096


@app.command(name="push")
def push_files(
    folder: Folder,
    workspace: Workspace = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    config_file: ConfigFile = None,
) -> None:
    """Make new versions of the prompts whose files changed. All files are pushed, or none."""
    done = _with_database(load_settings(config_file), lambda database: push.push(database, folder, workspace, dry_run=dry_run))
    for one in done:
        typer.echo(f"{one.slug}: {one.what}")
    if not done:
        typer.echo("nothing to do: the registry is as the files say", err=True)
    elif dry_run:
        typer.echo("dry run: nothing was done", err=True)


@app.command(name="pull")
def pull_files(folder: Folder, workspace: Workspace = "", config_file: ConfigFile = None) -> None:
    """Write the newest version of every prompt into its file. Files that say the same are left alone."""
    written = _with_database(load_settings(config_file), lambda database: push.pull(database, folder, workspace))
    for path in written:
        typer.echo(path)
    if not written:
        typer.echo("nothing to do: the files are as the registry says", err=True)


@app.command(name="list")
def list_prompts(workspace: Workspace = "", config_file: ConfigFile = None) -> None:
    """List the prompts with their versions and labels."""
    table = _with_database(load_settings(config_file), lambda database: _table(database, workspace))
    # A file or a pipe has no width to fit into: one line a prompt, as scripts like it.
    Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False).print(table)


async def _table(database: Database, workspace: str) -> Table:
    table = Table(box=None)
    for name in ("slug", "name", "workspace", "model", "published", "newest", "labels"):
        table.add_column(name)
    async with database.reading() as connection:
        _, found = await versioned.listed(connection, PROMPT, workspace, Page())
        for item, version in found:
            newest = await versioned.version(connection, PROMPT, item.id, versioned.NEWEST)
            on = await labels.on_versions(connection, [item.id])
            named = sorted(f"{label.name}={number}" for (_, number), some in on.items() for label in some)
            cells = (
                item.slug,
                item.name,
                item.workspace,
                version.content.model,
                item.published,
                newest.number,
                " ".join(named),
            )
            table.add_row(*map(str, cells))
    return table


def _with_database(settings: Settings, action: Callable[[Database], Awaitable[T]]) -> T:
    async def act() -> T:
        database = Database(settings)
        try:
            await database.open()
            return await action(database)
        finally:
            await database.close()

    try:
        return asyncio.run(act())
    except (FileError, Refusal, Unavailable) as error:
        fail(error)
