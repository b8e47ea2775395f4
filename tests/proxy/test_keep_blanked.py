"""Without content: what is kept of bodies that are larger than the bound, and of streams in other framings than events."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proxy.test_keep import CANARY, JSON, USAGE, flight, passed, spooled
from tracer import eventstream
from tracer.records import Headers
from tracer.sink import price
from tracer.sink.body import Plain
from tracer.sink.decode import decode
from tracer.sink.stream import read_stream

LONG_REPLY = {
    "id": "c-1",
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"content": CANARY * 60_000}, "finish_reason": "stop"}],
    "usage": USAGE,
}
LONG_CHAT = {"messages": [{"role": "user", "content": CANARY * 60_000}], "model": "gpt-4o", "stream": False}


def test_without_content_a_document_larger_than_the_bound_keeps_its_usage() -> None:
    made = flight(
        content=False,
        request=passed(orjson.dumps(LONG_CHAT), 1000),
        request_headers=JSON,
        response=passed(orjson.dumps(LONG_REPLY), 1000),
        response_headers=JSON,
    )
    encoded, exchange = spooled(made)
    assert CANARY.encode() not in encoded
    assert exchange.response.truncated
    assert orjson.loads(exchange.response.head) == {
        "id": "c-1",
        "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    assert orjson.loads(exchange.request.head) == {"model": "gpt-4o", "stream": False}
    call = decode(exchange, price.load(None))
    assert (call.request_model, call.response_model, call.total_tokens) == ("gpt-4o", "gpt-4o", 12)
    assert (call.finish_reasons, call.truncated, call.content) == (("stop",), True, None)


LINES: Headers = (("content-type", "application/x-ndjson; charset=utf-8"),)
AMAZON: Headers = (("content-type", "application/vnd.amazon.eventstream"),)


@pytest.mark.parametrize("headers", [LINES, JSON, AMAZON])
@given(st.integers(1, 5), st.integers(1, 60), st.integers(0, 20_000))
def test_without_content_a_long_stream_of_any_framing_keeps_its_end(
    headers: Headers, seed: int, words: int, filler: int
) -> None:
    said: dict[str, object] = {"candidates": [{"content": {"parts": [{"text": CANARY + '"}],[{' * filler}]}}]}
    last: dict[str, object] = {"candidates": [], "usageMetadata": {"promptTokenCount": 5}}
    bodies = [orjson.dumps(part) for part in [*[said] * words, last]]
    if headers is LINES:
        data = b"".join(body + b"\n" for body in bodies)
    elif headers is JSON:
        data = b"[" + b",\r\n".join(bodies) + b"]"
    else:
        data = b"".join(
            eventstream.encode({":event-type": "chunk"}, orjson.dumps({"bytes": base64.b64encode(body).decode()}))
            for body in bodies
        )
    encoded, exchange = spooled(flight(content=False, response=passed(data, 997 + seed), response_headers=headers))
    assert CANARY.encode() not in encoded
    kept = read_stream(Plain(exchange.response.head), headers[0][1].partition(";")[0])
    assert kept.documents[-1] == last
    assert all(document in (BLANK_PART, last) for document in kept.documents)


BLANK_PART = {"candidates": [{"content": {"parts": [{"text": "x"}]}}]}


def test_what_amazon_wraps_in_base64_is_no_media() -> None:
    inner = {"type": "content_block_delta", "delta": {"text": "word " * 100}}
    payload = orjson.dumps({"bytes": base64.b64encode(orjson.dumps(inner)).decode()})
    data = eventstream.encode({":event-type": "chunk"}, payload)
    for limit in (len(data) + 1, len(data) - 1):  # as nearly every call, and the longer way
        _, exchange = spooled(flight(response=passed(data, limit=limit), response_headers=AMAZON), limit)
        assert exchange.response.head == data
        assert read_stream(Plain(exchange.response.head), AMAZON[0][1]).documents == [inner]
