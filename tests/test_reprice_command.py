"""`tracer reprice` and `tracer prices`: other models, other days, other files, against what the sink itself would say."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import STARTED, call
from tracer import cli
from tracer.records import Call
from tracer.sink import price
from tracer.sink.usage import Usage
from tracer.store import client as store_client

Run = Callable[..., Result]
BOOK = price.load(None)
STARTED_NS = int(STARTED.timestamp()) * 10**9


def priced(number: int, provider: str, model: str, given: int, made: int, **more: Any) -> Call:
    """A call that the sink has priced."""
    counts = {"uncached_input_tokens": given, "text_output_tokens": made, "input_tokens": given, "output_tokens": made}
    usage = Usage(**{**counts, **{name: value for name, value in more.items() if name in Usage.__struct_fields__}})
    cost = BOOK.price(usage, {}, provider, (model,), more.get("service_tier", ""), STARTED_NS)
    if more.get("cache_status") == "HIT":
        cost = price.nothing_paid(cost)
    money = {"cost_usd": cost.total, "price_source": cost.source, "price_id": cost.price_id, "prices": cost.prices}
    named = {"provider": provider, "request_model": model, "response_model": model, "upstream": "", **counts, **money, **more}
    return call(number, **named)


CALLS = (
    priced(1, "openai", "gpt-4o", 1000, 100, user="ada", metadata={"team": "a"}),
    priced(2, "openai", "gpt-4o", 2000, 0, user="bob", metadata={"team": "b"}),
    priced(3, "openai", "gpt-4o", 1000, 100, user="ada", cache_status="HIT"),
    priced(4, "anthropic", "claude-sonnet-4-5", 250_000, 10, user="ada"),
    priced(5, "vllm", "house", 1000, 1000),
    priced(6, "openai", "gpt-4o", 10, 10, user="bob", web_searches=2),
    call(7, input_tokens=None, output_tokens=None, total_tokens=None, cost_usd=None),
)


@pytest.fixture
def run(empty_store: RunningStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli.app, list(arguments), env={**empty_store.environ, "COLUMNS": "160", **environ})

    return invoke


@pytest.fixture
def calls(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(CALLS, "repriced")
    exporter.close()


def reprice(run: Run, *arguments: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any], str]:
    """Groups by name, their total, and what was said beside them."""
    result = run("reprice", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    answer = orjson.loads(result.stdout)
    return {next(iter(row.values())): row for row in answer["groups"]}, answer["total"], result.stderr


def said(found: price.Cost) -> str:
    return f"{(found.total or Decimal(0)).normalize():f}"


def usage(given: int, made: int, searches: int | None = None) -> Usage:
    counts = {"uncached_input_tokens": given, "text_output_tokens": made, "input_tokens": given, "output_tokens": made}
    return Usage(**counts, web_searches=searches)


@pytest.mark.usefixtures("calls")
def test_by_their_own_prices_calls_cost_what_they_cost(run: Run) -> None:
    groups, total, beside = reprice(run)
    assert set(groups) == {"gpt-4o", "claude-sonnet-4-5", "house"}
    for name in ("gpt-4o", "claude-sonnet-4-5"):
        assert groups[name]["cost_usd"] == groups[name]["what_if_usd"]
        assert Decimal(groups[name]["difference_usd"]) == 0
    house = groups["house"]
    assert (house["calls"], house["cost_usd"], house["unknown"], house["what_if_usd"], house["unpriced"]) == (
        1,
        None,
        1,
        None,
        1,
    )
    assert (total["calls"], total["unpriced"], Decimal(total["difference_usd"])) == (6, 1, 0)
    assert beside == "tracer: no other price for 1 calls: vllm runs on a machine of your own\n"


@pytest.mark.usefixtures("calls")
def test_on_another_model(run: Run) -> None:
    groups, _, _ = reprice(run, "--model", "gemini-2.5-pro", "--by", "user")

    def cost(*used: Usage) -> str:
        found = [BOOK.price(each, {}, "google", ("gemini-2.5-pro",), "", STARTED_NS).total or Decimal(0) for each in used]
        return f"{sum(found, Decimal(0)).normalize():f}"

    # The third was answered by the cache, the fourth is above the threshold of the other model.
    assert Decimal(groups["ada"]["what_if_usd"]) == Decimal(cost(usage(1000, 100), usage(250_000, 10)))
    assert Decimal(groups["bob"]["what_if_usd"]) == Decimal(cost(usage(2000, 0), usage(10, 10, 2)))
    assert Decimal(groups[""]["what_if_usd"]) == Decimal(cost(usage(1000, 1000)))
    assert groups[""]["difference_usd"] is None  # what it cost here is unknown


@pytest.mark.usefixtures("calls")
def test_a_kind_that_the_other_price_lacks_is_counted_and_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text("model,input,output\nhouse*,1,2\ngpt-4o,1,1\n")
    groups, total, beside = reprice(run, "--prices", "ours.csv", "--by", "provider")
    assert (groups["openai"]["unpriced"], groups["openai"]["lacking"]) == (1, "web_search")
    assert Decimal(groups["openai"]["what_if_usd"]) == Decimal("0.0031")
    assert Decimal(groups["vllm"]["what_if_usd"]) == Decimal("0.003")
    assert groups["anthropic"]["cost_usd"] == groups["anthropic"]["what_if_usd"]  # not in the file
    assert (total["unpriced"], beside) == (1, "")


@pytest.mark.usefixtures("calls")
def test_by_the_prices_of_another_day_and_in_another_tier(run: Run) -> None:
    only = ("--only-model", "gpt-4o", "--only-user", "ada", "--by", "all")
    now, _, _ = reprice(run, *only, "--model", "o3")
    before, _, _ = reprice(run, *only, "--model", "o3", "--at", "2025-01-15")
    assert Decimal(now["all"]["what_if_usd"]) == Decimal("0.0028")  # $2 and $8
    assert Decimal(before["all"]["what_if_usd"]) == Decimal("0.014")  # $10 and $40 until June 2025
    batch, _, _ = reprice(run, *only, "--tier", "batch")
    assert Decimal(batch["all"]["what_if_usd"]) * 2 == Decimal(batch["all"]["cost_usd"])


@pytest.mark.usefixtures("calls")
def test_prices_that_change_while_the_calls_are_made_hold_from_their_day(run: Run, tmp_path: Path) -> None:
    day = STARTED.date().isoformat()
    (tmp_path / "p.csv").write_text(f"model,valid_from,input,output\ngpt-4o,2020-01-01,100,100\ngpt-4o,{day},1,1\n")
    groups, _, _ = reprice(run, "--prices", "p.csv", "--only-user", "ada", "--only-model", "gpt-4o", "--since", "30d")
    assert Decimal(groups["gpt-4o"]["what_if_usd"]) == Decimal("0.0011")


@pytest.mark.usefixtures("calls")
def test_groups_times_and_formats(run: Run) -> None:
    groups, _, _ = reprice(run, "--by", "metadata:team", "--only-provider", "openai")
    assert {name: row["calls"] for name, row in groups.items()} == {"a": 1, "b": 1, "": 2}
    assert reprice(run, "--by", "day")[0].keys() == {STARTED.date().isoformat()}
    assert reprice(run, "--until", "2020-01-01", "--since", "2019-01-01")[0] == {}
    table = run("reprice", "--format", "table", "--by", "provider")
    assert "what if" in table.stdout
    assert " all " in table.stdout
    head, *lines = run("reprice").stdout.splitlines()
    assert head.split("\t")[:3] == ["model", "calls", "cost_usd"]
    assert len(lines) == 3
    assert all(len(line.split("\t")) == len(head.split("\t")) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "nobodys"), "whose model nobodys is does not show from its name: say --provider"),
        (("--by", "moon"), "--by moon: should be one of model, "),
        (("--at", "soon"), "'soon' is no time"),
        (("--prices", "no-such.toml"), "no-such.toml: cannot read the prices"),
    ],
)
def test_what_is_wrong_is_said(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("reprice", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_price_and_its_source(run: Run) -> None:
    result = run("prices", "gemini-2.5-pro", "--format", "table")
    assert result.exit_code == 0
    assert "google gemini-2.5-pro" in result.stdout
    assert "by genai-prices" in result.stdout
    assert "input above 200000" in result.stdout
    (row,) = orjson.loads(run("prices", "o3", "--at", "2025-01-15").stdout)
    assert (row["model"], Decimal(row["uncached_input_usd"])) == ("o3", Decimal("0.00001"))
    unknown = run("prices", "nobodys")
    assert (unknown.exit_code, unknown.stderr) == (1, "tracer: no price: no price list for provider unknown; say --provider\n")
    assert run("prices", "gpt-4o", "--at", "soon").exit_code == 2


@pytest.mark.usefixtures("calls")
def test_a_saved_price_can_be_asked_for_in_sql(run: Run, empty_store: RunningStore) -> None:
    saved = run("prices", "gemini-2.5-pro", "--save")
    assert saved.stderr == "tracer: 2 rows are in llm.prices\n"
    price_id = orjson.loads(saved.stdout)[0]["price_id"]
    groups, _, _ = reprice(run, "--model", "gemini-2.5-pro", "--by", "provider")
    query = f"""
        SELECT provider, sum(what_if_usd)
        FROM llm.what_if(price_id = '{price_id}', since = '2020-01-01', until = '2100-01-01')
        WHERE what_if_usd IS NOT NULL
        GROUP BY provider
    """
    with store_client.embedded(empty_store.settings, write=False) as reader:
        found = dict(reader.query(query).result_rows)
    assert found == {name: Decimal(row["what_if_usd"]) for name, row in groups.items()}


@pytest.mark.usefixtures("calls")
def test_many_kinds_of_call_are_asked_for_in_several_queries(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reprice(run, "--by", "provider")
    monkeypatch.setattr("tracer.reprice._AT_ONCE", 1)
    assert reprice(run, "--by", "provider") == whole
