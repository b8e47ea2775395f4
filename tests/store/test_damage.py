"""Writes that fail, which chDB does not notice. A limit on the size of files makes them fail (the process ignores SIGXFSZ)."""

import os
import resource
import time
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from tests.store.running import RunningStore
from tracer.store import client as store_client
from tracer.store import damage, opening, schema
from tracer.store.engine import Engine
from tracer.store.errors import QueryFailed, StoreUnavailable

# Of 30 bytes a row 300 are stored, so that the table's file meets the limit and the insert's own data do not.
TABLE = """
CREATE TABLE llm.grown (id UInt64, day Date, filler String DEFAULT randomString(300) CODEC(NONE))
ENGINE = MergeTree PARTITION BY day ORDER BY id
SETTINGS non_replicated_deduplication_window = 100
"""
LIMIT_BYTES = 100_000


def limit(store: RunningStore, size: int) -> None:
    assert store.process
    resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def ended(store: RunningStore) -> bytes:
    """What it said before it ended by itself."""
    assert store.process
    said = store.process.communicate(timeout=30)[1]
    assert store.process.returncode == os.EX_IOERR
    return said


def insert(client: Client, token: str, rows: int) -> None:
    """Rows of two days, and of the second only five."""
    data = [[number, 1 + (number < 5)] for number in range(rows)]
    client.insert("llm.grown", data, ["id", "day"], settings={"insert_deduplication_token": token})


def days(client: Client) -> list[int]:
    """Rows of the two days; every row is read whole."""
    read = "SELECT count() FROM llm.grown WHERE length(filler) = 300 GROUP BY day ORDER BY day"
    return [row[0] for row in client.query(read).result_rows]


def test_a_write_that_fails_is_not_acknowledged_and_what_was_not_written_can_come_again(tmp_path: Path) -> None:
    store = RunningStore(tmp_path / "data")
    store.start()
    with store_client.embedded(store.settings, write=True) as client:
        client.command(TABLE)
        insert(client, "before", 8)
        limit(store, LIMIT_BYTES)
        with pytest.raises(ClickHouseError, match="disk is full"):
            insert(client, "large", 1000)
        with pytest.raises((ClickHouseError, OSError)):
            insert(client, "small", 8)  # written in fact, and nobody may rely on it
    assert b"disk is full" in ended(store)

    with store, store_client.embedded(store.settings, write=True) as client:
        assert days(client)[1] >= 10, "the parts that are whole"
        for _ in range(2):
            for token, rows in (("before", 8), ("large", 1000), ("small", 8)):
                insert(client, token, rows)
            assert days(client) == [3 + 995 + 3, 15]
    aside = {path.name for path in (tmp_path / "data").rglob("detached/*")}
    assert {name.partition("_")[0] for name in aside} == {"broken"}, "dealt with: a later part may have the same number"
    with store, store_client.embedded(store.settings, write=True) as client:
        for token, rows in (("large", 1000), ("small", 8)):
            insert(client, token, rows)
        assert days(client) == [3 + 995 + 3, 15]
    assert {path.name for path in (tmp_path / "data").rglob("detached/*")} == aside


def test_what_a_merge_was_made_of_outlives_it(tmp_path: Path) -> None:
    """The merged part of a merge that could not be written is set aside, and no row is missing."""
    store = RunningStore(tmp_path / "data")
    store.start()
    with store_client.embedded(store.settings, write=True) as client:
        client.command(TABLE)
        client.command("SYSTEM STOP MERGES llm.grown")
        for number in range(6):
            insert(client, f"batch-{number}", 100)
        limit(store, LIMIT_BYTES)
        client.command("SYSTEM START MERGES llm.grown")
        with pytest.raises((ClickHouseError, OSError)):
            client.command("OPTIMIZE TABLE llm.grown FINAL")
    assert b"disk is full" in ended(store)
    with store, store_client.embedded(store.settings, write=True) as client:
        assert days(client) == [570, 30]
        insert(client, "batch-3", 100)
        assert days(client) == [570, 30]


def test_a_store_that_opens_where_nothing_can_be_written_is_there_for_questions(tmp_path: Path) -> None:
    with RunningStore(tmp_path / "data") as store, store_client.embedded(store.settings, write=True) as client:
        client.command(TABLE)
        insert(client, "before", 8)
    store = RunningStore(tmp_path / "data", wrapped=("prlimit", "--fsize=0"))
    with store, store_client.embedded(store.settings, write=False) as client:
        assert (tmp_path / "data" / "store" / "status").stat().st_size == 0
        time.sleep(2 * damage.LOOK_SECONDS)
        assert days(client) == [3, 5]


def test_a_deletion_that_was_written_by_half_keeps_nothing_from_being_opened(tmp_path: Path) -> None:
    store = RunningStore(tmp_path / "data")
    with store, store_client.embedded(store.settings, write=True) as client:
        client.command(TABLE)
        insert(client, "before", 8)
        for number in (0, 1):
            deletion = f"ALTER TABLE llm.grown DELETE WHERE id = {number} AND filler != 'of\ntwo lines'"
            client.command(deletion, settings={"mutations_sync": 2})
    whole, cut = sorted((tmp_path / "data").rglob("mutation_*.txt"), key=lambda path: path.stat().st_mtime_ns)
    text = whole.read_bytes()
    assert b"DELETE" in text
    for length in range(len(text)):
        cut.write_bytes(text[:length])
        damage.cut_off(tmp_path / "data" / "store")
        assert not cut.exists()
        assert whole.read_bytes() == text

    cut.write_bytes(b"")
    with store, store_client.embedded(store.settings, write=True) as client:
        assert days(client) == [3, 3]
        client.command("ALTER TABLE llm.grown DELETE WHERE id = 2", settings={"mutations_sync": 2})
        assert days(client) == [3, 2]
    assert not cut.exists()


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The engine takes its disk for full."""
    asked = opening.ENGINE.read_text()
    file = tmp_path / "engine.xml"
    file.write_text(asked.replace("134217728", str(1 << 60)))
    assert file.read_text() != asked
    monkeypatch.setattr(opening, "ENGINE", file)
    return tmp_path


def test_space_that_must_stay_free_is_not_written_to(full: Path) -> None:
    engine = Engine(full / "store", 512 << 20)
    try:
        engine.run("CREATE TABLE default.t (id UInt64) ENGINE = MergeTree ORDER BY id", read_only=False)
        with pytest.raises(QueryFailed, match="NOT_ENOUGH_SPACE"):
            engine.insert("INSERT INTO default.t", "TSV", b"1\n")
        assert engine.failed_writes() == 0
        assert engine.run("SELECT count() FROM default.t").data == b"0\n"
    finally:
        engine.close()


def test_no_table_is_made_or_altered_on_a_full_disk(empty_store: RunningStore) -> None:
    """A definition that is written by half could not be read again."""

    class Full:
        def __init__(self, client: Client, before: str) -> None:
            self.client = client
            self.before = before
            self.said: list[str] = []

        def command(self, text: str, *args: object, **how: object) -> object:
            self.said.append(text)
            return self.client.command(text, *args, **how)  # type: ignore[arg-type]

        def query(self, text: str, *args: object, **how: object) -> object:
            if "SELECT DISTINCT name" in text:
                text = f"SELECT name FROM llm.migrations WHERE name < '{self.before}'"
            if "unreserved_space" in text:
                text = "SELECT toUInt64(0)"
            return self.client.query(text, *args, **how)  # type: ignore[arg-type]

    with store_client.embedded(empty_store.settings, write=True) as client:
        shorter = empty_store.settings.model_copy(update={"retention_days": 7})
        for settings, before in ((empty_store.settings, "009"), (shorter, "all")):
            full = Full(client, before)
            with pytest.raises(StoreUnavailable, match="disk is full"):
                schema.migrate(full, settings)  # type: ignore[arg-type]
            assert full.said == [schema.DATABASE, schema.MIGRATIONS]
