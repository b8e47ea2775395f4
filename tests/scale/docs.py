"""docs/scale.md: prose by hand, and between two comments the tables, written from tracer/scale/fields.py."""

from collections.abc import Iterator
from pathlib import Path

from tracer.scale.fields import FIELDS, Dialect, Field, Kind

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN = "<!-- The tables are written by `python -m tests.docs` from `tracer/scale/fields.py`; change them there. -->\n"
END = "<!-- end of the tables -->\n"
_TITLES = {Dialect.CHAT: "Chat completions", Dialect.TEXT: "Text completions", Dialect.RESPONSES: "Responses"}
_COLUMNS = (Kind.OPENAI, Kind.SELF_HOSTED, Kind.ANTHROPIC, Kind.OTHER)
_SCHEMAS = {"a58": "to a58", "v5": "from a59", "both": "both"}


def scale_page() -> str:
    """The page with fresh tables."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin
    assert end
    return before + BEGIN + "\n" + "\n".join(_tables()) + "\n" + END + after


def _tables() -> Iterator[str]:
    for dialect, fields in FIELDS.items():
        yield f"### {_TITLES[dialect]}"
        yield ""
        yield "| field | type | schema | " + " | ".join(_COLUMNS) + " | |"
        yield "|---" * (len(_COLUMNS) + 4) + "|"
        yield from map(_row, fields.values())
        yield ""


def _row(field: Field) -> str:
    name = f"`{field.name}`" + (", required" if field.required else "")
    ways = " | ".join(field.ways.of(kind) for kind in _COLUMNS)
    return f"| {name} | {field.type} | {_SCHEMAS[field.schema]} | {ways} | {field.into} |"
