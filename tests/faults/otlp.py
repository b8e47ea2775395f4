"""An OTLP collector that throttles, fails, redirects, rejects, hangs or is away. ClickHouse and replies must not notice."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from tests.faults.books import Books
from tests.faults.collector import Answer, Collector
from tests.faults.records import Row, Run
from tests.faults.scene import (
    BEHIND,
    Promise,
    level,
    nothing_doubled,
    nothing_lost,
    nothing_unrecorded,
    replies_go_on,
    scene,
)

LASTS_S = 6.0
RETRY_AFTER_S = 2


async def _collector(run: Run, falls: Callable[[Collector], None], *promises: Promise, note: str = "", most: int = 1000) -> Row:
    async with scene(run) as at:
        assert at.collector
        before = at.collector.requests
        async with at.fault():
            before = at.collector.requests
            falls(at.collector)
            await asyncio.sleep(LASTS_S)
            struck = at.collector.requests - before
            rows = await at.tracer.rows("SELECT count() FROM llm.calls")
            told = sum(told.end == "answered" for told in at.load.told)
            at.collector.well()

        def clickhouse_went_on(row: Row, books: Books) -> tuple[bool, str]:
            return rows[0][0] > told * 0.7, f"{rows[0][0]} rows for {told} answers while the collector failed"

        def met(row: Row, books: Books) -> tuple[bool, str]:
            return 0 < struck <= most, f"{struck} requests met the fault, not 1 to {most}"

        said = [f"{struck} requests met it in {LASTS_S:.0f} s", *([note] if note else [])]
        return await at.row(*promises, clickhouse_went_on, met, notes=said)


def _says(status: int, **headers: str) -> Callable[[Collector], None]:
    def answer() -> web.Response:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def falls(collector: Collector) -> None:
        made: Answer = answer
        collector.answer = made

    return falls


async def throttles(run: Run) -> Row:
    """It says for how long it wants to be left alone."""
    said = _says(429, Retry_After=str(RETRY_AFTER_S))
    return await _collector(run, said, *BEHIND, most=int(LASTS_S / RETRY_AFTER_S) + 1, note=f"Retry-After: {RETRY_AFTER_S} s")


async def fails(run: Run) -> Row:
    return await _collector(run, _says(500), *BEHIND)


async def unavailable(run: Run) -> Row:
    return await _collector(run, _says(503), *BEHIND)


async def redirects(run: Run) -> Row:
    return await _collector(run, _says(302, Location="http://127.0.0.1:9/"), *BEHIND)


async def rejects(run: Run) -> Row:
    """Partial success: two spans of each request are turned down inside a 200."""

    def falls(collector: Collector) -> None:
        collector.rejects = 2

    def counted(row: Row, books: Books) -> tuple[bool, str]:
        missing = sum(token not in (books.spans or {}) for token in {told.token for told in books.told} & books.rows.keys())
        said = int(books.metrics.get("tracer_rejected_by_collector_total{traces}", 0)) + row.dropped.get(
            "otlp: dead letters", 0
        )
        return missing == said, f"{missing} rows have no span, {said} are counted as rejected or dead letters"

    return await _collector(run, falls, nothing_lost, nothing_doubled, nothing_unrecorded, replies_go_on, level, counted)


async def hangs(run: Run) -> Row:
    return await _collector(run, Collector.hang, *BEHIND, note="OTEL_EXPORTER_OTLP_TIMEOUT is 2 s here")


async def refuses(run: Run) -> Row:
    async with scene(run) as at:
        assert at.collector
        async with at.fault():
            await at.collector.close()
            await asyncio.sleep(LASTS_S)
            await at.collector.open()
        return await at.row(*BEHIND)
