"""The sums by minute and hour are those of `llm.calls`, whatever happened: repeats, kills, late calls, an older schema."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from exporters import ExportError, clickhouse
from tests.store.running import RunningStore
from tests.store.samples import STARTED, call, full_call
from tests.traffic.million import Traffic, million
from tracer.records import Call
from tracer.store import client as store_client
from tracer.store import schema

SUMS = {"calls_by_minute": "minute", "calls_by_hour": "hour"}
KEYS = {
    "calls_by_minute": "provider, request_model, response_model, door, outcome",
    "calls_by_hour": "provider, request_model, response_model, door, outcome, key_id, prompt_id, prompt_version, "
    "system_fingerprint",
}
TOKENS = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "audio_input_tokens",
    "image_input_tokens",
    "text_output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "input_tokens",
    "output_tokens",
)
MONEY = ("cost_usd", "input_cost_usd", "output_cost_usd", "saved_usd")
WASTED = "coalesce(wasted_usd, if(outcome IN ('client_gone', 'stream_error', 'timeout'), cost_usd, NULL))"
UNPRICED = "cost_usd IS NULL AND operation != '' AND outcome IN ('ok', 'stream_error', 'client_gone')"


@pytest.fixture(scope="module")
def few() -> Iterator[Traffic]:
    with million(small=True) as running:
        yield running


@pytest.fixture
def own_store(tmp_path: Path) -> RunningStore:
    return RunningStore(tmp_path / "data")


def of_calls(table: str) -> str:
    """What the sums should be."""
    sums = [f"sum(ifNull(c.{name}, 0)) AS {name}" for name in TOKENS] + [f"sum(c.{name}) AS {name}" for name in MONEY]
    rounded = f"toStartOf{SUMS[table].capitalize()}(toDateTime(started_at, 'UTC')) AS time"
    return f"""
        SELECT {rounded}, {KEYS[table]}, count() AS calls, countIf(stream) AS streams, countIf(attempt > 0) AS retries,
            countIf({UNPRICED.replace("cost_usd", "c.cost_usd")}) AS unpriced, min(started_at) AS first_at,
            max(started_at) AS last_at, {", ".join(sums)}, sum({WASTED.replace("cost_usd", "c.cost_usd")}) AS wasted,
            round(sum(duration_ms), 3) AS total_ms, max(c.itl_max_ms) AS itl_max_ms, sumForEach(c.itl_digest) AS digest,
            sum(request_bytes) AS asked, sum(response_bytes) AS answered
        FROM llm.calls AS c GROUP BY ALL"""


def of_sums(table: str) -> str:
    sums = ", ".join(f"sum(s.{name}) AS {name}" for name in (*TOKENS, *MONEY))
    return f"""
        SELECT {SUMS[table]} AS time, {KEYS[table]}, sum(s.calls) AS calls, sum(s.streams) AS streams,
            sum(s.retries) AS retries, sum(s.unpriced) AS unpriced, min(s.first_at) AS first_at, max(s.last_at) AS last_at,
            {sums}, sum(s.wasted_usd) AS wasted, round(sum(s.total_ms), 3) AS total_ms, max(s.itl_max_ms) AS itl_max_ms,
            sumForEachMerge(s.itl_digest) AS digest, sum(s.request_bytes) AS asked, sum(s.response_bytes) AS answered
        FROM llm.{table} AS s GROUP BY ALL"""


def assert_exact(client: Client) -> int:
    """Every measure under every key is that of the calls; how many calls they are."""
    for table in SUMS:
        for one, other in ((of_calls(table), of_sums(table)), (of_sums(table), of_calls(table))):
            assert client.query(f"SELECT * FROM ({one} EXCEPT {other}) LIMIT 3").result_rows == [], table
    (counted,) = client.query("SELECT count() FROM llm.calls").first_row
    return int(counted)


@pytest.mark.parametrize("table", SUMS)
def test_sums_are_those_of_the_calls(few: Traffic, table: str) -> None:
    with store_client.embedded(few.settings, write=True) as client:
        assert assert_exact(client) == few.rows
        levels = "0.5, 0.95, 0.99"
        for column in ("duration_ms", "ttfb_ms", "ttft_ms", "proxy_us"):
            (merged,) = client.query(f"SELECT quantilesTDigestMerge({levels})({column}) FROM llm.{table}").first_row
            (exact,) = client.query(f"SELECT quantilesExact({levels})({column}) FROM llm.calls").first_row
            assert list(merged) == pytest.approx(list(exact), rel=0.03), column


def test_a_repeated_batch_and_late_calls_are_counted_once(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    batch = [call(number, attempt=number % 3) for number in range(1, 300)] + [full_call(400)]
    late = [call(500, started_at=STARTED - timedelta(days=40)), call(501, started_at=STARTED)]
    for token, calls in (("one", batch), ("two", late), ("one", batch), ("two", late), ("one", batch)):
        exporter.export(calls, token)
    exporter.close()
    with store_client.embedded(empty_store.settings, write=True) as client:
        assert assert_exact(client) == 302
        client.command("OPTIMIZE TABLE llm.calls_by_minute FINAL")
        assert assert_exact(client) == 302


@pytest.mark.slow
def test_killed_in_the_middle_of_inserts(own_store: RunningStore) -> None:
    """The store dies at moments that fall anywhere in an insert; the batch comes again, as the sink would send it."""
    batches = {f"batch-{number}": varied(number) for number in range(5)}
    own_store.start()
    for place, (token, calls) in enumerate(batches.items()):
        killer = threading.Timer(0.006 * (place + 1), own_store.kill)
        exporter = clickhouse.open(own_store.settings)
        with suppress(ExportError):
            exporter.export([call(10**6 + place)], f"warm-{token}")  # connects, so that the time is the insert's own
            killer.start()
            exporter.export(calls, token)
        exporter.close()
        killer.join()
        own_store.start()
        exporter = clickhouse.open(own_store.settings)
        exporter.export(calls, token, again=True)
        exporter.close()
    try:
        with store_client.embedded(own_store.settings, write=True) as client:
            assert assert_exact(client) == len(batches) * 501
    finally:
        own_store.stop()


@pytest.mark.parametrize("missed", [("minute",), ("hour",), ("minute", "hour"), ()], ids=str)
def test_what_a_crash_kept_from_the_sums_is_made_up_for(empty_store: RunningStore, missed: tuple[str, ...]) -> None:
    """The store died after the calls and before what its views make of them; the power cut that did it took the token too."""
    views = [f"llm.into_calls_by_{what}" for what in missed]
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(varied(1), "before")
    with store_client.embedded(empty_store.settings, write=True) as client:
        for view in views:
            client.command(f"DETACH TABLE {view}")
        exporter.export(varied(2), "a token that is lost")
        for view in views:
            client.command(f"ATTACH TABLE {view}")
        for _ in range(2):
            exporter.export(varied(2), "the token", again=True)
            assert assert_exact(client) == 1000
    exporter.close()


def test_calls_that_were_lost_after_they_were_summed_up_are_summed_up_once(empty_store: RunningStore) -> None:
    """A failed write broke the part of the calls, and took the roll-ups' tokens but not what stood in them."""
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(varied(1), "before")
    exporter.export(varied(2), "a token that is lost")
    exporter.close()
    with store_client.embedded(empty_store.settings, write=True) as client:
        lost = ", ".join(f"'{made.call_id}'" for made in varied(2))
        client.command(f"ALTER TABLE llm.calls DELETE WHERE call_id IN ({lost})", settings={"mutations_sync": 2})
        exporter.export(varied(2), "the token", again=True)
        assert assert_exact(client) == 1000
    exporter.close()


def varied(number: int) -> list[Call]:
    """500 calls of many minutes, models and outcomes."""
    return [
        call(
            number * 1000 + place,
            started_at=STARTED - timedelta(minutes=place % 50, days=place % 4),
            request_model=f"m{place % 7}",
            outcome="ok" if place % 5 else "timeout",
            itl_digest=(place % 3, 1),
            ttft_ms=float(place),
        )
        for place in range(1, 501)
    ]


def test_what_was_there_before_is_summed_up_once(own_store: RunningStore) -> None:
    with own_store, store_client.embedded(own_store.settings, write=True) as client:
        as_before(client)
        exporter = clickhouse.open(own_store.settings)
        old = [msgspec.structs.replace(each, key_id="k", notes=("n",)) for each in varied(1)]
        exporter.export(old, "old")
        as_before(client)  # the exporter has migrated: back to the older schema, with its calls
        migrators = [threading.Thread(target=migrate, args=(own_store,)) for _ in range(3)]
        for each in migrators:
            each.start()
        for each in migrators:
            each.join()
        assert assert_exact(client) == 500
        forget(client)
        migrate(own_store)  # as after a crash before the note
        assert assert_exact(client) == 500
        exporter.export(varied(2), "new")
        exporter.close()
        assert assert_exact(client) == 1000


def as_before(client: Client) -> None:
    """A store of the Tracer before the sums."""
    for table in SUMS:
        client.command(f"DROP TABLE IF EXISTS llm.into_{table} SYNC")
        client.command(f"DROP TABLE IF EXISTS llm.{table} SYNC")
    forget(client)


def forget(client: Client) -> None:
    client.command("ALTER TABLE llm.migrations DELETE WHERE name LIKE '%roll_ups' SETTINGS mutations_sync = 2")


def migrate(store: RunningStore) -> None:
    with store_client.embedded(store.settings, write=True) as client:
        schema.migrate(client, store.settings)


def test_calls_that_come_while_others_are_summed_up(own_store: RunningStore) -> None:
    """The exporter's own order: migrate, then insert; meanwhile the store migrates too, and more slowly."""
    with own_store, store_client.embedded(own_store.settings, write=True) as client:
        exporter = clickhouse.open(own_store.settings)
        exporter.export(varied(1), "old")
        exporter.close()
        as_before(client)
        slow = threading.Thread(target=migrate, args=(own_store,))
        slow.start()
        exporter = clickhouse.open(own_store.settings)
        for number in range(2, 6):
            exporter.export(varied(number), f"new-{number}")
        exporter.close()
        slow.join()
        assert assert_exact(client) == 2500


def test_sums_stay_when_the_calls_are_gone(own_store: RunningStore) -> None:
    own_store.extra = {"TRACER_RETENTION_DAYS": "10", "TRACER_ROLLUP_RETENTION_DAYS": "400"}
    with own_store, store_client.embedded(own_store.settings, write=True) as client:
        exporter = clickhouse.open(own_store.settings)
        exporter.export(
            [call(1, started_at=STARTED - timedelta(days=30)), call(2, started_at=STARTED - timedelta(days=900))], "a"
        )
        exporter.close()
        for table in ("calls", *SUMS):
            client.command(f"OPTIMIZE TABLE llm.{table} FINAL")
        assert eventually(client, "SELECT count() FROM llm.calls", 0)
        assert eventually(client, "SELECT sum(calls) FROM llm.calls_by_hour", 1)
        kept = "SELECT extract(engine_full, 'toIntervalDay[(]([0-9]+)') FROM system.tables WHERE name = 'calls_by_minute'"
        assert client.query(kept).first_row == ("400",)


def eventually(client: Client, query: str, value: Any) -> bool:
    """Merges that drop parts may take a moment."""
    deadline = time.monotonic() + 10
    while client.query(query).first_row[0] != value:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_question_of_the_sums_reads_few_rows(few: Traffic) -> None:
    with store_client.embedded(few.settings, write=False) as client:
        plan = client.query("EXPLAIN indexes = 1 SELECT sum(calls) FROM llm.calls_by_minute WHERE minute >= now() - 60")
        text = "\n".join(row[0] for row in plan.result_rows)
        assert "PrimaryKey" in text
        with pytest.raises(ClickHouseError):
            client.command("INSERT INTO llm.calls_by_minute (minute) VALUES (now())")
