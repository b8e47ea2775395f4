"""One body for each way in which providers differ, written by hand after their documentation; see tests/conformance."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.sink.exchanges import CONFORMANCE, exchange, sse
from tracer.blank import StreamBlanker, blank_json
from tracer.records import Call
from tracer.sink import price
from tracer.sink.decode import decode

CASES = {file.stem: orjson.loads(file.read_bytes()) for file in sorted(CONFORMANCE.glob("*.json"))}
BOOK = price.load(None)


def bodies(case: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """Request, response, and the response's media type."""
    request = orjson.dumps(case["request"])
    if "response" in case:
        return request, orjson.dumps(case["response"]), "application/json"
    comment = b": PROCESSING\n\n" if case.get("comment") else b""
    return request, comment + sse(*case["events"], done=case.get("done", True)), "text/event-stream"


def check(call: Call, expected: dict[str, Any], but: tuple[str, ...] = ()) -> None:
    for column, value in expected.items():
        if column in but:
            continue
        got = getattr(call, column)
        if isinstance(got, Decimal):
            value = Decimal(value)
        assert (list(got) if isinstance(got, tuple) else got) == value, column


def read(case: dict[str, Any], request: bytes, response: bytes, media: str, **other: Any) -> Call:
    return decode(
        exchange(
            response,
            request,
            path=case["path"],
            media=media,
            status=case.get("status", 200),
            provider=case["provider"],
            **other,
        ),
        BOOK,
    )


@pytest.mark.parametrize("name", CASES)
def test_read_as_expected(name: str) -> None:
    case = CASES[name]
    call = read(case, *bodies(case))
    check(call, case["expected"])
    if call.input_cost_usd is not None and call.output_cost_usd is not None:
        assert call.input_cost_usd + call.output_cost_usd == call.cost_usd


@pytest.mark.parametrize("name", CASES)
def test_read_the_same_without_its_text(name: str) -> None:
    case = CASES[name]
    request, response, media = bodies(case)
    blank = blank_json(response) if media == "application/json" else StreamBlanker().feed(response)
    call = read(case, blank_json(request), blank, media, content=False)
    check(call, case["expected"], but=("error_message", "ttft_ms"))  # a comment is no piece any more
    assert call.content is None
    assert call.error_message == "" or call.error_type == "truncated_stream"
