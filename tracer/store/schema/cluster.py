"""The schema on a cluster: statements rewritten for it, and whether its operator has run them.

Tables become `…_local`, Replicated, with a Distributed table under the plain name: queries and exporters notice no difference.
What belongs together shards together: a call and its body by call_id, so that a join of the two stays on one machine, and all
versions of a span or a feedback, and all copies of a price, because only rows of one machine replace each other. Feedback or
prices and calls meet by GLOBAL JOIN.
Materialized views stand on every machine, from its `…_local` table into its `…_local` sums. What was there before such a
view is for the operator to sum up (docs/queries.md says how): Tracer would reach one machine of many.

Tracer never makes or changes these tables itself (it would reach one machine of many): the operator runs what
`tracer schema --cluster NAME` prints, at first and after an upgrade, and until then `missing` says what is not there.
"""

import re
from collections.abc import Iterable, Iterator

from clickhouse_connect.driver.client import Client

_DATABASE = re.compile(r"^CREATE DATABASE\b")
_TABLE = re.compile(r"(?<=^CREATE TABLE IF NOT EXISTS )llm\.(\w+)$", re.MULTILINE)
_ALTERED = re.compile(r"(?<=^ALTER TABLE )llm\.(\w+)$", re.MULTILINE)
_ADDED = re.compile(r"^\s+ADD COLUMN IF NOT EXISTS (\w+) ", re.MULTILINE)
_STORED = re.compile(r"^\s+MODIFY COLUMN \w+ CODEC\(", re.MULTILINE)
_INTO = re.compile(r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (llm\.\w+) TO (llm\.\w+) AS$", re.MULTILINE)
_SOURCE = re.compile(r"(?<=^FROM )llm\.\w+(?= AS \w+$)", re.MULTILINE)
_VIEW = re.compile(r"(?<=^CREATE OR REPLACE VIEW )llm\.\w+", re.MULTILINE)
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)(?:\((\w+)\))?$", re.MULTILINE)
_SHARD_BY = {
    "calls": "cityHash64(call_id)",
    "bodies": "cityHash64(call_id)",
    "feedback": "cityHash64(feedback_id)",
    "prices": "cityHash64(price_id)",
    "spans": "cityHash64(trace_id)",
    "span_bodies": "cityHash64(trace_id)",
}


def on_cluster(statement: str, cluster: str) -> Iterator[str]:
    """The statements that do on a cluster what this one does on one machine."""
    where = f"ON CLUSTER '{cluster}'"
    if _DATABASE.search(statement):
        yield f"{statement} {where}"
    elif found := _TABLE.search(statement):
        table = found[1]
        local = statement[: found.start()] + f"llm.{table}_local {where}" + statement[found.end() :]
        local = local.replace("non_replicated_deduplication_window", "replicated_deduplication_window")
        yield _ENGINE.sub(lambda engine: _replicated(engine, table), local)
        shard = _SHARD_BY.get(table, "rand()")
        yield (
            f"CREATE TABLE IF NOT EXISTS llm.{table} {where} AS llm.{table}_local\n"
            f"ENGINE = Distributed('{cluster}', 'llm', '{table}_local', {shard})"
        )
    elif found := _ALTERED.search(statement):
        # How a column is compressed concerns the table that stores it.
        names = (f"{found[1]}_local",) if _STORED.search(statement) else (f"{found[1]}_local", found[1])
        for name in names:
            yield statement[: found.start()] + f"llm.{name} {where}" + statement[found.end() :]
    elif found := _INTO.search(statement):
        head = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {found[1]} {where} TO {found[2]}_local AS"
        yield _SOURCE.sub(lambda source: f"{source[0]}_local", _INTO.sub(head, statement))
    else:
        yield _VIEW.sub(lambda view: f"{view[0]} {where}", statement)


def is_cluster(client: Client) -> bool:
    """Whether the tables that are there are a cluster's."""
    query = "SELECT engine FROM system.tables WHERE database = 'llm' AND name = 'calls'"
    return [row[0] for row in client.query(query).result_rows] == ["Distributed"]


def missing(client: Client, statements: Iterable[str]) -> list[str]:
    """Tables, and columns of tables, that these statements would make and that are not there."""
    found = {
        (str(table), str(column))
        for table, column in client.query("SELECT table, name FROM system.columns WHERE database = 'llm'").result_rows
    }
    there = found | {(table, "") for table, _ in found}
    wanted = [made for statement in statements for made in _made_by(statement)]
    return [f"llm.{table}{'.' if column else ''}{column}" for table, column in wanted if (table, column) not in there]


def _made_by(statement: str) -> list[tuple[str, str]]:
    if found := _TABLE.search(statement):
        return [(found[1], "")]
    if found := _ALTERED.search(statement):
        return [(found[1], column) for column in _ADDED.findall(statement)]
    if found := _INTO.search(statement):
        return [(found[1].removeprefix("llm."), "")]
    return []


def _replicated(engine: re.Match[str], table: str) -> str:
    version = f", {engine[2]}" if engine[2] else ""
    return f"ENGINE = Replicated{engine[1]}('/clickhouse/tables/{{shard}}/llm/{table}_local', '{{replica}}'{version})"
