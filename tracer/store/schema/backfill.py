"""What a materialized view has missed is put through the view's own query.

What was in the table before the view was made (`backfill`), a day at a time. Exactly once: each day is one insert of one block
under a token of its own, so that a crash half-way, or two processes that migrate at once, add nothing twice; the exporter
migrates before its first insert. Only a batch that another, older Tracer inserts in the very moments between the making of the
view and the summing up of its day can be counted twice; the days are taken newest first to keep those moments short.

What a crash kept from the view (`complete`): ClickHouse stores an insert first and then what its views make of it.
"""

import re
from collections.abc import Collection, Iterable
from uuid import UUID

from clickhouse_connect.driver.client import Client

_VIEW = re.compile(
    r"\ACREATE MATERIALIZED VIEW IF NOT EXISTS llm\.\w+ TO (?P<target>llm\.\w+) AS\n"
    r"(?P<before>.*\nFROM (?P<source>llm\.\w+) AS (?P<row>\w+)\n)(?P<after>GROUP BY .*)\Z",
    re.DOTALL,
)
_BUCKET = re.compile(r"SELECT\n    (?P<of>\w+\(toDateTime\((?P<row>\w+)\.started_at, 'UTC'\)\)) AS (?P<name>\w+),")
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


def complete(client: Client, statements: Iterable[str], ids: Collection[UUID], started: tuple[int, int], token: str) -> None:
    """Put calls that are in the table through those views whose sums lack them; `started`: first and last, us since 1970.

    Only where nobody else inserts meanwhile: the sums of the hours in question are compared with the table.
    """
    for found in filter(None, map(_VIEW.match, statements)):
        if not _lacks(client, found, started):
            continue
        among = ", ".join(f"'{one}'" for one in ids)
        these = f"{found['row']}.started_at BETWEEN {_moment('first')} AND {_moment('last')}"
        query = _insert(found, f"{these} AND {found['row']}.call_id IN ({among})")
        settings = _ONE_BLOCK | {"insert_deduplication_token": f"{token}:{found['target']}", "async_insert": 0}
        client.command(query, parameters=_bounds(started), settings=settings)


def _lacks(client: Client, found: re.Match[str], started: tuple[int, int]) -> bool:
    bucket = _BUCKET.search(found["before"])
    assert bucket, "our own schema: the views sum up by the time of the start"
    first, last = (bucket["of"].replace(f"{bucket['row']}.started_at", _moment(name)) for name in ("first", "last"))
    stored = f"SELECT count() FROM {found['source']} AS {bucket['row']} WHERE {bucket['of']} BETWEEN {first} AND {last}"
    summed = f"SELECT sum(calls) FROM {found['target']} WHERE {bucket['name']} BETWEEN {first} AND {last}"
    return bool(client.query(f"SELECT ({stored}) > ifNull(({summed}), 0)", parameters=_bounds(started)).result_rows[0][0])


def _moment(name: str) -> str:
    return f"fromUnixTimestamp64Micro({{{name}:Int64}})"


def _bounds(started: tuple[int, int]) -> dict[str, int]:
    return {"first": started[0], "last": started[1]}


def _insert(found: re.Match[str], where: str) -> str:
    return f"INSERT INTO {found['target']}\n{found['before']}WHERE {where}\n{found['after']}"
