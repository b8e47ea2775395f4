"""Asking the store for a page: it only reads, it does not wait for ever, and a store that was away is found again."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.store.running import RunningStore
from tests.ui.conftest import OpenPages
from tracer.config import Settings
from tracer.store.client import QueryFailed, StoreError, StoreUnavailable
from tracer.store.secret import password
from tracer.ui import held
from tracer.ui.reader import Reader, TookTooLong

Open = Callable[..., Reader]
_LONG = "SELECT sum(sipHash64(number)) AS calls FROM numbers(1000000000000)"


@pytest.fixture
async def open_reader() -> AsyncIterator[Open]:
    made: list[Reader] = []

    def opened(settings: Settings, limit_s: float = 15.0) -> Reader:
        made.append(Reader(settings, limit_s))
        return made[-1]

    yield opened
    for reader in made:
        reader.close()


async def test_rows(store: RunningStore, open_reader: Open) -> None:
    sql = "SELECT {a:String} AS a, 1::UInt64 AS b, NULL AS c, 0.1::Decimal(18, 12) AS e, "
    sql += "toDateTime64('2026-01-02 03:04:05.678', 6, 'UTC') AS d"
    assert await open_reader(store.settings).rows(sql, {"a": "it's\n{b:String} %s"}) == [
        {"a": "it's\n{b:String} %s", "b": 1, "c": None, "d": "2026-01-02T03:04:05.678000Z", "e": 0.1}
    ]


@pytest.mark.parametrize("sql", ["DROP TABLE llm.calls", "SELECT 1; SELECT 2", "INSERT INTO llm.calls (user) VALUES ('x')"])
async def test_a_dsns_user_who_may_write_cannot_here(
    store: RunningStore, load_settings: Callable[..., Settings], open_reader: Open, sql: str
) -> None:
    secret = password(store.settings.data_dir)
    reader = open_reader(load_settings(TRACER_CLICKHOUSE=f"http://tracer:{secret}@127.0.0.1:{store.port}/"))
    with pytest.raises(QueryFailed):
        await reader.rows(sql, {})
    assert await reader.rows("SELECT count() >= 0 AS there FROM llm.calls", {})


async def test_time_and_memory_have_their_ends(store: RunningStore, open_reader: Open) -> None:
    with pytest.raises((TookTooLong, QueryFailed), match=r"no answer|TIMEOUT_EXCEEDED"):
        await open_reader(store.settings, 1).rows(_LONG, {})
    with pytest.raises(QueryFailed, match="MEMORY_LIMIT_EXCEEDED"):
        await open_reader(store.settings, 60).rows("SELECT groupArray(number) FROM numbers(100000000000)", {})


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (TookTooLong("x"), 504, "took too long"),
        (QueryFailed(159, "Code: 159. DB::Exception: x. (TIMEOUT_EXCEEDED)"), 504, "took too long"),
        (QueryFailed(241, "Code: 241. DB::Exception: x. (MEMORY_LIMIT_EXCEEDED)"), 507, "more memory"),
        (QueryFailed(47, "Code: 47. DB::Exception: secret_column"), 500, "refused a question"),
        (StoreUnavailable("nothing answers at 127.0.0.1"), 503, "nothing answers at 127.0.0.1"),
    ],
)
async def test_each_failure_has_its_page(
    store: RunningStore, open_pages: OpenPages, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    pages = await open_pages(store.settings)

    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(pages.client.app[held.READER], "rows", fail)
    for path in ("/", "/calls"):
        page = await pages.get(path, status)
        assert words in page.text
        assert "secret_column" not in page.text


async def test_a_store_that_was_away_is_found_again(tmp_path: Path, open_reader: Open) -> None:
    with RunningStore(tmp_path / "away") as away:
        reader = open_reader(away.settings)
        assert await reader.rows("SELECT 1 AS a", {}) == [{"a": 1}]
        away.kill()
        with pytest.raises(StoreError):
            await reader.rows("SELECT 1 AS a", {})
        away.start()
        assert await reader.rows("SELECT 1 AS a", {}) == [{"a": 1}]
