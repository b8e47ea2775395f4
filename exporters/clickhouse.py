"""Records into ClickHouse, each kind into its tables (rows.py). The embedded store and a server are the same.

Exactly once: each of a batch's inserts carries a deduplication token made of the batch's token and the table. When a batch
comes again, after a crash between two of them or before the acknowledgement, ClickHouse drops what it has and takes the
rest. (It keeps the last 10,000 tokens of a table; a batch older than 10,000 others was acknowledged long ago.)

ClickHouse syncs rows, if told so, but not its list of tokens: a power cut or a full disk may take a batch's token and leave its
rows. So a batch that may come again is looked up as well, and those of its days are not sent of which every row is there: a day
is a partition, and of an insert a partition has all or nothing.
In the embedded store, which nobody else writes to, the roll-ups of its hours are then compared with the calls: what became of
them in a crash is another matter.

Rules
- Inserts are synchronous: ClickHouse may default to collecting them (async_insert) and answering before they are stored.
- The client is made at the first batch and thrown away after a failure that may be its connection's, and then the schema
  is looked at again: the server that comes back may be a fresh one.
- A server that hears and does not answer is left after HELLO_SECONDS if it says nothing at all, after SILENT_SECONDS of an
  insert. An insert that went through all the same, then or later, is known by its token when it comes again.
- A price goes before the calls that were counted by it, once for each connection; the table leaves equal ones once.
- Nothing a caller sends may make a batch fail, or hold it up: an application says when its spans started, and one batch with
  a hundred different days in it is refused by default.

Who must act decides the kind of a failure (exporters/__init__.py). Permanent is only what clickhouse-connect or ClickHouse
says about these values (a type, a range). All else, a missing table or a refused password included, is the operator's to mend
while the spool keeps the records.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from exporters import ExportError, Permanent, Transient
from exporters.rows import PRICES, TABLES, Table
from tracer.config import Settings
from tracer.records import Call, Price
from tracer.signals import Record
from tracer.store import client as store_client
from tracer.store import schema
from tracer.store.errors import StoreError

# ClickHouse's words for "these values do not fit": CANNOT_PARSE_…, TYPE_MISMATCH, INCORRECT_DATA, ARGUMENT_OUT_OF_BOUND,
# DECIMAL_OVERFLOW, VALUE_IS_OUT_OF_RANGE…, CANNOT_INSERT_NULL…, CANNOT_CONVERT_TYPE, CANNOT_READ_ALL_DATA, …
_BAD_VALUES = frozenset((6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 376, 407, 441))
# What clickhouse-connect's column writers raise on a value that is not the column's.
_UNWRITABLE = (TypeError, ValueError, OverflowError, AttributeError, ArithmeticError)

_ACCESS_DENIED = 497
_CALLS = "llm.calls"
# Tables that keep what comes twice: the others leave equal rows once.
_ONCE = (_CALLS, "llm.bodies")
_THERE = (
    "SELECT call_id FROM {table} WHERE started_at BETWEEN fromUnixTimestamp64Micro({{first:Int64}}) "
    "AND fromUnixTimestamp64Micro({{last:Int64}})"
)
_DAY_US = 86_400_000_000
_EPOCH = datetime.fromtimestamp(0, UTC)
# A server that works on an insert says so every ten seconds (store/client.py).
SILENT_SECONDS = 15.0
HELLO_SECONDS = 5.0


def open(settings: Settings) -> "ClickHouse":
    """The exporter; connects with the first batch."""
    return ClickHouse(settings)


class ClickHouse:
    """Implements exporters.Exporter."""

    name = "clickhouse"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._types: dict[str, Sequence[Any]] = {}
        self._priced: set[str] = set()  # ids of prices that are there

    def export(self, records: Sequence[Record], token: str, again: bool = False) -> None:
        """Insert all of `records`; returning means that ClickHouse has stored them."""
        client = self._connected()
        with store_client.patience(client, SILENT_SECONDS):
            for table in TABLES:
                rows = table.rows(records)
                if table.name == PRICES:
                    self._insert_prices(client, table, rows)
                    continue
                lacking = self._lacking(client, table, rows) if again and table.name in _ONCE else rows
                if lacking:
                    self._insert(client, table, lacking, token)
                if rows and again and table.name == _CALLS and self._settings.clickhouse is None:
                    self._level(client, rows)

    def close(self) -> None:
        """Release the connection."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._types = {}
        self._priced = set()

    def _connected(self) -> Client:
        if self._client is None:
            try:
                client = store_client.connect(self._settings, write=True, answer_s=HELLO_SECONDS)
                try:
                    schema.migrate(client, self._settings)
                except StoreError:
                    client.close()
                    raise
            except (StoreError, OSError) as error:
                raise Transient(f"connecting to ClickHouse: {error}") from error
            self._client = client
        return self._client

    def _lacking(self, client: Client, table: Table, rows: Sequence[Call]) -> Sequence[Call]:
        """Those of days that the table has not, in any order."""
        days: dict[int, list[Call]] = {}
        try:
            for row in rows:
                days.setdefault(_micros(row.started_at) // _DAY_US, []).append(row)
        except _UNWRITABLE:  # what the insert will be refused for
            return rows
        return [row for day in days.values() if not self._has(client, table, day) for row in day]

    def _has(self, client: Client, table: Table, rows: Sequence[Call]) -> bool:
        """Whether the table has all of these. Has it some, an insert may be under way: its token tells what is missing."""
        started = [_micros(row.started_at) for row in rows]
        try:
            found = client.query(_THERE.format(table=table.name), {"first": min(started), "last": max(started)}).result_columns
        except (ClickHouseError, OSError) as error:
            if getattr(error, "code", None) == _ACCESS_DENIED:  # a user that may insert and not read
                return False
            raise self._judged(error, table.name) from error
        return bool(found) and {row.call_id for row in rows} <= set(found[0])

    def _level(self, client: Client, rows: Sequence[Call]) -> None:
        started = [_micros(row.started_at) for row in rows]
        try:
            schema.level_roll_ups(client, self._settings, min(started), max(started))
        except (ClickHouseError, OSError) as error:
            raise self._judged(error, "the roll-ups") from error

    def _insert_prices(self, client: Client, table: Table, rows: Sequence[Price]) -> None:
        """Those that are not there yet. Their token is what they are: after a restart they come once more, in other company."""
        new = [row for row in rows if row.price_id not in self._priced]
        if new:
            self._insert(client, table, new, "-".join(sorted(row.price_id for row in new)))
            self._priced.update(row.price_id for row in new)

    def _insert(self, client: Client, table: Table, rows: Sequence[Any], token: str) -> None:
        name = table.name
        try:
            if name not in self._types:
                self._types[name] = client.create_insert_context(name, table.columns).column_types
            context = client.create_insert_context(
                name,
                table.columns,
                column_types=self._types[name],
                column_oriented=True,
                settings={
                    "insert_deduplication_token": f"{token}:{name}",
                    "async_insert": 0,
                    # A batch that comes again adds to the roll-ups what they miss, and no more; older servers default to 0.
                    "deduplicate_blocks_in_dependent_materialized_views": 1,
                    # On a cluster the table is Distributed, which would answer before the shards have the rows.
                    "distributed_foreground_insert": 1,
                    "max_partitions_per_insert_block": 0,
                    # One block, whatever the user's profile says: refused for a value at its end, none of it may be there, for
                    # the halves that are tried then have tokens of their own.
                    "min_insert_block_size_rows": 1 << 20,
                    "min_insert_block_size_bytes": 1 << 30,
                },
            )
            try:
                client.insert(data=table.values(rows), context=context)
            finally:
                vars(context).clear()  # it refers to itself: the batch would stay in memory until the collector comes by
        except (ClickHouseError, OSError, *_UNWRITABLE) as error:
            raise self._judged(error, name) from error

    def _judged(self, error: Exception, table: str) -> ExportError:
        code = getattr(error, "code", None)
        text = f"inserting into {table}: {error}"
        if code in _BAD_VALUES or (code is None and _is_about_values(error)):
            return Permanent(text)
        self.close()
        return Transient(text)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _is_about_values(error: Exception) -> bool:
    """Without ClickHouse's code: a transport failure (OSError, or the driver's OperationalError), or a value's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _UNWRITABLE) and not isinstance(cause, OSError):
            return True
        cause = cause.__cause__
    return type(error).__name__ == "DataError"
