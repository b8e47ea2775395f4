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

The view `llm.otel_traces` shows the calls and the applications' own spans under the column names of the OpenTelemetry
collector's ClickHouse exporter, with the attributes of [the spans](spans.md). The view `llm.call_feedback` has a row for each
feedback and each call of its trace, with `weighted_value` beside the call's main columns; see [feedback](feedback.md).
`llm.calls_by_minute` and `llm.calls_by_hour` are sums of the calls that are kept up as rows come; see [queries](queries.md).
"""
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (llm\.\w+)\n\((.*?)\n\)\n(.*)", re.DOTALL)
_COLUMN = re.compile(r"^    (\w+) (.+?) COMMENT '((?:[^']|'')*)'(?: CODEC\(.*\))?,?$")
_GROUP = re.compile(r"^    -- (\w+)$")
_ALTERED = re.compile(r"ALTER TABLE (llm\.\w+)\n(.*)", re.DOTALL)
_ADDED = re.compile(
    r"^    ADD COLUMN IF NOT EXISTS (\w+) (.+?) COMMENT '((?:[^']|'')*)'(?: CODEC\(.*\))? AFTER (\w+),?$", re.MULTILINE
)
_TABLE_COMMENT = re.compile(r"^COMMENT '((?:[^']|'')*)'$", re.MULTILINE)


def columns_page(settings: Settings) -> str:
    """The page's text. The settings fill in the statements; nothing of them shows."""
    statements = [statement for migration in migrations(settings) for statement in migration.statements]
    tables = [found.groups() for statement in statements if (found := _TABLE.match(statement))]
    added: dict[str, list[tuple[str, str]]] = {}
    for statement in statements:
        if altered := _ALTERED.match(statement):
            lines = [(each[4], _line(each)) for each in _ADDED.finditer(altered[2])]
            added.setdefault(altered[1], []).extend(lines)
    return _HEAD + "".join("\n" + _table(name, body, rest, added.get(name, [])) for name, body, rest in tables)


def _table(name: str, body: str, rest: str, added: list[tuple[str, str]]) -> str:
    comment = _TABLE_COMMENT.search(rest)
    head = f"## `{name}`\n\n{_text(comment[1]) if comment else ''}.\n\n| column | type | meaning |\n|---|---|---|\n"
    lines = list(_lines(body))
    for after, line in added:
        lines.insert(next(i for i, each in enumerate(lines, 1) if each.startswith(f"| `{after}` |")), line)
    return head + "".join(f"{line}\n" for line in lines)


def _lines(body: str) -> Iterator[str]:
    for line in body.splitlines():
        if group := _GROUP.match(line):
            yield f"| **{group[1]}** | | |"
        elif column := _COLUMN.match(line):
            yield _line(column)


def _line(column: re.Match[str]) -> str:
    return f"| `{column[1]}` | `{column[2]}` | {_text(column[3])} |"


def _text(comment: str) -> str:
    return comment.replace("''", "'").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(columns_page(Settings.model_validate({})))
