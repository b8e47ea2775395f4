"""Every query on the real tables with rows in them."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from dashboards import queries
from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import STARTED, call, full_call
from tracer.store.client import run_query


@pytest.fixture
def filled(empty_store: RunningStore) -> RunningStore:
    exporter = clickhouse.open(empty_store.settings)
    mini = {"request_model": "gpt-4o-mini", "response_model": ""}
    calls = [
        call(1, cost_usd=Decimal("0.1"), ttft_ms=10.0, itl_max_ms=5.0, proxy_us=100, stream=True),
        call(2, cost_usd=Decimal("0.2"), ttft_ms=30.0, itl_max_ms=9.0, proxy_us=300, stream=True),
        call(3, cost_usd=None, **mini),
        call(
            4, outcome="upstream_error", status_code=429, error_type="rate_limit", error_message="slow", cost_usd=None, **mini
        ),
        full_call(5),
        call(6, started_at=STARTED - timedelta(days=2), provider="old"),
    ]
    exporter.export(calls, "queries")
    exporter.close()
    return empty_store


def ask(store: RunningStore, name: str) -> list[dict[str, object]]:
    since = (STARTED - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    answer = b"".join(run_query(store.settings, queries.load(name), "JSONEachRow", {"since": since}))
    return [orjson.loads(line) for line in answer.splitlines()]


@pytest.mark.parametrize("name", queries.names())
def test_runs_and_answers(filled: RunningStore, name: str) -> None:
    rows = ask(filled, name)
    assert rows
    assert all(row["provider"] == "openai" for row in rows)  # what is older than `since` is not counted


def test_cost_by_model(filled: RunningStore) -> None:
    dearest, last = ask(filled, "cost-by-model")
    assert (dearest["model"], dearest["calls"], dearest["unpriced"]) == ("gpt-4o-2024-08-06", 3, 0)
    assert dearest["usd"] == pytest.approx(123456.3)
    assert (last["model"], last["calls"], last["unpriced"], last["usd"]) == ("gpt-4o-mini", 2, 2, None)


def test_latency_by_model(filled: RunningStore) -> None:
    streamed = next(row for row in ask(filled, "latency-by-model") if row["stream"])
    assert (streamed["calls"], streamed["longest_stall_ms"]) == (2, 9)
    assert streamed["ttft_p95_ms"] == 30
    assert streamed["tokens_per_second"] == pytest.approx(20)


def test_calls_by_outcome(filled: RunningStore) -> None:
    rows = {(row["outcome"], row["error_type"]): row for row in ask(filled, "calls-by-outcome")}
    assert rows["ok", ""]["calls"] == 3
    assert rows["ok", ""]["share"] == pytest.approx(0.6)
    assert rows["upstream_error", "rate_limit"]["example"] == "slow"


@pytest.mark.parametrize("name", queries.names())
def test_says_what_it_answers_and_binds_its_values(name: str) -> None:
    query = queries.read(name)
    assert query.description.endswith(".")
    assert query.sql.startswith("-- ")
    assert query.parameters == {"since": "DateTime"}


def test_an_unknown_query_names_those_that_are_there() -> None:
    with pytest.raises(KeyError, match="cost-by-model"):
        queries.load("nope")
