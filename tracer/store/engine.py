"""The embedded ClickHouse engine: the only file that knows chDB.

Strategy: one engine per process on one directory. Every statement gets a connection of its own (0.14 ms), so a USE or a SET
never outlives it, and statements run side by side.

What chDB 26.9 does (tried; tests/store/test_engine.py holds it)
- A connection runs one statement at a time, however many threads use it. Different connections run at once, and chDB gives
  up the GIL meanwhile: 4 threads inserted while another aggregated 3 billion numbers, each insert in 4 to 8 ms.
- A process has one engine path; a directory has one process (flock on its `status` file). Reopening after kill -9 takes 25 ms.
- Options in the connection string are settings of the server or of queries; unknown ones are ignored without a word, so the
  tests ask for each. (`timezone`, the server setting, is one that does nothing.)
- Parameters are in the HTTP interface's form: TabSeparated-escaped text.
- send_insert takes the data in pieces, with no file between and no copy of the whole: for 1,000 rows it costs what
  INSERT … FROM INFILE does (2.4 ms), and `insert_deduplication_token` works the same.
- It runs batches: `SELECT 1; DROP TABLE x` is two statements and both run. Users' text goes through formatQuery, which
  takes one.
- A Python function registered under a built-in's name replaces it. See readonly.py.

Invariants
- Nothing that a user sets is in force when `readonly = 1` is: settings first, then the lock.
- close() ends what still reads, waits for what still writes, and only then lets go of the directory.
"""

import contextlib
import fcntl
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chdb

from tracer.store import readonly as fence
from tracer.store.errors import QueryFailed, StoreError, StoreLocked, StoreUnavailable, failure, from_engine

_SETTING_NAME = re.compile(r"[A-Za-z_]\w*")
_PY_EXCEPTION = 800
# Part of the memory that one user's query may take, so that an insert beside it finds room.
_QUERY_SHARE = 0.5
# One write of this many bytes to the engine; it parses as it gets them.
_PIECE_BYTES = 4 << 20
# close() waits at most for the product of the two.
_CLOSE_ROUNDS = 100
_CLOSE_ROUND_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave, and what it took."""

    data: bytes = b""
    format: str = ""
    rows: int = 0
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    seconds: float = 0.0


class Engine:
    """One directory of tables. Every method may be called from any thread; calls block."""

    def __init__(self, directory: Path, memory_bytes: int, allow_writes: bool = False) -> None:
        """Open the engine; with `allow_writes` a user may do whatever the engine can, files included."""
        self._directory = directory
        self._allow_writes = allow_writes
        self._memory_bytes = memory_bytes
        self._running = threading.Condition()
        self._count = 0
        self._closing = False
        self._url = _url(directory, memory_bytes)
        _replace_file_function(not allow_writes)
        self._keep_open = self._open()
        self.version = self._value("SELECT version()")
        self.timezone = self._value("SELECT timezone()")
        names = self._value("SELECT groupArray(name) FROM system.table_functions FORMAT TSVRaw")
        self._outward = fence.outward(re.findall(r"'(\w+)'", names))

    def run(
        self,
        statement: str,
        *,
        default_format: str = "TabSeparated",
        parameters: Mapping[str, str] = {},
        settings: Mapping[str, str] = {},
        database: str = "default",
        read_only: bool = True,
    ) -> Result:
        """Run one statement; its own FORMAT wins over `default_format`. Raises QueryFailed."""
        locked = read_only and not self._allow_writes
        if locked:
            fence.check_settings(settings)
        with self._connection(settings, database, read_only, locked) as connection:
            chosen: str | None = None
            if locked or not _is_insert(statement):
                canonical = _canonical(connection, statement)
                chosen = fence.output_format(canonical)
                if locked:
                    fence.check(canonical, self._outward)
            found = connection.query(statement, default_format, params=dict(parameters))
            return Result(
                data=found.bytes(),
                format=chosen or default_format,
                rows=found.rows_read(),
                read_rows=found.storage_rows_read(),
                read_bytes=found.storage_bytes_read(),
                written_rows=found.rows_written(),
                written_bytes=found.bytes_written(),
                seconds=found.elapsed(),
            )

    def insert(
        self, statement: str, data_format: str, data: bytes, *, settings: Mapping[str, str] = {}, database: str = "default"
    ) -> Result:
        """Run `INSERT INTO t (…)` (no FORMAT in it) with `data`; returning means the rows are on disk. Raises QueryFailed."""
        # Synchronous, whatever the engine's default: the answer must mean stored.
        own = {"async_insert": "0", **settings}
        with self._connection(own, database, False, False) as connection, memoryview(data) as view:
            stream = connection.send_insert(statement, data_format)
            with stream:
                for start in range(0, len(data), _PIECE_BYTES):
                    stream.append(bytes(view[start : start + _PIECE_BYTES]))
                done = stream.finish()
            return Result(written_rows=done.rows_written, written_bytes=done.bytes_written, seconds=done.elapsed)

    def close(self) -> None:
        """End running queries, let inserts finish, release the directory."""
        with self._running:
            if self._closing:
                return
            self._closing = True
        for _ in range(_CLOSE_ROUNDS):
            # Again and again: a statement may have been on its way to the engine at the first.
            with contextlib.suppress(chdb.ChdbError):
                self._keep_open.query("KILL QUERY WHERE query_kind != 'Insert' ASYNC", "Null")
            with self._running:
                if self._running.wait_for(lambda: self._count == 0, _CLOSE_ROUND_SECONDS):
                    break
        self._keep_open.close()

    def _value(self, statement: str) -> str:
        return str(self._keep_open.query(statement, "TabSeparated").bytes().decode()).rstrip("\n")

    def _open(self) -> Any:
        try:
            return chdb.connect(self._url)
        except RuntimeError as error:
            if _is_locked(self._directory):
                raise StoreLocked(f"{self._directory} is in use by another process; stop the other `tracer`") from error
            raise StoreUnavailable(f"opening {self._directory}: {error}") from error

    @contextlib.contextmanager
    def _connection(self, settings: Mapping[str, str], database: str, read_only: bool, locked: bool) -> Iterator[Any]:
        """A connection for one statement, with its settings in force; engine errors come out as QueryFailed."""
        with self._running:
            if self._closing:
                raise StoreUnavailable("the store is shutting down")
            self._count += 1
        try:
            connection = self._open()
            try:
                for statement in self._preparation(settings, database, read_only, locked):
                    connection.query(statement, "Null")
                yield connection
            except RuntimeError as error:
                raise _failed(str(error)) from None
            finally:
                connection.close()
        finally:
            with self._running:
                self._count -= 1
                self._running.notify_all()

    def _preparation(self, settings: Mapping[str, str], database: str, read_only: bool, locked: bool) -> Iterator[str]:
        if database != "default":
            yield f"USE {_quoted(database, '`')}"
        applied = dict(settings)
        if locked and self._memory_bytes:
            applied["max_memory_usage"] = str(int(self._memory_bytes * _QUERY_SHARE))
        if applied:
            yield "SET " + ", ".join(f"{_setting_name(name)} = {_quoted(value, chr(39))}" for name, value in applied.items())
        if read_only:
            # 2 lets the statement itself change settings and call table functions, as a user who may write files can expect.
            yield f"SET readonly = {1 if locked else 2}"


def _url(directory: Path, memory_bytes: int) -> str:
    if "?" in str(directory):
        raise StoreError(f"{directory}: chDB takes no `?` in a path; set TRACER_DATA_DIR to another")
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "max_server_memory_usage": memory_bytes,
        "session_timezone": "UTC",  # the same answers on every machine, and as a ClickHouse server in a container gives
        "implicit_select": 0,  # clickhouse-local's `1 + 1`: a server calls it a syntax error
        "allow_introspection_functions": 0,
    }
    return f"{directory}?" + "&".join(f"{name}={value}" for name, value in options.items())


def _canonical(connection: Any, statement: str) -> str:
    """The statement as the engine reads it, on one line: comments gone, one way of quoting. Refuses more than one statement."""
    escaped = statement.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    try:
        found = connection.query("SELECT formatQuerySingleLine({statement:String})", "TSVRaw", params={"statement": escaped})
    except RuntimeError as error:
        raise from_engine(
            re.sub(r": In scope SELECT formatQuerySingleLine.*(?= \()", "", str(error), flags=re.DOTALL)
        ) from None
    return str(found.bytes().decode("utf-8", "replace")).strip()


def _is_insert(statement: str) -> bool:
    return statement.lstrip()[:6].upper() == "INSERT"


def _failed(text: str) -> QueryFailed:
    error = from_engine(text)
    if error.code == _PY_EXCEPTION and "'file'" in text:
        return failure(164, "READONLY", "Cannot execute query in readonly mode: file() reads files.")
    return error


def _replace_file_function(replaced: bool) -> None:
    """In this process, for every connection: an earlier engine may have left it either way."""
    with contextlib.suppress(RuntimeError):  # there was none
        chdb.drop_function("file")
    if replaced:
        chdb.create_function("file", _no_file, ["String"], "String")


def _no_file(_path: str) -> str:
    raise PermissionError("file() is switched off")


def _setting_name(name: str) -> str:
    if not _SETTING_NAME.fullmatch(name):
        raise failure(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    return name


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _is_locked(directory: Path) -> bool:
    """Whether another process holds the engine's lock; the engine's own message does not say."""
    try:
        with (directory / "status").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
