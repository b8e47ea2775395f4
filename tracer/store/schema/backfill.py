"""What a materialized view has missed is put through the view's own query.

What was in the table before the view was made (`backfill`), a day at a time. Exactly once: each day is one insert of one block
under a token of its own, so that a crash half-way, or two processes that migrate at once, add nothing twice; the exporter
migrates before its first insert. Only a batch that another, older Tracer inserts in the very moments between the making of the
view and the summing up of its day can be counted twice; the days are taken newest first to keep those moments short.

What a crash or a failed write left uneven (`level`): ClickHouse stores an insert first and then what its views make of it, and
either may be lost, or come again. Where a view's sums are not those of the table, the sums go and are made anew.
"""

import re
from collections.abc import Iterable

from clickhouse_connect.driver.client import Client

_VIEW = re.compile(
    r"\ACREATE MATERIALIZED VIEW IF NOT EXISTS llm\.\w+ TO (?P<target>llm\.\w+) AS\n"
    r"(?P<before>.*\nFROM (?P<source>llm\.\w+) AS (?P<row>\w+)\n)(?P<after>GROUP BY .*)\Z",
    re.DOTALL,
)
_HOUR_US = 3_600_000_000
_BUCKET = re.compile(r"SELECT\n    (?P<of>\w+\(toDateTime\(\w+\.started_at, 'UTC'\)\)) AS (?P<name>\w+),")
# Without them the days' sums come in blocks of a few thousand rows, in an order that is another each time.
_ONE_BLOCK = {"min_insert_block_size_rows": 10**12, "min_insert_block_size_bytes": 0, "max_insert_threads": 1}


def backfill(client: Client, statement: str) -> None:
    """Sum up what the view of that statement has missed; any other statement does nothing."""
    found = _VIEW.match(statement)
    if found is None:
        return
    query = _insert(found, f"toDate({found['row']}.started_at) = {{day:Date}}")
    days = f"SELECT DISTINCT toDate(started_at) AS day FROM {found['source']} ORDER BY day DESC"
    for (day,) in client.query(days).result_rows:
        settings = _ONE_BLOCK | {"insert_deduplication_token": f"backfill:{found['target']}:{day}", "async_insert": 0}
        client.command(query, parameters={"day": day}, settings=settings)


def level(client: Client, statements: Iterable[str], first: int, last: int) -> None:
    """Make the views' sums those of the table, for the hours from `first` to `last` (us since 1970).

    Only where nobody else inserts meanwhile, and the table still has all of these hours' rows. A crash in the middle leaves
    sums that lack something: the next to ask finds that.
    """
    hours = {"first": first // _HOUR_US * _HOUR_US, "last": last // _HOUR_US * _HOUR_US + _HOUR_US - 1}
    for found in filter(None, map(_VIEW.match, statements)):
        bucket = _BUCKET.search(found["before"])
        assert bucket, "our own schema: the views sum up by the time of the start"
        rows = f"{found['row']}.started_at BETWEEN {_moment('first')} AND {_moment('last')}"
        sums = f"{bucket['name']} BETWEEN toDateTime({_moment('first')}, 'UTC') AND toDateTime({_moment('last')}, 'UTC')"
        uneven = f"""
            SELECT toUnixTimestamp(bucket) FROM (
                SELECT {bucket["of"]} AS bucket, toInt64(count()) AS n
                FROM {found["source"]} AS {found["row"]} WHERE {rows} GROUP BY bucket
                UNION ALL
                SELECT {bucket["name"]} AS bucket, -toInt64(sum(calls)) AS n
                FROM {found["target"]} WHERE {sums} GROUP BY bucket
            ) GROUP BY bucket HAVING sum(n) != 0
        """
        seconds = ", ".join(str(row[0]) for row in client.query(uneven, parameters=hours).result_rows)
        if seconds:
            among = f"toUnixTimestamp({bucket['name']}) IN ({seconds})"
            client.command(f"ALTER TABLE {found['target']} DELETE WHERE {among}", settings={"mutations_sync": 2})
            again = _insert(found, f"{rows} AND toUnixTimestamp({bucket['of']}) IN ({seconds})")
            client.command(again, parameters=hours, settings={**_ONE_BLOCK, "insert_deduplicate": 0, "async_insert": 0})


def _moment(name: str) -> str:
    return f"fromUnixTimestamp64Micro({{{name}:Int64}})"


def _insert(found: re.Match[str], where: str) -> str:
    return f"INSERT INTO {found['target']}\n{found['before']}WHERE {where}\n{found['after']}"
