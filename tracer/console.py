"""What the files of the `tracer` command share: its settings, its exit codes, its way to say what went wrong.

Exit codes: 0 done, 1 it did not work out, 2 wrong options or settings.
"""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tracer import config
from tracer.config import ConfigError, Settings

FAILED, WRONG = 1, 2

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Path of tracer.toml.", show_default="./tracer.toml")]


def load_settings(config_file: Path | None) -> Settings:
    """The settings in force; their warnings go to stderr, a wrong one ends the program."""
    try:
        settings, warnings = config.load(file=config_file)
    except ConfigError as error:
        fail(error, WRONG)
    for warning in warnings:
        typer.echo(f"tracer: warning: {warning}", err=True)
    return settings


def fail(error: object, code: int = FAILED) -> NoReturn:
    """End the program with one line on stderr."""
    typer.echo(f"tracer: {error}", err=True)
    raise typer.Exit(code)
