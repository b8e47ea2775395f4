"""Feedback and applications' spans as rows, against a real store: every value, exactly once, the version that counts."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError
from clickhouse_connect.driver.insert import InsertContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exporters import Transient, clickhouse
from exporters.rows import FEEDBACK_COLUMNS, PRICE_COLUMNS, SPAN_BODY_COLUMNS, SPAN_COLUMNS, TABLES
from tests.store.running import RunningStore
from tests.store.samples import CONTENT, PRICES, STARTED_NS, app_span, call, feedback, full_app_span
from tracer.signals import AppSpan, Record
from tracer.store import client as store_client
from tracer.store import schema

DAY_NS = 86_400 * 10**9


@pytest.fixture
def exporter(empty_store: RunningStore) -> Iterator[clickhouse.ClickHouse]:
    opened = clickhouse.open(empty_store.settings)
    yield opened
    opened.close()


@pytest.fixture
def reader(empty_store: RunningStore) -> Iterator[Client]:
    with store_client.embedded(empty_store.settings, write=False) as connected:
        yield connected


def mixed(count: int) -> list[Record]:
    """Calls with content, feedback and spans, as they lie in a spool."""
    made: list[Record] = []
    for number in range(count):
        made += [
            call(number, content=CONTENT, prices=PRICES),
            feedback(number),
            app_span(number, end_ns=0, workspace="ws"),
            full_app_span(number),
        ]
    random.Random(7).shuffle(made)
    return made


def counts(reader: Client) -> dict[str, int]:
    """Rows as they lie in the tables, versions not merged."""
    return {table.name: reader.query(f"SELECT count() FROM {table.name}").result_rows[0][0] for table in TABLES}


def test_every_value_comes_back_as_it_was(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    opinion = feedback(1, value=-2.5, weight=0.125, metadata={"a": "b"}, key_id="k", workspace="w", version=STARTED_NS + 7000)
    span = full_app_span(1)
    exporter.export([opinion, span], "values")
    for made, table, names in (
        (opinion, "feedback", FEEDBACK_COLUMNS),
        (span, "spans", SPAN_COLUMNS),
        (span, "span_bodies", SPAN_BODY_COLUMNS),
    ):
        (row,) = reader.query(f"SELECT * FROM llm.{table} FINAL").named_results()
        for name in names:
            expected: Any = getattr(made, name)
            if name.endswith("_at"):
                expected = expected.replace(tzinfo=None)
            assert row[name] == expected, name


def test_a_mixed_batch_that_comes_again_is_stored_once(
    exporter: clickhouse.ClickHouse, reader: Client, empty_store: RunningStore
) -> None:
    batch = mixed(50)
    exporter.export(batch, "mixed")
    first = counts(reader)
    exporter.export(batch, "mixed")
    fresh = clickhouse.open(empty_store.settings)
    fresh.export(batch, "mixed")
    fresh.close()
    assert counts(reader) == first
    assert (first["llm.calls"], first["llm.bodies"]) == (50, 50)
    for name in ("feedback", "spans", "span_bodies"):
        assert reader.query(f"SELECT count() FROM llm.{name} FINAL").result_rows == [(50,)]


def test_a_price_goes_once_for_each_connection_and_lies_there_once(
    exporter: clickhouse.ClickHouse, reader: Client, empty_store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter.export([call(1, prices=PRICES)], "first")
    client = exporter._connected()
    tables: list[str] = []
    monkeypatch.setattr(client, "insert", lambda context, **_: tables.append(context.table))
    exporter.export([call(2, prices=PRICES), call(3, prices=PRICES[:1])], "second")
    assert tables == ["llm.calls"]
    monkeypatch.undo()
    fresh = clickhouse.open(empty_store.settings)
    fresh.export([call(4, prices=PRICES)], "third")
    fresh.close()
    rows = list(reader.query("SELECT * FROM llm.prices FINAL ORDER BY above_input_tokens").named_results())
    for row, price in zip(rows, PRICES[::-1], strict=True):
        assert row == {name: getattr(price, name) for name in PRICE_COLUMNS}


@pytest.mark.parametrize("failing", [table.name for table in TABLES])
@pytest.mark.parametrize("arrived", [True, False])
def test_a_crash_at_any_insert_leaves_each_row_once(
    exporter: clickhouse.ClickHouse, reader: Client, monkeypatch: pytest.MonkeyPatch, failing: str, arrived: bool
) -> None:
    exporter.export([feedback(99)], "warm")
    client = exporter._connected()
    insert = client.insert

    def cut(context: InsertContext, **how: Any) -> Any:
        table = context.table
        if table != failing or arrived:
            insert(context=context, **how)
        if table == failing:
            raise OperationalError("the connection broke")

    monkeypatch.setattr(client, "insert", cut)
    batch = mixed(5)
    with pytest.raises(Transient):
        exporter.export(batch, "crash")
    exporter.export(batch, "crash")
    # One block holds both versions of each span, and ClickHouse merges those as it takes them in.
    assert counts(reader) == {
        "llm.prices": 2,
        "llm.calls": 5,
        "llm.bodies": 5,
        "llm.feedback": 6,
        "llm.spans": 5,
        "llm.span_bodies": 5,
    }


def test_spans_of_very_many_days_are_one_batch(empty_store: RunningStore, reader: Client) -> None:
    patient = empty_store.settings.model_copy(update={"retention_days": 400})
    exporter = clickhouse.open(patient)
    exporter.export([app_span(number, start_ns=STARTED_NS - number * DAY_NS // 2) for number in range(240)], "days")
    exporter.close()
    assert reader.query("SELECT count(), uniqExact(toDate(started_at)) > 100 FROM llm.spans").result_rows == [(240, True)]
    with store_client.embedded(empty_store.settings, write=True) as writer:
        schema.migrate(writer, empty_store.settings)


# What may come of one span, in any order and in any batches: its start, its end, each perhaps again.
EVENTS = st.lists(st.tuples(st.sampled_from(["app-1", "app-2"]), st.booleans(), st.integers(0, 2)), min_size=1, max_size=8)


@given(EVENTS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_ended_span_wins_else_the_later(
    exporter: clickhouse.ClickHouse, reader: Client, empty_store: RunningStore, events: Sequence[tuple[str, bool, int]]
) -> None:
    with store_client.embedded(empty_store.settings, write=True) as writer:
        for table in ("spans", "span_bodies"):
            writer.command(f"TRUNCATE TABLE llm.{table}")
    sent: list[tuple[AppSpan, int]] = []
    for number, (name, ended, batch) in enumerate(events):
        extra = {} if ended else {"end_ns": 0}
        sent.append((replace(app_span(1, id=name, received_ns=number, output=f'{{"n":{number}}}'), **extra), batch))
    for batch in sorted({batch for _, batch in sent}, reverse=True):
        exporter.export([span for span, place in sent if place == batch], f"{random.random()}")
    expected = {}
    for span, _ in sent:  # in the order in which they came
        before = expected.get(span.id)
        if before is None or span.end_ns or not before.end_ns:
            expected[span.id] = span
    query = "SELECT span_id, ended_at IS NOT NULL, output FROM llm.spans FINAL JOIN llm.span_bodies AS b FINAL USING (span_id)"
    found = {row[0]: (bool(row[1]), row[2]) for row in reader.query(query).result_rows}
    assert found == {name: (bool(span.end_ns), span.output) for name, span in expected.items()}
