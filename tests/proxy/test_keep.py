"""What of a call reaches the disk: no secret wherever it stood, no content where none is to be kept, and a bounded amount."""

import gzip
import zlib
from array import array
from uuid import UUID

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provider import sse_event
from tracer.proxy.flight import Flight, encode
from tracer.proxy.tee import TAIL, Tee, Whole
from tracer.records import Exchange, Headers, Outcome, TraceContext

SECRET = "sk-canary-0123456789abcdef"
CALL_ID = UUID("0199f3a2-0000-7000-8000-000000000001")
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
LIMIT = 4000


FIRST = ("request_headers", "content", "secrets", "trace", "path", "client", "method")  # known when a call is accepted


def flight(**values: object) -> Flight:
    trace = TraceContext(trace_id="t", span_id="s", otel_trace_id="1" * 32, otel_span_id="2" * 16)
    defaults: dict[str, object] = {
        "call_id": CALL_ID,
        "started_ns": 1,
        "began_ns": 0,
        "trace": trace,
        "door": "openai",
        "method": "POST",
        "path": "/v1/chat/completions",
        "request_headers": (),
        "content": True,
        "secrets": (SECRET.encode(),),
    }
    noted = {name: value for name, value in values.items() if name not in FIRST}
    made = Flight(**{**defaults, **{name: value for name, value in values.items() if name in FIRST}})  # type: ignore[arg-type]
    for name, value in noted.items():
        setattr(made, name, value)
    return made


def passed(data: bytes, size: int = 1000, limit: int = LIMIT) -> Tee:
    tee = Tee(limit)
    for at in range(0, len(data), size):
        tee.add(data[at : at + size], at)
    return tee


def spooled(made: Flight, limit: int = LIMIT) -> tuple[bytes, Exchange]:
    encoded = encode(made, limit)
    exchange = msgspec.msgpack.decode(encoded, type=Exchange)
    body, chunks = exchange.response, exchange.chunks
    assert sum(array("I", chunks.length)) == len(body.head) + len(body.tail)
    assert len(chunks.at_ns) == 2 * len(chunks.length)
    return encoded, exchange


JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream; charset=utf-8"),)

# --- secrets


@given(before=st.binary(max_size=60), after=st.binary(max_size=60), size=st.integers(1, 50))
def test_no_body_holds_a_secret(before: bytes, after: bytes, size: int) -> None:
    data = before + SECRET.encode() + after
    made = flight(request=Whole(data, None), response=passed(data, size), response_headers=JSON)
    encoded, exchange = spooled(made)
    assert SECRET.encode() not in encoded
    assert exchange.response.head == exchange.request.head == data.replace(SECRET.encode(), b"*" * len(SECRET))


@pytest.mark.parametrize(
    "values",
    [
        {"path": f"/v1/models/{SECRET}"},
        {"client": f"Agent/1 {SECRET}"},
        {"error_message": f"no such host {SECRET}.example.com"},
        {"request_headers": (("x-portkey-metadata", f'{{"k":"{SECRET}"}}'),)},
        {"response_headers": (("x-request-id", SECRET), ("content-type", f"text/{SECRET}"))},
        {"trace": TraceContext(trace_id=SECRET, span_id="s", otel_trace_id="1" * 32, otel_span_id="2" * 16)},
        {"trace": TraceContext(trace_id="t", span_id=SECRET, otel_trace_id="1" * 32, otel_span_id="2" * 16)},
        {
            "trace": TraceContext(
                trace_id="t",
                span_id="s",
                otel_trace_id="1" * 32,
                otel_span_id="2" * 16,
                parent_span_id=SECRET,
                otel_parent_span_id="3" * 16,
                span_name=f"step {SECRET}",
                metadata={SECRET: "a", "b": f"x{SECRET}y"},
            )
        },
    ],
)
def test_no_text_holds_a_secret(values: dict[str, object]) -> None:
    encoded, exchange = spooled(flight(**values))
    assert SECRET.encode() not in encoded
    assert b"*" * len(SECRET) in encoded
    assert len(exchange.trace.otel_trace_id) == 32


def test_a_secret_that_is_a_word_of_the_format_harms_nothing() -> None:
    """The record's field names hold the same letters."""
    made = flight(
        secrets=(b"metadata", b"trace_id", b"response"),
        trace=msgspec.structs.replace(flight().trace, metadata={"a": "response"}),
    )
    _, exchange = spooled(made)
    assert exchange.trace.metadata == {"a": "********"}


def test_a_secret_of_half_a_letter_does_not_lose_the_record() -> None:
    made = flight(secrets=("\ufffd" * 4).encode()[1:] and (("\ufffd" * 4).encode()[1:10],), path="/v1/" + "\ufffd" * 8)
    assert spooled(made)[1].path.startswith("/v1/")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip", "GZIP", "zstd"])
def test_a_secret_in_a_compressed_body(coding: str) -> None:
    plain = orjson.dumps({"error": {"message": f"Incorrect API key provided: {SECRET}"}, "pad": "x" * 3000})
    packed = compressed(plain, coding)
    headers = (*JSON, ("content-encoding", coding), ("x-request-id", "r"))
    encoded, exchange = spooled(flight(response=passed(packed, 10), response_headers=headers))
    assert exchange.response.head == plain.replace(SECRET.encode(), b"*" * len(SECRET))
    assert exchange.response.size == len(packed)
    assert exchange.response_headers == (*JSON, ("x-request-id", "r"))  # it is no longer compressed
    assert SECRET.encode() not in encoded


def compressed(plain: bytes, coding: str) -> bytes:
    if coding == "deflate":
        return zlib.compress(plain)
    if coding == "zstd":
        from backports import zstd

        return bytes(zstd.compress(plain))
    return gzip.compress(plain, mtime=0)


def test_a_compressed_body_without_a_secret_is_kept_as_it_came() -> None:
    packed = gzip.compress(b'{"a":1}', mtime=0)
    headers = (*JSON, ("content-encoding", "gzip"))
    _, exchange = spooled(flight(response=passed(packed, 3), response_headers=headers))
    assert (exchange.response.head, exchange.response_headers) == (packed, headers)


def test_a_secret_that_the_bound_cuts_in_two() -> None:
    filler = b"x" * (LIMIT - 10)
    data = filler + SECRET.encode() + b"y" * (TAIL + 50_000) + SECRET.encode() + b"z" * (TAIL - 10)
    tee = Tee(LIMIT)
    tee.add(data[:LIMIT], 0)
    for at in range(LIMIT, len(data), 1000):
        tee.add(data[at : at + 1000], at)
    encoded, exchange = spooled(flight(response=tee))
    assert exchange.response.truncated
    assert exchange.response.head == filler + b"*" * 10
    assert exchange.response.tail == b"*" * 10 + b"z" * (TAIL - 10)
    assert SECRET[:10].encode() not in encoded
    assert SECRET[-10:].encode() not in encoded


# --- content

CANARY = "canary said this"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": CANARY}], "metadata": {CANARY: CANARY}, "user": "u-1"}
ANSWER = {
    "id": "c",
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"content": CANARY}, "finish_reason": "stop"}],
    "usage": USAGE,
}
EVENTS = b"".join(
    [
        sse_event({"id": "c", "choices": [{"index": 0, "delta": {"content": CANARY}}]}),
        sse_event({"id": "c", "choices": [], "usage": USAGE}),
        sse_event("[DONE]"),
    ]
)
MULTIPART = f'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{CANARY}\r\n--b--\r\n'.encode()
ERROR = {"error": {"message": CANARY, "type": "invalid_request_error", "param": CANARY, "code": None}}


@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "zstd"])
@pytest.mark.parametrize(
    ("data", "headers", "usage"),
    [
        (orjson.dumps(ANSWER), JSON, True),
        (EVENTS, SSE, True),
        (EVENTS, (("content-type", "TEXT/Event-Stream"),), True),
        (orjson.dumps(ERROR), JSON, False),
        (MULTIPART, (("content-type", "multipart/form-data; boundary=b"),), False),
        (CANARY.encode(), (("content-type", "text/plain"),), False),
        (CANARY.encode(), (), False),
        (b'{"choices":[{"text":"' + CANARY.encode(), JSON, False),
        (EVENTS[:-30], SSE, None),
    ],
)
def test_without_content_nothing_said_is_kept(data: bytes, headers: Headers, usage: bool | None, coding: str) -> None:
    body = compressed(data, coding) if coding else data
    headers = (*headers, *((("content-encoding", coding),) if coding else ()))
    for size in (7, 100_000):
        made = flight(
            content=False,
            request=Whole(compressed(orjson.dumps(CHAT), coding) if coding else orjson.dumps(CHAT), None),
            request_headers=(*JSON, *((("content-encoding", coding),) if coding else ())),
            response=passed(body, size),
            response_headers=headers,
        )
        encoded, exchange = spooled(made)
        assert CANARY.encode() not in encoded
        assert b"gpt-4o" in exchange.request.head
        if usage is not None:
            assert (b'"total_tokens":12' in exchange.response.head) == usage
        assert exchange.response.size == len(body)
        assert "content-encoding" not in dict(exchange.response_headers)


def test_without_content_a_coding_that_cannot_be_undone_leaves_nothing() -> None:
    headers = (*JSON, ("content-encoding", "no-such-coding"))
    encoded, exchange = spooled(flight(content=False, response=passed(b"canary" * 10), response_headers=headers))
    assert (exchange.response.head, exchange.response.size) == (b"", 60)
    assert b"canary" not in encoded


@given(st.integers(0, 3), st.integers(1, 400), st.integers(0, 300_000))
def test_without_content_a_long_stream_keeps_its_usage(seed: int, words: int, filler: int) -> None:
    said = sse_event({"id": "c", "choices": [{"index": 0, "delta": {"content": CANARY + "x" * (filler // words)}}]})
    data = said * words + EVENTS
    encoded, exchange = spooled(flight(content=False, response=passed(data, 997 + seed), response_headers=SSE))
    assert CANARY.encode() not in encoded
    assert b'"total_tokens":12' in exchange.response.head


# --- bounds


@given(st.integers(0, 12).map(lambda n: n * 50_000 + 17), st.booleans(), st.sampled_from([0, LIMIT, 100_000]))
def test_what_is_kept_is_bounded(size: int, at_once: bool, limit: int) -> None:
    data = bytes(range(33, 127)) * (size // 94 + 1)
    data = data[:size]
    noted = passed(data, max(1, size) if at_once else 1000, limit)
    encoded, exchange = spooled(flight(response=noted, response_headers=(("content-type", "text/plain"),)), limit)
    kept = exchange.response
    assert kept.size == size
    assert data.startswith(kept.head)
    assert data.endswith(kept.tail)
    assert len(kept.head) + len(kept.tail) <= limit + TAIL
    assert kept.truncated == (kept.head + kept.tail != data)
    assert kept.truncated == (size > limit + TAIL)
    assert len(encoded) < limit + TAIL + 20 * (size // 1000 + 1) + 1000


def test_arrival_times_survive_a_body_a_little_over_the_bound() -> None:
    data = b"x" * (LIMIT + 1000)
    _, exchange = spooled(flight(response=passed(data, 100)))
    assert set(array("I", exchange.chunks.length)) == {100}


def test_a_compressed_bomb_is_bounded() -> None:
    packed = gzip.compress(bytes(40 << 20), mtime=0)
    headers = (*JSON, ("content-encoding", "gzip"))
    for content in (True, False):
        encoded, _ = spooled(flight(content=content, response=passed(packed), response_headers=headers))
        assert len(encoded) < LIMIT + TAIL + 10_000


def test_the_first_word_about_the_end_counts() -> None:
    made = flight()
    made.end(Outcome.TIMEOUT, "response_timeout", "late")
    made.client_left()
    _, exchange = spooled(made)
    assert (exchange.outcome, exchange.error_type) == (Outcome.TIMEOUT, "response_timeout")
    assert exchange.client_gone_ns == made.client_gone_ns > 0
