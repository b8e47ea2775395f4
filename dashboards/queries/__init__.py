"""Questions that people ask of `llm.calls`, as .sql files: for boards, pages, `tracer query` and the demo.

Each file begins with `-- ` and one sentence that says what it answers. Values are bound (`{since:DateTime}`), never put into
the text. tests/dashboards runs every one against the real tables, so a column cannot be renamed under it.
"""

import re
from dataclasses import dataclass
from importlib import resources

_PARAMETER = re.compile(r"\{(\w+):(\w+(?:\([^{}]*\))?)\}")


@dataclass(frozen=True, slots=True)
class Query:
    """One question: its file's name, what it answers, the SQL, and the parameters with their types."""

    name: str
    description: str
    sql: str

    @property
    def parameters(self) -> dict[str, str]:
        return dict(_PARAMETER.findall(self.sql))


def names() -> tuple[str, ...]:
    """The names of all queries, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in files if name.endswith(".sql")))


def load(name: str) -> str:
    """The SQL of the query of that name; KeyError if there is none."""
    return read(name).sql


def read(name: str) -> Query:
    """The query of that name with what is known of it; KeyError if there is none."""
    if name not in names():
        raise KeyError(f"no query {name!r}; there are: {', '.join(names())}")
    sql = resources.files(__name__).joinpath(f"{name}.sql").read_text("utf-8").strip()
    header = sql.split("\n", 1)[0]
    return Query(name, header.removeprefix("--").strip(), sql)
