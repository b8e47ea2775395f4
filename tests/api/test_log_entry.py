"""Log entries become the records that calls through the proxy would have left."""

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.sink.exchanges import chunk
from tracer.api.errors import ApiError
from tracer.api.log_entry import MOST_ENTRIES, Sender, exchanges
from tracer.records import Exchange, Outcome
from tracer.registry.records import Caller
from tracer.sink import price
from tracer.sink.decode import decode

NOW_NS = time.time_ns()
SECRET = "pk-live-0123456789abcdef"
PROVIDER_SECRET = "sk-provider-0123456789"
PRICES = price.load(None)

REQUEST = {
    "url": "https://api.openai.com/v1/chat/completions?api-version=1&key=" + PROVIDER_SECRET,
    "method": "post",
    "headers": {"Authorization": f"Bearer {PROVIDER_SECRET}", "Content-Type": "application/json", "x-own": "hidden too"},
    "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "user": "u-7"},
}
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": USAGE,
}
RESPONSE = {"status": 200, "headers": {"x-request-id": "req_1", "set-cookie": "a=b"}, "body": ANSWER, "response_time": 250}
METADATA = {"traceId": "t-1", "spanId": "s-1", "spanName": "answer", "parentSpanId": "s-0", "_user": "ana", "n": 3}
ENTRY = {"request": REQUEST, "response": RESPONSE, "metadata": METADATA}


def sender(headers: dict[str, str] | None = None, caller: Caller | None = None, **other: Any) -> Sender:
    sent = {"x-portkey-api-key": SECRET, "user-agent": "python-requests/2.32", **(headers or {})}
    values: dict[str, Any] = {
        "headers": CIMultiDict(sent),
        "raw_headers": tuple((name.encode(), value.encode()) for name, value in sent.items()),
        "target": "/v1/logs",
        "caller": caller or Caller(),
        "content": True,
        "capture_bytes": 1 << 20,
        "now_ns": NOW_NS,
    }
    return Sender(**(values | other))


def one(entry: Any, **how: Any) -> Exchange:
    (only,) = exchanges(entry, sender(**how))
    return only


def entry(**parts: Any) -> dict[str, Any]:
    return {**ENTRY, **parts}


def request(**parts: Any) -> dict[str, Any]:
    return entry(request={**REQUEST, **parts})


def response(**parts: Any) -> dict[str, Any]:
    return entry(response={**RESPONSE, **parts})


def test_a_whole_entry() -> None:
    made = one(ENTRY, caller=Caller(key_id="k-1", tags={"team": "blue", "n": "key's"}))
    assert (made.door, made.provider, made.upstream, made.method) == ("logs", "openai", "api.openai.com", "POST")
    assert made.path == "/v1/chat/completions?api-version=1&key=***"
    assert (made.trace.trace_id, made.trace.span_id, made.trace.parent_span_id) == ("t-1", "s-1", "s-0")
    assert made.trace.span_name == "answer"
    assert made.trace.metadata == {"_user": "ana", "n": "key's", "team": "blue"}  # the key's tags win
    assert (made.key_id, made.client, made.outcome) == ("k-1", "python-requests/2.32", Outcome.OK)
    assert made.request_headers == (("authorization", "***"), ("x-own", "***"), ("content-type", "application/json"))
    assert made.response_headers == (
        ("x-request-id", "req_1"),
        ("set-cookie", "***"),
        ("content-type", "application/json"),
    )
    assert orjson.loads(made.request.head) == REQUEST["body"]
    assert orjson.loads(made.response.head) == ANSWER
    assert made.end_ns == 250_000_000
    assert made.started_ns == NOW_NS - 250_000_000  # so that it ended just now
    assert made.call_id.version == 7


def test_it_is_priced_like_any_call() -> None:
    row = decode(one(ENTRY), PRICES)
    assert (row.endpoint, row.operation, row.status_code, row.outcome) == ("/v1/chat/completions", "chat", 200, "ok")
    assert (row.request_model, row.response_model, row.response_id) == ("gpt-4o", "gpt-4o-2024-08-06", "chatcmpl-1")
    assert (row.input_tokens, row.output_tokens) == (1000, 100)
    assert float(row.cost_usd or 0) == pytest.approx(1000 * 2.5e-6 + 100 * 10e-6)
    assert (row.user, row.duration_ms, row.ttft_ms, row.proxy_us) == ("ana", 250.0, None, None)
    assert row.content is not None
    assert orjson.loads(row.content.response_body) == ANSWER


def test_no_secret_of_either_request_is_kept() -> None:
    leaky = entry(
        request={**REQUEST, "provider": PROVIDER_SECRET, "body": {"messages": [{"content": f"my key is {SECRET}"}]}},
        response={**RESPONSE, "body": {"echo": PROVIDER_SECRET}, "headers": {"server": f"x {SECRET}"}},
        metadata={"traceId": f"t-{SECRET}", "spanName": PROVIDER_SECRET, SECRET: PROVIDER_SECRET},
    )
    made = one(leaky, headers={"user-agent": f"agent {SECRET}", "x-portkey-span-id": PROVIDER_SECRET})
    told = repr(made)
    assert SECRET not in told
    assert PROVIDER_SECRET not in told
    assert "my key is ****" in told


def test_a_secret_that_json_spells_otherwise_is_hidden_too() -> None:
    odd = 'key"with\\marks-0123'
    made = one(entry(request={**REQUEST, "headers": {"x-api-key": odd}, "body": {"messages": [{"content": f"it is {odd}"}]}}))
    assert b"0123" not in made.request.head
    assert b"it is ****" in made.request.head


def test_metadata_mode_keeps_no_text() -> None:
    made = one(entry(request={**REQUEST, "body": "plain words"}), content=False)
    assert made.content is False
    assert b"hello" not in made.response.head
    assert b"plain" not in made.request.head
    row = decode(made, PRICES)
    assert (row.content, row.input_tokens) == (None, 1000)
    assert row.cost_usd


def test_bodies_are_bounded() -> None:
    long = {**ANSWER, "choices": [{"message": {"content": "a" * 2_000_000}}]}
    made = one(response(body=long), capture_bytes=1000)
    assert made.response.truncated
    assert len(made.response.head) == 1000
    assert len(made.response.head + made.response.tail) < 300_000
    assert made.response.size > 2_000_000
    assert decode(made, PRICES).input_tokens == 1000  # usage stands at the end


def test_a_stream_as_the_text_of_its_events() -> None:
    events = b"".join(b"data: " + orjson.dumps(part) + b"\n\n" for part in (chunk("Hel"), chunk("lo", finish_reason="stop")))
    made = one(response(body=events.decode() + "data: [DONE]\n\n", headers={"content-type": "text/event-stream"}))
    row = decode(made, PRICES)
    assert (row.stream, row.finish_reasons, row.outcome, row.ttft_ms) == (True, ("stop",), "ok", None)
    assert row.content is not None
    assert orjson.loads(row.content.assembled)["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("streaming", [True, None])
def test_a_stream_as_a_list_of_chunks(streaming: bool | None) -> None:
    chunks = [chunk("Hel"), chunk("lo", finish_reason="stop"), {**chunk(), "choices": [], "usage": USAGE}]
    row = decode(one(response(body=chunks, streamingMode=streaming)), PRICES)
    assert (row.stream, row.input_tokens, row.outcome) == (True, 1000, "ok")
    assert row.content is not None
    assert orjson.loads(row.content.assembled)["choices"][0]["message"]["content"] == "Hello"


def test_a_stream_that_was_cut_is_one_here_too() -> None:
    events = "data: " + orjson.dumps(chunk("Hel")).decode() + "\n\n"
    row = decode(one(response(body=events)), PRICES)
    assert (row.outcome, row.error_type) == ("stream_error", "truncated_stream")


def test_headers_that_speak_of_bytes_on_a_wire_do_not_fit() -> None:
    headers = {
        "Content-Encoding": "gzip",
        "content-length": "17",
        "transfer-encoding": "chunked",
        "content-type": "text/event-stream",
    }
    row = decode(one(response(headers=headers)), PRICES)
    assert (row.input_tokens, row.outcome) == (1000, "ok")
    assert row.content is not None
    assert row.content.response_headers == {"content-type": "application/json"}


def test_an_error() -> None:
    row = decode(one(response(status="429", body={"error": {"message": "slow down", "code": "rate_limit_exceeded"}})), PRICES)
    assert (row.status_code, row.outcome, row.error_type, row.error_message) == (
        429,
        "upstream_error",
        "rate_limit_exceeded",
        "slow down",
    )


@pytest.mark.parametrize(
    ("parts", "provider", "upstream", "path"),
    [
        ({"url": "https://api.groq.com/openai/v1"}, "groq", "api.groq.com", "/openai/v1/chat/completions"),
        ({"url": "https://api.openai.com/v1/"}, "openai", "api.openai.com", "/v1/chat/completions"),
        ({"url": "chat/completions", "provider": "openai"}, "openai", "", "/v1/chat/completions"),
        ({"url": "chat/completions", "provider": "OpenAI"}, "openai", "", "/v1/chat/completions"),
        ({"url": "https://api.openai.com/v1", "provider": "openai_llm"}, "openai", "api.openai.com", "/v1/chat/completions"),
        (
            {"url": "https://x.openai.azure.com/openai/deployments/a/chat/completions"},
            "azure-openai",
            "x.openai.azure.com",
            "/openai/deployments/a/chat/completions",
        ),
        (
            {"url": "https://u:p@own.example:8443/v1/chat/completions", "provider": "@Own"},
            "own",
            "own.example:8443",
            "/v1/chat/completions",
        ),
        ({"url": None, "provider": None}, "", "", "/v1/chat/completions"),
        ({"url": "", "body": {"prompt": "a"}}, "", "", "/v1/completions"),
        (
            {"url": "https://api.openai.com", "body": {"input": "a", "model": "text-embedding-3-small"}},
            "openai",
            "api.openai.com",
            "/v1/embeddings",
        ),
        (
            {"url": "https://api.openai.com/v1", "body": {"input": "a", "model": "gpt-5"}},
            "openai",
            "api.openai.com",
            "/v1/responses",
        ),
        ({"url": "https://api.openai.com/v1", "body": {}}, "openai", "api.openai.com", "/v1"),
        ({"url": "", "body": "text"}, "", "", "/v1/logs"),
    ],
)
def test_where_it_went(parts: dict[str, Any], provider: str, upstream: str, path: str) -> None:
    made = one(request(**parts))
    assert (made.provider, made.upstream, made.path) == (provider, upstream, path)


@pytest.mark.parametrize(
    ("asked", "answered", "request_body", "response_body"),
    [
        (
            {"name": "chain", "input": "{}"},
            {"output": {"a": 1}, "response_time": "0042"},
            b'{"name":"chain","input":"{}"}',
            b'{"output":{"a":1}}',
        ),
        ('{"q":"who"}', {"nodes": [], "response_time": "0042"}, b'{"q":"who"}', b'{"nodes":[]}'),
        ("just words", {"response_time": "0042"}, b"just words", b"{}"),
        ([1, 2], {"response_time": 42.0, "body": None}, b"[1,2]", b""),
    ],
)
def test_steps_that_are_no_calls_to_a_model(asked: Any, answered: Any, request_body: bytes, response_body: bytes) -> None:
    made = one({"request": asked, "response": answered, "metadata": None})
    assert (made.request.head, made.response.head) == (request_body, response_body)
    assert (made.path, made.method, made.status, made.end_ns) == ("/v1/logs", "POST", 200, 42_000_000)
    row = decode(made, PRICES)
    assert (row.endpoint, row.operation, row.cost_usd, row.outcome) == ("/v1/logs", "", None, "ok")


def test_ids_stand_where_callbacks_put_them() -> None:
    made = one(
        {
            "request": {},
            "response": {},
            "trace_id": "t-9",
            "span_id": "s-9",
            "parent_span_id": "None",
            "span_name": "chain",
            "metadata": {"_source": "Langchain"},
        }
    )
    assert (made.trace.trace_id, made.trace.span_id, made.trace.parent_span_id) == ("t-9", "s-9", "")
    assert (made.trace.span_name, made.trace.metadata) == ("chain", {"_source": "Langchain"})


def test_numbers_are_ids_too() -> None:
    made = one(entry(metadata={"traceId": "t", "spanId": 1234567890123456789, "parentSpanId": None}))
    assert (made.trace.span_id, made.trace.parent_span_id) == ("1234567890123456789", "")
    assert len(made.trace.otel_span_id) == 16


def test_headers_win_over_metadata() -> None:
    headers = {
        "X-Portkey-Trace-Id": "t-h",
        "x-portkey-metadata": '{"_user":"bo","spanName":"from the header"}',
        "baggage": "_user=low,extra=1",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-00",
    }
    made = one(ENTRY, headers=headers)
    assert made.trace.trace_id == "t-h"
    assert (made.trace.span_id, made.trace.parent_span_id) == ("s-1", "s-0")  # named by the entry, so not traceparent's
    assert made.trace.span_name == "from the header"
    assert made.trace.metadata == {"_user": "bo", "n": "3", "extra": "1"}
    assert made.trace.sampled is False


def test_spans_of_one_tree_without_a_trace_stay_together() -> None:
    spans = [{"request": {}, "response": {}, "span_id": f"s-{n}", "trace_id": ""} for n in range(3)]
    others = [{"request": {}, "response": {}} for _ in range(2)]
    made = exchanges([*spans, *others], sender())
    traces = [each.trace.trace_id for each in made]
    assert len(set(traces[:3])) == 1
    assert len(set(traces)) == 3
    assert all(traces)


SECONDS = NOW_NS // 10**9 - 3600


@pytest.mark.parametrize(
    "start",
    [
        SECONDS,
        float(SECONDS),
        SECONDS * 10**3,
        SECONDS * 10**6,
        SECONDS * 10**9,
        datetime.fromtimestamp(SECONDS, UTC).isoformat(),
    ],
    ids=["s", "float", "ms", "us", "ns", "iso"],
)
def test_when_it_began(start: Any) -> None:
    assert one(entry(start_time=start)).started_ns == SECONDS * 10**9
    assert one(entry(metadata={"startTime": start})).started_ns == SECONDS * 10**9


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("text", "should be an object of request, response and metadata"),
        ({"response": {}}, "request: required"),
        ({"request": {}}, "response: required"),
        (entry(metadata=[]), "metadata: should be an object"),
        (entry(metadata={"traceId": ["a"]}), "metadata.traceId: should be a text of at most 1024"),
        (entry(metadata={"span_id": "x" * 2000}), "metadata.span_id: should be a text"),
        (entry(metadata={}, trace_id={}), "trace_id: should be a text"),
        (entry(metadata={str(n): "" for n in range(300)}), "metadata: should be at most 256 names"),
        (entry(start_time="soon"), "start_time: should be a time"),
        (entry(start_time=True), "start_time: should be a time"),
        (entry(start_time=5), "start_time: should be a time"),
        (entry(metadata={"startTime": SECONDS - 61 * 86400}), "metadata.startTime: should be within the last 60 days"),
        (entry(start_time=SECONDS + 3 * 3600), "start_time: should be within the last 60 days"),
        (request(url=7), "request.url: should be a text"),
        (request(url="https://[oops"), "request.url: should be a URL"),
        (request(method="GET /"), "request.method: should be an HTTP method"),
        (request(provider={}), "request.provider: should be a text"),
        (request(headers="a: b"), "request.headers: should be an object"),
        (response(status="OK"), "response.status: should be an HTTP status code"),
        (response(status=99), "response.status: should be an HTTP status code"),
        (response(status=True), "response.status: should be an HTTP status code"),
        (response(headers=[]), "response.headers: should be an object"),
        (response(response_time="soon"), "response.response_time: should be milliseconds"),
        (response(response_time=-1), "response.response_time: should be milliseconds"),
        (response(response_time=1e300), "response.response_time: should be milliseconds"),
        (response(response_time=[]), "response.response_time: should be milliseconds"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_taken(wrong: Any, words: str) -> None:
    with pytest.raises(ApiError) as alone:
        exchanges(wrong, sender())
    assert (alone.value.status, alone.value.message.partition(words)[0]) == (400, "")
    with pytest.raises(ApiError) as listed:
        exchanges([ENTRY, ENTRY, wrong], sender())
    assert (listed.value.status, listed.value.message.partition(words)[0]) == (400, "entry 2: ")


def test_how_many_at_once() -> None:
    assert len(exchanges([ENTRY] * MOST_ENTRIES, sender())) == MOST_ENTRIES
    with pytest.raises(ApiError, match="holds 1001 log entries; at most 1000") as caught:
        exchanges([ENTRY] * (MOST_ENTRIES + 1), sender())
    assert caught.value.status == 413
    with pytest.raises(ApiError, match="the list is empty"):
        exchanges([], sender())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = (
    "url",
    "method",
    "provider",
    "headers",
    "body",
    "status",
    "response_time",
    "streamingMode",
    "traceId",
    "spanId",
    "startTime",
)


@given(
    request=JSON | st.dictionaries(st.sampled_from(FIELDS), JSON),
    response=JSON | st.dictionaries(st.sampled_from(FIELDS), JSON),
    metadata=st.none() | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=10), JSON),
)
def test_nothing_that_json_can_say_breaks_it(request: Any, response: Any, metadata: Any) -> None:
    """It is taken or refused, and what is taken can be spooled and read."""
    made = None
    with contextlib.suppress(ApiError):
        made = one({"request": request, "response": response, "metadata": metadata})
    if made is not None:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Exchange) == made
        decode(made, PRICES)


def test_deep_nesting() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert one(request(body=deep)).request.size > 1800
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ApiError, match="nested too deeply"):
        one(request(body=deep))
    while isinstance(deep, list):  # piece by piece: Python frees it recursively
        deep = deep.pop()
