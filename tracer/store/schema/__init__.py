"""The tables: numbered .sql files, each applied once and in order, on the embedded store and on a server alike.

Strategy: every statement can be run again without harm (IF NOT EXISTS, OR REPLACE), and a file is noted in
`llm.migrations` after its last statement. A crash between, or two processes at once, runs statements again and changes nothing.

Rules
- A file that was released is never changed; a later one corrects it.
- A statement ends with `;` at the end of a line; none holds that inside a string.
- The files are written for one machine; cluster.py rewrites them.
- Retention is a setting, so it may change after the table was made: `migrate` then alters the TTL.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from string import Template

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from tracer.config import Settings
from tracer.store.client import failed, patience
from tracer.store.errors import StoreUnavailable
from tracer.store.schema.backfill import backfill, level
from tracer.store.schema.cluster import is_cluster, missing, on_cluster

DATABASE = "CREATE DATABASE IF NOT EXISTS llm"
MIGRATIONS = """
CREATE TABLE IF NOT EXISTS llm.migrations
(
    name String COMMENT 'File name of the migration',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied'
)
ENGINE = MergeTree
ORDER BY name
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Schema changes that were applied'
""".strip()

_DAY_US = 86_400_000_000
_CLUSTER_NAME = re.compile(r"[\w.-]+")
# Tables that forget: the column that says how old a row is, and the setting that says how long it is kept.
_KEPT = {
    "calls": ("started_at", "retention_days"),
    "bodies": ("started_at", "bodies_retention_days"),
    "feedback": ("created_at", "retention_days"),
    "spans": ("started_at", "retention_days"),
    "span_bodies": ("started_at", "bodies_retention_days"),
    "calls_by_minute": ("minute", "rollup_retention_days"),
    "calls_by_hour": ("hour", "rollup_retention_days"),
}


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name and its statements, with the settings filled in."""

    name: str
    statements: tuple[str, ...]


def migrations(settings: Settings) -> tuple[Migration, ...]:
    """All files in their order."""
    files = sorted((f for f in resources.files(__name__).iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    filled = {days: getattr(settings, days) for _, days in _KEPT.values()}
    return tuple(
        Migration(file.name.removesuffix(".sql"), tuple(split(Template(file.read_text("utf-8")).substitute(filled))))
        for file in files
    )


def split(text: str) -> Iterator[str]:
    """The statements of a file, without the comment lines before them."""
    for part in re.split(r";\s*$", text, flags=re.MULTILINE):
        statement = re.sub(r"\A(?:\s*--[^\n]*\n)+", "", part).strip()
        if statement:
            yield statement


def ddl(cluster: str | None, settings: Settings) -> str:
    """All statements as text; for a cluster of that name if one is given."""
    if cluster is not None and not _CLUSTER_NAME.fullmatch(cluster):
        raise ValueError(f"{cluster!r} is no cluster's name: letters, digits, `_`, `-` and `.`")
    statements = [DATABASE, MIGRATIONS, *(s for migration in migrations(settings) for s in migration.statements)]
    if cluster is not None:
        statements = [each for statement in statements for each in on_cluster(statement, cluster)]
    return "".join(f"{statement};\n\n" for statement in statements).rstrip("\n") + "\n"


def migrate(client: Client, settings: Settings) -> None:
    """Bring the database that `client` is connected to up to date. Raises StoreError."""
    try:
        client.command(DATABASE)
        client.command(MIGRATIONS)
        applied = {str(row[0]) for row in client.query("SELECT DISTINCT name FROM llm.migrations").result_rows}
        for migration in migrations(settings):
            if migration.name not in applied:
                if settings.clickhouse is None:
                    _check_room(client)
                with patience(client):
                    _apply(client, migration)
        for table in _KEPT:
            _keep(client, settings, table)
    except ClickHouseError as error:
        raise failed(error, "creating the tables") from error


def level_roll_ups(client: Client, settings: Settings, first: int, last: int) -> None:
    """Make the roll-ups of calls of this time, us since 1970, those of the table (backfill.py says when that may be asked)."""
    kept_since = time.time_ns() // 1000 - (settings.retention_days - 1) * _DAY_US
    if last >= kept_since:
        statements = (statement for migration in migrations(settings) for statement in migration.statements)
        level(client, statements, max(first, kept_since), last)


def _check_room(client: Client) -> None:
    """A table's definition that is written by half would keep the embedded store from opening (tracer/store/damage.py)."""
    if not client.query("SELECT min(unreserved_space) FROM system.disks").result_rows[0][0]:
        raise StoreUnavailable("the embedded store's disk is full: make room, and the tables will be created")


def _apply(client: Client, migration: Migration) -> None:
    if is_cluster(client):
        if lacking := missing(client, migration.statements):
            raise StoreUnavailable(
                f"the cluster has no {', '.join(lacking)}: run what `tracer schema --cluster NAME` prints on it once more"
            )
    else:
        for statement in migration.statements:
            client.command(statement)
            backfill(client, statement)
    # The token makes the note once, though two processes may both have got here.
    settings = {"insert_deduplication_token": migration.name, "async_insert": 0}
    client.insert("llm.migrations", [[migration.name]], ["name"], settings=settings)


def _keep(client: Client, settings: Settings, table: str) -> None:
    """Set the table's TTL to the settings' days if it is another. On a cluster that is the operator's: this is Distributed."""
    column, setting = _KEPT[table]
    days: int = getattr(settings, setting)
    query = "SELECT engine_full FROM system.tables WHERE database = 'llm' AND name = {table:String}"
    engine = "".join(str(row[0]) for row in client.query(query, {"table": table}).result_rows)
    if "TTL " in engine and f"toIntervalDay({days})" not in engine:
        if settings.clickhouse is None:
            _check_room(client)
        with patience(client):
            client.command(f"ALTER TABLE llm.{table} MODIFY TTL toDateTime({column}) + INTERVAL {days:d} DAY")
