"""The first page: figures that are the store's, a time range from the URL, and something to do where there is nothing yet."""

import re
from datetime import datetime

import orjson
import pytest

from tests.traffic.million import Traffic
from tests.ui.conftest import OpenPages, Pages
from tests.ui.reading import Html, Tag
from tracer.registry.records import Key, Snapshot
from tracer.store.client import run_query
from tracer.ui import formats
from tracer.ui.times import time_range


def words(tag: Tag) -> str:
    return " ".join(" ".join(tag.texts).split())


KEY = Key("key_search", "search", "a" * 64, tags={})


def figures(page: Html) -> dict[str, str]:
    """The tiles: label → what stands there."""
    labels = [tag.text for tag in page.all("dt")]
    tiles = [tile.text for tile in page.all("div", class_="tile")]
    return {label: tile.removeprefix(label).strip() for label, tile in zip(labels, tiles, strict=False)}


def asked(traffic: Traffic, start: datetime, where: str = "true") -> dict[str, int | float]:
    """The same figures from the calls, by SQL of the test's own."""
    sql = (
        "SELECT count() AS calls, countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) AS failed, sum(cost_usd) AS cost,"
        f" uniq(user) AS users FROM llm.calls WHERE started_at >= '{start:%Y-%m-%d %H:%M:%S}'"
        f" AND started_at < '{traffic.end:%Y-%m-%d %H:%M:%S}' AND {where} SETTINGS output_format_json_quote_64bit_integers = 0"
    )
    row: dict[str, int | float] = orjson.loads(b"".join(run_query(traffic.settings, sql, "JSONEachRow")))
    return row


@pytest.mark.parametrize("since", ["1h", "24h", "7d", "30d"])
async def test_figures_are_those_of_the_calls(pages: Pages, traffic: Traffic, since: str) -> None:
    page = await pages.get(f"/?since={since}")
    true = asked(traffic, time_range({"since": since}, traffic.end).start)
    shown = figures(page)
    assert shown["Failed"].endswith(f"{true['failed']:,} calls")
    assert shown["Calls"].startswith(formats.short(true["calls"]))
    assert shown["Cost"].startswith(formats.money(true["cost"]))
    strip = [
        int(found.replace(",", "")) for found in re.findall(r" ([\d,]+) [\d.<]+ %", page.one("section", class_="strip").text)
    ]
    assert sum(strip) == true["calls"]


async def test_who_sees_little_has_figures_of_that(open_pages: OpenPages, traffic: Traffic) -> None:
    """The roll-up says nothing of keys, so it must not answer here."""
    keys = b"".join(
        run_query(traffic.settings, "SELECT DISTINCT key_id FROM llm.calls WHERE key_id != '' ORDER BY 1 LIMIT 1", "TSV")
    )
    key = Key(keys.decode().strip(), "team", "a" * 64)
    bound = await open_pages(traffic.settings, Snapshot(keys={key.sha256: key}), traffic.end)
    bound.log_in(key)
    page = await bound.get("/?since=30d")
    true = asked(traffic, time_range({"since": "30d"}, traffic.end).start, f"key_id = '{key.id}'")
    assert 0 < true["calls"] < traffic.rows
    assert figures(page)["Failed"].endswith(f"{true['failed']:,} calls")
    assert sum(len(table) for table in [page.all("figure", class_="chart")]) == 5


async def test_a_range_of_its_own(pages: Pages, traffic: Traffic) -> None:
    page = await pages.get(f"/?from={traffic.start:%Y-%m-%dT00:00:00Z}&to={traffic.end:%Y-%m-%dT%H:%M:%SZ}")
    assert page.one("span", class_="pill").text.startswith(f"{traffic.start:%Y-%m-%d}")
    links = [tag.attributes["href"] for tag in page.all("a") if tag.attributes.get("href", "").startswith("/calls?")]
    assert links
    assert all("from=" in link and "since=" not in link for link in links)


async def test_a_range_that_cannot_be_read_is_the_default(pages: Pages) -> None:
    for query in ("since=forever", "since=0m", "since=99999d", "from=yesterday", "from=2026-01-02&to=2026-01-01", "since=%00"):
        page = await pages.get(f"/?{query}")
        assert page.one("a", aria_current="true").text == "24h", query


async def test_charts_have_a_table_and_words(pages: Pages) -> None:
    page = await pages.get("/?since=7d")
    pictures = page.all("svg", role="img")
    assert len(page.all("figure", class_="chart")) == len(pictures) == len(page.all("details", class_="astable")) == 5
    assert [picture.attributes["aria-label"].partition(",")[0] for picture in pictures] == [
        *("Calls", "Cost", "Time to first token", "Duration", "Tokens")
    ]
    bars = [
        float(tag.attributes["y"])
        for tag in page.all("rect")
        if tag.attributes["class"].startswith("fill-") and "y" in tag.attributes
    ]
    assert bars
    assert all(-0.01 <= y <= 100 for y in bars)


async def test_nothing_in_this_time(pages: Pages) -> None:
    page = await pages.get("/?from=2020-01-01&to=2020-01-02")
    assert "No calls in this time" in page.text
    assert not page.all("figure", class_="chart")


async def test_first_run_says_what_to_do(empty_pages: Pages) -> None:
    page = await empty_pages.get("/")
    port = empty_pages.settings.port
    assert "No calls yet" in page.text
    snippets = [tag.text for tag in page.all("pre")]
    assert any(f'base_url="http://127.0.0.1:{port}/v1"' in text for text in snippets)
    assert any(text.startswith("curl ") and f":{port}/v1/chat/completions" in text for text in snippets)


@pytest.mark.parametrize(("since", "hours"), [("1h", 1), ("24h", 24), ("7d", 168)])
async def test_figures_against_the_time_before(pages: Pages, traffic: Traffic, since: str, hours: int) -> None:
    page = await pages.get(f"/?since={since}")
    time = time_range({"since": since}, traffic.end)
    now, before = asked(traffic, time.start)["calls"], between(traffic, time.before.start, time.before.end)
    said = words(page.all("span", class_="change")[0])
    told = float(re.sub(r"[ %]", "", said.replace("−", "-").replace("±", "")))
    # A range of days ends within an hour of sums.
    assert told == pytest.approx((now / before - 1) * 100, abs=0.51 if hours < 100 else 3)


def between(traffic: Traffic, start: datetime, end: datetime) -> int:
    first, last = (f"'{at:%Y-%m-%d %H:%M:%S}'" for at in (start, end))
    sql = f"SELECT count() FROM llm.calls WHERE started_at >= {first} AND started_at < {last}"
    return int(b"".join(run_query(traffic.settings, sql)))


async def test_nothing_is_compared_with_a_time_without_tracer(pages: Pages) -> None:
    assert not (await pages.get("/?since=30d")).all("span", class_="change")
    assert (await pages.get("/?since=7d")).all("span", class_="change")


async def test_by_a_key_of_the_metadata(pages: Pages, traffic: Traffic) -> None:
    without = await pages.get("/?since=24h")
    choices = {tag.text: tag.attributes["href"] for tag in without.all("a", class_="pill")}
    assert list(choices) == ["environment", "feature", "team", "_user"]
    assert choices["team"] == "/?since=24h&by=team#by"
    page = await pages.get("/?since=24h&by=team")
    true = {
        team: asked(traffic, time_range({"since": "24h"}, traffic.end).start, f"metadata['team'] = '{team}'")
        for team in ("search", "support")
    }
    rows = [words(tag) for tag in page.all("tr")]
    for team, figures in true.items():
        assert any(row.startswith(f"{team} {figures['calls']:,} ") for row in rows), rows
    assert page.one("a", class_="is-main").attributes["href"] == "/?since=24h#by"
    assert page.all("a", href="/calls?since=24h&meta=team%3Dsearch")
    ranges = [tag for tag in page.all("a") if tag.attributes.get("title", "").startswith("Last ")]
    assert ranges
    assert all("by=team" in tag.attributes["href"] for tag in ranges)
    nobody = await pages.get("/?since=24h&by=nobody")
    assert "without" in nobody.text
