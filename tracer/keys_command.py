"""`tracer keys …`: create, list and revoke Tracer's own keys. What these do is in registry/keys.py."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from tracer.config import Settings
from tracer.console import WRONG, ConfigFile, fail, load_settings
from tracer.registry import keys
from tracer.registry.database import Database, Unavailable
from tracer.registry.keys import Listed, Wish
from tracer.registry.rules import Invalid

app = typer.Typer(
    name="keys",
    help="Create, list and revoke the keys that callers show to Tracer.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Format = Annotated[Literal["text", "json"], typer.Option("--format", "-f", help="json for scripts.")]
T = TypeVar("T")
_WIDE = 4096


@app.command()
def create(
    name: Annotated[str, typer.Option("--name", "-n", help="What the key is for; shown in lists.")],
    workspace: Annotated[str, typer.Option(help="Confine the key to this workspace's prompts and configs.")] = "",
    provider: Annotated[str, typer.Option(help="Slug of the one provider that calls may go to.", show_default="any")] = "",
    credential: Annotated[
        str,
        typer.Option(
            help="Name of the configured key to send to --provider: team-a means TRACER_KEY_TEAM_A.",
            show_default="the provider's",
        ),
    ] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", help="name=value for every call's metadata.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Let it manage prompts and configs and read logs.")] = False,
    format: Format = "text",
    config_file: ConfigFile = None,
) -> None:
    """Create a key. Its secret is printed on stdout, now and never again."""
    settings = load_settings(config_file)
    try:
        wish = Wish(name, workspace, provider, credential, dict(_tag(text) for text in tag or []), admin)
    except Invalid as error:
        fail(error, WRONG)
    if wish.credential and wish.credential not in settings.keys:
        variable = "TRACER_KEY_" + wish.credential.upper().replace("-", "_")
        typer.echo(f"tracer: warning: {variable} is not set here; the proxy will need it", err=True)
    key, secret = _with_database(settings, lambda database: keys.create(database, wish))
    if format == "json":
        _print_json({"id": key.id, "name": key.name, "key": secret})
        return
    typer.echo(secret)
    typer.echo(f"tracer: {key.id} ({key.name}) created; its secret is not kept and cannot be shown again", err=True)


@app.command(name="list")
def list_keys(format: Format = "text", config_file: ConfigFile = None) -> None:
    """List all keys, without their secrets."""
    found = _with_database(load_settings(config_file), keys.list_all)
    if format == "json":
        _print_json([_shown(listed) for listed in found])
        return
    if not found:
        typer.echo("no keys: callers need none unless TRACER_REQUIRE_KEY says so", err=True)
        return
    table = Table(box=None)
    for name in _shown(found[0]):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for listed in found:
        table.add_row(*(_cell(value) for value in _shown(listed).values()))
    # A file or a pipe has no width to fit into: one line a key, as scripts like it.
    Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False).print(table)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, such as key_1a2b3c4d.")], config_file: ConfigFile = None
) -> None:
    """Revoke a key for good; every worker refuses it within a second."""
    if not _with_database(load_settings(config_file), lambda database: keys.revoke(database, id)):
        fail(f"no key with id {id!r}; `tracer keys list` shows them")
    typer.echo(f"tracer: {id} is revoked", err=True)


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
    except Unavailable as error:
        fail(error)


def _tag(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        fail(f"--tag should be name=value, not {text!r}", WRONG)
    return name.strip(), value.strip()


def _shown(listed: Listed) -> dict[str, object]:
    key = listed.key
    return {
        "id": key.id,
        "name": key.name,
        "workspace": key.workspace,
        "provider": key.provider,
        "credential": key.credential,
        "tags": key.tags,
        "admin": key.admin,
        "created_at": listed.created_at,
        "revoked_at": listed.revoked_at,
    }


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={text}" for name, text in value.items())
    return ("yes" if value else "") if isinstance(value, bool) else str(value)


def _print_json(value: object) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
