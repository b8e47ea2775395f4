"""What was in a table before a materialized view was made is put through the view's own query, a day at a time.

Exactly once: each day is one insert of one block under a token of its own, so that a crash half-way, or two processes that
migrate at once, add nothing twice; the exporter migrates before its first insert. Only a batch that another, older Tracer
inserts in the very moments between the making of the view and the summing up of its day can be counted twice; the days are
taken newest first to keep those moments short.
"""

import re

from clickhouse_connect.driver.client import Client

_VIEW = re.compile(
    r"\ACREATE MATERIALIZED VIEW IF NOT EXISTS llm\.\w+ TO (?P<target>llm\.\w+) AS\n"
    r"(?P<before>.*\nFROM (?P<source>llm\.\w+) AS (?P<row>\w+)\n)(?P<after>GROUP BY .*)\Z",
    re.DOTALL,
)
# Without them the days' sums come in blocks of a few thousand rows, in an order that is another each time.
_ONE_BLOCK = {"min_insert_block_size_rows": 10**12, "min_insert_block_size_bytes": 0, "max_insert_threads": 1}


def backfill(client: Client, statement: str) -> None:
    """Sum up what the view of that statement has missed; any other statement does nothing."""
    found = _VIEW.match(statement)
    if found is None:
        return
    query = _of_a_day(found)
    days = f"SELECT DISTINCT toDate(started_at) AS day FROM {found['source']} ORDER BY day DESC"
    for (day,) in client.query(days).result_rows:
        settings = _ONE_BLOCK | {"insert_deduplication_token": f"backfill:{found['target']}:{day}", "async_insert": 0}
        client.command(query, parameters={"day": day}, settings=settings)


def _of_a_day(found: re.Match[str]) -> str:
    where = f"WHERE toDate({found['row']}.started_at) = {{day:Date}}\n"
    return f"INSERT INTO {found['target']}\n{found['before']}{where}{found['after']}"
