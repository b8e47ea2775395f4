"""A query's result as a table that fits a terminal: numbers to four digits, wide results on their side."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

# More columns than this do not fit beside each other.
MOST_COLUMNS = 10
LONGEST_TEXT = 40
# Where the output is no terminal, rich assumes 80 columns, which is too narrow for any of these.
LEAST_WIDTH = 120


def show(json_compact: str) -> int:
    """Print what ClickHouse's format JSONCompact says; the number of rows."""
    result = json.loads(json_compact, parse_float=Decimal)
    names = [column["name"] for column in result["meta"]]
    rows = [[_text(value) for value in row] for row in result["data"]]
    table = _upright(names, rows) if len(names) <= MOST_COLUMNS else _on_its_side(names, rows)
    console = Console(highlight=False)
    console = console if console.width >= LEAST_WIDTH else Console(highlight=False, width=LEAST_WIDTH)
    console.print(table)
    return len(rows)


def _upright(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in names:
        # One word a line: long headings leave the room to the values.
        table.add_column(name.replace("_", "\n"), overflow="fold", vertical="top")
    for row in rows:
        table.add_row(*row)
    return table


def _on_its_side(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """One line for each column of the result, one column for each of its rows."""
    return _upright(["", *(str(number) for number in range(1, len(rows) + 1))], list(zip(names, *rows, strict=True)))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Decimal):
        return format(Decimal(f"{value:.4g}").normalize(), "f")
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
