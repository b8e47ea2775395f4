"""docs/compatibility.toml as values, and the page that is written from it."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[1] / "docs" / "compatibility.toml"
MISSING = "missing"
_INTRO = """\
Every header, path and field of Portkey's pages on chat completions and prompt completions, and of Scale's page on chat
completions, with what Tracer does with it and the tests that show it. More is in [prompts](prompts-calling.md),
[cache](cache.md), [configs](configs.md), [keys](keys.md), [Scale](scale.md), and [logs and analytics](portkey-api.md)."""


@dataclass(frozen=True, slots=True)
class Row:
    """`tests` as pytest names them, or MISSING."""

    name: str
    does: str
    tests: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in backticks."""
        return tuple(re.findall(r"`([^`]+)`", self.name))


@dataclass(frozen=True, slots=True)
class Part:
    id: str
    title: str
    rows: tuple[Row, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Of all rows, those that stand at the root."""
        return tuple(name for row in self.rows for name in row.fields if re.fullmatch(r"\w+", name))


def parts() -> dict[str, Part]:
    """The parts by id, in their order."""
    return {
        part["id"]: Part(
            part["id"],
            part["title"],
            tuple(Row(name, does, tuple((tests or part["tests"]).split())) for name, does, tests in part["rows"]),
        )
        for part in tomllib.loads(DATA.read_text())["part"]
    }


def page() -> str:
    """docs/compatibility.md"""
    lines = [
        "# Compatibility",
        "",
        "Written by `python -m tests.docs` from `docs/compatibility.toml`; change it there.",
        "",
        _INTRO,
    ]
    for part in parts().values():
        lines += ["", f"## {part.title}", "", "| | what Tracer does with it | shown by |", "|---|---|---|"]
        lines += [f"| {row.name} | {row.does} | {_shown(row)} |" for row in part.rows]
    return "\n".join([*lines, ""])


def _shown(row: Row) -> str:
    if MISSING in row.tests:
        return "**not there yet**"
    named = (test.partition("::") for test in row.tests)
    return "<br>".join(f"[`{name}`](../{file})" for file, _, name in named)
