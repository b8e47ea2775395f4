"""The tables on the real engine: made once, kept as long as asked, shaped as the records and the collector's exporter are."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.sdk.resources import Resource

from exporters import appspan, clickhouse, rows
from tests.exporters.spans import to_span
from tests.store.running import RunningStore
from tests.store.samples import STARTED_NS, app_span, call, feedback, full_app_span, full_call
from tracer.config import Settings
from tracer.records import Call, Content
from tracer.signals import AppSpan
from tracer.store import client as store_client
from tracer.store import schema
from tracer.store.errors import QueryFailed, StoreUnavailable
from tracer.store.schema import cluster


@pytest.fixture(scope="module")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> RunningStore:
    return RunningStore(tmp_path_factory.mktemp("schema") / "data")


def columns(client: Client, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in client.query(f"DESCRIBE TABLE {table}").result_rows}


def test_columns_are_the_fields_of_the_records(store: RunningStore) -> None:
    with store_client.embedded(store.settings, write=False) as client:
        calls, bodies = columns(client, "llm.calls"), columns(client, "llm.bodies")
    assert list(calls) == [name for name in Call.__struct_fields__ if name not in ("content", "prices")]
    assert list(bodies) == ["call_id", "started_at", *Content.__struct_fields__]
    with store_client.embedded(store.settings, write=False) as client:
        for table in rows.TABLES:
            assert list(columns(client, table.name)) == list(table.columns)
    assert calls["call_id"] == "UUID"
    assert calls["started_at"] == "DateTime64(6, 'UTC')"
    assert calls["metadata"] == "Map(LowCardinality(String), String)"
    assert calls["cost_usd"] == "Nullable(Decimal(18, 12))"


def test_every_column_says_what_it_is(store: RunningStore) -> None:
    with store_client.embedded(store.settings, write=False) as client:
        query = "SELECT table, name FROM system.columns WHERE database = 'llm' AND comment = ''"
        undescribed = {table for table, _ in client.query(query).result_rows}
        # Views have no comments on columns.
        assert undescribed == {"otel_traces", "call_feedback", "into_calls_by_minute", "into_calls_by_hour", "recomputed_costs"}


def test_migrating_twice_and_at_once_changes_nothing(store: RunningStore) -> None:
    settings = store.settings

    def migrate() -> None:
        with store_client.embedded(settings, write=True) as client:
            schema.migrate(client, settings)

    with store_client.embedded(settings, write=True) as client:
        before = client.query("SELECT * FROM llm.migrations ORDER BY name").result_rows
        client.command("TRUNCATE TABLE llm.migrations")  # as after a crash before the note was made
    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store_client.embedded(settings, write=True) as client:
        after = client.query("SELECT name FROM llm.migrations ORDER BY name").result_rows
    assert [row[0] for row in before] == [row[0] for row in after] == [m.name for m in schema.migrations(settings)]


def test_a_new_retention_is_applied_to_tables_that_are_there(store: RunningStore) -> None:
    def kept() -> list[str]:
        days = "extract(engine_full, 'toIntervalDay\\\\((\\\\d+)')"
        query = f"SELECT {days} FROM system.tables WHERE database = 'llm' AND engine_full LIKE '%TTL%' ORDER BY name"
        return [row[0] for row in client.query(query).result_rows]

    with store_client.embedded(store.settings, write=True) as client:
        first = ["30", "90", "730", "730", "90", "30", "90"]  # bodies, calls, by hour and minute, feedback, span_bodies, spans
        assert kept() == first
        days = {"retention_days": 400, "bodies_retention_days": 1, "rollup_retention_days": 900}
        schema.migrate(client, store.settings.model_copy(update=days))
        assert kept() == ["1", "400", "900", "900", "400", "1", "400"]
        schema.migrate(client, store.settings)
        assert kept() == first


def test_old_rows_go_and_their_parts_whole(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([call(1), call(2, started_at=datetime(2020, 1, 1, tzinfo=UTC))], "ttl")
    exporter.close()
    with store_client.embedded(empty_store.settings, write=True) as client:
        client.command("OPTIMIZE TABLE llm.calls FINAL")
        assert client.query("SELECT count(), min(toYear(started_at)) > 2020 FROM llm.calls").result_rows == [(1, True)]


def test_migrating_without_the_right_says_so(store: RunningStore) -> None:
    with store_client.embedded(store.settings, write=False) as client, pytest.raises(QueryFailed, match="readonly"):
        schema.migrate(client, store.settings)


def test_migrating_a_store_that_went_away_says_so(own_store: RunningStore) -> None:
    with own_store:
        client = store_client.embedded(own_store.settings, write=True)
    with client, pytest.raises(StoreUnavailable, match="creating the tables"):
        schema.migrate(client, own_store.settings)


# github.com/open-telemetry/opentelemetry-collector-contrib, exporter/clickhouseexporter: traces table, Map variant
COLLECTOR = {
    "Timestamp": "DateTime64(9",
    "TraceId": "String",
    "SpanId": "String",
    "ParentSpanId": "String",
    "TraceState": "String",
    "SpanName": "LowCardinality(String)",
    "SpanKind": "LowCardinality(String)",
    "ServiceName": "LowCardinality(String)",
    "ResourceAttributes": "Map(LowCardinality(String), String)",
    "ScopeName": "String",
    "ScopeVersion": "String",
    "SpanAttributes": "Map(LowCardinality(String), String)",
    "Duration": "UInt64",
    "StatusCode": "LowCardinality(String)",
    "StatusMessage": "String",
    "Events.Timestamp": "Array(DateTime64(9",
    "Events.Name": "Array(LowCardinality(String))",
    "Events.Attributes": "Array(Map(LowCardinality(String), String))",
    "Links.TraceId": "Array(String)",
    "Links.SpanId": "Array(String)",
    "Links.TraceState": "Array(String)",
    "Links.Attributes": "Array(Map(LowCardinality(String), String))",
}


def test_otel_traces_has_the_collectors_columns(store: RunningStore) -> None:
    with store_client.embedded(store.settings, write=False) as client:
        found = columns(client, "llm.otel_traces")
    assert list(found) == list(COLLECTOR)
    for name, kind in COLLECTOR.items():
        assert found[name].startswith(kind), name


@pytest.mark.parametrize(
    "made",
    [
        full_call(1),
        call(2),
        call(3, upstream="localhost:8080", provider="mistral-ai", stream=True, ttfb_ms=12.0),
        call(4, operation="", outcome="client_gone", status_code=0, error_type="", upstream="", provider="", request_model=""),
        call(5, outcome="upstream_error", status_code=500, error_type="", n=1),
        call(7, upstream="[::1]:8080", metadata={"team": "a"}),
        call(6, operation="", endpoint="/v1/files", method="GET"),
    ],
    ids=lambda made: str(made.call_id.int & 0xFF),
)
def test_otel_traces_shows_the_span_that_otlp_sends(empty_store: RunningStore, made: Call) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([made], "otel")
    exporter.close()
    sent = to_span(made, Resource.get_empty(), with_content=False)
    with store_client.embedded(empty_store.settings, write=False) as client:
        (row,) = client.query("SELECT * FROM llm.otel_traces").named_results()
    assert row["SpanName"] == sent.name
    assert (row["TraceId"], row["SpanId"], row["ParentSpanId"]) == (
        made.otel_trace_id,
        made.otel_span_id,
        made.otel_parent_span_id,
    )
    assert row["StatusCode"].upper() == sent.status.status_code.name
    assert row["StatusMessage"] == (sent.status.description or "")
    assert row["Duration"] == sent.end_time - sent.start_time  # type: ignore[operator]
    attributes = dict(sent.attributes or {})
    assert row["SpanAttributes"].keys() == attributes.keys() - {"openai.api.type"}
    for name, value in row["SpanAttributes"].items():
        assert same(value, attributes[name]), name


@pytest.mark.parametrize(
    "made",
    [
        full_app_span(1),
        app_span(2, start_ns=STARTED_NS + 1, end_ns=STARTED_NS + 1_234_567_891),
        app_span(3, status="ERROR", metadata='{"error_type":"a b","error_message":"' + "x" * 10 + '"}'),
        app_span(4, status="ERROR", parent_id="app-1", obs_trace_id="0af7651916cd43dd8448eb211c80319c"),
        app_span(5, status="CANCELED", type="", tags={"a": "b"}, end_ns=STARTED_NS + 5000),
    ],
    ids=lambda made: made.id,
)
def test_otel_traces_shows_the_applications_span_that_otlp_sends(empty_store: RunningStore, made: AppSpan) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([made], "otel")
    exporter.close()
    sent = appspan.to_otel(made, Resource.get_empty(), with_content=False)
    with store_client.embedded(empty_store.settings, write=False) as client:
        (row,) = client.query("SELECT * FROM llm.otel_traces").named_results()
    assert (row["SpanName"], row["SpanKind"].upper()) == (sent.name, sent.kind.name)
    ids = made.otel_trace_id, made.otel_span_id, made.otel_parent_span_id
    assert (row["TraceId"], row["SpanId"], row["ParentSpanId"]) == ids
    assert row["StatusCode"].upper() == sent.status.status_code.name
    assert row["StatusMessage"] == (sent.status.description or "")
    assert row["Duration"] == sent.end_time - sent.start_time  # type: ignore[operator]
    assert row["SpanAttributes"] == dict(sent.attributes or {})
    linked = [(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in sent.links]
    assert list(zip(row["Links.TraceId"], row["Links.SpanId"], strict=True)) == linked


def test_of_a_span_that_came_twice_one_is_shown_and_found_by_time(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([app_span(1, end_ns=0), app_span(2, end_ns=0)], "started")
    exporter.export([app_span(1, received_ns=2)], "ended")
    exporter.close()
    with store_client.embedded(empty_store.settings, write=False) as client:
        query = "SELECT SpanId, Duration FROM llm.otel_traces WHERE Timestamp > now() - INTERVAL 2 HOUR ORDER BY SpanName"
        assert client.query(query).result_rows == [(app_span(1).otel_span_id, 2_000_000), (app_span(2).otel_span_id, 0)]
        plan = client.query(f"EXPLAIN indexes = 1 {query}").result_rows
        of_spans = "\n".join(row[0] for row in plan).partition("llm.spans")[2]
        assert "Condition: (CAST(started_at" in of_spans  # so that days are left out, FINAL or not


def test_feedback_is_joined_to_the_calls_of_its_trace(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([call(1, trace_id="a"), call(2, trace_id="a"), call(3, trace_id="b")], "calls")
    given = [feedback(1, trace_id="a", value=2.0), feedback(2, trace_id="nobody's"), feedback(3, trace_id="b", value=-4.0)]
    exporter.export(given, "feedback")
    updated = feedback(1, trace_id="a", value=10.0, weight=0.25, version=2**62, metadata={"by": "ada"})
    exporter.export([updated], "updated")
    exporter.close()
    with store_client.embedded(empty_store.settings, write=False) as client:
        query = "SELECT call_id, value, weight, weighted_value, feedback_metadata FROM llm.call_feedback ORDER BY call_id"
        found = client.query(query).result_rows
    assert found == [
        (call(1).call_id, 10.0, 0.25, 2.5, {"by": "ada"}),
        (call(2).call_id, 10.0, 0.25, 2.5, {"by": "ada"}),
        (call(3).call_id, -4.0, 1.0, -4.0, {}),
    ]


def same(text: str, value: object) -> bool:
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int | float):
        return float(text) == pytest.approx(float(value))
    if isinstance(value, tuple):
        return text == "[" + ",".join(f'"{item}"' for item in value) + "]"
    return text == value


def test_lookups_by_id_read_a_few_granules(store: RunningStore) -> None:
    with store_client.embedded(store.settings, write=False) as client:
        for column, value in (("otel_trace_id", "'x'"), ("trace_id", "'x'"), ("call_id", "generateUUIDv4()")):
            asked = f"EXPLAIN indexes = 1 SELECT * FROM llm.calls WHERE {column} = {value}"
            plan = "\n".join(row[0] for row in client.query(asked).result_rows)
            assert value.startswith("generate") or f"by_{column}" in plan
        by_time = client.query("EXPLAIN indexes = 1 SELECT * FROM llm.otel_traces WHERE Timestamp >= now() - 60").result_rows
    plan = "\n".join(row[0] for row in by_time)
    assert "PrimaryKey" in plan
    assert "Condition: (CAST(started_at" in plan


def test_ddl_prints_what_migrate_runs(load_settings: Callable[..., Settings]) -> None:
    text = schema.ddl(None, load_settings(TRACER_RETENTION_DAYS="7"))
    assert "TTL toDateTime(started_at) + INTERVAL 7 DAY" in text
    assert "TTL toDateTime(started_at) + INTERVAL 30 DAY" in text
    assert "retention_days" not in text
    assert [line for line in text.splitlines() if line.startswith("CREATE")] == [
        "CREATE DATABASE IF NOT EXISTS llm;",
        "CREATE TABLE IF NOT EXISTS llm.migrations",
        "CREATE TABLE IF NOT EXISTS llm.calls",
        "CREATE TABLE IF NOT EXISTS llm.bodies",
        "CREATE OR REPLACE VIEW llm.otel_traces AS",
        "CREATE TABLE IF NOT EXISTS llm.feedback",
        "CREATE OR REPLACE VIEW llm.call_feedback AS",
        "CREATE TABLE IF NOT EXISTS llm.spans",
        "CREATE TABLE IF NOT EXISTS llm.span_bodies",
        "CREATE OR REPLACE VIEW llm.otel_traces AS",
        "CREATE TABLE IF NOT EXISTS llm.calls_by_minute",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS llm.into_calls_by_minute TO llm.calls_by_minute AS",
        "CREATE TABLE IF NOT EXISTS llm.calls_by_hour",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS llm.into_calls_by_hour TO llm.calls_by_hour AS",
        "CREATE TABLE IF NOT EXISTS llm.prices",
        "CREATE OR REPLACE VIEW llm.recomputed_costs AS",
        "CREATE OR REPLACE VIEW llm.what_if AS",
    ]


def test_the_cluster_form_is_sql_that_the_engine_parses(store: RunningStore) -> None:
    statements = list(schema.split(schema.ddl("prod-1", store.settings)))
    with store_client.embedded(store.settings, write=False) as client:
        parsed = [client.query("SELECT formatQuerySingleLine({q:String})", {"q": each}).first_row[0] for each in statements]
    assert all("ON CLUSTER `prod-1`" in str(each) for each in parsed)
    made = [str(each).split(" ON CLUSTER")[0] for each in parsed]
    assert made == [
        "CREATE DATABASE IF NOT EXISTS llm",
        "CREATE TABLE IF NOT EXISTS llm.migrations_local",
        "CREATE TABLE IF NOT EXISTS llm.migrations",
        "CREATE TABLE IF NOT EXISTS llm.calls_local",
        "CREATE TABLE IF NOT EXISTS llm.calls",
        "CREATE TABLE IF NOT EXISTS llm.bodies_local",
        "CREATE TABLE IF NOT EXISTS llm.bodies",
        "CREATE OR REPLACE VIEW llm.otel_traces",
        "ALTER TABLE llm.calls_local",
        "ALTER TABLE llm.calls",
        "ALTER TABLE llm.bodies_local",
        "ALTER TABLE llm.bodies",
        "CREATE TABLE IF NOT EXISTS llm.feedback_local",
        "CREATE TABLE IF NOT EXISTS llm.feedback",
        "CREATE OR REPLACE VIEW llm.call_feedback",
        "CREATE TABLE IF NOT EXISTS llm.spans_local",
        "CREATE TABLE IF NOT EXISTS llm.spans",
        "CREATE TABLE IF NOT EXISTS llm.span_bodies_local",
        "CREATE TABLE IF NOT EXISTS llm.span_bodies",
        "CREATE OR REPLACE VIEW llm.otel_traces",
        "CREATE TABLE IF NOT EXISTS llm.calls_by_minute_local",
        "CREATE TABLE IF NOT EXISTS llm.calls_by_minute",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS llm.into_calls_by_minute",
        "CREATE TABLE IF NOT EXISTS llm.calls_by_hour_local",
        "CREATE TABLE IF NOT EXISTS llm.calls_by_hour",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS llm.into_calls_by_hour",
        "ALTER TABLE llm.calls_local",
        "ALTER TABLE llm.calls",
        "ALTER TABLE llm.bodies_local",
        "ALTER TABLE llm.bodies",
        "CREATE TABLE IF NOT EXISTS llm.prices_local",
        "CREATE TABLE IF NOT EXISTS llm.prices",
        "CREATE OR REPLACE VIEW llm.recomputed_costs",
        "CREATE OR REPLACE VIEW llm.what_if",
        "ALTER TABLE llm.calls_local",
        "ALTER TABLE llm.bodies_local",
    ]
    into = next(str(each) for each in parsed if "into_calls_by_hour" in str(each))
    assert " TO llm.calls_by_hour_local " in into
    assert "FROM llm.calls_local AS made" in into
    summed = "ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/llm/calls_by_hour_local', '{replica}')"
    assert sum(summed in str(each) for each in parsed) == 1
    replacing = "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/llm/spans_local', '{replica}', version)"
    assert sum(replacing in str(each) for each in parsed) == 1
    local, distributed = str(parsed[3]), str(parsed[4])
    assert "ReplicatedMergeTree('/clickhouse/tables/{shard}/llm/calls_local', '{replica}')" in local
    assert "replicated_deduplication_window = 10000" in local
    assert "non_replicated" not in local
    assert "Distributed('prod-1', 'llm', 'calls_local', cityHash64(call_id))" in distributed


def test_tables_of_an_older_tracer_get_what_is_new(own_store: RunningStore) -> None:
    settings = own_store.settings
    with own_store, store_client.embedded(settings, write=True) as client:
        sums = ("into_calls_by_minute", "into_calls_by_hour", "calls_by_minute", "calls_by_hour")
        for table in ("feedback", "call_feedback", "spans", "span_bodies", "otel_traces", *sums):
            client.command(f"DROP TABLE llm.{table} SYNC")
        for table, column in (
            ("calls", "key_id"),
            ("calls", "extra_parameters"),
            ("calls", "notes"),
            ("bodies", "original_body"),
            ("calls", "usage_note"),
            ("calls", "price_id"),
            ("bodies", "chunk_at_us"),
        ):
            client.command(f"ALTER TABLE llm.{table} DROP COLUMN {column}")
        client.command("TRUNCATE TABLE llm.migrations")
        for migration in schema.migrations(settings)[:3]:
            for statement in migration.statements:
                client.command(statement)
            client.insert("llm.migrations", [[migration.name]], ["name"])
        client.command("INSERT INTO llm.calls (call_id, started_at, user) VALUES (generateUUIDv4(), now(), 'ada')")
        exporter = clickhouse.open(settings)  # its first batch finds the old tables
        exporter.export([full_call(1), app_span(1)], "new")
        exporter.close()
        found = client.query("SELECT user, key_id, notes FROM llm.calls ORDER BY user").result_rows
        assert found == [("ada", "", []), ("u-1", "key_1", ["cache mode semantic was treated as simple"])]
        assert client.query("SELECT original_body FROM llm.bodies").result_rows == [('{"variables":{"name":"Ada"}}',)]
        kinds = client.query("SELECT SpanKind, count() FROM llm.otel_traces GROUP BY 1 ORDER BY 1").result_rows
        assert kinds == [("Client", 2), ("Internal", 1)]


def test_what_a_cluster_lacks_is_its_operators_to_make(store: RunningStore) -> None:
    made = schema.migrations(store.settings)
    with store_client.embedded(store.settings, write=True) as client:
        assert not cluster.is_cluster(client)
        assert cluster.missing(client, [statement for each in made for statement in each.statements]) == []
        wanted = made[3].statements[0].replace("key_id", "nobodys")
        roll_ups = next(each for each in made if each.name == "008_roll_ups")
        view = roll_ups.statements[-1].replace("llm.into_calls_by_hour TO", "llm.into_others TO")
        assert cluster.missing(client, [wanted, "CREATE TABLE IF NOT EXISTS llm.others\n(a String)", view]) == [
            "llm.calls.nobodys",
            "llm.others",
            "llm.into_others",
        ]


def test_a_clusters_name_is_a_name(store: RunningStore) -> None:
    with pytest.raises(ValueError, match="cluster"):
        schema.ddl("x'; DROP", store.settings)


def test_files_are_numbered_and_end_their_statements(store: RunningStore) -> None:
    names = [migration.name for migration in schema.migrations(store.settings)]
    assert [int(name[:3]) for name in names] == list(range(1, len(names) + 1))
    for file in Path(schema.__file__).parent.glob("*.sql"):
        assert file.read_text().rstrip().endswith(";")


def test_codecs_of_an_older_tracer_change_and_what_is_there_stays(own_store: RunningStore) -> None:
    settings = own_store.settings
    with own_store, store_client.embedded(settings, write=True) as client:
        for table, column, old in (("calls", "itl_digest", "ZSTD(1)"), ("bodies", "chunk_at_us", "ZSTD(3)")):
            client.command(f"ALTER TABLE llm.{table} MODIFY COLUMN {column} CODEC({old})")
        client.command(
            "INSERT INTO llm.calls (call_id, started_at, itl_digest, span_name) "
            "VALUES (generateUUIDv4(), now(), [0, 3, 70000], 'of-a-codec')"
        )
        client.command("DELETE FROM llm.migrations WHERE name = '011_codecs'")
        schema.migrate(client, settings)
        asked = "SELECT table || '.' || name, compression_codec FROM system.columns WHERE database = 'llm'"
        found = dict(client.query(asked).result_rows)
        assert found["calls.itl_digest"] == "CODEC(T64, ZSTD(1))"
        assert found["bodies.chunk_at_us"] == "CODEC(Delta(8), ZSTD(3))"
        client.command("OPTIMIZE TABLE llm.calls FINAL")
        assert client.query("SELECT itl_digest FROM llm.calls WHERE span_name = 'of-a-codec'").result_rows == [([0, 3, 70000],)]
