"""Questions that people ask of their calls, as .sql files: for `tracer query @name`, pages, the demo, any ClickHouse client.

Each file's head says its title, what it answers, its parameters with types, defaults and units, and its columns (header.py).
Values are bound (`{since:DateTime('UTC')}`), never put into the text. tests/dashboards runs every one against the real tables
with a million calls in them, so a column cannot be renamed under it; docs/queries.md is rendered from the heads.

    query = queries.read("cost-by-model")
    run_query(settings, query.sql, "JSON", query.bind({"since": "24h", "model": "gpt-4o"}, now))
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from dashboards.queries import header
from dashboards.queries.header import Column, Parameter
from dashboards.queries.values import WrongValue, moment, values


@dataclass(frozen=True, slots=True)
class Query:
    """One question: its file's name, what its head says, and the whole text, which can be run as it is."""

    name: str
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    sql: str

    def bind(self, given: Mapping[str, str], now: datetime) -> dict[str, str]:
        """Values for all parameters from those that were given. Raises WrongValue."""
        return values(self.parameters, given, now)

    @property
    def of_sums(self) -> bool:
        """Whether it asks the roll-ups, whose minutes and hours are whole."""
        return "llm.calls_by_" in self.sql


class NoSuchQuery(KeyError):
    """The message names those that are meant, perhaps."""

    def __str__(self) -> str:
        return str(self.args[0])


def names() -> tuple[str, ...]:
    """The names of all questions, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in files if name.endswith(".sql")))


def load(name: str) -> str:
    """The SQL of the question of that name; NoSuchQuery if there is none."""
    return read(name).sql


def read(name: str) -> Query:
    """The question of that name; NoSuchQuery if there is none."""
    there = names()
    if name not in there:
        close = difflib.get_close_matches(name, there, n=3, cutoff=0.5) or [each for each in there if name and name in each][:3]
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(there)}"
        raise NoSuchQuery(f"no question is named {name!r}; {hint}")
    sql = resources.files(__name__).joinpath(f"{name}.sql").read_text("utf-8").strip()
    said = header.read(sql)
    return Query(name, said.title, said.description, said.parameters, said.columns, sql)


__all__ = ["Column", "NoSuchQuery", "Parameter", "Query", "WrongValue", "load", "moment", "names", "read"]
