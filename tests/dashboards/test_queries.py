"""Every named question on a million calls: columns and types as its head says, rows, and answers worked out another way."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboards import queries
from tests.dashboards.asked import TIMES
from tests.dashboards.times import timed
from tests.store.running import RunningStore
from tests.traffic.market import BURSTS, MODELS
from tests.traffic.million import Traffic
from tracer.store.client import run_query

FAILED = "outcome NOT IN ('ok', 'cache_hit', 'client_gone')"


def ask(traffic: Traffic, name: str, **given: str) -> list[dict[str, Any]]:
    """The answer's rows; for the last seven days of the data unless `given` says otherwise."""
    query = queries.read(name)
    # From a whole minute on, so that questions of rows and those of sums look at the same calls.
    since = (traffic.end - timedelta(days=7)).replace(second=0, microsecond=0)
    ends = {"until": traffic.end.isoformat(), "since": since.isoformat()}
    known = {each.name for each in query.parameters}
    bound = query.bind({name: value for name, value in ends.items() if name in known} | given, traffic.end)
    return rows(traffic, query.sql, bound)


def rows(traffic: Traffic, sql: str, bound: dict[str, str] | None = None) -> list[dict[str, Any]]:
    answer = b"".join(run_query(traffic.settings, sql, "JSONEachRow", bound))
    return [json.loads(line, parse_float=float) for line in answer.splitlines()]


def within(traffic: Traffic, days: float = 7) -> str:
    """The same time as a condition, for sums of minutes: from the whole minute on."""
    since = (traffic.end - timedelta(days=days)).replace(second=0)
    return f"started_at >= '{since:%Y-%m-%d %H:%M:%S}' AND started_at < '{traffic.end:%Y-%m-%d %H:%M:%S}'"


@pytest.mark.parametrize("name", queries.names())
def test_says_what_it_is(name: str) -> None:
    query = queries.read(name)
    assert re.fullmatch(r"[A-Z][^.]+", query.title)
    assert query.description.endswith(".")
    assert query.parameters
    assert query.columns
    bound = set(re.findall(r"\{(\w+):", query.sql))
    assert {each.name: each.type for each in query.parameters} == dict(re.findall(r"\{(\w+):([^{}]+)\}", query.sql))
    assert bound == {each.name for each in query.parameters}
    assert not re.search(r"\bnow\(|\btoday\(|\bFORMAT\b|;\s*$|\burl\(|\bfile\(", query.sql)
    for each in query.columns:
        unit = re.search(r"_(usd|ms|us|seconds|minutes|bytes)$", each.name)
        assert unit is None or re.search(r"\((USD|ms|µs|s|min|bytes)\)$", each.meaning), each.name


def test_there_are_enough_and_each_is_another() -> None:
    there = [queries.read(name) for name in queries.names()]
    assert len(there) >= 30
    assert len({each.title for each in there}) == len({each.description for each in there}) == len(there)


@pytest.mark.parametrize("name", queries.names())
def test_columns_types_and_rows_on_a_million_calls(traffic: Traffic, name: str) -> None:
    query = queries.read(name)
    TIMES[f"@{name}"] = timed(traffic, query)
    bound = query.bind({"until": traffic.end.isoformat()}, traffic.end)
    answer = json.loads(b"".join(run_query(traffic.settings, query.sql, "JSONCompact", bound)))
    assert [(each["name"], each["type"]) for each in answer["meta"]] == [(each.name, each.type) for each in query.columns]
    assert answer["data"]
    assert all(isinstance(value, str | int | float | list | bool | None) for row in answer["data"] for value in row)
    for place, column in enumerate(query.columns):
        found = [row[place] for row in answer["data"]]
        assert any(value is not None for value in found), f"{column.name} is never known"
        if column.type == "Float64":
            assert None not in found, f"{column.name} is not finite"  # JSON has no NaN


@pytest.mark.parametrize("name", queries.names())
def test_answers_where_nothing_is(empty_store: RunningStore, name: str) -> None:
    query = queries.read(name)
    since = {"since": "2000-01-01"} if any(each.name == "since" for each in query.parameters) else {}
    bound = query.bind(since, datetime.fromisoformat("2026-11-22T12:00:00+00:00"))
    answer = b"".join(run_query(empty_store.settings, query.sql, "JSONEachRow", bound))
    assert len(answer.splitlines()) <= 1  # a forecast of nothing is a row
    assert b"nan" not in answer


def test_cost_by_model(traffic: Traffic) -> None:
    found = {(row["provider"], row["model"]): row for row in ask(traffic, "cost-by-model")}
    exact = rows(
        traffic,
        f"SELECT provider, request_model, toUInt32(count()) AS n, toFloat64(sum(cost_usd)) AS usd FROM llm.calls "
        f"WHERE {within(traffic)} GROUP BY 1, 2",
    )
    assert len(found) == len(exact) == len(MODELS) + 1  # and the calls that were refused before one was chosen
    for row in exact:
        one = found[row["provider"], row["request_model"] or "none"]
        assert int(one["calls"]) == row["n"]
        assert (one["cost_usd"] is None) == (row["usd"] is None)
        assert one["cost_usd"] is None or float(one["cost_usd"]) == pytest.approx(row["usd"])
    unpriced = {each.asked for each in MODELS if each.input_usd is None}
    assert {name for (_, name), row in found.items() if row["cost_usd"] is None} == unpriced | {"none"}
    assert {
        row["model"] for row in ask(traffic, "unpriced-calls") if row["reason"] == "none: no price for this model"
    } == unpriced


def test_filters_are_by_what_was_asked_for_or_answered(traffic: Traffic) -> None:
    for name in ("gpt-4o", "gpt-4o-2024-08-06"):
        assert [row["model"] for row in ask(traffic, "cost-by-model", model=name)] == ["gpt-4o"]
    assert {row["provider"] for row in ask(traffic, "latency-by-model", provider="groq")} == {"groq"}
    top = ask(traffic, "cost-by-user", limit="2")[1]["user"]
    assert {row["user"] for row in ask(traffic, "dearest-calls", user=top)} == {top}


def test_cost_by_any_metadata_key(traffic: Traffic) -> None:
    for key, values in (("team", 8), ("environment", 3), ("feature", 7), ("nobodys", 1)):
        found = ask(traffic, "cost-by-metadata", key=key)
        assert len(found) == values
        whole = rows(traffic, f"SELECT toFloat64(sum(cost_usd)) AS usd FROM llm.calls WHERE {within(traffic)}")
        assert sum(float(row["cost_usd"]) for row in found) == pytest.approx(whole[0]["usd"], rel=1e-3)


def test_the_sums_over_four_days_and_more_are_those_of_hours(traffic: Traffic) -> None:
    short, long = (
        ask(traffic, "latency-by-model", since=(traffic.end - timedelta(days=days)).isoformat(), model="gpt-4o")[0]
        for days in (3, 30)
    )
    for row, days in ((short, 3), (long, 30)):
        exact = rows(
            traffic,
            f"SELECT quantilesExact(0.5, 0.95)(duration_ms) AS durations, toUInt32(count()) AS n FROM llm.calls "
            f"WHERE {within(traffic, days)} AND request_model = 'gpt-4o' AND outcome = 'ok'",
        )[0]
        assert row["duration_p50_ms"] == pytest.approx(exact["durations"][0], rel=0.03)
        assert row["duration_p95_ms"] == pytest.approx(exact["durations"][1], rel=0.03)
        assert exact["n"] <= int(row["calls"]) < exact["n"] * 1.02


def test_gaps_are_those_of_all_tokens(traffic: Traffic) -> None:
    found = {row["model"]: row for row in ask(traffic, "inter-token-latency")}
    pace = {each.asked: each.itl_ms for each in MODELS}
    assert found
    for name, row in found.items():
        assert pace[name] * 0.6 < row["gap_p50_ms"] < pace[name] * 2.2
        assert row["gap_p50_ms"] <= row["gap_p95_ms"] <= row["gap_p99_ms"]


def test_a_new_fingerprint_shows_what_it_changed(traffic: Traffic) -> None:
    """The market says by what factor; the question has to find it."""
    since = traffic.start.isoformat()
    found = {row["fingerprint_after"]: row for row in ask(traffic, "fingerprint-effect", since=since, hours="120")}
    for each in MODELS:
        for version in each.versions[1:]:
            row = found[version.fingerprint]
            changed = datetime.fromisoformat(f"{row['changed_at']}+00:00")
            assert abs(changed - traffic.start - timedelta(days=version.from_day)) < timedelta(hours=6)
    slower, dearer, worse = (found[name] for name in ("fp_07871e2ad8", "fp_8802369eaa_prod0623", "fp_0e9ab9e1d2"))
    assert slower["ttft_after_ms"] / slower["ttft_before_ms"] == pytest.approx(1.35, rel=0.15)
    assert dearer["output_tokens_after"] / dearer["output_tokens_before"] == pytest.approx(1.35, rel=0.15)
    assert worse["failed_after"] > 1.7 * worse["failed_before"]
    seen = ask(traffic, "fingerprints", since=since)
    assert {row["system_fingerprint"] for row in seen} == {v.fingerprint for m in MODELS for v in m.versions} - {""}


def test_outcomes_add_up(traffic: Traffic) -> None:
    for row in ask(traffic, "outcomes-by-model"):
        kinds = ("ok", "cache_hit", "upstream_error", "stream_error", "timeout", "client_gone", "refused")
        assert sum(int(row[kind]) for kind in kinds) == int(row["calls"])
    begin, end, provider, _, share = BURSTS[-1]
    times_of_burst = {
        "since": (traffic.start + timedelta(days=begin, minutes=5)).isoformat(),
        "until": (traffic.start + timedelta(days=end, minutes=-5)).isoformat(),
    }
    (row,) = [row for row in ask(traffic, "provider-comparison", **times_of_burst) if row["provider"] == provider]
    assert row["failed_share"] > share / 2


def test_waste_is_what_was_paid_for_nothing(traffic: Traffic) -> None:
    found = sum(float(row["wasted_usd"] or 0) for row in ask(traffic, "waste"))
    (exact,) = rows(traffic, f"SELECT toFloat64(sum(wasted_usd)) AS usd FROM llm.calls WHERE {within(traffic)}")
    assert found == pytest.approx(exact["usd"], rel=1e-3)
    rescued = sum(int(row["rescued"]) for row in ask(traffic, "retries"))
    exact_rescued = rows(
        traffic, f"SELECT toUInt32(count()) AS n FROM llm.calls WHERE attempt > 0 AND outcome = 'ok' AND {within(traffic)}"
    )
    assert rescued == pytest.approx(exact_rescued[0]["n"], abs=3)


def test_who_counted_the_tokens(traffic: Traffic) -> None:
    """Shares of a model add up; notes are counted once by each question."""
    found = ask(traffic, "usage-sources")
    assert {row["usage_source"] for row in found} == {"provider", "partial", "estimated", "none"}
    answered = f"{within(traffic)} AND operation != '' AND outcome IN ('ok', 'stream_error', 'client_gone')"
    (truth,) = rows(traffic, f"SELECT count() AS calls, countIf(usage_note != '') AS noted FROM llm.calls WHERE {answered}")
    assert sum(int(row["calls"]) for row in found) == int(truth["calls"])
    assert sum(int(row["noted"]) for row in found) == int(truth["noted"]) > 0
    shares: dict[tuple[str, str], float] = {}
    for row in found:
        named = (row["provider"], row["model"])
        shares[named] = shares.get(named, 0) + float(row["share"])
    assert all(share == pytest.approx(1, abs=0.001) for share in shares.values())
    notes = ask(traffic, "usage-notes", limit="1000")
    (noted,) = rows(traffic, f"SELECT countIf(usage_note != '') AS calls FROM llm.calls WHERE {within(traffic)}")
    assert sum(int(row["calls"]) for row in notes) == int(noted["calls"])
    assert all(row["usage_source"] == "estimated" for row in notes if row["note"].startswith("estimated"))


def test_stalls_are_told_with_all_their_long_gaps(traffic: Traffic) -> None:
    found = ask(traffic, "stalls", stall="1000.001")
    condition = f"{within(traffic)} AND itl_max_ms IS NOT NULL"
    (truth,) = rows(traffic, f"SELECT sum(stalls) AS gaps, countIf(stalls > 0) AS calls FROM llm.calls WHERE {condition}")
    assert sum(int(row["long_gaps"]) for row in found) == int(truth["gaps"])
    assert sum(int(row["stalled"]) for row in found) == int(truth["calls"]) > 0


def test_dearest_traces_and_sessions_are_the_dearest(traffic: Traffic) -> None:
    for name, column in (("trace-costs", "otel_trace_id"), ("cost-by-session", "session_id")):
        costs = [float(row["cost_usd"]) for row in ask(traffic, name, limit="5")]
        exact = rows(
            traffic,
            f"SELECT toFloat64(sum(cost_usd)) AS usd FROM llm.calls WHERE {within(traffic)} AND {column} != '' "
            f"GROUP BY {column} ORDER BY usd DESC LIMIT 5",
        )
        assert costs == pytest.approx([row["usd"] for row in exact])
    slow = [row["span_ms"] for row in ask(traffic, "slowest-traces", limit="5")]
    assert slow == sorted(slow, reverse=True)


def test_forecast(traffic: Traffic) -> None:
    """By hand: what each day cost, the mean of each day of the week over four weeks, and the days that are left."""
    (row,) = ask(traffic, "cost-forecast")
    daily = {
        each["day"]: each["usd"]
        for each in rows(
            traffic,
            f"SELECT toString(toDate(started_at)) AS day, toFloat64(sum(cost_usd)) AS usd FROM llm.calls "
            f"WHERE started_at < '{traffic.end:%Y-%m-%d %H:%M:%S}' GROUP BY day",
        )
    }
    today = traffic.end.date()
    means = {}
    for weekday in range(7):
        past = [today - timedelta(days=back) for back in range(1, 29)]
        found = [daily[str(day)] for day in past if day.weekday() == weekday and str(day) in daily]
        means[weekday] = sum(found) / len(found)
    so_far = sum(usd for day, usd in daily.items() if day[:7] == str(today)[:7])
    left = max(means[today.weekday()] - daily.get(str(today), 0.0), 0.0)
    day = today + timedelta(days=1)
    while day.month == today.month:
        left += means[day.weekday()]
        day += timedelta(days=1)
    assert row["month"] == str(today.replace(day=1))
    assert row["usd_so_far"] == pytest.approx(so_far)
    assert row["usd_forecast"] == pytest.approx(so_far + left)
    assert int(row["days_known"]) == 28


def test_feedback_counts_once_and_finds_the_bad_version(traffic: Traffic) -> None:
    since = traffic.start.isoformat()
    found = {row["prompt_version"]: row for row in ask(traffic, "feedback-by-prompt-version", since=since)}
    assert found["3"]["good_share"] > found["1"]["good_share"] > found["4"]["good_share"]
    (whole,) = rows(traffic, "SELECT toUInt32(count()) AS n FROM llm.feedback FINAL")
    assert sum(int(row["feedbacks"]) for row in found.values()) == whole["n"]


def test_throughput_and_steps(traffic: Traffic) -> None:
    found = ask(traffic, "throughput", step="900")
    (exact,) = rows(traffic, f"SELECT toUInt32(count()) AS n FROM llm.calls WHERE {within(traffic)}")
    assert sum(int(row["calls"]) for row in found) == exact["n"]
    minutes = {datetime.fromisoformat(row["time"]).minute for row in found}
    assert minutes == {0, 15, 30, 45}


def test_like_errors_count_together(traffic: Traffic) -> None:
    found = ask(traffic, "top-errors", limit="100")
    assert len({(row["message"], row["error_type"]) for row in found}) == len(found)
    assert all(not re.search(r"\d", row["message"]) for row in found)
    (exact,) = rows(traffic, f"SELECT toUInt32(count()) AS n FROM llm.calls WHERE {FAILED} AND {within(traffic)}")
    assert sum(int(row["calls"]) for row in found) == pytest.approx(exact["n"], abs=5)


def test_an_unknown_question_names_those_that_are_meant() -> None:
    with pytest.raises(KeyError, match="did you mean cost-by-model"):
        queries.load("cost-by-modle")
    with pytest.raises(KeyError, match="there are: "):
        queries.load("xyzzy")
