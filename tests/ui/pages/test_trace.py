"""The page of a trace: the tree as it is, each row's figures, feedback, and nothing of what its reader may not see."""

import re
from urllib.parse import quote

import pytest

from tests.store.running import RunningStore
from tests.store.samples import app_span, call, feedback
from tests.ui import talks
from tests.ui.conftest import OpenPages, Pages
from tests.ui.hostile import hostile_call
from tests.ui.reading import HOSTILE, Html
from tracer import ids
from tracer.registry.records import Key, Snapshot
from tracer.ui.pages import trace


def names(page: Html) -> list[str]:
    """The rows from the top down."""
    return [tag.text for tag in page.tags if "wf-title" in tag.attributes.get("class", "").split()]


def line(page: Html, name: str) -> str:
    """What stands in the row of this name."""
    rows = [tag.text for tag in page.tags if "wf" in tag.attributes.get("class", "").split()]
    return next(text for text in rows if text.startswith(name))


@pytest.fixture
async def shown(empty_store: RunningStore, open_pages: OpenPages) -> Pages:
    talks.write(empty_store.settings, talks.agent(100))
    return await open_pages(empty_store.settings)


@pytest.mark.parametrize("asked", [quote(talks.TRACE, safe=""), quote(talks.TRACE), ids.otel_trace_id(talks.TRACE)])
async def test_a_run_of_an_agent(shown: Pages, asked: str) -> None:
    page = await shown.get(f"/traces/{asked}")
    assert names(page) == [
        *("answer question", "plan", "make plan", "make plan", "work", "search", "embed", "open page"),
        *("read pages", "draft", "write answer", "check"),
    ]
    assert page.one("h1").text == f"Trace {talks.TRACE}"
    assert len(page.all("details")) == len(page.all("summary")) == 5  # folds of the tree, and one of what a span said
    assert len(page.all("a", class_="wf-title")) == 6
    assert len(page.all("path", class_="first-token")) == 4
    assert "gpt-4o-2024-08-06" in line(page, "read pages")
    assert re.search(r"2,210 → 148 \$0\.00\d+$", line(page, "read pages"))
    assert "429 rate_limit_exceeded" in page.text
    assert "try 2" in page.text
    assert "TimeoutError" in line(page, "open page")
    assert "client_gone" in line(page, "draft")
    assert "not ended" in line(page, "check")


async def test_totals_and_feedback(shown: Pages) -> None:
    page = await shown.get(f"/traces/{quote(talks.TRACE, safe='')}")
    tiles = [" ".join(" ".join(tag.texts).split()) for tag in page.all("div", class_="tile")]
    assert tiles[0].startswith("Duration 5.20 s")
    assert tiles[1] == "Calls 6 6 spans of the application"
    assert tiles[2] == "Failed 2 1 retry"
    assert tiles[3].endswith("8,852 in · 592 out")
    assert tiles[4].endswith("1 without a price")
    assert tiles[5] == "Feedback +7 1 given"
    assert "by ada" in page.text
    assert "tracer trace 'research/4711?x=1'" in page.text


async def raw(pages: Pages, path: str, status: int = 200) -> str:
    """A text of a span, which must come as plain text that nothing can run in."""
    async with pages.client.get(path, allow_redirects=False) as reply:
        assert reply.status == status
        if status == 200:
            assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        return await reply.text()


@pytest.mark.parametrize("asked", [quote(talks.TRACE, safe=""), ids.otel_trace_id(talks.TRACE)])
async def test_what_the_application_said_of_its_spans(shown: Pages, asked: str) -> None:
    page = await shown.get(f"/traces/{asked}")
    card = page.one("section", class_="spoken")
    heard = " ".join(" ".join(card.texts).split())
    assert heard.startswith("What the application said of its spans answer question TRACER input 122 output 46 expected 19")
    assert "suppliers deliver within two days" in heard
    links = [tag.attributes["href"] for tag in page.all("a") if tag.attributes.get("href", "").startswith("/spans/")]
    assert [await raw(shown, link) for link in links] == [talks.RUN["input"], talks.RUN["output"], talks.RUN["expected"]]
    assert links[0] == "/spans/input?trace=research%2F4711%3Fx%3D1&span=run"
    await raw(shown, "/spans/input?trace=t&span=nobody", 404)
    await raw(shown, "/spans/metadata?trace=research%2F4711%3Fx%3D1&span=run", 404)


async def test_long_texts_and_many_of_them_are_cut(empty_store: RunningStore, open_pages: OpenPages) -> None:
    long = "é" * 300_000
    spans = [app_span(n, trace_id="t", name=f"n{n}", input=long if n == 1 else '{"n":1}') for n in range(1, 71)]
    talks.write(empty_store.settings, [*spans, app_span(99, trace_id="u", input=long)])
    pages = await open_pages(empty_store.settings)
    page = await pages.get("/traces/t")
    assert len(page.source) < 300_000
    assert "296,000 more characters" in page.text
    assert "The texts of the first 60 spans are here" in page.text
    assert len(page.one("section", class_="spoken").texts) > 60
    assert await raw(pages, "/spans/input?trace=t&span=app-1") == long


async def test_folds_nest_as_the_tree_does(shown: Pages) -> None:
    source = (await shown.get(f"/traces/{quote(talks.TRACE, safe='')}")).source
    inside = source[source.index("plan") : source.index(">work<")]
    assert inside.count("</details>") == 1
    assert source.count("<details open>") == 4


async def test_what_is_no_tree_is_shown_all_the_same(empty_store: RunningStore, open_pages: OpenPages) -> None:
    edges = [("a", "b"), ("b", "a"), ("c", "c"), ("d", "missing"), ("e", "d"), ("e", "d")]
    made = [
        call(number, trace_id="t", span_id=own, parent_span_id=parent, span_name=f"n{number}")
        for number, (own, parent) in enumerate(edges, 1)
    ]
    talks.write(empty_store.settings, made)
    page = await (await open_pages(empty_store.settings)).get("/traces/t")
    assert sorted(names(page)) == [f"n{number}" for number in range(1, 7)]


async def test_many_spans(empty_store: RunningStore, open_pages: OpenPages, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        call(number, trace_id="t", span_id=f"s{number}", parent_span_id=f"s{number // 2}" if number > 1 else "")
        for number in range(1, 801)
    ]
    talks.write(empty_store.settings, made)
    pages = await open_pages(empty_store.settings)
    page = await pages.get("/traces/t")
    assert len(names(page)) == 800
    assert "Only the first" not in page.text
    monkeypatch.setattr(trace, "MOST_ROWS", 500)
    page = await pages.get("/traces/t")
    assert len(names(page)) == 500
    assert "Only the first 500 calls and spans" in page.text


async def test_feedback_without_calls(empty_store: RunningStore, open_pages: OpenPages) -> None:
    talks.write(empty_store.settings, [feedback(1, trace_id="t")])
    pages = await open_pages(empty_store.settings)
    assert "Feedback without calls" in (await pages.get("/traces/t")).text
    await pages.get("/traces/another", 404)


async def test_hostile_texts_stay_texts(empty_store: RunningStore, open_pages: OpenPages) -> None:
    texts = {"input": HOSTILE, "output": HOSTILE, "expected": HOSTILE}
    bad = {
        **texts,
        "trace_id": HOSTILE,
        "id": HOSTILE,
        "name": HOSTILE,
        "type": HOSTILE,
        "metadata": '{"error_type":"<xss-probe>"}',
    }
    made = [
        hostile_call(1),
        hostile_call(2, outcome=HOSTILE),
        app_span(3, status="ERROR", **bad),
        feedback(4, trace_id=HOSTILE, metadata={HOSTILE: HOSTILE}),
    ]
    talks.write(empty_store.settings, made)
    page = await (await open_pages(empty_store.settings)).get(f"/traces/{quote(HOSTILE, safe='')}")
    assert names(page) == [" ".join(HOSTILE.split())] * 3
    assert page.text.count("<xss-probe onclick=alert(1)>") > 9


async def test_a_reader_sees_the_part_that_is_its_own(empty_store: RunningStore, open_pages: OpenPages) -> None:
    made = [
        call(1, trace_id="t", span_name="mine", key_id="key_1"),
        call(2, trace_id="t", span_name="other", key_id="key_2"),
        app_span(3, trace_id="t", name="ours", workspace="w", input='{"who":"we"}'),
        app_span(4, trace_id="t", name="theirs", workspace="x", input='{"who":"SECRET"}'),
        feedback(5, trace_id="t", value=-9.0, workspace="x"),
        call(6, trace_id="u", key_id="key_2"),
    ]
    talks.write(empty_store.settings, made)
    pages = await open_pages(empty_store.settings)
    key = Key("key_1", "mine", "b" * 64, workspace="w")
    pages.watcher.current = Snapshot(keys={key.sha256: key})
    pages.log_in(key)
    page = await pages.get("/traces/t")
    assert sorted(names(page)) == ["mine", "ours"]
    assert "none given" in page.text
    assert "SECRET" not in page.source
    assert await raw(pages, "/spans/input?trace=t&span=app-3") == '{"who":"we"}'
    await raw(pages, "/spans/input?trace=t&span=app-4", 404)
    await pages.get("/traces/u", 404)


async def test_an_application_that_names_w3c_ids(empty_store: RunningStore, open_pages: OpenPages) -> None:
    w3c = {"obs_trace_id": "0af7651916cd43dd8448eb211c80319c", "obs_span_id": "b7ad6b7169203331"}
    traced = call(1, trace_id=w3c["obs_trace_id"], parent_span_id=w3c["obs_span_id"], span_name="traced")
    talks.write(empty_store.settings, [app_span(2, trace_id="t", name="agent", **w3c), traced])
    pages = await open_pages(empty_store.settings)
    for asked in ("t", w3c["obs_trace_id"]):
        assert names(await pages.get(f"/traces/{asked}")) == ["agent", "traced"]
