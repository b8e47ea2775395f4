"""Every recorded exchange replayed through the whole of Tracer: its row says what reading the recording itself says.

The provider is scripted: it answers with the recorded bytes, streams in pieces. The calls go in by `/proxy/{provider}/…`, so
the recorded path is the provider's own.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.e2e.stack import tracer_up
from tests.provider import Provider, Reply, Request, reply
from tests.sink.exchanges import corpus, replay
from tracer.records import Call
from tracer.sink import price
from tracer.sink.decode import decode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AT_ONCE = 8
PIECE = 997
COLUMNS = (
    *(
        "operation",
        "provider",
        "request_model",
        "response_model",
        "response_id",
        "system_fingerprint",
        "service_tier",
        "stream",
    ),
    *("temperature", "top_p", "max_tokens", "seed", "n", "tools", "outcome", "status_code", "error_type", "finish_reasons"),
    *("uncached_input_tokens", "cache_read_tokens", "cache_write_tokens", "audio_input_tokens", "image_input_tokens"),
    *("text_output_tokens", "reasoning_tokens", "audio_output_tokens", "cached_audio_tokens", "cache_write_1h_tokens"),
    *("image_output_tokens", "web_searches", "input_tokens", "output_tokens", "total_tokens", "usage_source", "usage_raw"),
    *("usage_note", "cost_usd", "input_cost_usd", "output_cost_usd", "price_source", "price_id"),
)


def pieces(recorded: dict[str, Any]) -> bytes | Callable[[], Iterator[bytes]]:
    body: bytes = recorded["response"].encode()
    if "json" in recorded["content_type"] and "stream" not in recorded["content_type"]:
        return body
    return lambda: (body[start : start + PIECE] for start in range(0, len(body), PIECE))


def answering(by_id: dict[str, dict[str, Any]]) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        recorded = by_id[request.header("x-recorded") or ""]
        body = pieces(recorded)
        framing = "length" if isinstance(body, bytes) else "chunked"
        return reply(recorded["status"], [("content-type", recorded["content_type"])], body, framing=framing)  # type: ignore[arg-type]

    return answer


def directly(recorded: dict[str, Any], row: dict[str, Any], book: price.PriceBook) -> Call:
    """The call that the recording itself makes, at the time of the row: prices change."""
    started = datetime.fromisoformat(row["started_at"]).replace(tzinfo=UTC)
    return decode(replay(recorded, started_ns=(started - _EPOCH) // timedelta(microseconds=1) * 1000), book)


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Decimal):
        return found is not None and Decimal(str(found)) == wanted
    if isinstance(wanted, int) and not isinstance(wanted, bool) and isinstance(found, str):
        return found == str(wanted)  # ClickHouse's JSON may quote 64-bit integers
    return bool(found == (list(wanted) if isinstance(wanted, tuple) else wanted))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_row_says_what_the_recording_says(tmp_path: Path, ports: Callable[[], int]) -> None:
    by_id = {recorded["id"]: recorded for recorded in corpus()}
    sent = {name: replay(recorded) for name, recorded in by_id.items()}
    async with Provider.start() as provider:
        provider.always(answering(by_id))
        slugs = {exchange.provider for exchange in sent.values()}
        settings = {f"TRACER_UPSTREAM_{slug.upper().replace('-', '_')}": provider.url for slug in slugs}
        with tracer_up(tmp_path, ports, settings) as stack:
            turn = asyncio.Semaphore(AT_ONCE)

            async def call(session: aiohttp.ClientSession, name: str) -> tuple[str, int, bytes]:
                recorded, exchange = by_id[name], sent[name]
                url = URL(f"{stack.origin}/proxy/{exchange.provider}{recorded['path']}", encoded=True)
                headers = {"content-type": "application/json", "x-recorded": name, "x-portkey-trace-id": name}
                async with (
                    turn,
                    session.request(exchange.method, url, data=recorded["request"].encode(), headers=headers) as answer,
                ):
                    return name, answer.status, await answer.read()

            async with aiohttp.ClientSession() as session:
                came = await asyncio.gather(*[call(session, name) for name in by_id])
            rows = await asyncio.to_thread(stack.wait_for_calls, len(by_id))
    for name, status, body in came:
        assert status == by_id[name]["status"]
        assert len(body) <= len(by_id[name]["response"].encode())  # a usage chunk that Tracer asked for is taken out again
    book = price.load(None)
    different: Counter[str] = Counter()
    examples: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        wanted = directly(by_id[row["trace_id"]], row, book)
        for column in COLUMNS:
            if not same(row[column], getattr(wanted, column)):
                different[column] += 1
                examples.setdefault(column, (row["trace_id"], row[column], getattr(wanted, column)))
    assert not different, f"{different}\n{examples}"
    assert len({row["trace_id"] for row in rows}) == len(by_id)
