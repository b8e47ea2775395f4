"""docs/usage.md: prose by hand, and between two comments the tables, written from tracer/dialects."""

from collections.abc import Iterable
from pathlib import Path

from tracer.dialects.flavour import Flavour
from tracer.dialects.flavours import FLAVOURS
from tracer.dialects.row import Dialect, Paths, Where
from tracer.dialects.table import DIALECTS

PAGE = Path(__file__).parents[2] / "docs" / "usage.md"
BEGIN = "<!-- The tables are written by `python -m tests.docs` from `tracer/dialects`; change them there. -->\n"
END = "<!-- end of the tables -->\n"
_FLAVOURS = ("| kind | who | input | output | total | beside input | beside output |", "|---|---|---|---|---|---|---|")
_DIALECTS_INTRO = """\
## Shapes of replies

OpenAI's chat and completions, and everybody who answers like them, have a reader of their own. All else is read by these rows,
each of them for a whole reply as well as for the events of a stream."""
_DIALECTS = ("| shape | described at | a stream ends with |", "|---|---|---|")
_NAMES = {
    "image_input": "images",
    "tool_use": "results of tools",
    "citations": "pages read",
    "cache_read": "cache reads",
    "cache_write": "cache writes",
}


def usage_page() -> str:
    """The page with fresh tables."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin
    assert end
    rows = [_flavour(flavour) for flavour in FLAVOURS]
    shapes = [f"| `{dialect.name}` | <{dialect.source}> | {_end(dialect)} |" for dialect in DIALECTS]
    tables = (*_FLAVOURS, *rows, "", _DIALECTS_INTRO, "", *_DIALECTS, *shapes)
    return before + BEGIN + "\n" + "\n".join(tables) + "\n\n" + END + after


def _flavour(flavour: Flavour) -> str:
    beside = (
        ", ".join(_NAMES.get(name, name) for name in names) for names in (flavour.input_excludes, flavour.output_excludes)
    )
    figures = (_first(paths) for paths in (flavour.input, flavour.output, flavour.total))
    return f"| `{flavour.name}` | {flavour.who} | {' | '.join((*figures, *beside))} |"


def _first(paths: Paths) -> str:
    return f"`{'.'.join(_steps(paths[0]))}`" if paths else ""


def _steps(path: Iterable[str | Where]) -> Iterable[str]:
    return ("*" if isinstance(step, Where) else step for step in path)


def _end(dialect: Dialect) -> str:
    ways = (("an event of its own", dialect.ends), ("a finish reason", dialect.reasons))
    return " or ".join(way for way, told in ways if told) or "nothing that tells it"
