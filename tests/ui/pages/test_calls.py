"""The list of calls: every filter leaves the rows it should, places in the list neither skip nor repeat."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import call
from tests.traffic.million import Traffic
from tests.ui.conftest import OpenPages, Pages
from tests.ui.reading import Html
from tracer.records import Call
from tracer.registry.records import Key, Snapshot

NOW = datetime.now(UTC).replace(microsecond=0)


def rows(page: Html) -> list[str]:
    """The ids of the calls in the list, as shown."""
    return [tag.attributes["data-key"] for tag in page.all("tr") if "data-key" in tag.attributes]


def number(page: Html) -> int:
    """How many calls the page says there are."""
    found = re.search(r"([\d,]+) calls ·", page.text)
    assert found
    return int(found[1].replace(",", ""))


# Each differs from `call` in one thing, by which a filter finds it.
SPECIAL: dict[str, dict[str, object]] = {
    "model": {"request_model": "o9-mini", "response_model": "o9-mini-2026"},
    "provider": {"provider": "groq"},
    "failed": {
        "outcome": "timeout",
        "status_code": 408,
        "error_type": "response_timeout",
        "error_message": "Nothing came, Sir",
    },
    "limited": {"outcome": "upstream_error", "status_code": 429, "error_type": "rate_limit", "error_message": "100% of 10_000"},
    "broken": {"outcome": "upstream_error", "status_code": 503},
    "user": {"user": "d'arcy, of accounts"},
    "metadata": {"metadata": {"team": "search", "env": "prod = 1"}},
    "trace": {"trace_id": "trace/with ?#&%"},
    "dear": {"cost_usd": Decimal("2.5")},
    "slow": {"duration_ms": 61_000.0},
    "prompt": {"prompt_id": "pp-hello-1", "prompt_version": "3"},
    "hit": {"outcome": "cache_hit", "cache_status": "HIT"},
    "fingerprint": {"system_fingerprint": "fp_9"},
    "key": {"key_id": "key_9"},
}
NAMES = list(SPECIAL)


def special_calls() -> list[Call]:
    return [
        call(n, started_at=NOW - timedelta(minutes=n), **fields)  # type: ignore[arg-type]
        for n, fields in enumerate(SPECIAL.values(), 1)
    ]


@pytest.fixture
async def listed(empty_store: RunningStore, open_pages: OpenPages) -> Pages:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(special_calls(), f"listed-{datetime.now(UTC)}")
    exporter.close()
    return await open_pages(empty_store.settings)


def found(page: Html) -> set[str]:
    by_id = {str(made.call_id): name for name, made in zip(NAMES, special_calls(), strict=True)}
    return {by_id[id] for id in rows(page)}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, set(NAMES)),
        ({"model": "o9-mini"}, {"model"}),
        ({"model": "o9-mini-2026"}, {"model"}),
        ({"model": "o9*"}, {"model"}),
        ({"model": "*2026"}, {"model"}),
        ({"model": "o9"}, set()),
        ({"provider": "groq"}, {"provider"}),
        ({"outcome": "failed"}, {"failed", "limited", "broken"}),
        ({"outcome": "timeout"}, {"failed"}),
        ({"outcome": "cache_hit"}, {"hit"}),
        ({"status": "429"}, {"limited"}),
        ({"status": "5xx"}, {"broken"}),
        ({"status": "4XX"}, {"failed", "limited"}),
        ({"user": "d'arcy, of accounts"}, {"user"}),
        ({"user": "d*accounts"}, {"user"}),
        ({"meta": "team=search"}, {"metadata"}),
        ({"meta": "team=search, env=prod = 1"}, {"metadata"}),
        ({"meta": "team=s*"}, {"metadata"}),
        ({"meta": "team=other"}, set()),
        ({"meta": "absent="}, set()),
        ({"outcome": "no such"}, set()),
        ({"error": "nothing CAME"}, {"failed"}),
        ({"error": "rate_limit"}, {"limited"}),
        ({"error": "100% of 10_"}, {"limited"}),
        ({"trace": "trace/with ?#&%"}, {"trace"}),
        ({"min_cost": "2.5"}, {"dear"}),
        ({"min_cost": ".000076"}, {"dear"}),
        ({"min_ms": "60000"}, {"slow"}),
        ({"prompt": "pp-hello-1"}, {"prompt"}),
        ({"cache": "HIT"}, {"hit"}),
        ({"fingerprint": "fp_9"}, {"fingerprint"}),
        ({"key": "key_9"}, {"key"}),
        ({"status": "429", "outcome": "failed", "error": "100%"}, {"limited"}),
        ({"status": "429", "provider": "groq"}, set()),
        ({"since": "1h"}, set(NAMES)),
        ({"from": (NOW - timedelta(minutes=3, seconds=1)).isoformat(), "to": NOW.isoformat()}, set(NAMES[:3])),
    ],
)
async def test_filters(listed: Pages, query: dict[str, str], names: set[str]) -> None:
    page = await listed.get(f"/calls?{urlencode(query)}")
    assert found(page) == names
    assert number(page) == len(names)
    live = await listed.get(f"/calls/rows?{urlencode(query)}")
    assert found(live) == names


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"status": "many"}, "status should be a code"),
        ({"min_cost": "1e400"}, "min cost should be a number"),
        ({"min_ms": "-1"}, "min duration should be a number"),
        ({"meta": "team"}, "metadata should be key=value"),
        ({"user": "a\0b"}, "user should be a text"),
        ({"user": "x" * 3000}, "user should be a text"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_not_ignored(listed: Pages, query: dict[str, str], problem: str) -> None:
    page = await listed.get(f"/calls?{urlencode(query)}")
    assert page.one("p", class_="problem").text.startswith(problem)
    assert not rows(page)


async def test_sql_in_a_filter_is_a_value(listed: Pages) -> None:
    for name in ("model", "user", "error", "trace", "meta", "prompt", "provider", "outcome", "cache"):
        for text in ("' OR 1=1 --", "a=') OR true --", "{x:String}", "%s", "\\", "x\ty\nz"):
            page = await listed.get(f"/calls?{urlencode({name: text})}")
            assert not rows(page), (name, text)


async def test_every_place_once_back_and_forth(pages: Pages, traffic: Traffic) -> None:
    """Three screens down and up again by the page's own links are the first 150 calls, newest first."""
    url, seen, screens = "/calls?since=7d&outcome=ok", [], []
    for _ in range(3):
        page = await pages.get(url)
        seen += rows(page)
        screens.append(rows(page))
        url = page.one("a", rel="next").attributes["href"]
    assert len(seen) == len(set(seen)) == 150
    times = [tag.attributes["datetime"] for tag in page.all("time")]
    assert times == sorted(times, reverse=True)
    for expected in reversed(screens[:2]):
        page = await pages.get(page.one("a", rel="prev").attributes["href"])
        assert rows(page) == expected
    assert not page.all("a", rel="prev")
    assert dict(parse_qsl(urlsplit(url).query))["outcome"] == "ok"


async def test_calls_of_the_same_instant_are_neither_skipped_nor_repeated(
    empty_store: RunningStore, open_pages: OpenPages
) -> None:
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([call(n, started_at=NOW) for n in range(1, 121)], f"same-{datetime.now(UTC)}")
    exporter.close()
    made, url, seen = await open_pages(empty_store.settings), "/calls", []
    while url:
        page = await made.get(url)
        seen += rows(page)
        url = next((tag.attributes["href"] for tag in page.all("a", rel="next")), "")
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize("place", ["x", "2026-01-01T00:00:00.000000Z_zz", "2026-13-01T00:00:00.000000Z_" + "0" * 36, "'"])
async def test_a_place_that_is_none_is_the_top(pages: Pages, place: str) -> None:
    page = await pages.get(f"/calls?{urlencode({'before': place})}")
    assert rows(page) == rows(await pages.get("/calls"))


async def test_only_the_top_of_a_moving_range_is_live(pages: Pages, traffic: Traffic) -> None:
    page = await pages.get("/calls?status=200")
    live = next(tag.attributes["data-live"] for tag in page.all("div", id="list"))
    assert live == "/calls/rows?since=24h&status=200"
    fixed = await pages.get(f"/calls?from={traffic.start:%Y-%m-%d}&to={traffic.end:%Y-%m-%d}")
    older = await pages.get(page.one("a", rel="next").attributes["href"])
    assert "data-live" not in fixed.one("div", id="list").attributes
    assert "data-live" not in older.one("div", id="list").attributes


async def test_a_bound_key_sees_only_its_own(listed: Pages) -> None:
    key = Key("key_9", "mine", "b" * 64)
    listed.watcher.current = Snapshot(keys={key.sha256: key})
    listed.log_in(key)
    assert found(await listed.get("/calls")) == {"key"}
    assert found(await listed.get("/calls/rows")) == {"key"}
    assert not found(await listed.get("/calls?provider=groq"))


async def test_a_key_of_a_workspace_sees_what_its_workspace_made(listed: Pages) -> None:
    mine, other = Key("key_2", "mine", "b" * 64, workspace="w"), Key("key_9", "gone", "c" * 64, workspace="w", revoked=True)
    listed.watcher.current = Snapshot(keys={key.sha256: key for key in (mine, other)})
    listed.log_in(mine)
    assert found(await listed.get("/calls")) == {"key"}
    listed.log_in(other)
    assert await listed.get("/calls", 303)
