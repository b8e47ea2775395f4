"""The cache in one SQLite file that all workers of a host share.

Strategy: one connection on a thread of its own, so the event loop never waits for a disk; WAL, so that readers do not wait for
the writer. The oldest replies go when the file holds more than `max_bytes`, expired ones once a minute.

- `synchronous=OFF`: a commit costs no sync. A crash of a process loses nothing; a crash of the machine may leave a damaged
  file, and what that costs is a cache.
- A damaged file is set aside as `cache.sqlite.corrupt` and begun anew, by whichever worker sees it first. The others notice by
  the file's inode, as they do when somebody deletes it.
- The file holds what models answered: only its owner may read it.

Trap: POSIX drops all locks of a process on a file when any descriptor of it is closed, so nothing here opens the file beside
SQLite, except to create it.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tracer import metrics

_log = logging.getLogger(__name__)

FILE = "cache.sqlite"
# How long to wait for another worker's write, each a few milliseconds long.
_BUSY_S = 0.25
_SWEEP_EVERY_S = 60.0
_AT_ONCE = 16  # rows deleted in one go
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# AUTOINCREMENT: ids only grow, so their order is the order of writing.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    expires_at REAL NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_by_expiry ON replies (expires_at);
"""

T = TypeVar("T")


class SqliteBackend:
    """Entries in `folder`/cache.sqlite. `clock`: seconds since the epoch."""

    def __init__(self, folder: Path, max_bytes: int, clock: Callable[[], float]) -> None:
        self._path = folder / FILE
        self._max_bytes = max_bytes
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "cache")
        # The rest belongs to that thread.
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._page_bytes = 0
        self._swept_at = clock()

    async def get(self, key: str) -> bytes | None:
        return await self._run(lambda db: self._get(db, key))

    async def put(self, key: str, data: bytes, ttl_s: float) -> None:
        await self._run(lambda db: self._put(db, key, data, ttl_s))

    async def delete(self, key: str) -> None:
        await self._run(lambda db: db.execute("DELETE FROM replies WHERE key = ?", (key,)))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connected())
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                self._set_aside(error)
            raise

    def _get(self, db: sqlite3.Connection, key: str) -> bytes | None:
        row = db.execute("SELECT data FROM replies WHERE key = ? AND expires_at > ?", (key, self._clock())).fetchone()
        return row[0] if row else None

    def _put(self, db: sqlite3.Connection, key: str, data: bytes, ttl_s: float) -> None:
        now = self._clock()
        db.execute("BEGIN IMMEDIATE")
        try:
            # Replaced, not updated: the row becomes the newest.
            db.execute("INSERT OR REPLACE INTO replies (key, expires_at, data) VALUES (?, ?, ?)", (key, now + ttl_s, data))
            if now - self._swept_at >= _SWEEP_EVERY_S:
                self._swept_at = now
                db.execute("DELETE FROM replies WHERE expires_at <= ?", (now,))
            self._evict(db)
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _evict(self, db: sqlite3.Connection) -> None:
        while self._used(db) > self._max_bytes:
            oldest = "DELETE FROM replies WHERE id IN (SELECT id FROM replies ORDER BY id LIMIT ?)"
            gone = db.execute(oldest, (_AT_ONCE,)).rowcount
            if not gone:
                return
            metrics.cache_evicted.inc(gone)

    def _used(self, db: sqlite3.Connection) -> int:
        """Bytes of the file that hold something; two look-ups, however many rows there are."""
        pages = db.execute("PRAGMA page_count").fetchone()[0] - db.execute("PRAGMA freelist_count").fetchone()[0]
        return int(pages) * self._page_bytes

    def _connected(self) -> sqlite3.Connection:
        if self._db is None or self._inode != self._inode_now():
            self._disconnect()
            self._db = self._connect()
        return self._db

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():  # two that turn WAL on at once get an error, whatever their time-out
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self._inode = self._inode_now()
            return self._open()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA journal_size_limit = 16777216")
            db.executescript(_SCHEMA)
            self._page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
        except BaseException:
            db.close()
            raise
        return db

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _inode_now(self) -> int:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other worker opens the file or sets it aside meanwhile."""
        with Path(f"{self._path}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Make room for a new file, unless another worker has done so already."""
        self._disconnect()
        with self._alone():
            if self._inode != self._inode_now():
                return
            for journal in ("-wal", "-shm"):  # they would be applied to the new file
                Path(f"{self._path}{journal}").unlink(missing_ok=True)
            self._path.replace(f"{self._path}.corrupt")
        _log.warning("the cache file is damaged (%s); it is set aside as %s.corrupt", error, self._path)
