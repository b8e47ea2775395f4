"""Every figure of the analytics API against the same figure computed from the same calls in Python."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import mean
from typing import Any

import pytest

from exporters import clickhouse
from tests.api.many_calls import BEGAN, SINCE, UNTIL, WINDOW, Opinion, many_calls, newest, opinions
from tests.api.serving import Served, serving
from tests.store import samples
from tests.store.running import RunningStore
from tracer.api.analytics import GRAPHS, GROUPS, Analytics
from tracer.api.questions import Questions
from tracer.proxy.flight import Flight
from tracer.records import Call, TraceContext
from tracer.registry.records import Caller

CALLS = many_calls()
OPINIONS = newest(opinions())
# Seven hours in at most 200 points.
WIDTH_S = 300

KEYS = {"": frozenset({"k-3"}), "one": frozenset({"k-1"}), "both": frozenset({"k-1", "k-2"})}


@pytest.fixture
async def api(questions: Questions) -> AsyncIterator[Served]:
    async with serving(Analytics(questions, lambda workspace: KEYS.get(workspace, frozenset()))) as served:
        yield served


async def ask(api: Served, path: str, **query: str) -> dict[str, Any]:
    status, answer = await api.get(f"/v1/analytics/{path}", **{**WINDOW, **query})
    assert status == 200, answer
    return answer


def failed(call: Call) -> bool:
    return call.outcome in ("upstream_error", "stream_error", "timeout", "refused", "proxy_crash")


def response_ms(call: Call) -> float:
    if not call.stream:
        return call.duration_ms
    return next(ms for ms in (call.ttft_ms, call.ttfb_ms, call.duration_ms) if ms is not None)


def average(values: list[float]) -> float | None:
    return mean(values) if values else None


def cents(amounts: list[Decimal | None]) -> float:
    return float(sum((amount for amount in amounts if amount is not None), Decimal(0)) * 100)


def model(call: Call) -> str:
    return call.response_model or call.request_model


def stacks(calls: list[Call], key: str, values: list[int]) -> list[dict[str, int]]:
    return [{key: value, "count": count} for value, count in sorted(Counter(values).items())]


def retried(calls: list[Call]) -> list[int]:
    return [call.attempt for call in calls if call.attempt and call.outcome == "ok"]


# What a bucket of calls, or all of them, should give.
EXPECTED: dict[str, Callable[[list[Call]], dict[str, Any]]] = {
    "requests": lambda calls: {"total": len(calls)},
    "tokens": lambda calls: {
        "total": sum(call.total_tokens or 0 for call in calls),
        "avg": average([call.total_tokens for call in calls if call.total_tokens is not None]),
    },
    "users": lambda calls: {"total": len({call.user for call in calls} - {""})},
    "errors": lambda calls: {"total": sum(map(failed, calls))},
    "errors/rate": lambda calls: {"rate": 100 * sum(map(failed, calls)) / len(calls)},
}


def buckets(calls: list[Call]) -> dict[str, list[Call]]:
    found = defaultdict(list)
    for call in calls:
        second = int(call.started_at.timestamp()) // WIDTH_S * WIDTH_S
        found[datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")].append(call)
    return dict(sorted(found.items()))


@pytest.mark.parametrize("name", EXPECTED)
async def test_graphs(api: Served, name: str) -> None:
    answer = await ask(api, f"graphs/{name}")
    assert answer["object"] == "analytics-graph"
    assert answer["summary"] == pytest.approx(EXPECTED[name](CALLS))
    points = {point.pop("timestamp"): point for point in answer["data_points"]}
    assert len(points) > 40
    assert list(points) == list(buckets(CALLS))
    for timestamp, calls in buckets(CALLS).items():
        assert points[timestamp] == pytest.approx(EXPECTED[name](calls)), timestamp


async def test_cost_is_in_cents_and_an_unknown_price_is_not_nothing(api: Served) -> None:
    answer = await ask(api, "graphs/cost")
    known = [call.cost_usd for call in CALLS if call.cost_usd is not None]
    assert answer["summary"]["total"] == pytest.approx(cents(known))
    assert answer["summary"]["avg"] == pytest.approx(cents(known) / len(known))
    assert answer["summary"]["unpriced"] == len(CALLS) - len(known) > 0
    for point, calls in zip(answer["data_points"], buckets(CALLS).values(), strict=True):
        priced = [call.cost_usd for call in calls if call.cost_usd is not None]
        assert point["unpriced"] == len(calls) - len(priced)
        assert point["total"] == (pytest.approx(cents(priced)) if priced else None)
        assert point["avg"] == (pytest.approx(cents(priced) / len(priced)) if priced else None)


async def test_latency_is_to_the_first_token_of_streams(api: Served) -> None:
    answer = await ask(api, "graphs/latency")
    for figures, calls in [(answer["summary"], CALLS), *zip(answer["data_points"], buckets(CALLS).values(), strict=True)]:
        ordered = sorted(map(response_ms, calls))
        assert figures["avg"] == pytest.approx(mean(ordered))
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            rank = share * (len(ordered) - 1)
            low, high = ordered[max(int(rank) - 1, 0)], ordered[min(int(rank) + 2, len(ordered) - 1)]
            # A digest's percentile lies between its neighbours by rank, as 32-bit floats.
            assert low * (1 - 1e-6) <= figures[name] <= high * (1 + 1e-6)


async def test_requests_of_users(api: Served) -> None:
    answer = await ask(api, "graphs/users/requests")
    known = [call.user for call in CALLS if call.user]
    assert answer["summary"] == pytest.approx({"total": len(known), "unique": 4, "avg": len(known) / 4})
    for point, calls in zip(answer["data_points"], buckets(CALLS).values(), strict=True):
        users = [call.user for call in calls if call.user]
        assert point["avg"] == (pytest.approx(len(users) / len(set(users))) if users else None)


async def test_errors_by_status(api: Served) -> None:
    wrong = [call for call in CALLS if failed(call)]
    answer = await ask(api, "graphs/errors/stacks")
    assert answer["summary"] == {"total": len(wrong)}
    assert answer["data_points"] == [
        {"timestamp": timestamp, "stats": stacks(calls, "response_status_code", [call.status_code for call in calls])}
        for timestamp, calls in buckets(wrong).items()
    ]
    answer = await ask(api, "graphs/errors/status-codes")
    counted = Counter(call.status_code for call in wrong)
    assert answer["summary"] == {"total_errors": len(wrong), "unique_error_codes": len(counted)}
    assert {point["status_code"]: point["count"] for point in answer["data_points"]} == counted
    assert [point["count"] for point in answer["data_points"]] == sorted(counted.values(), reverse=True)


async def test_rescued_requests(api: Served) -> None:
    answer = await ask(api, "graphs/requests/rescued")
    assert answer["summary"] == {"retry": len(retried(CALLS)), "fallback": 0}
    for point, calls in zip(answer["data_points"], buckets(CALLS).values(), strict=True):
        assert point["retry"] == stacks(calls, "retry_success_count", retried(calls))
        assert point["fallback"] == 0


async def test_requests_that_a_configs_retry_rescued(empty_store: RunningStore) -> None:
    """Each failed attempt is a row of its own, with a note as the proxy writes it."""
    flight = Flight(
        call_id=(rescued := samples.call(1, started_at=BEGAN)).call_id,
        started_ns=0,
        began_ns=0,
        trace=TraceContext("t", "s", "0" * 31 + "1", "0" * 15 + "1"),
        door="openai",
        method="POST",
        path="/v1/chat/completions",
        request_headers=(),
        content=True,
    )
    notes = [flight.attempt_failed(0, number).notes for number in range(2)]
    attempts = [
        samples.call(number, started_at=BEGAN, status_code=503, outcome="upstream_error", notes=note)
        for number, note in enumerate(notes, 10)
    ]
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(
        [rescued, *attempts, samples.call(2, started_at=BEGAN), samples.call(3, started_at=BEGAN, attempt=1)], "retries"
    )
    exporter.close()
    asked = Questions(empty_store.settings)
    async with serving(Analytics(asked, lambda _: frozenset())) as api:
        answer = await ask(api, "graphs/requests/rescued", status_code="200")
    asked.close()
    assert answer["summary"] == {"retry": 2, "fallback": 0}
    assert answer["data_points"] == [
        {
            "timestamp": BEGAN.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "retry": [{"retry_success_count": 1, "count": 1}, {"retry_success_count": 2, "count": 1}],
            "fallback": 0,
        }
    ]


async def test_cache(api: Served) -> None:
    hits = [call for call in CALLS if call.cache_status == "HIT"]
    others = [call for call in CALLS if call.cache_status != "HIT"]
    rate = await ask(api, "graphs/cache/hit-rate")
    assert rate["summary"] == pytest.approx({"total": len(hits), "rate": 100 * len(hits) / len(CALLS)})
    saved = 0.0
    for point, calls in zip(rate["data_points"], buckets(CALLS).values(), strict=True):
        here = [call for call in calls if call.cache_status == "HIT"]
        saved += cents([call.saved_usd for call in here])
        assert (point["simple_hits"], point["semantic_hits"]) == (len(here), 0)
        assert point["rate"] == pytest.approx(100 * len(here) / len(calls))
        assert point["cumulative_simple_cache_savings"] == pytest.approx(saved)
        assert point["cumulative_semantic_cache_savings"] == 0
    assert saved > 0
    latency = await ask(api, "graphs/cache/latency")
    assert latency["summary"]["avg"] == pytest.approx(mean(call.duration_ms for call in hits))
    assert [point["timestamp"] for point in latency["data_points"]] == list(buckets(hits))
    whole = await ask(api, "summary/cache")
    hit_ms, other_ms = mean(call.duration_ms for call in hits), mean(call.duration_ms for call in others)
    assert whole["object"] == "analytics-summary"
    assert whole["summary"] == pytest.approx(
        {
            "hits": len(hits),
            "avg_latency": hit_ms,
            "total_requests": len(CALLS),
            "cache_speedup": 100 * (other_ms - hit_ms) / other_ms,
        }
    )


def trace_starts() -> dict[str, Call]:
    """The first call of each trace."""
    first: dict[str, Call] = {}
    for call in sorted(CALLS, key=lambda call: call.started_at):
        first.setdefault(call.trace_id, call)
    return first


def given(traces: set[str]) -> list[Opinion]:
    return [opinion for opinion in OPINIONS if opinion.trace_id in traces]


async def test_feedback(api: Served) -> None:
    first = trace_starts()
    known = given(set(first))
    assert 0 < len(known) < len(OPINIONS)  # one is on a trace that nobody knows
    by_bucket = {
        timestamp: opinions
        for timestamp, calls in buckets(list(first.values())).items()
        if (opinions := given({call.trace_id for call in calls}))
    }
    answer = await ask(api, "graphs/feedbacks")
    assert answer["summary"] == {"total": len(known)}
    assert {point["timestamp"]: point["total"] for point in answer["data_points"]} == {
        timestamp: len(opinions) for timestamp, opinions in by_bucket.items()
    }
    answer = await ask(api, "graphs/feedbacks/weighted")
    assert answer["summary"] == pytest.approx({"avg": mean(o.value * o.weight for o in known)})
    assert {point["timestamp"]: point["avg"] for point in answer["data_points"]} == pytest.approx(
        {timestamp: mean(o.value * o.weight for o in opinions) for timestamp, opinions in by_bucket.items()}
    )
    answer = await ask(api, "graphs/feedbacks/scores")
    assert answer["summary"] == {"total": len(known)}
    assert answer["data_points"] == [
        {"score": score, "total": total} for score, total in sorted(Counter(o.value for o in known).items())
    ]


async def test_feedback_by_model(api: Served) -> None:
    answer = await ask(api, "graphs/feedbacks/ai-models")
    found = {point["ai_model"]: point for point in answer["data_points"]}
    assert set(found) == {model(call) for call in CALLS} - {""}
    for name, point in found.items():
        about = given({call.trace_id for call in CALLS if model(call) == name})
        assert point["total"] == len(about)
        assert point["avg_weighted_feedback"] == pytest.approx(mean(o.value * o.weight for o in about))


PROPERTIES: dict[str, tuple[str, Callable[[Call], object]]] = {
    "users": ("user", lambda call: call.user),
    "ai-models": ("ai_model", model),
    "model": ("model", model),
    "provider": ("provider", lambda call: call.provider),
    "ai_service": ("ai_service", lambda call: call.provider),
    "status_code": ("status_code", lambda call: call.status_code),
    "api_key": ("api_key", lambda call: call.key_id),
    "prompt": ("prompt", lambda call: call.prompt_id),
    "metadata/team": ("metadata_value", lambda call: call.metadata.get("team", "")),
    "metadata/_user": ("metadata_value", lambda call: call.metadata.get("_user", "")),
}


@pytest.mark.parametrize("name", PROPERTIES)
async def test_groups(api: Served, name: str) -> None:
    column, value = PROPERTIES[name]
    groups = defaultdict(list)
    for call in CALLS:
        if value(call) != "":
            groups[value(call)].append(call)
    answer = await ask(api, f"groups/{name}")
    assert (answer["object"], answer["total"]) == ("list", len(groups))
    assert {row[column]: row["requests"] for row in answer["data"]} == {v: len(calls) for v, calls in groups.items()}
    assert [row["requests"] for row in answer["data"]] == sorted(map(len, groups.values()), reverse=True)
    for row in answer["data"]:
        calls = groups[row[column]]
        rated = [about for call in calls if (about := given({call.trace_id}))]
        assert row["object"] == "analytics-group"
        assert row["cost"] == pytest.approx(cents([call.cost_usd for call in calls]))
        assert row["avg_tokens"] == pytest.approx(mean(c.total_tokens for c in calls if c.total_tokens is not None))
        assert row["requests_with_feedback"] == len(rated) > 0
        assert row["avg_weighted_feedback"] == pytest.approx(mean(mean(o.value * o.weight for o in about) for about in rated))
        assert row["last_seen"] == max(call.started_at for call in calls).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_pages_and_order_of_groups(api: Served) -> None:
    everyone = [row["user"] for row in (await ask(api, "groups/users", order_by="user", order_by_type="asc"))["data"]]
    assert everyone == sorted({call.user for call in CALLS} - {""})
    pages = [
        await ask(api, "groups/users", order_by="user", order_by_type="asc", page_size="3", current_page=str(page))
        for page in range(3)
    ]
    assert [[row["user"] for row in page["data"]] for page in pages] == [everyone[:3], everyone[3:], []]
    assert [page["total"] for page in pages] == [4, 4, 4]
    by_cost = (await ask(api, "groups/users", order_by="cost"))["data"]
    assert [row["cost"] for row in by_cost] == sorted((row["cost"] for row in by_cost), reverse=True)
    few = await ask(api, "groups/users", columns="cost", include_total="False")
    assert "total" not in few
    assert set(few["data"][0]) == {"user", "cost", "object"}


NOBODYS = [{"metadata": '{"team":""}'}, {"workspace_slug": "nobody's"}]
FILTERED: list[tuple[dict[str, str], Callable[[Call], bool]]] = [
    ({"status_code": "429, 500"}, lambda c: c.status_code in (429, 500)),
    ({"total_units_min": "3000"}, lambda c: (c.total_tokens or 0) >= 3000),
    ({"total_units_max": "3000"}, lambda c: c.total_tokens is not None and c.total_tokens <= 3000),
    ({"prompt_token_min": "100", "prompt_token_max": "900"}, lambda c: 100 <= (c.input_tokens or 0) <= 900),
    ({"completion_token_min": "100", "completion_token_max": "900"}, lambda c: 100 <= (c.output_tokens or 0) <= 900),
    ({"cost_min": "0.05"}, lambda c: c.cost_usd is not None and c.cost_usd >= Decimal("0.0005")),
    ({"cost_max": "0.05"}, lambda c: c.cost_usd is not None and c.cost_usd <= Decimal("0.0005")),
    ({"cache_status": "HIT,REFRESH"}, lambda c: c.cache_status in ("HIT", "REFRESH")),
    ({"api_key_ids": "k-2"}, lambda c: c.key_id == "k-2"),
    ({"prompt_slug": "pp-hello-1"}, lambda c: c.prompt_id == "pp-hello-1"),
    ({"trace_id": "t-3"}, lambda c: c.trace_id == "t-3"),
    ({"trace_id": "t-3,t-4"}, lambda c: c.trace_id in ("t-3", "t-4")),
    ({"span_id": "s-17"}, lambda c: c.span_id == "s-17"),
    ({"ai_org_model": "openai__gpt-4o"}, lambda c: c.provider == "openai" and c.request_model == "gpt-4o"),
    (
        {"ai_org_model": "openai__gpt-4o-2026,groq__llama-3"},
        lambda c: f"{c.provider}__{model(c)}" in ("openai__gpt-4o-2026", "groq__llama-3"),
    ),
    ({"metadata": '{"team":"a","_user":"d\'arcy"}'}, lambda c: c.metadata == {"_user": "d'arcy", "team": "a"}),
    (NOBODYS[0], lambda c: False),
    ({"workspace_slug": "one"}, lambda c: c.key_id == "k-1"),
    (NOBODYS[1], lambda c: False),
    (
        {"status_code": "200", "api_key_ids": "k-1", "total_units_min": "10"},
        lambda c: c.status_code == 200 and c.key_id == "k-1" and (c.total_tokens or 0) >= 10,
    ),
    (
        {"time_of_generation_max": (BEGAN + timedelta(hours=2)).isoformat()},
        lambda c: c.started_at <= BEGAN + timedelta(hours=2),
    ),
]


@pytest.mark.parametrize(("query", "wanted"), FILTERED, ids=[str(query) for query, _ in FILTERED])
async def test_filters(api: Served, query: dict[str, str], wanted: Callable[[Call], bool]) -> None:
    expected = [call for call in CALLS if wanted(call)]
    answer = await ask(api, "graphs/requests", **query)
    assert answer["summary"] == {"total": len(expected)}
    assert len(expected) < len(CALLS)
    assert expected or query in NOBODYS
    tokens = await ask(api, "graphs/tokens", **query)
    assert tokens["summary"]["total"] == sum(call.total_tokens or 0 for call in expected)


async def test_filters_by_feedback(api: Served) -> None:
    weights = {
        trace: mean(o.value * o.weight for o in about) for trace in {c.trace_id for c in CALLS} if (about := given({trace}))
    }
    answer = await ask(api, "graphs/requests", weighted_feedback_min="0", weighted_feedback_max="2.5")
    expected = [call for call in CALLS if call.trace_id in weights and 0 <= weights[call.trace_id] <= 2.5]
    assert answer["summary"] == {"total": len(expected)}
    assert expected


@pytest.mark.parametrize(
    "caller",
    [Caller(key_id="k-1", workspace="one", admin=False), Caller(key_id="k-1", workspace="one", admin=True)],
    ids=["user", "administrator of one workspace"],
)
async def test_a_caller_sees_its_workspace_only(api: Served, caller: Caller) -> None:
    api.caller = caller
    own = [call for call in CALLS if call.key_id == "k-1"]
    assert (await ask(api, "graphs/requests"))["summary"] == {"total": len(own)}
    assert (await ask(api, "graphs/requests", workspace_slug="both"))["summary"] == {"total": len(own)}
    assert (await ask(api, "graphs/requests", api_key_ids="k-2"))["summary"] == {"total": 0}
    # Of feedback too: what others said about a trace of the same name is theirs.
    about = [o for o in OPINIONS if o.key_id == "k-1" and o.trace_id in {call.trace_id for call in own}]
    assert (await ask(api, "graphs/feedbacks"))["summary"] == {"total": len(about)}
    assert (await ask(api, "groups/api_key"))["total"] == 1


async def test_a_key_without_a_workspace_that_is_no_administrators_sees_its_own_calls(api: Served) -> None:
    api.caller = Caller(key_id="k-2", admin=False)
    assert (await ask(api, "graphs/requests"))["summary"] == {"total": sum(call.key_id == "k-2" for call in CALLS)}


async def test_no_calls_at_all(api: Served) -> None:
    long_ago = {"time_of_generation_min": "2001-01-01", "time_of_generation_max": "2001-01-02T00:00:00+05:30"}
    for name, graph in GRAPHS.items():
        answer = await ask(api, f"graphs/{name}", **long_ago)
        assert answer["data_points"] == []
        assert set(answer["summary"]) == set(graph.summary)
        assert all(value in (0, None) for value in answer["summary"].values())
    assert (await ask(api, "graphs/latency", **long_ago))["summary"]["p99"] is None
    for name in GROUPS:
        assert await ask(api, f"groups/{name}", **long_ago) == {"object": "list", "total": 0, "data": []}
    whole = (await ask(api, "summary/cache", **long_ago))["summary"]
    assert whole == {"hits": 0, "avg_latency": None, "total_requests": 0, "cache_speedup": None}


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    [
        ("graphs/requests", {"time_of_generation_min": ""}, 400, "time_of_generation_min: required"),
        ("graphs/requests", {"time_of_generation_max": "yesterday"}, 400, "time_of_generation_max: should be a time"),
        (
            "graphs/requests",
            {"time_of_generation_min": UNTIL.isoformat(), "time_of_generation_max": SINCE.isoformat()},
            400,
            "later than",
        ),
        ("graphs/requests", {"time_of_generation_max": "9999-01-01"}, 400, "1970 to 2199"),
        ("graphs/requests", {"total_units_min": "1.5"}, 400, "total_units_min: should be a whole number"),
        ("graphs/requests", {"cost_min": "NaN"}, 400, "cost_min: should be an amount in US cents"),
        ("graphs/requests", {"status_code": "4xx"}, 400, "status_code: should be HTTP status codes"),
        ("graphs/requests", {"metadata": "team=a"}, 400, "metadata: should be a JSON object"),
        ("graphs/requests", {"metadata": '{"a":{}}'}, 400, "metadata: should be a JSON object"),
        ("graphs/requests", {"trace_id": ""}, 400, "trace_id: should be a text"),
        ("graphs/requests", {"model": "gpt-4o"}, 400, "model: no such parameter; there are ai_org_model"),
        ("graphs/requests", {"page_size": "5"}, 400, "page_size: no such parameter"),
        ("graphs/requests", {"virtual_keys": "vk"}, 501, "virtual_keys: rows do not say"),
        ("graphs/requests", {"configs": "pc"}, 501, "configs: rows do not say"),
        ("groups/users", {"order_by": "1; DROP TABLE llm.calls"}, 400, "order_by: should be one of"),
        ("groups/users", {"order_by_type": "asc, 1"}, 400, "order_by_type: should be asc or desc"),
        ("groups/users", {"columns": "cost,nope"}, 400, "columns: there is no 'nope'"),
        ("groups/users", {"page_size": "0"}, 400, "page_size: should be a whole number from 1 to 1000"),
        ("groups/users", {"current_page": "-1"}, 400, "current_page: should be a whole number"),
        ("groups/workspaces", {}, 501, "groups/workspaces: rows do not say"),
        ("groups/config", {}, 501, "groups/config: rows do not say"),
        ("groups/metadata/", {}, 404, "no such analytics"),
        ("groups/weather", {}, 404, "no such analytics"),
        ("graphs/weather", {}, 404, "no such analytics"),
        ("graphs", {}, 404, "no such analytics"),
    ],
)
async def test_what_is_wrong_is_named(api: Served, path: str, query: dict[str, str], status: int, words: str) -> None:
    got, answer = await api.get(f"/v1/analytics/{path}", **{**WINDOW, **query})
    assert got == status
    assert words in str(answer["message"])
    assert answer["error"] == {"message": answer["message"], "code": ""}


async def test_a_parameter_that_is_given_twice_is_refused(api: Served) -> None:
    query = [*WINDOW.items(), ("status_code", "200"), ("status_code", "500")]
    async with api.client.get(f"{api.url}/v1/analytics/graphs/requests", params=query) as answer:
        assert answer.status == 400
        assert "status_code: given more than once" in await answer.text()


async def test_only_get(api: Served) -> None:
    async with api.client.post(f"{api.url}/v1/analytics/graphs/requests", params=WINDOW) as answer:
        assert answer.status == 405


async def test_a_plus_that_nobody_encoded(api: Served) -> None:
    """Python's urlencode encodes it; a person with curl does not."""
    since, until = SINCE.strftime("%Y-%m-%dT%H:%M:%S+00:00"), UNTIL.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    url = f"{api.url}/v1/analytics/graphs/requests?time_of_generation_min={since}&time_of_generation_max={until}"
    async with api.client.get(url) as answer:
        assert (await answer.json())["summary"] == {"total": len(CALLS)}


async def test_long_times_have_wide_buckets(api: Served) -> None:
    years = {"time_of_generation_min": "1990-01-01", "time_of_generation_max": "2190-01-01"}
    answer = await ask(api, "graphs/requests", **years)
    assert answer["summary"] == {"total": len(CALLS)}
    assert 1 <= len(answer["data_points"]) <= 2
