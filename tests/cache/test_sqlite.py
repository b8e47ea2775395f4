import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cache.stores import Clock, counted
from tracer.cache import sqlite
from tracer.cache.sqlite import FILE, SqliteBackend

BOUND = 1 << 20


@contextlib.asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None, max_bytes: int = BOUND) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(folder, max_bytes, clock or Clock())
    yield backend
    await backend.close()


def rows(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / FILE)) as db:
        return [key for (key,) in db.execute("SELECT key FROM replies ORDER BY id")]


async def test_it_survives_its_process(tmp_path: Path) -> None:
    async with opened(tmp_path) as backend:
        await backend.put("k", b"v", 60)
    async with opened(tmp_path) as backend:
        assert await backend.get("k") == b"v"


async def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as backend:
        await backend.put("k", b"v", 60)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.stat().st_size}
    assert modes == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}


async def test_time_is_the_clocks_and_what_is_over_is_swept_out(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as backend:
        await backend.put("short", b"v", 10)
        await backend.put("long", b"v", 1000)
        clock.now += 9.9
        assert await backend.get("short") == b"v"
        clock.now += 0.1
        assert await backend.get("short") is None
        assert rows(tmp_path) == ["short", "long"]
        clock.now += 100
        await backend.put("new", b"v", 1000)
        assert rows(tmp_path) == ["long", "new"]


async def test_the_oldest_go_when_the_file_is_full(tmp_path: Path) -> None:
    evicted = counted("cache_evicted")
    async with opened(tmp_path) as backend:
        for number in range(200):
            await backend.put(f"k{number}", bytes(10_000), 60)
        kept = rows(tmp_path)
        assert kept == [f"k{number}" for number in range(200 - len(kept), 200)]
        assert 60 < len(kept) <= BOUND // 10_000
        assert counted("cache_evicted") - evicted == 200 - len(kept)
        # Written again, an old one is new.
        await backend.put(kept[0], b"again", 60)
        assert rows(tmp_path)[-1] == kept[0]
    assert (tmp_path / FILE).stat().st_size <= BOUND + 64 * 1024


async def test_a_bound_that_nothing_fits_in_keeps_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, max_bytes=0) as backend:
        await backend.put("k", b"v", 60)
        assert await backend.get("k") is None


async def test_a_damaged_file_is_set_aside_once_and_all_go_on_with_the_new_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        for number in range(20):
            await one.put(f"k{number}", bytes(10_000), 60)
            await other.get(f"k{number}")
        damage(tmp_path)
        failures = 0
        for backend in (one, other, one, other):
            try:
                await backend.put("k", b"new", 60)
            except sqlite3.DatabaseError:
                failures += 1
        assert 1 <= failures <= 2
        assert await one.get("k") == await other.get("k") == b"new"
        assert await one.get("k1") is None
    assert (tmp_path / f"{FILE}.corrupt").exists()
    assert rows(tmp_path) == ["k"]


async def test_a_file_that_never_was_a_database(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    async with opened(tmp_path) as backend:
        with pytest.raises(sqlite3.DatabaseError):
            await backend.get("k")
        await backend.put("k", b"v", 60)
        assert await backend.get("k") == b"v"


async def test_a_file_that_somebody_deletes_is_begun_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await one.put("k", b"v", 60)
        for path in tmp_path.iterdir():
            path.unlink()
        assert await one.get("k") is None
        await other.put("k", b"new", 60)
        assert await one.get("k") == b"new"


async def test_a_locked_file_can_be_read_and_a_write_fails(tmp_path: Path) -> None:
    async with opened(tmp_path) as backend:
        await backend.put("k", b"v", 60)
        with contextlib.closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            assert await backend.get("k") == b"v"
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                await backend.put("k", b"other", 60)
            db.execute("ROLLBACK")
        await backend.put("k", b"other", 60)
        assert await backend.get("k") == b"other"


async def test_the_loop_runs_on_while_a_write_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_S", 60.0)
    async with opened(tmp_path) as backend, asyncio.TaskGroup() as group:
        await backend.put("k", b"v", 60)
        with contextlib.closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            writing = group.create_task(backend.put("k", b"other", 60))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not writing.done()
            db.execute("ROLLBACK")
        await writing
        assert await backend.get("k") == b"other"


async def test_many_workers_may_begin_at_once(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(opened(tmp_path)) for _ in range(8)]
        await asyncio.gather(*(worker.get("k") for worker in workers))


async def test_a_folder_that_cannot_be_made_is_an_error_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with opened(tmp_path / "file" / "data") as backend:
        for _ in range(2):
            with pytest.raises(OSError, match="Not a directory"):
                await backend.get("k")


def damage(folder: Path) -> None:
    """Overwrite every page behind the first, and what the journal holds."""
    path = folder / FILE
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
