"""Costs counted again in SQL: a day of calls through the sink and the real exporter, and a residual of exactly 0."""

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dashboards import queries
from exporters import clickhouse
from tests.sink.exchanges import CORPUS, STARTED_NS, corpus, exchange, replay
from tests.store.running import RunningStore
from tests.store.samples import PRICES, call
from tracer.records import Call, Exchange, Price
from tracer.sink import price
from tracer.sink.decode import decode
from tracer.sink.rates import KINDS, Listed, cost_of, step, tariff
from tracer.sink.usage import Usage
from tracer.store import client as store_client

DAY_NS = 86_400 * 10**9
USER = """
[[price]]
model = "house-*"
input = 0.123456789012345
cache_read = "0.1"
cached_audio = 0.7
cache_write_1h = 3
audio_input = 9
output = 1.000000000001
image_output = 30
web_searches = 12.5
request = 0.000000000000007
[[price]]
model = "house-*"
above = 1000
input = 0.3
output = 2
"""
CHECK = """
SELECT count() AS n, countIf(residual_usd = 0) AS same, sum(residual_usd) AS residual, sum(recomputed_usd) AS recomputed
FROM llm.recomputed_costs WHERE cost_usd IS NOT NULL
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> price.PriceBook:
    file = tmp_path_factory.mktemp("prices") / "prices.toml"
    file.write_text(USER)
    return price.load(file)


@pytest.fixture
def exporter(empty_store: RunningStore) -> Iterator[clickhouse.ClickHouse]:
    opened = clickhouse.open(empty_store.settings)
    yield opened
    opened.close()


@pytest.fixture
def reader(empty_store: RunningStore) -> Iterator[Client]:
    with store_client.embedded(empty_store.settings, write=False) as connected:
        yield connected


def chats() -> Iterator[Exchange]:
    """Calls by hand: every source of prices, sizes around a threshold, parts of buckets, reported costs."""
    for size in (0, 1, 999, 1000, 1001, 250_000):
        usage: dict[str, Any] = {
            "prompt_tokens": size,
            "completion_tokens": size // 3,
            "prompt_tokens_details": {"cached_tokens": size // 2, "cached_tokens_details": {"audio_tokens": size // 7}},
            "completion_tokens_details": {"reasoning_tokens": size // 9},
        }
        for provider, model in (("openai", "house-1"), ("openai", "gpt-4o"), ("google", "gemini-2.5-pro"), ("nobody", "m")):
            yield exchange(orjson.dumps(reply(model, usage)), orjson.dumps({"model": model}), provider=provider)
        for cost in (0, 8.25e-6, 0.1 + 0.2, size / 7):
            details = {"upstream_inference_cost": 1e-7, "upstream_inference_completions_cost": cost / 3}
            for more in ({}, {"cost_details": details}, {"cost_details": details, "is_byok": True}):
                paid = reply("openai/gpt-4o", usage | {"cost": cost} | more)
                yield exchange(orjson.dumps(paid), provider="openrouter")
        ticks = reply("grok-4", usage | {"cost_in_usd_ticks": size * 12_345})
        yield exchange(orjson.dumps(ticks), provider="x-ai")
        total = reply("sonar", usage | {"cost": {"total_cost": size / 3e6, "output_tokens_cost": size / 9e6}})
        yield exchange(orjson.dumps(total), provider="perplexity-ai")


def reply(model: str, usage: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage}


def a_day(exchanges: Iterator[Exchange], book: price.PriceBook, every_ns: int) -> list[Call]:
    """The calls of these exchanges, some answered by the cache or cut, spread over a day."""
    calls, numbers = [], itertools.count(1)
    for sent in exchanges:
        for variant in ({}, {"cache_status": "HIT"}, {"client_gone_ns": 5}):
            number = next(numbers)
            at = STARTED_NS // DAY_NS * DAY_NS + number * every_ns % DAY_NS
            identity = {"call_id": UUID(int=(7 << 76) | (0b10 << 62) | number), "started_ns": at}
            calls.append(decode(replace(sent, **identity, **variant), book))
    return calls


def checked(reader: Client) -> dict[str, Any]:
    (row,) = reader.query(CHECK).named_results()
    return row


def test_the_day_of_hand_made_calls_has_no_residual(
    exporter: clickhouse.ClickHouse, reader: Client, book: price.PriceBook
) -> None:
    calls = a_day(chats(), book, 450 * 10**9)
    exporter.export(calls, "day")
    known = [each for each in calls if each.cost_usd is not None]
    row = checked(reader)
    assert (row["n"], row["same"], row["residual"]) == (len(known), len(known), 0)
    assert row["recomputed"] == sum(each.cost_usd or 0 for each in known)
    bases = dict(reader.query("SELECT basis, count() FROM llm.recomputed_costs GROUP BY basis").result_rows)
    assert set(bases) == {"rates", "usage_raw", "cache", "nothing"}
    sources = {each.price_source.split()[0] for each in known if not each.price_source.startswith("none")}
    assert sources == {"user", "provider", "genai-prices"}
    saved = "SELECT sum(recomputed_saved_usd), countIf(recomputed_saved_usd > 0) FROM llm.recomputed_costs"
    ((total, count),) = reader.query(saved).result_rows
    assert total == sum(each.saved_usd or 0 for each in calls)
    assert count > 50


@pytest.mark.skipif(not CORPUS.exists(), reason="the recorded exchanges are not beside this repository")
def test_a_day_of_recorded_calls_has_no_residual(
    exporter: clickhouse.ClickHouse, reader: Client, book: price.PriceBook
) -> None:
    calls = [replace(each, content=None) for each in a_day((replay(each) for each in corpus()), book, 16 * 10**9)]
    for start in range(0, len(calls), 2000):
        exporter.export(calls[start : start + 2000], f"day-{start}")
    known = [each for each in calls if each.cost_usd is not None]
    row = checked(reader)
    assert (row["n"], row["same"], row["residual"]) == (len(known), len(known), 0)
    assert row["n"] > 3000
    assert row["recomputed"] == sum(each.cost_usd or 0 for each in known)


COUNTS = st.integers(0, 10**7)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(KINDS), st.decimals(0, 100, places=15)),
            st.lists(COUNTS, min_size=13, max_size=13),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_sql_counts_any_tokens_by_any_rates_as_the_sink_does(
    empty_store: RunningStore, drawn: list[tuple[dict[str, Decimal], list[int]]]
) -> None:
    calls = []
    for number, (rates, counts) in enumerate(drawn):
        tokens = dict(zip((*Usage.__struct_fields__[:8], *Usage.__struct_fields__[11:]), counts, strict=False))
        usage = Usage(**tokens, input_tokens=sum(counts[:5]), output_tokens=sum(counts[5:8]))
        prices = tariff(Listed(source="user", model=str(number)), [(0, rates)])
        found = cost_of(usage, prices[0])
        if not isinstance(found, str) and sum(found) < 10**6:
            money = {"cost_usd": sum(found), "input_cost_usd": found[0], "output_cost_usd": found[1]}
            named = {name: getattr(usage, name) for name in Usage.__struct_fields__ if name != "total_tokens"}
            calls.append(call(number, price_id=prices[0].price_id, prices=prices, **money, **named))
    if not calls:
        return
    with store_client.embedded(empty_store.settings, write=True) as writer:
        writer.command("TRUNCATE TABLE llm.calls")
    opened = clickhouse.open(empty_store.settings)
    opened.export(calls, str(hash(tuple(each.price_id for each in calls))))
    opened.close()
    with store_client.embedded(empty_store.settings, write=False) as reader:
        row = checked(reader)
    assert (row["n"], row["same"]) == (len(calls), len(calls))


def test_a_wrong_cost_and_a_lost_price_are_seen(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    sample = {"uncached_input_tokens": 10, "text_output_tokens": 5, "input_cost_usd": Decimal("0.00005")}
    right = sample | {"output_cost_usd": Decimal("0.000025"), "prices": PRICES, "price_id": PRICES[-1].price_id}
    made = [
        call(1, **right),
        call(2, **right, cost_usd=Decimal("0.000074")),
        call(3, **(right | {"price_id": "gone"})),
        call(4, **sample),
    ]
    exporter.export(made, "wrong")
    query = "SELECT basis, residual_usd FROM llm.recomputed_costs ORDER BY call_id"
    assert reader.query(query).result_rows == [
        ("rates", Decimal(0)),
        ("rates", Decimal("0.000001")),
        ("price is missing", None),
        ("nothing", None),
    ]
    question = queries.read("cost-check")
    bound = {"since": "2020-01-01 00:00:00", "until": "2100-01-01 00:00:00", "model": "", "provider": ""}
    found = {row["basis"]: row for row in reader.query(question.sql, parameters=bound).named_results()}
    assert (found["rates"]["calls"], found["rates"]["residual_usd"]) == (2, Decimal("0.000001"))
    assert found["price is missing"]["unchecked"] == 1


def what_if(reader: Client, price_id: str) -> dict[int, Decimal | None]:
    query = """
        SELECT toString(call_id) AS id, what_if_usd
        FROM llm.what_if(price_id = {id:String}, since = '2020-01-01', until = '2100-01-01')
    """
    rows = reader.query(query, parameters={"id": price_id}).result_rows
    return {UUID(row[0]).int & 0xFFFF: row[1] for row in rows}


def test_what_calls_would_have_cost_by_another_price(exporter: clickhouse.ClickHouse, reader: Client) -> None:
    def tokens(given: int, made: int, **more: Any) -> dict[str, Any]:
        counts = {"uncached_input_tokens": given, "text_output_tokens": made, "input_tokens": given, "output_tokens": made}
        return {**counts, "prices": PRICES, "cost_usd": None, **more}

    made = [
        call(1, **tokens(1000, 2)),
        call(2, **tokens(1001, 2)),
        call(3, **tokens(10, 0, web_searches=2)),
        call(4, **tokens(2000, 0, web_searches=2)),  # larger inputs have no price for a search
        call(5, **tokens(10, 10, outcome="cache_hit")),
        call(6, input_tokens=None, output_tokens=None),
    ]
    exporter.export(made, "what if")
    expected: dict[int, Decimal | None] = {1: Decimal("0.00501"), 2: Decimal("0.01003"), 3: Decimal("0.02005")}
    expected |= {4: None, 5: Decimal(0), 6: None}
    assert what_if(reader, PRICES[0].price_id) == what_if(reader, PRICES[1].price_id) == expected
    with pytest.raises(Exception, match="no such price_id"):
        what_if(reader, "none")


def test_what_if_says_what_the_sink_would_have_said(
    exporter: clickhouse.ClickHouse, reader: Client, book: price.PriceBook
) -> None:
    calls = a_day(chats(), book, 450 * 10**9)
    exporter.export(calls, "day")
    prices: tuple[Price, ...] = next(each.prices for each in calls if each.provider == "google")
    found = what_if(reader, prices[0].price_id)
    for each in calls:
        usage = Usage(**{name: getattr(each, name) for name in Usage.__struct_fields__})
        parts = cost_of(usage, step(prices, each.input_tokens or 0))
        expected = None if isinstance(parts, str) else sum(parts)
        hit = each.cache_status == "HIT"
        assert found[each.call_id.int & 0xFFFF] == (0 if hit else expected), json.dumps(str(usage))
