"""Asking the store from an endpoint: what it may, how long it waits, and what it says when there is no answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.many_calls import WINDOW, many_calls
from tests.api.serving import serving
from tests.store.running import RunningStore
from tracer.api.analytics import Analytics
from tracer.api.errors import ApiError
from tracer.api.questions import Questions
from tracer.config import Settings
from tracer.store.secret import password

Load = Callable[..., Settings]


async def test_rows(questions: Questions) -> None:
    rows = await questions.rows("SELECT {a:String} AS a, 1::UInt64 AS b, NULL AS c", {"a": "it's\n{b:String}"})
    assert rows == [{"a": "it's\n{b:String}", "b": 1, "c": None}]


@pytest.mark.parametrize("statement", ["DROP TABLE llm.calls", "SELECT file('/etc/passwd')", "SELECT 1; SELECT 2"])
async def test_it_can_only_read(questions: Questions, statement: str) -> None:
    with pytest.raises(ApiError) as caught:
        await questions.rows(statement, {})
    assert caught.value.status == 500
    assert "passwd" not in caught.value.message  # ClickHouse's words go to the log
    (row,) = await questions.rows("SELECT count() AS calls FROM llm.calls", {})
    assert row["calls"] == len(many_calls())


async def test_a_dsns_user_who_may_write_cannot_here(filled_store: RunningStore, load_settings: Load) -> None:
    secret = password(filled_store.settings.data_dir)
    settings = load_settings(TRACER_CLICKHOUSE=f"http://tracer:{secret}@127.0.0.1:{filled_store.port}/")
    asked = Questions(settings)
    try:
        with pytest.raises(ApiError) as caught:
            await asked.rows("DROP TABLE llm.calls", {})
        assert caught.value.status == 500
        assert await asked.rows("SELECT count() AS calls FROM llm.calls", {}) == [{"calls": len(many_calls())}]
    finally:
        asked.close()


async def test_a_question_that_takes_too_long(filled_store: RunningStore) -> None:
    asked = Questions(filled_store.settings, limit_s=1)
    try:
        with pytest.raises(ApiError, match=r"took more than 1 s; ask for a shorter time") as caught:
            await asked.rows("SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", {})
        assert caught.value.status == 504
    finally:
        asked.close()


async def test_a_question_that_needs_too_much_memory(filled_store: RunningStore) -> None:
    asked = Questions(filled_store.settings)
    try:
        with pytest.raises(ApiError) as caught:
            await asked.rows("SELECT length(groupArray(repeat('x', 1000000))) FROM numbers(100000)", {})
        assert caught.value.status == 507
    finally:
        asked.close()


async def test_a_store_that_is_away_and_comes_back(tmp_path: Path) -> None:
    running = RunningStore(tmp_path / "data")
    asked = Questions(running.settings)
    try:
        async with serving(Analytics(asked, lambda _: frozenset())) as api:
            status, answer = await api.get("/v1/analytics/graphs/requests", **WINDOW)
            assert status == 503
            assert f"127.0.0.1:{running.port}/: nothing answers; start it with `tracer up`" in str(answer["message"])
            with running:
                assert (await api.get("/v1/analytics/graphs/requests", **WINDOW))[0] == 200
            status, answer = await api.get("/v1/analytics/graphs/requests", **WINDOW)
            assert status == 503
            with running:
                assert (await api.get("/v1/analytics/graphs/requests", **WINDOW))[0] == 200
    finally:
        asked.close()


async def test_many_questions_at_once(questions: Questions) -> None:
    answers = await asyncio.gather(*[questions.rows("SELECT {n:UInt32} AS n", {"n": n}) for n in range(50)])
    assert [rows[0]["n"] for rows in answers] == list(range(50))


async def test_the_engine_is_not_loaded_for_a_question(load_settings: Load) -> None:
    """A store's directory that nobody serves is for `tracer query`, not for a worker of the proxy."""
    settings = load_settings()
    (settings.data_dir / "store" / "metadata").mkdir(parents=True)
    asked = Questions(settings)
    with pytest.raises(ApiError) as caught:
        await asked.rows("SELECT 1", {})
    assert caught.value.status == 503
    asked.close()
