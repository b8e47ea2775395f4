"""What the alert rules find, asked of the store as Grafana's backend asks it: macros only, a range that ends now."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exporters import clickhouse
from tests.dashboards.asked import Answer, ask, timed
from tests.dashboards.documents import RULES
from tests.dashboards.grafana import Shown
from tests.store.running import RunningStore
from tests.store.samples import call
from tests.traffic.market import BURSTS
from tests.traffic.million import Traffic
from tests.traffic.plan import DAYS

SQL_RULES = [uid for uid, rule in RULES.items() if "rawSql" in rule["data"][0]["model"]]
NUMBER = ("Int", "UInt", "Float")


def looking(uid: str, now: datetime) -> tuple[str, Shown]:
    """The rule's SQL, and what Grafana looks at when it evaluates it at that time."""
    question = RULES[uid]["data"][0]
    past = timedelta(seconds=question["relativeTimeRange"]["from"])
    return question["model"]["rawSql"], Shown(now - past, now)


def fired(uid: str, answer: Answer) -> list[dict[str, Any]]:
    """The rows above the rule's limit."""
    (limit,) = RULES[uid]["data"][1]["model"]["conditions"][0]["evaluator"]["params"]
    (number,) = (name for name, kind in answer.types.items() if kind.removeprefix("Nullable(").startswith(NUMBER))
    return [record for record in answer.records if record[number] is not None and record[number] > limit]


def at(url: str, uid: str, now: datetime) -> list[dict[str, Any]]:
    sql, shown = looking(uid, now)
    return fired(uid, ask(url, shown.fill_macros(sql)))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("uid", SQL_RULES)
@pytest.mark.parametrize("days", [0, 9, 21])
def test_gives_one_number_for_each_combination_of_texts(traffic: Traffic, uid: str, days: int) -> None:
    """What Grafana takes for a set of alert instances: one column of numbers, all others texts."""
    sql, shown = looking(uid, traffic.end - timedelta(days=days))
    assert "$__conditionalAll" not in sql, "it is done in the browser only"
    assert "${" not in sql
    filled = Shown(shown.start, shown.end).fill_macros(sql)
    assert "$__" not in filled
    answer = timed(traffic, f"alert: {uid}", f"{days} days ago", sql, shown)
    kinds = [kind.removeprefix("LowCardinality(").removeprefix("Nullable(") for kind in answer.types.values()]
    assert sum(kind.startswith(NUMBER) for kind in kinds) == 1
    assert sum(kind.startswith("String") for kind in kinds) == len(kinds) - 1
    labels = [tuple(value for value in row if isinstance(value, str)) for row in answer.rows]
    assert len(set(labels)) == len(labels)
    for name in answer.types:
        if name not in ("share", "p95", "times", "calls"):
            assert f".Labels.{name}" in RULES[uid]["annotations"]["summary"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_error_rate_fires_in_a_burst(traffic: Traffic) -> None:
    begin, end, provider, _, _ = BURSTS[1]
    began = traffic.end - timedelta(days=DAYS)
    burst = Shown(began + timedelta(days=begin), began + timedelta(days=end))
    quiet = Shown(burst.start - timedelta(days=1), burst.end - timedelta(days=1))
    sql = RULES["tracer-error-rate"]["data"][0]["model"]["rawSql"]
    failing = [
        {row["provider"] for row in fired("tracer-error-rate", ask(traffic.url, during.fill_macros(sql)))}
        for during in (burst, quiet)
    ]
    assert provider in failing[0]
    assert provider not in failing[1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fingerprint_fires_after_a_switch_and_stops(traffic: Traffic) -> None:
    sql = "SELECT toUnixTimestamp(min(started_at)) FROM llm.calls WHERE system_fingerprint = 'fp_cbf1785567'"
    switched = datetime.fromtimestamp(float(ask(traffic.url, sql).rows[0][0]), UTC)
    assert [row["model"] for row in at(traffic.url, "tracer-fingerprint", switched + timedelta(minutes=50))] == ["gpt-4o"]
    assert at(traffic.url, "tracer-fingerprint", switched - timedelta(minutes=1)) == []
    assert at(traffic.url, "tracer-fingerprint", switched + timedelta(hours=2, minutes=1)) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_unpriced_names_the_models_and_the_reason(traffic: Traffic) -> None:
    busy = (traffic.end - timedelta(days=3)).replace(hour=14, minute=30)
    found = {row["model"]: row["reason"] for row in at(traffic.url, "tracer-unpriced", busy)}
    assert "ft:gpt-4o-mini:acme:triage:9xQ2" in found
    assert all(reason.startswith("none") for reason in found.values())


def test_cost_spike_fires_when_an_hour_is_dear(empty_store: RunningStore) -> None:
    now = datetime.now(UTC)
    dear = [call(n, started_at=now - timedelta(minutes=30 + n), cost_usd=Decimal(4)) for n in range(3)]
    usual = [
        call(10 * day + n, started_at=now - timedelta(days=day, minutes=30 + n), cost_usd=Decimal(1))
        for day in (1, 2, 5)
        for n in range(3)
    ]
    # Another hour of the day is dear each day: it is no measure for this one.
    other = [call(90 + day, started_at=now - timedelta(days=day, hours=6), cost_usd=Decimal(50)) for day in (1, 2)]
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([*usual, *other], "before")
    assert at(empty_store.url, "tracer-cost-spike", now) == []
    exporter.export(dear, "now")
    exporter.close()
    (spike,) = at(empty_store.url, "tracer-cost-spike", now)
    assert spike["provider"] == "openai"
    assert spike["times"] == pytest.approx(4)


def test_cost_spike_needs_a_history_and_a_dollar(empty_store: RunningStore) -> None:
    now = datetime.now(UTC)
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([call(1, started_at=now - timedelta(minutes=5), cost_usd=Decimal(100))], "new")
    cheap = {"provider": "groq", "cost_usd": Decimal("0.0001")}
    for day in (1, 2, 3):
        exporter.export([call(day * 10, started_at=now - timedelta(days=day, minutes=5), **cheap)], f"day {day}")
    exporter.export([call(2, started_at=now - timedelta(minutes=5), **(cheap | {"cost_usd": Decimal("0.9")}))], "cents")
    exporter.close()
    assert at(empty_store.url, "tracer-cost-spike", now) == []


@pytest.mark.parametrize(("slow_ms", "fires"), [(12_000.0, True), (900.0, False)])
def test_first_token_fires_above_its_limit(empty_store: RunningStore, slow_ms: float, fires: bool) -> None:
    now = datetime.now(UTC)
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([call(n, started_at=now - timedelta(minutes=1), ttft_ms=slow_ms, stream=True) for n in range(20)], "slow")
    few = [call(90 + n, started_at=now - timedelta(minutes=1), ttft_ms=60_000.0, request_model="rare") for n in range(5)]
    exporter.export(few, "few")
    exporter.close()
    assert [row["model"] for row in at(empty_store.url, "tracer-first-token", now)] == (["gpt-4o"] if fires else [])
