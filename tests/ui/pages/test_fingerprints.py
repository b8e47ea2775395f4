"""The page of fingerprints: figures that are the store's, switches with what was before and after them, and hostile names."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.store.running import RunningStore
from tests.store.samples import call
from tests.traffic.million import Traffic
from tests.ui import talks
from tests.ui.conftest import OpenPages, Pages
from tests.ui.hostile import hostile_call
from tests.ui.reading import HOSTILE, Html, Tag
from tracer.records import Call
from tracer.registry.records import Key, Snapshot
from tracer.store.client import run_query

NOW = datetime.now(UTC).replace(microsecond=0)
SWITCH = NOW.replace(minute=0, second=0) - timedelta(hours=14)


def words(tag: Tag) -> str:
    return " ".join(" ".join(tag.texts).split())


def models(page: Html) -> list[str]:
    return [tag.attributes["aria-label"] for tag in page.all("section", class_="model")]


def made(number: int, at: datetime, **fields: Any) -> Call:
    return call(number, **{"started_at": at, "response_model": "gpt-4o-2024-08-06", **fields})


def switching(before: int, after: int) -> list[Call]:
    """Calls each ten minutes around a switch that makes them slower, dearer and more often fail."""
    old = [
        made(
            number,
            SWITCH - timedelta(minutes=10 * number),
            system_fingerprint="fp_old",
            duration_ms=100.0,
            cost_usd=Decimal("0.001"),
        )
        for number in range(1, before + 1)
    ]
    new = [
        made(
            1000 + number,
            SWITCH + timedelta(minutes=10 * number),
            system_fingerprint="fp_new",
            duration_ms=250.0,
            cost_usd=Decimal("0.002"),
        )
        for number in range(after)
    ]
    failing = [
        made(
            2000 + number,
            SWITCH + timedelta(minutes=10 * number, seconds=5),
            response_model="",
            outcome="upstream_error",
            cost_usd=None,
        )
        for number in range(after // 3)
    ]
    return [*old, *new, *failing]


@pytest.fixture
async def opened(empty_store: RunningStore, open_pages: OpenPages) -> Pages:
    return await open_pages(empty_store.settings, now=NOW)


@pytest.mark.parametrize("since", ["24h", "30d"])  # from the calls, and from the hours' sums
async def test_a_switch_and_what_changed(opened: Pages, empty_store: RunningStore, since: str) -> None:
    talks.write(empty_store.settings, switching(60, 60))
    page = await opened.get(f"/fingerprints?since={since}")
    assert models(page) == ["gpt-4o"]
    switch = words(page.one("div", class_="switch"))
    assert "fp_new appeared after fp_old; 24 h before and after, all calls of the model" in switch
    assert "too few" not in switch
    assert "Failed 25.0 % was 0 %" in switch
    assert "Duration 250 ms was 100 ms, +150 %" in switch
    assert "Cost a call $0.00200 was $0.00100, +100 %" in switch
    assert "Calls 80 was 60" in switch
    assert {words(tag) for tag in page.all("b", class_="is-worse")} == {"25.0 %", "250 ms", "$0.00200"}
    listed = [words(tag) for tag in page.all("tr")]
    assert any(text.startswith("fp_new") and " 60 " in text for text in listed)


async def test_a_few_calls_are_no_proof(opened: Pages, empty_store: RunningStore) -> None:
    talks.write(empty_store.settings, switching(60, 9))
    page = await opened.get("/fingerprints")
    assert "too few to judge by" in words(page.one("div", class_="switch"))
    assert not page.all("b", class_="is-worse")


async def test_the_chart_shows_shares(opened: Pages, empty_store: RunningStore) -> None:
    talks.write(empty_store.settings, switching(60, 60))
    page = await opened.get("/fingerprints?since=7d")
    buckets = {" ".join(words(tag).split()[3:]) for tag in page.all("tr")}
    assert {"100 % 0 %", "0 % 100 %", "0 % 0 %"} <= buckets


async def test_many_fingerprints_are_some_and_others(opened: Pages, empty_store: RunningStore) -> None:
    rows = [made(n, SWITCH + timedelta(minutes=n), system_fingerprint=f"fp_{n % 12}") for n in range(1, 121)]
    talks.write(empty_store.settings, rows)
    page = await opened.get("/fingerprints")
    assert "5 others" in words(page.one("ul", class_="legend"))
    assert len(page.all("div", class_="switch")) == 3


async def test_models_that_keep_theirs(opened: Pages, empty_store: RunningStore) -> None:
    talks.write(empty_store.settings, [made(1, SWITCH, system_fingerprint="fp_1")])
    page = await opened.get("/fingerprints")
    assert "No change" in page.text
    assert not models(page)


async def test_nothing_yet(empty_pages: Pages) -> None:
    page = await empty_pages.get("/fingerprints")
    assert "No fingerprints in this time" in page.text
    assert page.all("a", href="/fingerprints?since=90d")


async def test_figures_are_those_of_the_calls(pages: Pages, traffic: Traffic) -> None:
    page = await pages.get(f"/fingerprints?from={traffic.start:%Y-%m-%dT%H:%M:%S}&to={traffic.end:%Y-%m-%dT%H:%M:%S}")
    sql = (
        "SELECT request_model AS model, system_fingerprint AS fingerprint, count() AS calls FROM llm.calls"
        f" WHERE system_fingerprint != '' AND started_at < '{traffic.end:%Y-%m-%d %H:%M:%S}' GROUP BY ALL"
        " SETTINGS output_format_json_quote_64bit_integers = 0"
    )
    true = [orjson.loads(line) for line in b"".join(run_query(traffic.settings, sql, "JSONEachRow")).splitlines()]
    listed = [words(tag) for tag in page.all("tr")]
    for row in true:
        assert any(row["fingerprint"] in text and f" {row['calls']:,} " in text for text in listed), row
    changed = {row["model"] for row in true if sum(other["model"] == row["model"] for other in true) > 1}
    assert set(models(page)) == changed
    assert "gpt-4o" in changed


async def test_hostile_names_stay_texts(opened: Pages, empty_store: RunningStore) -> None:
    rows = [hostile_call(n, started_at=SWITCH + timedelta(minutes=n)) for n in (1, 2)]
    rows += [
        hostile_call(3, started_at=SWITCH + timedelta(minutes=3), system_fingerprint=HOSTILE + "2"),
        hostile_call(4, request_model="other"),
    ]
    talks.write(empty_store.settings, rows)
    page = await opened.get("/fingerprints?since=90d")
    assert page.text.count("<xss-probe onclick=alert(1)>") > 6


async def test_a_reader_sees_its_own_calls(opened: Pages, empty_store: RunningStore) -> None:
    talks.write(empty_store.settings, [*switching(9, 9), made(5000, SWITCH, system_fingerprint="fp_mine", key_id="key_1")])
    key = Key("key_1", "mine", "b" * 64)
    opened.watcher.current = Snapshot(keys={key.sha256: key})
    opened.log_in(key)
    page = await opened.get("/fingerprints")
    assert "fp_mine" in page.text
    assert "fp_new" not in page.source
