"""Calls into ClickHouse: `llm.calls`, and `llm.bodies` for those with content. The embedded store and a server are the same.

Exactly once: each of a batch's two inserts carries a deduplication token made of the batch's token and the table. When
a batch comes again, after a crash between the two or before the acknowledgement, ClickHouse drops the half that it has and
takes the other. (It keeps the last 10,000 tokens of a table; a batch older than 10,000 others was acknowledged long ago.)

Rules
- Inserts are synchronous: ClickHouse may default to collecting them (async_insert) and answering before they are stored.
- The client is made at the first batch and thrown away after a failure that may be its connection's, and then the schema
  is looked at again: the server that comes back may be a fresh one.
- Nothing a caller sends may make a batch fail: lone surrogates are replaced, integers beyond 64 bits are cut to the limit.

Who must act decides the kind of a failure (exporters/__init__.py). Permanent is only what clickhouse-connect or ClickHouse
says about these values (a type, a range). All else, a missing table or a refused password included, is the operator's to mend
while the spool keeps the calls.
"""

from collections.abc import Callable, Sequence
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from exporters import ExportError, Permanent, Transient
from tracer.config import Settings
from tracer.records import Call, Content
from tracer.store import client as store_client
from tracer.store import schema
from tracer.store.errors import StoreError

CALL_COLUMNS = tuple(name for name in Call.__struct_fields__ if name != "content")
BODY_COLUMNS = ("call_id", "started_at", *Content.__struct_fields__)

# ClickHouse's words for "these values do not fit": CANNOT_PARSE_…, TYPE_MISMATCH, INCORRECT_DATA, ARGUMENT_OUT_OF_BOUND,
# DECIMAL_OVERFLOW, VALUE_IS_OUT_OF_RANGE…, CANNOT_INSERT_NULL…, CANNOT_CONVERT_TYPE, CANNOT_READ_ALL_DATA, …
_BAD_VALUES = frozenset((6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 376, 407, 441))
# What clickhouse-connect's column writers raise on a value that is not the column's.
_UNWRITABLE = (TypeError, ValueError, OverflowError, AttributeError, ArithmeticError)

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# Columns whose integers come from outside as they are.
_FOREIGN_INTEGERS = frozenset(
    name for name in CALL_COLUMNS if name.endswith("_tokens") or name in ("attempt", "seed", "n", "proxy_us")
)


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

    def export(self, calls: Sequence[Call], token: str) -> None:
        """Insert all of `calls`; returning means that ClickHouse has stored them."""
        client = self._connected()
        with_content = [(call, call.content) for call in calls if call.content is not None]
        self._insert(client, "llm.calls", CALL_COLUMNS, lambda: call_columns(calls), token)
        if with_content:
            self._insert(client, "llm.bodies", BODY_COLUMNS, lambda: body_columns(with_content), token)

    def close(self) -> None:
        """Release the connection."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._types = {}

    def _connected(self) -> Client:
        if self._client is None:
            try:
                client = store_client.connect(self._settings, write=True)
                try:
                    schema.migrate(client, self._settings)
                except StoreError:
                    client.close()
                    raise
            except (StoreError, OSError) as error:
                raise Transient(f"connecting to ClickHouse: {error}") from error
            self._client = client
        return self._client

    def _insert(
        self, client: Client, table: str, names: Sequence[str], columns: Callable[[], list[list[Any]]], token: str
    ) -> None:
        try:
            if table not in self._types:
                self._types[table] = client.create_insert_context(table, names).column_types
            client.insert(
                table,
                columns(),
                column_names=names,
                column_types=self._types[table],
                column_oriented=True,
                settings={
                    "insert_deduplication_token": f"{token}:{table}",
                    "async_insert": 0,
                    # On a cluster the table is Distributed, which would answer before the shards have the rows.
                    "distributed_foreground_insert": 1,
                },
            )
        except (ClickHouseError, OSError, *_UNWRITABLE) as error:
            raise self._judged(error, table) from error

    def _judged(self, error: Exception, table: str) -> ExportError:
        code = getattr(error, "code", None)
        text = f"inserting into {table}: {error}"
        if code in _BAD_VALUES or (code is None and _is_about_values(error)):
            return Permanent(text)
        self.close()
        return Transient(text)


def call_columns(calls: Sequence[Call]) -> list[list[Any]]:
    """The calls' values by column, in the order of CALL_COLUMNS."""
    return [_column(name, [getattr(call, name) for call in calls]) for name in CALL_COLUMNS]


def body_columns(contents: Sequence[tuple[Call, Content]]) -> list[list[Any]]:
    """The contents' values by column, in the order of BODY_COLUMNS."""
    keys: list[list[Any]] = [[call.call_id for call, _ in contents], [call.started_at for call, _ in contents]]
    return keys + [_column(name, [getattr(content, name) for _, content in contents]) for name in Content.__struct_fields__]


def _column(name: str, values: list[Any]) -> list[Any]:
    first = next((value for value in values if value is not None), None)
    if isinstance(first, str):
        return _texts(values)
    if isinstance(first, dict):
        return [_map(value) for value in values]
    if isinstance(first, tuple):
        return [[_text(item) if isinstance(item, str) else item for item in value] for value in values]
    if name in _FOREIGN_INTEGERS:
        return [value if value is None else min(max(value, _INT64_MIN), _INT64_MAX) for value in values]
    return values


def _texts(values: list[str]) -> list[str]:
    """The strings as UTF-8 can carry them; looked at one by one only if one of them cannot."""
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return [_text(value) for value in values]
    return values


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _map(value: dict[str, str]) -> dict[str, str]:
    return {_text(key): _text(item) for key, item in value.items()}


def _is_about_values(error: Exception) -> bool:
    """Without ClickHouse's code: a transport failure (OSError, or the driver's OperationalError), or a value's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _UNWRITABLE) and not isinstance(cause, OSError):
            return True
        cause = cause.__cause__
    return type(error).__name__ == "DataError"
