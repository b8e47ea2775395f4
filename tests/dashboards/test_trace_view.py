"""Grafana's trace panel on `llm.otel_traces` with a million calls: the whole trace, and little read for it.

The queries are those that the ClickHouse plugin builds for its trace panel and its search (OTel switched on).
"""

from datetime import timedelta

import pytest
from clickhouse_connect.driver.client import Client

from tests.traffic.million import Traffic
from tracer.store.client import connect

_PANEL = """
SELECT
    "TraceId" AS traceID, "SpanId" AS spanID, "ParentSpanId" AS parentSpanID, "ServiceName" AS serviceName,
    "SpanName" AS operationName, multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001) AS startTime,
    multiply("Duration", 0.000001) AS duration,
    arrayMap(key -> map('key', key, 'value', "SpanAttributes"[key]), mapKeys("SpanAttributes")) AS tags,
    arrayMap(key -> map('key', key, 'value', "ResourceAttributes"[key]), mapKeys("ResourceAttributes")) AS serviceTags,
    if("StatusCode" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) AS statusCode
FROM "llm"."otel_traces" WHERE traceID = {trace:String}
"""
_SEARCH = """
SELECT "TraceId" AS traceID, "ServiceName" AS serviceName, "SpanName" AS operationName, "Timestamp" AS startTime,
    multiply("Duration", 0.000001) AS duration
FROM "llm"."otel_traces"
WHERE ("Timestamp" >= toDateTime64({since:String}, 9, 'UTC') AND "Timestamp" <= toDateTime64({until:String}, 9, 'UTC'))
    AND "ParentSpanId" = '' AND "Duration" > 0
ORDER BY "Timestamp" DESC, "Duration" DESC LIMIT 1000
"""


@pytest.fixture
def traces(traffic: Traffic) -> list[str]:
    """Some with several calls, spans of their own, and repeats."""
    pick = "SELECT otel_trace_id AS id FROM llm.calls {} GROUP BY id HAVING count() > {} ORDER BY cityHash64(id) LIMIT 3"
    with connect(traffic.settings, write=False) as client:
        return [
            str(row[0])
            for where, least in (("WHERE span_name = 'research-agent'", 5), ("WHERE attempt > 0", 0), ("", 0))
            for row in client.query(pick.format(where, least)).result_rows
        ]


def counted(client: Client, query: str, trace: str) -> int:
    (found,) = client.query(query, {"trace": trace}).first_row
    return int(found)


def test_the_panel_gets_the_whole_trace(traffic: Traffic, traces: list[str]) -> None:
    with connect(traffic.settings, write=False) as client:
        assert len(traces) == 9
        for trace in traces:
            found = list(client.query(_PANEL, {"trace": trace}).named_results())
            calls = counted(client, "SELECT count() FROM llm.calls WHERE otel_trace_id = {trace:String}", trace)
            spans = counted(client, "SELECT count() FROM llm.spans FINAL WHERE otel_trace_id = {trace:String}", trace)
            assert len(found) == calls + spans > 0
            ids = {row["spanID"] for row in found}
            assert sum(row["parentSpanID"] == "" for row in found) >= 1
            assert all(row["parentSpanID"] in ids for row in found if row["parentSpanID"])
            assert all(row["duration"] >= 0 and row["startTime"] > 1.7e12 for row in found)  # both in milliseconds
            tags = [{each["key"]: each["value"] for each in row["tags"]} for row in found]
            assert any(each.get("gen_ai.request.model") for each in tags)


def test_little_is_read_for_a_trace(traffic: Traffic, traces: list[str]) -> None:
    with connect(traffic.settings, write=False) as client:
        for trace in traces:
            read = int(client.query(_PANEL, {"trace": trace}).summary["read_rows"])
            assert read < traffic.rows / 10  # whole granules of 8192 rows, of all days


def test_little_is_read_for_a_search_by_time(traffic: Traffic) -> None:
    ends = {"since": f"{traffic.end - timedelta(days=1):%Y-%m-%d %H:%M:%S}", "until": f"{traffic.end:%Y-%m-%d %H:%M:%S}"}
    with connect(traffic.settings, write=False) as client:
        found = client.query(_SEARCH, ends)
        assert 0 < len(found.result_rows) <= 1000
        assert int(found.summary["read_rows"]) < traffic.rows / 5
