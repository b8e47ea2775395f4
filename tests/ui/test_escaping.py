"""Rows whose every text is hostile, on every page: they are words there, and nothing else."""

import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest

from exporters import clickhouse
from tests.store.running import RunningStore
from tests.ui.conftest import OpenPages, Pages
from tests.ui.hostile import hostile_call
from tests.ui.reading import HOSTILE
from tracer.registry.records import Key, Snapshot
from tracer.ui.filters import FILTERS
from tracer.ui.sitemap import PAGES


@pytest.fixture(scope="module")
def hostile_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with RunningStore(tmp_path_factory.mktemp("hostile")) as running:
        exporter = clickhouse.open(running.settings)
        made = [
            hostile_call(1),
            hostile_call(2, outcome="upstream_error"),
            hostile_call(3, outcome=HOSTILE),
            hostile_call(4, stream=False),
        ]
        exporter.export(made, "hostile")
        exporter.close()
        yield running


@pytest.fixture
async def hostile(hostile_store: RunningStore, open_pages: OpenPages) -> Pages:
    return await open_pages(hostile_store.settings)


def paths() -> list[str]:
    """Every page that a GET shows, with hostile parts where its path has any."""
    call_id = str(hostile_call(1).call_id)
    parts = {"call_id": call_id, "part": "request_body"}
    found = []
    for page in PAGES:
        if page.method == "GET":
            path = re.sub(
                r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}", lambda part: parts.get(part[1], quote(HOSTILE, safe="")), page.path
            )
            found.append(path)
    return found


@pytest.mark.parametrize("path", paths())
async def test_pages(hostile: Pages, path: str) -> None:
    """`get` looks for tags, attributes and addresses that came in as text (reading.faults)."""
    async with hostile.client.get(path, allow_redirects=False) as reply:
        status, kind = reply.status, reply.content_type
    assert status in (200, 303, 404), path
    if kind == "text/html":
        await hostile.get(path, status)
    else:
        assert kind != "text/javascript"


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/rows"])
async def test_the_words_are_there(hostile: Pages, path: str) -> None:
    page = await hostile.get(path)
    assert "<xss-probe onclick=alert(1)>" in " ".join(tag.text for tag in page.tags)
    assert "{{ 7919 * 7907 }}" in page.source


async def test_what_the_url_says_comes_back_as_words(hostile: Pages) -> None:
    query = urlencode(
        {name: HOSTILE for name in FILTERS} | {"since": HOSTILE, "before": HOSTILE, "next": HOSTILE, "q": HOSTILE, "name": ""}
    )
    for path in ("/", "/calls", "/calls/rows", "/sql"):
        await hostile.get(f"{path}?{query}")
    page = await hostile.get(f"/calls?{urlencode({'user': HOSTILE})}")
    assert page.one("input", name="user").attributes["value"] == HOSTILE.strip()
    assert len([tag for tag in page.all("tr") if "data-key" in tag.attributes]) == 4
    await hostile.get(f"/sql?name={quote(HOSTILE)}", 404)
    await hostile.get(f"/{quote(HOSTILE)}", 404)


async def test_the_console(hostile: Pages) -> None:
    token = await hostile.token()
    page = await hostile.post("/sql", {"q": "SELECT * FROM llm.calls", "token": token})
    assert page.one("table").text.count("<xss-probe") > 40
    page = await hostile.post("/sql", {"q": "SELECT 1 AS `" + HOSTILE.replace("`", "") + "`", "token": token})
    assert "<xss-probe" in page.one("th").text
    await hostile.post("/sql", {"q": HOSTILE, "token": token, "name": HOSTILE, f"p_{HOSTILE}": HOSTILE}, 400)


async def test_a_keys_name_and_a_host(hostile: Pages) -> None:
    await hostile.get("/", 421, Host='"><xss-probe>')
    key = Key("k", HOSTILE, "b" * 64, admin=True)
    hostile.watcher.current = Snapshot(keys={key.sha256: key})
    page = await hostile.get(f"/login?{urlencode({'next': HOSTILE})}")
    assert page.one("input", name="next").attributes["value"] == "/"
    hostile.log_in(key)
    page = await hostile.get("/calls")
    assert "<xss-probe" in page.one("span", class_="key").text
