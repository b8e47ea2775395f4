"""The made-up calls are such as the sink would have written: what tests on them find holds for real ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.store.running import RunningStore
from tests.traffic import columns, plan, streams
from tests.traffic.market import BURSTS, FAILURES, MODELS
from tests.traffic.million import FEW, Traffic, copy_to
from tracer import ids
from tracer.records import Call, Outcome, UsageSource
from tracer.sink.latency import BOUNDS_NS
from tracer.store.client import run_query

END = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


def ask(traffic: Traffic, sql: str) -> list[dict[str, Any]]:
    answer = b"".join(run_query(traffic.settings, sql, "JSONEachRow"))
    return [json.loads(line) for line in answer.splitlines()]


def count(traffic: Traffic, condition: str, table: str = "llm.calls") -> int:
    (row,) = ask(traffic, f"SELECT toUInt32(count()) AS n FROM {table} WHERE {condition}")
    return int(row["n"])


def a_day(seed: int, calls: int = 3000) -> pa.Table:
    rng = np.random.default_rng(seed)
    return columns.table(rng, plan.plan_day(rng, 20, calls, 500), END, 500)


def test_the_same_seed_gives_the_same_rows() -> None:
    assert a_day(1).equals(a_day(1))
    assert not a_day(1).equals(a_day(2))


def test_the_rows_are_as_many_as_were_asked_for(few: Traffic) -> None:
    assert sum(plan.calls_by_day(1_000_000)) == 1_000_000
    assert count(few, "1") == few.rows == FEW
    (ends,) = ask(few, "SELECT min(started_at) AS first, max(started_at) AS last FROM llm.calls")
    first, last = (datetime.fromisoformat(f"{ends[name]}+00:00") for name in ("first", "last"))
    assert few.start <= first < few.start + timedelta(hours=3)
    assert few.end - timedelta(hours=3) < last <= few.end


def test_every_column_of_a_call_is_there_or_left_to_its_default() -> None:
    made = set(a_day(1).column_names)
    left = {"top_p", "n", "extra_parameters", "notes"}
    left |= {"cached_audio_tokens", "cache_write_1h_tokens", "image_output_tokens", "web_searches"}
    assert made | left == {name for name in Call.__struct_fields__ if name not in ("content", "prices")}


def test_costs_are_those_of_the_prices(few: Traffic) -> None:
    same = "toUInt32(countIf(residual_usd = 0)) AS same, toUInt32(count()) AS n"
    query = f"SELECT {same} FROM llm.recomputed_costs WHERE cost_usd IS NOT NULL"
    (row,) = ask(few, query)
    assert row["same"] == row["n"] > FEW / 2


def test_words_are_those_of_the_records(few: Traffic) -> None:
    outcomes = {row["outcome"] for row in ask(few, "SELECT DISTINCT outcome FROM llm.calls")}
    assert outcomes == {str(each) for each in Outcome} - {Outcome.PROXY_CRASH}  # no worker dies here
    sources = {row["usage_source"] for row in ask(few, "SELECT DISTINCT usage_source FROM llm.calls")}
    assert sources <= {str(each) for each in UsageSource}


def test_ids_are_derived_as_tracer_derives_them(few: Traffic) -> None:
    rows = ask(
        few,
        "SELECT trace_id, span_id, parent_span_id, otel_trace_id, otel_span_id, otel_parent_span_id FROM llm.calls LIMIT 500",
    )
    for row in rows:
        assert row["otel_trace_id"] == ids.otel_trace_id(row["trace_id"])
        assert row["otel_span_id"] == ids.otel_span_id(row["span_id"])
        assert row["otel_parent_span_id"] == (ids.otel_span_id(row["parent_span_id"]) if row["parent_span_id"] else "")
    assert count(few, "abs(UUIDv7ToDateTime(call_id) - started_at) > 1") == 0
    (row,) = ask(few, "SELECT toUInt32(uniqExact(call_id)) AS n FROM llm.calls")
    assert row["n"] == FEW


@pytest.mark.parametrize(
    "never",
    [
        "duration_ms <= 0",
        "uncached_input_tokens + cache_read_tokens + cache_write_tokens != input_tokens",
        "text_output_tokens + reasoning_tokens != output_tokens",
        "input_tokens + output_tokens != total_tokens",
        "outcome != 'cache_hit' AND input_cost_usd + output_cost_usd != cost_usd",
        "(cost_usd IS NULL) != startsWith(price_source, 'none')",
        "usage_source = 'none' AND (input_tokens IS NOT NULL OR usage_raw != '')",
        "usage_source = 'estimated' AND (usage_raw != '' OR usage_note = '')",
        "outcome = 'cache_hit' AND (cost_usd != 0 OR cache_status != 'HIT')",
        "wasted_usd IS NOT NULL AND outcome NOT IN ('client_gone', 'stream_error')",
        "ttft_ms > duration_ms OR ttfb_ms > duration_ms OR ttfb_ms > ttft_ms",
        "NOT stream AND (ttft_ms IS NOT NULL OR itl_max_ms IS NOT NULL)",
        "headers_ms > ttfb_ms OR (headers_ms IS NULL) != (ttfb_ms IS NULL)",
        "(stalls IS NULL) != (itl_max_ms IS NULL) OR (stalls > 0) != (itl_max_ms > 1000)",
        "itl_p50_ms > itl_p95_ms OR itl_p95_ms > itl_max_ms",
        "(itl_max_ms IS NULL) != empty(itl_digest)",
        "notEmpty(itl_digest) AND (arraySum(itl_digest) != text_output_tokens - 1 OR itl_digest[-1] = 0)",
        "(outcome = 'client_gone') != (client_gone_ms IS NOT NULL)",
        "outcome IN ('upstream_error', 'timeout', 'refused') AND (error_type = '' OR error_message = '')",
        "outcome = 'refused' AND provider != ''",
        "attempt > 0 AND outcome = 'cache_hit'",
    ],
)
def test_what_no_row_may_be(few: Traffic, never: str) -> None:
    assert count(few, never) == 0


def test_percentiles_lie_in_the_buckets_that_the_digest_says(few: Traffic) -> None:
    query = "SELECT itl_digest, itl_p50_ms, itl_p95_ms, itl_max_ms FROM llm.calls WHERE notEmpty(itl_digest) LIMIT 300"
    bounds_ms = [0.0, *(bound / 1e6 for bound in BOUNDS_NS)]
    for row in ask(few, query):
        counts = np.cumsum(row["itl_digest"])
        for value, rank in ((row["itl_p50_ms"], 0.5), (row["itl_p95_ms"], 0.95), (row["itl_max_ms"], 1.0)):
            bucket = int(np.argmax(counts >= np.ceil(rank * counts[-1])))
            assert bounds_ms[bucket] <= value <= bounds_ms[bucket + 1]


def test_gaps_add_up_to_what_was_asked_for() -> None:
    gaps = np.array([1, 2, 50, 4000])
    found = streams.draw(np.random.default_rng(3), np.array([5.0, 5.0, 20.0, 8.0]), gaps)
    assert found.digest.sum(axis=1).tolist() == gaps.tolist()
    assert [row.nonzero()[0].max() + 1 for row in found.digest] == found.buckets.tolist()


def test_a_repeat_is_in_the_trace_and_span_of_its_first_try(few: Traffic) -> None:
    assert count(few, "attempt > 0") > 100
    first = "(SELECT otel_trace_id, span_id, attempt + 1 FROM llm.calls)"
    assert count(few, f"attempt > 0 AND (otel_trace_id, span_id, attempt) NOT IN {first}") == 0


def test_a_parent_is_a_call_or_a_span_of_the_same_trace(few: Traffic) -> None:
    calls = "SELECT otel_trace_id, otel_span_id FROM llm.calls"
    spans = "SELECT otel_trace_id, otel_span_id FROM llm.spans"
    parents = f"({calls} UNION ALL {spans})"
    nobody = f"otel_parent_span_id != '' AND (otel_trace_id, otel_parent_span_id) NOT IN {parents}"
    # A trace may be cut where the day ends.
    assert count(few, nobody) == 0
    assert count(few, nobody, "llm.spans") == 0
    (sizes,) = ask(few, "SELECT toUInt32(max(n)) AS most FROM (SELECT count() AS n FROM llm.calls GROUP BY otel_trace_id)")
    assert sizes["most"] >= 8


def test_days_nights_and_users_are_uneven(few: Traffic) -> None:
    there = f"toHour(addSeconds(started_at, {round((plan.THERE - few.end).total_seconds())}))"
    assert count(few, f"{there} = 14") > 3 * count(few, f"{there} = 5")
    top, *_ = ask(few, "SELECT toUInt32(count()) AS n FROM llm.calls WHERE user != '' GROUP BY user ORDER BY n DESC")
    (users,) = ask(few, "SELECT toUInt32(uniqExact(user)) AS n FROM llm.calls")
    assert users["n"] > 500
    assert top["n"] > 5 * FEW / users["n"]


def test_fingerprints_change_on_their_days(few: Traffic) -> None:
    marks = "groupUniqArray(system_fingerprint) AS marks"
    query = f"SELECT request_model AS model, {marks} FROM llm.calls WHERE outcome = 'ok' GROUP BY 1"
    seen = {row["model"]: set(row["marks"]) for row in ask(few, query)}
    for each in MODELS:
        assert seen[each.asked] == {version.fingerprint for version in each.versions}


def test_bursts_of_failures_are_there(few: Traffic) -> None:
    calls, expected, failed = 0, 0.0, 0
    for begin, end, provider, failure, share in BURSTS:
        start, stop = (f"'{few.start + timedelta(days=day):%Y-%m-%d %H:%M:%S}'" for day in (begin, end))
        within = f"provider = '{provider}' AND started_at BETWEEN {start} AND {stop}"
        those = count(few, within)
        calls, expected = calls + those, expected + share * those
        failed += count(few, f"{within} AND outcome = '{FAILURES[failure].outcome}'")
    assert calls > 50
    assert failed > expected / 2


def test_what_was_said_belongs_to_calls(few: Traffic) -> None:
    assert count(few, "call_id NOT IN (SELECT call_id FROM llm.calls)", "llm.bodies") == 0
    assert count(few, "1", "llm.bodies") >= 500
    rows = ask(few, "SELECT request_body, assembled FROM llm.bodies LIMIT 200")
    assert all(json.loads(row["request_body"])["model"] is not None for row in rows)
    assert any(json.loads(row["assembled"])["choices"] for row in rows if row["assembled"])
    assert count(few, "otel_trace_id NOT IN (SELECT otel_trace_id FROM llm.calls)", "llm.feedback") == 0


def test_pieces_of_a_stream_are_as_the_row_says(few: Traffic) -> None:
    """Their lengths add up to the body, their times to the call's; stalls are the gaps over a second."""
    bodies = "llm.bodies ANY INNER JOIN (SELECT * FROM llm.calls) AS calls USING (call_id)"
    came = "notEmpty(chunk_at_us)"
    assert count(few, came, bodies) > 200
    assert count(few, f"{came} AND arraySum(chunk_bytes) != length(response_body)", bodies) == 0
    assert count(few, "length(chunk_at_us) != length(chunk_bytes) OR chunk_at_us != arraySort(chunk_at_us)", bodies) == 0
    assert count(few, f"{came} AND (chunk_at_us[1] < headers_ms * 1000 OR chunk_at_us[-1] > duration_ms * 1000)", bodies) == 0
    stalled = f"{came} AND stalls > 0 AND text_output_tokens < 1500"
    assert count(few, stalled, bodies) > 0
    seen = "arrayCount(gap -> gap > 1000000, arrayDifference(chunk_at_us))"
    assert count(few, f"{stalled} AND abs(toInt64({seen}) - toInt64(stalls)) > 1", bodies) == 0


def test_a_copy_is_a_store_of_ones_own(few: Traffic, tmp_path: Path) -> None:
    end = copy_to(tmp_path / "data", small=True)
    assert end == few.end
    with RunningStore(tmp_path / "data", {"TRACER_RETENTION_DAYS": "3650"}) as store:
        counted = b"".join(run_query(store.settings, "SELECT count() FROM llm.calls"))
    assert int(counted) == FEW
