"""The console: answers as tables and files, ClickHouse's own words, limits, and nobody who may not see every row."""

import io

import pyarrow.parquet as pq
import pytest

from dashboards import queries
from tests.store.running import RunningStore
from tests.traffic.million import Traffic
from tests.ui.conftest import OpenPages, Pages
from tests.ui.reading import HOSTILE, Html
from tracer.registry.records import Key, Snapshot
from tracer.ui.pages.sql import SCREEN_ROWS


async def run(pages: Pages, sql: str, status: int = 200, **fields: str) -> Html:
    return await pages.post("/sql", {"q": sql, "token": await pages.token(), **fields}, status)


def table(page: Html) -> list[str]:
    return [tag.text for tag in page.all("td")]


async def test_an_answer(pages: Pages) -> None:
    page = await run(pages, "SELECT 1 AS a, 'x' AS b, NULL AS c, [1, 2] AS d, map('k', 'v') AS e, toDecimal64(0.1, 3) AS f;")
    assert [tag.text for tag in page.all("th")] == list("abcdef")
    assert table(page) == ["1", "x", "NULL", "[1,2]", '{"k":"v"}', "0.1"]
    assert "num" in page.all("th")[0].attributes["class"]
    assert "class" not in page.all("th")[1].attributes
    assert page.one("textarea").text.startswith("SELECT 1 AS a")


async def test_an_answer_without_rows_and_statements_of_other_kinds(pages: Pages) -> None:
    assert "0 rows" in (await run(pages, "SELECT 1 WHERE false")).text
    assert "started_at" in (await run(pages, "DESCRIBE llm.calls")).text
    assert "calls" in (await run(pages, "SHOW TABLES FROM llm")).text
    assert "nothing to ask" in (await run(pages, "  ")).text


async def test_the_screen_has_its_end_and_says_so(pages: Pages) -> None:
    page = await run(pages, "SELECT number FROM numbers(1000000)")
    assert len(table(page)) == SCREEN_ROWS
    assert "only the first 1,000 are shown" in page.text
    page = await run(pages, f"SELECT number FROM numbers({SCREEN_ROWS})")
    assert len(table(page)) == SCREEN_ROWS
    assert "only the first" not in page.text


async def test_errors_are_clickhouses_words(pages: Pages) -> None:
    page = await run(pages, "SELECT no_such_column FROM llm.calls", 400)
    assert "no_such_column" in page.one("pre", class_="problem").text
    assert "SELECT no_such_column" in page.one("textarea").text
    page = await run(pages, f"SELECT '{HOSTILE.replace(chr(39), chr(39) * 2)}' AS x, throwIf(1, 'no') FROM", 400)
    assert "Code" in page.one("pre", class_="problem").text


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO llm.calls (call_id) VALUES (generateUUIDv4())",
        "DROP TABLE llm.calls",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'TSV', 'a String')",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT 1; SELECT 2",
    ],
)
async def test_it_only_reads(pages: Pages, sql: str) -> None:
    page = await run(pages, sql, 400)
    assert page.one("pre", class_="problem").text


async def test_parameters(pages: Pages) -> None:
    page = await run(pages, "SELECT {n:UInt8} + 1 AS m, {s:String} AS s", p_n="41", p_s=HOSTILE)
    assert table(page)[0] == "42"
    assert table(page)[1] == " ".join(HOSTILE.split())
    assert page.one("input", name="p_n").attributes["value"] == "41"
    assert (await run(pages, "SELECT {n:UInt8}", 400, p_n="x")).one("pre", class_="problem")


@pytest.mark.parametrize(
    ("form", "ending", "begins"), [("CSV", "csv", b'"n","s"\n0,"x"\n'), ("JSON", "jsonl", b'{"n":0,"s":"x"}\n')]
)
async def test_downloads(pages: Pages, form: str, ending: str, begins: bytes) -> None:
    fields = {"q": "SELECT number AS n, 'x' AS s FROM numbers(5000)", "token": await pages.token(), "as": form}
    async with pages.client.post("/sql", data=fields) as reply:
        assert f'.{ending}"' in reply.headers["Content-Disposition"]
        assert reply.headers["Content-Disposition"].startswith("attachment")
        body = await reply.read()
    assert body.startswith(begins)
    assert body.count(b"\n") >= 5000


async def test_download_as_parquet(pages: Pages) -> None:
    fields = {"q": "SELECT call_id, cost_usd FROM llm.calls LIMIT 7", "token": await pages.token(), "as": "Parquet"}
    async with pages.client.post("/sql", data=fields) as reply:
        body = await reply.read()
    assert pq.read_table(io.BytesIO(body)).num_rows == 7  # type: ignore[no-untyped-call]


async def test_every_named_question_runs_from_its_form(pages: Pages, traffic: Traffic) -> None:
    """As it is offered: with the values that stand in its fields."""
    for name in queries.names():
        page = await pages.get(f"/sql?name={name}")
        fields = {tag.attributes["name"]: tag.attributes["value"] for tag in page.all("input") if "name" in tag.attributes}
        answer = await pages.post("/sql", {**fields, "q": "".join(page.one("textarea").texts)}, 200)
        assert not answer.all("pre", class_="problem"), name
        assert " rows · " in answer.text, name


async def test_a_link_fills_the_editor_and_asks_nothing(pages: Pages) -> None:
    page = await pages.get("/sql?q=SELECT+12345678+%2B+1")
    assert page.one("textarea").text == "SELECT 12345678 + 1"
    assert "12345679" not in page.source
    await pages.get("/sql?name=no-such", 404)
    await pages.get("/sql?name=../secret", 404)


@pytest.mark.parametrize("key", [Key("k", "n", "b" * 64), Key("k", "n", "b" * 64, workspace="w", admin=True)])
async def test_it_is_for_those_who_see_every_row(store: RunningStore, open_pages: OpenPages, key: Key) -> None:
    pages = await open_pages(store.settings, Snapshot(keys={key.sha256: key}))
    pages.log_in(key)
    page = await pages.get("/sql", 403)
    assert "administrators" in page.text
    token = page.token
    await pages.post("/sql", {"q": "SELECT 1", "token": token}, 403)
