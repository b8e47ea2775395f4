"""docs/columns.md from the comments in the DDL: the columns are described in one place, where they are made.

`python -m tracer.store.schema.document > docs/columns.md`; tests/store/schema/test_document.py fails when it is stale.
"""

import re
import sys
from collections.abc import Iterator

from tracer.config import Settings
from tracer.store.schema import migrations

_HEAD = """# Columns

Written by `python -m tracer.store.schema.document` from `tracer/store/schema/*.sql`; change them there.

The view `llm.otel_traces` shows the calls under the column names of the OpenTelemetry collector's ClickHouse exporter, with the
attributes of [the spans](spans.md).
"""
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (llm\.\w+)\n\((.*?)\n\)\n(.*)", re.DOTALL)
_COLUMN = re.compile(r"^    (\w+) (.+?) COMMENT '((?:[^']|'')*)'(?: CODEC\(.*\))?,?$")
_GROUP = re.compile(r"^    -- (\w+)$")
_TABLE_COMMENT = re.compile(r"^COMMENT '((?:[^']|'')*)'$", re.MULTILINE)


def columns_page(settings: Settings) -> str:
    """The page's text. The settings fill in the statements; nothing of them shows."""
    statements = [statement for migration in migrations(settings) for statement in migration.statements]
    tables = [found for statement in statements if (found := _TABLE.match(statement))]
    return _HEAD + "".join("\n" + _table(name, body, rest) for name, body, rest in (found.groups() for found in tables))


def _table(name: str, body: str, rest: str) -> str:
    comment = _TABLE_COMMENT.search(rest)
    head = f"## `{name}`\n\n{_text(comment[1]) if comment else ''}.\n\n| column | type | meaning |\n|---|---|---|\n"
    return head + "".join(f"{line}\n" for line in _lines(body))


def _lines(body: str) -> Iterator[str]:
    for line in body.splitlines():
        if group := _GROUP.match(line):
            yield f"| **{group[1]}** | | |"
        elif column := _COLUMN.match(line):
            yield f"| `{column[1]}` | `{column[2]}` | {_text(column[3])} |"


def _text(comment: str) -> str:
    return comment.replace("''", "'").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(columns_page(Settings.model_validate({})))
