"""Rows in, rows out, exactly once: the exporter against a real store."""

import asyncio
import gc
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_connect.driver.insert import InsertContext

from exporters import Permanent, Transient, clickhouse
from exporters.rows import CALL_COLUMNS
from tests.faults.gate import gate
from tests.ports import free_port
from tests.store.running import RunningStore
from tests.store.samples import CONTENT, STARTED, call, full_call
from tracer import config
from tracer.config import Settings
from tracer.records import Call
from tracer.store import client as store_client
from tracer.store.secret import WRITER, password


@pytest.fixture
def exporter(empty_store: RunningStore) -> Iterator[clickhouse.ClickHouse]:
    opened = clickhouse.open(empty_store.settings)
    yield opened
    opened.close()


@pytest.fixture
def reader(empty_store: RunningStore) -> Iterator[Client]:
    with store_client.embedded(empty_store.settings, write=False) as connected:
        yield connected


def stored(reader: Client) -> list[dict[str, Any]]:
    return list(reader.query("SELECT * FROM llm.calls ORDER BY call_id").named_results())


def counts(reader: Client) -> tuple[int, int, int]:
    calls, distinct = reader.query("SELECT count(), uniqExact(call_id) FROM llm.calls").result_rows[0]
    return calls, distinct, reader.query("SELECT count() FROM llm.bodies").result_rows[0][0]


def test_every_value_comes_back_as_it_was(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    calls = [full_call(1), call(2, metadata={})]
    exporter.export(calls, "values")
    for row, made in zip(stored(reader), calls, strict=True):
        for name in CALL_COLUMNS:
            expected = getattr(made, name)
            if name in ("tools", "finish_reasons", "itl_digest", "notes"):
                expected = list(expected)
            if name == "started_at":
                expected = made.started_at.replace(tzinfo=None)  # clickhouse-connect gives UTC columns without their zone
            assert row[name] == expected, name
    (body,) = reader.query("SELECT * FROM llm.bodies").named_results()
    assert body["call_id"] == calls[0].call_id
    for name in CONTENT.__struct_fields__:
        expected = getattr(CONTENT, name)
        assert body[name] == (list(expected) if isinstance(expected, tuple) else expected), name


def test_the_full_sample_leaves_no_column_at_its_default() -> None:
    plain, full = call(1), full_call(1)
    mentioned = {"call_id", "started_at", "trace_id", "span_id", "otel_trace_id", "otel_span_id", "door", "endpoint", "method"}
    mentioned |= {"operation", "provider", "upstream", "request_model", "response_model", "usage_source", "price_source"}
    mentioned |= {"duration_ms", "input_tokens", "output_tokens", "total_tokens"}
    same = {name for name in CALL_COLUMNS if getattr(plain, name) == getattr(full, name)}
    assert same == mentioned


def test_a_repeated_batch_is_stored_once(exporter: clickhouse.ClickHouse, reader: Client, empty_store: RunningStore) -> None:
    calls = [call(number, content=CONTENT if number % 2 else None) for number in range(100)]
    exporter.export(calls, "repeated")
    exporter.export(calls, "repeated")
    fresh = clickhouse.open(empty_store.settings)  # as after a restart of the sink
    fresh.export(calls, "repeated")
    fresh.close()
    assert counts(reader) == (100, 100, 50)


def test_a_batch_that_was_stored_is_not_kept_in_memory(exporter: clickhouse.ClickHouse) -> None:
    """The driver's context refers to itself, and with the sink's thresholds the collector comes by late."""
    gc.collect()
    gc.disable()
    try:
        for number in range(3):
            exporter.export([call(number, content=CONTENT)], f"batch-{number}")
        assert not [one for one in gc.get_objects() if isinstance(one, InsertContext)]
    finally:
        gc.enable()


def test_equal_batches_under_two_tokens_are_two(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    exporter.export([call(1)], "first")
    exporter.export([call(1)], "second")
    assert counts(reader) == (2, 1, 0)


@pytest.mark.parametrize("failing", ["llm.calls", "llm.bodies"])
@pytest.mark.parametrize("arrived", [True, False])
def test_a_crash_at_either_insert_leaves_each_row_once(
    exporter: clickhouse.ClickHouse, reader: Client, monkeypatch: pytest.MonkeyPatch, failing: str, arrived: bool
) -> None:
    calls = [call(number, content=CONTENT) for number in range(10)]
    exporter.export(calls[:0] or [call(99)], "warm")
    client = exporter._connected()
    insert = client.insert

    def cut(context: InsertContext, **how: Any) -> Any:
        table = context.table
        if table != failing or arrived:
            insert(context=context, **how)
        if table == failing:
            raise OperationalError("the connection broke")

    monkeypatch.setattr(client, "insert", cut)
    with pytest.raises(Transient):
        exporter.export(calls, "crash")
    exporter.export(calls, "crash")
    assert counts(reader) == (11, 11, 10)


def test_a_batch_over_midnight_is_one_batch(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    calls = [call(number, started_at=STARTED - timedelta(days=number)) for number in range(5)]
    exporter.export(calls, "midnight")
    exporter.export(calls, "midnight")
    assert counts(reader) == (5, 5, 0)


def test_nothing_a_caller_sends_makes_a_batch_fail(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    nasty = call(
        1,
        trace_id="\udcff\x00\n'",
        user="\ud800",
        metadata={"k\udcff": "v\ud800", "": ""},
        tools=("\udcff",),
        seed=2**80,
        max_tokens=-(2**80),
        attempt=2**63,
        n=0,
        error_message="x" * 1_000_000,
    )
    exporter.export([nasty, call(2)], "nasty")
    row = stored(reader)[0]
    assert row["trace_id"] == "?\x00\n'"
    assert row["metadata"] == {"k?": "v?", "": ""}
    assert (row["seed"], row["max_tokens"], row["attempt"]) == (2**63 - 1, -(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cost_usd": Decimal("1e30")},
        {"status_code": 70_000},
        {"status_code": "many"},
        {"itl_digest": (-1,)},
        {"duration_ms": None},
        {"metadata": {"a": 1}},
        {"started_at": "yesterday"},
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_permanent(exporter: clickhouse.ClickHouse, reader: Client, wrong: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match=r"inserting into llm\.calls"):
        exporter.export([call(1), call(2, **wrong), call(3)], "wrong")
    assert counts(reader) == (0, 0, 0)
    exporter.export([call(1), call(3)], "right")  # the drain goes on with the others
    assert counts(reader) == (2, 2, 0)


@pytest.mark.parametrize("code", [202, 241, 242, 252, 243, 159, 60, 497, 394, None])
def test_what_the_server_or_the_operator_must_mend_is_transient(
    exporter: clickhouse.ClickHouse, monkeypatch: pytest.MonkeyPatch, code: int | None
) -> None:
    exporter.export([call(1)], "warm")

    def refuse(*args: Any, **how: Any) -> None:
        raise DatabaseError(f"Code: {code}. DB::Exception: no", code=code)

    monkeypatch.setattr(exporter._connected(), "insert", refuse)
    with pytest.raises(Transient):
        exporter.export([call(2)], "refused")
    exporter.export([call(2)], "refused")  # a new connection


def test_unreachable_is_transient_and_says_where(load_settings: Callable[..., Settings]) -> None:
    settings = load_settings()
    opened = clickhouse.open(settings)
    with pytest.raises(Transient, match=f"127.0.0.1:{settings.store_port}/: nothing answers"):
        opened.export([call(1)], "nobody")
    opened.close()


def test_batches_whose_tokens_a_power_cut_or_a_full_disk_took_are_not_doubled(
    exporter: clickhouse.ClickHouse, reader: Client
) -> None:
    """Each worker's log may have a batch on its way, and the connection need not have noticed that the store began anew."""
    batches = {log: [call(number, content=CONTENT) for number in range(at, at + 20)] for log, at in (("one", 0), ("two", 20))}
    for log, calls in batches.items():
        exporter.export(calls, f"{log}: a token that is lost")
    exporter.export([call(99)], "another")
    for log, calls in batches.items():
        exporter.export(calls, f"{log}: the token", again=True)
    assert counts(reader) == (41, 41, 40)


def test_a_batch_that_may_come_again_and_does_not_is_stored(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    exporter.export([call(1, content=CONTENT)], "first")
    exporter.export([call(1, content=CONTENT), call(2, content=CONTENT)], "second", again=True)
    assert counts(reader) == (3, 2, 3)


def test_of_a_batch_of_two_days_the_one_that_is_there_is_not_doubled(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    """A day is a partition: the one's part may have been set aside as broken, and the other be there without its token."""
    today = [call(number, content=CONTENT) for number in range(3)]
    tomorrow = [call(number, content=CONTENT, started_at=STARTED + timedelta(days=1)) for number in range(3, 5)]
    exporter.export(today, "a token that is lost")
    for _ in range(2):
        exporter.export([*tomorrow[:1], *today, *tomorrow[1:]], "the token", again=True)
    assert counts(reader) == (5, 5, 5)


async def test_a_server_that_hears_and_says_nothing_is_left_and_has_the_batch_once(
    empty_store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clickhouse, "SILENT_SECONDS", 3.0)
    monkeypatch.setattr(clickhouse, "HELLO_SECONDS", 1)
    port = free_port()
    dsn = f"http://{WRITER}:{password(empty_store.directory)}@127.0.0.1:{port}/"
    exporter = clickhouse.open(config.load({**empty_store.environ, "TRACER_CLICKHOUSE": dsn})[0])
    async with gate(port, empty_store.port) as barred:
        await asyncio.to_thread(exporter.export, [call(1, content=CONTENT)], "first")
        barred.be("mute")
        with pytest.raises(Transient, match=r"inserting into llm\.calls"):  # done, and nobody hears of it
            await asyncio.to_thread(exporter.export, [call(2, content=CONTENT)], "second")
        with pytest.raises(Transient, match="connecting"):
            await asyncio.to_thread(exporter.export, [call(2, content=CONTENT)], "second")
        barred.be("pass")
        await asyncio.to_thread(exporter.export, [call(2, content=CONTENT)], "second")
        exporter.close()
    with store_client.embedded(empty_store.settings, write=False) as reader:
        assert counts(reader) == (2, 2, 2)


def test_a_server_that_comes_back_empty_gets_its_tables(tmp_path: Path) -> None:
    first = RunningStore(tmp_path / "first")
    with first:
        opened = clickhouse.open(first.settings)
        opened.export([call(1)], "one")
    with pytest.raises(Transient):
        opened.export([call(2)], "two")
    with RunningStore(tmp_path / "second", port=first.port) as second:
        (first.directory / "store.secret").write_text((second.directory / "store.secret").read_text())
        opened.export([call(2)], "two")
        assert b"".join(store_client.run_query(second.settings, "SELECT count() FROM llm.calls")) == b"1\n"
        opened.close()


@dataclass
class Deliverer(threading.Thread):
    """Delivers numbered batches, each until it was taken, as the drain does."""

    settings: Settings
    batches: list[list[Call]]
    delivered: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        exporter = clickhouse.open(self.settings)
        for number, batch in enumerate(self.batches):
            while len(self.delivered) == number:
                try:
                    exporter.export(batch, f"batch-{number}")
                    self.delivered.append(number)
                except Transient:
                    threading.Event().wait(0.05)
        exporter.close()


@pytest.mark.slow
def test_kill_9_of_the_store_while_inserting_keeps_every_batch_once(tmp_path: Path) -> None:
    running = RunningStore(tmp_path / "data")
    running.start()
    batches = [[call(number * 100 + row, content=CONTENT) for row in range(100)] for number in range(100)]
    deliverer = Deliverer(running.settings, batches)
    deliverer.start()
    moments = random.Random(7)
    for _ in range(2):  # `make faults` does it thirty times
        goal = len(deliverer.delivered) + moments.randint(5, 40)
        while deliverer.is_alive() and len(deliverer.delivered) < goal:
            threading.Event().wait(0.002)
        running.kill()
        acknowledged = len(deliverer.delivered)
        running.start()
        with store_client.embedded(running.settings, write=False) as reader:
            query = "SELECT uniqExact(call_id) FROM llm.calls"
            assert reader.query(query).result_rows[0][0] >= acknowledged * 100
    deliverer.join(100)
    assert not deliverer.is_alive()
    with store_client.embedded(running.settings, write=False) as reader:
        assert counts(reader) == (10_000, 10_000, 10_000)
    running.stop()
