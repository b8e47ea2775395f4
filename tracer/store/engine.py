"""The embedded ClickHouse engine: the only file that knows chDB.

Strategy: one engine per process on one directory. Every statement gets a connection of its own (0.6 ms), so a USE or a SET
never outlives it, and statements run side by side. A writer's session holds one for its temporary tables (`hold`).

What chDB 26.9 does (tried; tests/store/test_engine.py holds it)
- A connection runs one statement at a time, however many threads use it. Different connections run at once, and chDB gives
  up the GIL meanwhile: 4 threads inserted while another aggregated 3 billion numbers, each insert in 4 to 8 ms.
- A process has one engine path; a directory has one process (flock on its `status` file). Reopening after kill -9 takes 25 ms.
- Parameters are in the HTTP interface's form: TabSeparated-escaped text.
- An INSERT's data comes from a file in memory (INSERT … FROM INFILE), 3 ms for 200 rows. send_insert, chDB's own way to take
  data in pieces, is not to be trusted: it says "done" when the last block could not be written (a full disk, a constraint, a
  view that throws), and the rows are nowhere.
- It does not look whether a `write` to a file failed, and goes on: damage.py.
- send_query formats every block by itself, so a JSON result in two blocks comes as two documents. INTO OUTFILE into a pipe
  gives one, in every format, as it is made, with the engine waiting while the pipe is full: this is how results go out.
  A pipe that nobody reads any more does not stop the query: `kill` does.
- It takes no query_id. `log_comment` is what a statement is known by, and killed by.
- It runs batches: `SELECT 1; DROP TABLE x` is two statements and both run. Users' text goes through formatQuery, which
  takes one.
- A Python function registered under a built-in's name replaces it. See readonly.py.

Invariants
- An insert is acknowledged only while no write to a file has failed.
- Nothing that a user sets is in force when the lock is: settings and database first, then the reader's role, then `readonly`.
- close() ends what still reads, waits for what still writes, and only then lets go of the directory.
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chdb

from tracer.store import damage, file_function, opening
from tracer.store import readonly as fence
from tracer.store.errors import StoreLocked, StoreUnavailable, from_engine
from tracer.store.limits import Limits
from tracer.store.statement import from_file, into_file, quoted, setting_name

# Part of the memory that one user's query may take where nobody says how many there are at once.
_QUERY_SHARE = 0.5
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


@dataclass(frozen=True, slots=True)
class Held:
    """A connection that outlives a statement, for its temporary tables. One statement at a time."""

    connection: Any

    def close(self) -> None:
        self.connection.close()


class Engine:
    """One directory of tables. Every method may be called from any thread; calls block."""

    def __init__(self, directory: Path, memory_bytes: int, allow_writes: bool = False, limits: Limits | None = None) -> None:
        """Open the engine; with `allow_writes` a user may do whatever the engine can, files included."""
        self._directory = directory
        self._allow_writes = allow_writes
        self._limits = limits or Limits(int(memory_bytes * _QUERY_SHARE))
        self._running = threading.Condition()
        self._count = 0
        self._closing = False
        self._url = opening.address(directory, memory_bytes)
        file_function.replace(not allow_writes)
        if not opening.is_locked(directory):
            damage.cut_off(directory)
        self._keep_open = self._open()
        if damage.forget(self._keep_open):
            self._keep_open.close()
            self._keep_open = self._open()
        self._harmless = damage.harmless(self._keep_open, directory)
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
        name: str = "",
        outfile: Callable[[str], str] | None = None,
        held: Held | None = None,
    ) -> Result:
        """Run one statement; its own FORMAT wins over `default_format`. Raises QueryFailed, and what `insert` raises.

        `outfile` is told the format of what a SELECT gives and says the file for it; `data` stays empty then. `name` is what
        `kill` knows the statement by.
        """
        locked = read_only and not self._allow_writes
        if locked:
            fence.check_settings(settings)
            settings = self._limits.applied(settings)
        own = {**settings, "log_comment": name} if name else settings
        with self._connection(own, database, held) as connection:
            canonical = "" if _is_insert(statement) and not read_only else _canonical(connection, statement)
            if read_only:
                self._lock(connection, canonical, locked, held)
            chosen = fence.output_format(canonical) or default_format
            if outfile:
                statement = into_file(canonical, default_format, outfile(chosen)) or statement
            found = connection.query(statement, default_format, params=dict(parameters))
            if not read_only:
                self._check_writes()
            return Result(
                data=found.bytes(),
                format=chosen,
                rows=found.rows_read(),
                read_rows=found.storage_rows_read(),
                read_bytes=found.storage_bytes_read(),
                written_rows=found.rows_written(),
                written_bytes=found.bytes_written(),
                seconds=found.elapsed(),
            )

    def insert(
        self,
        statement: str,
        data_format: str,
        data: bytes,
        *,
        settings: Mapping[str, str] = {},
        database: str = "default",
        held: Held | None = None,
    ) -> Result:
        """Run `INSERT INTO t (…)` (no FORMAT in it) with `data`; returning means the rows are on disk.

        Raises QueryFailed, and StoreUnavailable from the first write on that failed (`failed_writes`).
        """
        # Synchronous, whatever is asked for: the answer must mean stored.
        own = {**settings, "async_insert": "0"}
        with self._connection(own, database, held) as connection, _in_memory(data) as path:
            done = connection.query(from_file(statement, path, data_format), "Null")
            self._check_writes()
            return Result(written_rows=done.rows_written(), written_bytes=done.bytes_written(), seconds=done.elapsed())

    def failed_writes(self) -> int:
        """Writes to files that failed since this engine's process began; with the first, it stores nothing any more."""
        return damage.failed_writes(self._keep_open) - self._harmless

    def canonical(self, statement: str) -> str:
        """The statement as the engine writes it back, on one line. Raises QueryFailed."""
        with self._connection({}, "default") as connection:
            return _canonical(connection, statement)

    def kill(self, name: str) -> None:
        """Tell the statement of that name to end, if it runs; it does some time later."""
        with contextlib.suppress(StoreUnavailable), self._connection({}, "default") as connection:  # closing ends them all
            connection.query("KILL QUERY WHERE Settings['log_comment'] = {name:String} ASYNC", "Null", params={"name": name})

    def hold(self) -> Held:
        """A connection for a session; whoever holds it closes it, before the engine if possible."""
        return Held(self._open())

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
            if opening.is_locked(self._directory):
                raise StoreLocked(f"{self._directory} is in use by another process; stop the other `tracer`") from error
            raise StoreUnavailable(f"opening {self._directory}: {error}") from error

    def _check_writes(self) -> None:
        if failed := self.failed_writes():
            raise StoreUnavailable(f"{failed} writes to {self._directory} failed: {damage.ADVICE}")

    @contextlib.contextmanager
    def _connection(self, settings: Mapping[str, str], database: str, held: Held | None = None) -> Iterator[Any]:
        """A connection for one statement, with its settings in force; engine errors come out as QueryFailed."""
        with self._running:
            if self._closing:
                raise StoreUnavailable("the store is shutting down")
            self._count += 1
        try:
            connection = held.connection if held else self._open()
            try:
                for statement in _preparation(settings, database):
                    connection.query(statement, "Null")
                yield connection
            except RuntimeError as error:
                raise file_function.worded(str(error)) from None
            finally:
                if held:
                    _undo(connection, settings)
                else:
                    connection.close()
        finally:
            with self._running:
                self._count -= 1
                self._running.notify_all()

    def _lock(self, connection: Any, canonical: str, locked: bool, held: Held | None) -> None:
        """From here on the connection can only read."""
        if locked:
            fence.check(canonical, self._outward)
            changed = fence.own_settings(canonical)
            if changed:
                fence.check_settings(changed)
                self._limits.check(changed)
            connection.query("SET ROLE reader", "Null")
            free = changed or fence.asks_which_settings_are_free(canonical)
            connection.query(f"SET readonly = {2 if free else 1}", "Null")
        elif held:
            fence.check_kind(canonical)  # a lock cannot be taken off again, and the session goes on
        else:
            # 2 lets the statement itself change settings and call table functions, as a user who may write files can expect.
            connection.query("SET readonly = 2", "Null")


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A file that holds `data` and is on no disk."""
    with os.fdopen(os.memfd_create("insert"), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _preparation(settings: Mapping[str, str], database: str) -> Iterator[str]:
    if database != "default":
        yield f"USE {quoted(database, '`')}"
    if settings:
        yield "SET " + ", ".join(f"{setting_name(name)} = {quoted(value)}" for name, value in settings.items())


def _undo(connection: Any, settings: Mapping[str, str]) -> None:
    """What `_preparation` did to a connection that goes on."""
    with contextlib.suppress(RuntimeError):  # an unknown setting was refused, and nothing of its statement is in force
        if settings:
            connection.query("SET " + ", ".join(f"{name} = DEFAULT" for name in settings), "Null")
    connection.query("USE default", "Null")


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
