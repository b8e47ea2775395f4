"""Docs that cannot lie: pages rendered from code are fresh, and what pages point at is there."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main

from tests.docs import DOCS, PAGES
from tracer import cli, metrics
from tracer.config import Settings

ROOT = Path(__file__).parents[1]
TEXTS = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("name", PAGES)
def test_rendered_pages_are_fresh(name: str) -> None:
    path = DOCS / name
    assert path.exists(), "write it with `python -m tests.docs`"
    assert path.read_text() == PAGES[name](), "write it again with `python -m tests.docs`"


def test_every_setting_is_described() -> None:
    page = (DOCS / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        if name == "otel":
            continue
        assert field.description, name
        assert f"| `{name}` | `TRACER_" in page


def test_every_metric_is_described() -> None:
    page = (DOCS / "metrics.md").read_text()
    exposed = set(re.findall(r"^# TYPE (tracer_\w+) \w+$", metrics.exposition().decode(), re.MULTILINE))
    assert exposed
    assert not [name for name in exposed if not name.endswith("_created") and f"`{name}`" not in page]


def groups() -> list[Any]:
    """The commands that have others below them."""
    program: Any = typer.main.get_command(cli.app)
    return [command for command in program.commands.values() if hasattr(command, "commands")]


def test_every_command_and_its_help_is_described() -> None:
    page = (DOCS / "commands.md").read_text()
    names = [command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback]
    names += [f"{group.name} {name}" for group in groups() for name in group.commands]
    assert len(names) > 5
    assert "keys create" in names
    for name in names:
        section = page.partition(f"## `tracer {name}`\n")[2].partition("\n## ")[0]
        assert f"Usage: tracer {name}" in section
        assert "--help" in section


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / unquote(target)).exists(), target


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_named_in_prose_are_there(path: Path) -> None:
    """`tracer/…/file.py` and `tests/…` in backticks."""
    for named in re.findall(r"`((?:tracer|exporters|dashboards|tests|docs)/[\w./*-]+)`", path.read_text()):
        assert list(ROOT.glob(named.rstrip("/"))), named
