"""How answers come: whole or piece by piece, compressed, cut by an error."""

import contextlib
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import backports.zstd
import brotli
import lz4.frame
import pytest

from tests.store.asking import ask
from tests.store.running import RunningStore
from tracer.store.framing import Framer, unframe

LARGE = "SELECT number, toString(number) FROM numbers(600000)"
FAILS_LATE = "SELECT throwIf(number = 3000000) AS a FROM numbers(5000000)"
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.decompress,
    "zstd": backports.zstd.decompress,
    "br": brotli.decompress,
    "gzip": lambda data: zlib.decompress(data, 31),
    "deflate": zlib.decompress,
}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


def expected() -> bytes:
    return b"".join(b"%d\t%d\n" % (number, number) for number in range(600_000))


async def test_a_large_result_comes_in_pieces(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with http.post(store.url, data=f"{LARGE} FORMAT TSV", params={"default_format": "JSON"}) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.headers["X-ClickHouse-Format"] == "TSV"
        assert answer.headers["Content-Type"] == "text/tab-separated-values; charset=UTF-8"
        assert await answer.read() == expected()


async def test_waiting_for_the_end_gives_length_and_summary(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with http.post(store.url, data=LARGE, params={"wait_end_of_query": "1"}) as answer:
        body = await answer.read()
        assert int(answer.headers["Content-Length"]) == len(body)
        assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "600000"
    assert body == expected()


@pytest.mark.parametrize("coding", DECODERS)
@pytest.mark.parametrize("query", [LARGE, "SELECT number FROM numbers(1000)"])
async def test_compressed_as_accepted(store: RunningStore, http: aiohttp.ClientSession, coding: str, query: str) -> None:
    async with http.post(
        store.url, data=query, params={"enable_http_compression": "1"}, headers={"Accept-Encoding": coding}
    ) as answer:
        assert answer.headers["Content-Encoding"] == coding
        plain = DECODERS[coding](await answer.read())
    assert plain == (await ask(http, store.url, query))[1]


@pytest.mark.parametrize("method", ["LZ4", "ZSTD"])
async def test_clickhouses_own_blocks_both_ways(store: RunningStore, http: aiohttp.ClientSession, method: str) -> None:
    query = {"compress": "1", "decompress": "1", "network_compression_method": method}
    status, body = await ask(http, store.url, Framer(method).feed(LARGE.encode()), params=query)
    assert status == 200
    assert unframe(body, 1 << 30) == expected()


@pytest.mark.parametrize("coding", ["", *DECODERS, "blocks"])
async def test_an_error_behind_data_says_so_and_breaks_off(
    store: RunningStore, http: aiohttp.ClientSession, coding: str
) -> None:
    query = {"enable_http_compression": "1"} if coding != "blocks" else {"compress": "1"}
    body = b""
    async with http.post(store.url, data=FAILS_LATE, params=query, headers={"Accept-Encoding": coding}) as answer:
        assert answer.status == 200
        tag = answer.headers["X-ClickHouse-Exception-Tag"].encode()
        with contextlib.suppress(aiohttp.ClientPayloadError):
            async for piece in answer.content.iter_any():
                body += piece
            pytest.fail("it ended as if it were whole")
    plain = unframe(body, 1 << 30) if coding == "blocks" else DECODERS.get(coding, bytes)(body)
    data, _, block = plain.partition(b"\r\n__exception__\r\n" + tag + b"\r\n")
    assert data.startswith(b"0\n0\n")
    message, length = re.fullmatch(rb"(.*\n)(\d+) %b\r\n__exception__\r\n" % tag, block, re.DOTALL).groups()  # type: ignore[union-attr]
    assert message.startswith(b"Code: 395. DB::Exception: ")
    assert int(length) == len(message)


async def test_an_error_before_the_end_has_its_status_if_waited_for(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with http.post(store.url, data=FAILS_LATE, params={"wait_end_of_query": "1"}) as answer:
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (500, "395")
        assert (await answer.read()).startswith(b"Code: 395.")


async def test_head_has_no_body(store: RunningStore, http: aiohttp.ClientSession) -> None:
    async with http.head(store.url, params={"query": "SELECT 1"}) as answer:
        assert (answer.status, await answer.read(), answer.headers["Content-Length"]) == (200, b"", "2")
    assert await ask(http, store.url, "SELECT 2") == (200, b"2\n")  # the connection goes on


@pytest.mark.parametrize(
    ("fmt", "kind"),
    [
        ("CSV", "text/csv; charset=UTF-8; header=absent"),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
        ("TSVWithNames", "text/tab-separated-values; charset=UTF-8"),
        ("JSONCompact", "application/json; charset=UTF-8"),
        ("JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"),
        ("Pretty", "text/plain; charset=UTF-8"),
        ("XML", "application/xml; charset=UTF-8"),
        ("RowBinaryWithNamesAndTypes", "application/octet-stream"),
        ("Parquet", "application/octet-stream"),
    ],
)
async def test_content_types(store: RunningStore, http: aiohttp.ClientSession, fmt: str, kind: str) -> None:
    async with http.post(store.url, params={"default_format": fmt}, data="SELECT 1") as answer:
        assert answer.headers["Content-Type"] == kind


async def test_a_select_in_a_form_and_every_kind_of_statement(store: RunningStore, http: aiohttp.ClientSession) -> None:
    for statement in ("SHOW TABLES FROM llm", "DESCRIBE llm.calls", "EXISTS llm.calls", "EXPLAIN SELECT 1", "SHOW DATABASES"):
        status, body = await ask(http, store.url, f"{statement} FORMAT JSON")
        found: dict[str, Any] = json.loads(body)
        assert (status, len(found["data"])) == (200, found["rows"])
