import gzip
import zlib
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import MS, STARTED_NS, body, chunk, chunks, events_of, exchange, sse
from tests.sink.test_facts import JSON
from tracer.records import Body, Chunks, Outcome, TraceContext, UsageSource
from tracer.sink import price
from tracer.sink.decode import decode

BOOK = price.load(None)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ANSWER = {
    "id": "c-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": USAGE,
}
STREAM = sse(chunk(""), chunk("Hel"), chunk("lo"), chunk(finish_reason="stop"), {"choices": [], "usage": USAGE})
SSE = "text/event-stream"


def trace(**metadata: str) -> TraceContext:
    return TraceContext("t-1", "s-1", "0" * 31 + "1", "0" * 15 + "1", "s-0", "0" * 15 + "2", "name", metadata)


def test_identity_and_times_come_from_the_exchange() -> None:
    sent = exchange(
        orjson.dumps(ANSWER),
        b"{}",
        trace=trace(k="v"),
        attempt=2,
        client="OpenAI/Python 3",
        key_hash="ab",
        connect_ns=500_000,
        client_gone_ns=7 * MS,
    )
    call = decode(sent, BOOK)
    assert call.started_at == datetime.fromtimestamp(STARTED_NS // 10**9, UTC).replace(microsecond=123456)
    assert (call.trace_id, call.parent_span_id, call.otel_parent_span_id, call.span_name) == (
        "t-1",
        "s-0",
        "0" * 15 + "2",
        "name",
    )
    assert (call.attempt, call.client, call.key_hash, call.metadata) == (2, "OpenAI/Python 3", "ab", {"k": "v"})
    assert (call.duration_ms, call.upstream_connect_ms, call.ttfb_ms, call.client_gone_ms) == (901.0, 0.5, 10.0, 7.0)
    assert call.proxy_us == 500 + 1000
    assert (call.request_bytes, call.response_bytes, call.truncated) == (2, len(orjson.dumps(ANSWER)), False)


def test_the_proxys_own_time_is_never_negative_and_unknown_if_nothing_was_sent() -> None:
    assert decode(exchange(b"{}", sent_ns=0), BOOK).proxy_us is None
    assert decode(exchange(b"{}", connect_ns=50 * MS, end_ns=800 * MS), BOOK).proxy_us == 0
    assert decode(exchange(b"{}", upstream_end_ns=0), BOOK).proxy_us == 1000


def test_what_did_not_happen_has_no_time() -> None:
    call = decode(exchange(b"{}", first_byte_ns=0), BOOK)
    assert (call.ttfb_ms, call.ttft_ms, call.upstream_connect_ms, call.client_gone_ms, call.itl_digest) == (
        None,
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize(
    ("metadata", "user"), [({}, "from-body"), ({"_user": "explicit"}, "explicit"), ({"_user": ""}, "from-body")]
)
def test_the_user(metadata: dict[str, str], user: str) -> None:
    call = decode(exchange(b"{}", b'{"user":"from-body"}', trace=trace(**metadata)), BOOK)
    assert (call.user, call.metadata) == (user, {"_user": user})


def test_no_user_adds_no_metadata() -> None:
    assert decode(exchange(b"{}", b"{}"), BOOK).metadata == {}


@pytest.mark.parametrize(
    ("metadata", "session"),
    [
        ({"_session": "a", "session_id": "b"}, "a"),
        ({"session_id": "b", "session": "c"}, "b"),
        ({"session": "c"}, "c"),
        ({"x": "d"}, ""),
    ],
)
def test_the_session(metadata: dict[str, str], session: str) -> None:
    assert decode(exchange(b"{}", trace=trace(**metadata)), BOOK).session_id == session


def test_a_stream_has_its_tokens_timed_and_is_put_together() -> None:
    call = decode(exchange(STREAM, media=SSE), BOOK)
    assert (call.ttft_ms, call.itl_p50_ms, call.ttfb_ms) == (20.0, 10.0, 10.0)
    assert sum(call.itl_digest) == 1
    assert call.content is not None
    assert orjson.loads(call.content.assembled)["choices"][0]["message"]["content"] == "Hello"
    assert call.content.response_body == STREAM.decode()


def test_the_arrivals_of_a_compressed_stream_are_those_of_its_plain_bytes() -> None:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    pieces = [packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) for event in events_of(STREAM)]
    headers = (("content-type", SSE), ("content-encoding", "gzip"))
    sent = exchange(response_headers=headers, response=body(b"".join(pieces)), chunks=chunks([len(piece) for piece in pieces]))
    call = decode(sent, BOOK)
    assert (call.ttft_ms, call.itl_max_ms, call.total_tokens) == (20.0, 10.0, 15)
    assert call.content is not None
    assert call.content.response_body == STREAM.decode()


def test_events_that_arrive_together_have_no_gap() -> None:
    call = decode(exchange(STREAM, media=SSE, chunks=chunks([len(STREAM)])), BOOK)
    assert (call.ttft_ms, call.itl_max_ms) == (10.0, 0.0)


def test_a_compressed_json_reply_is_read() -> None:
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    call = decode(exchange(gzip.compress(orjson.dumps(ANSWER)), response_headers=headers), BOOK)
    assert (call.total_tokens, call.outcome) == (15, Outcome.OK)


def test_a_coding_that_cannot_be_undone_is_not_an_error() -> None:
    headers = (("content-type", "application/json"), ("content-encoding", "compress"))
    call = decode(exchange(b"????", response_headers=headers), BOOK)
    assert (call.outcome, call.usage_source) == (Outcome.OK, UsageSource.NONE)
    assert call.content is not None
    assert call.content.response_body == "[compress-encoded application/json, 4 bytes]"


@pytest.mark.parametrize("kept", [200, 300])
def test_usage_is_found_behind_a_gap(kept: int) -> None:
    long = sse(*(chunk(str(number)) for number in range(50)), chunk(finish_reason="stop"), {"choices": [], "usage": USAGE})
    sent = exchange(media=SSE, response=Body(long[:kept], long[-kept:], len(long), True), chunks=chunks([kept, 0, kept]))
    call = decode(sent, BOOK)
    assert (call.total_tokens, call.usage_source, call.truncated, call.outcome) == (15, UsageSource.PROVIDER, True, Outcome.OK)
    document = orjson.dumps({**ANSWER, "padding": "x" * 1000, "usage": USAGE})
    document = document.replace(b',"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}', b"", 1)[:-1] + (
        b',"usage":' + orjson.dumps(USAGE) + b"}"
    )
    call = decode(exchange(response=Body(document[:kept], document[-kept:], len(document), True)), BOOK)
    assert (call.total_tokens, call.response_model, call.finish_reasons, call.outcome) == (
        15,
        "gpt-4o-mini",
        ("stop",),
        Outcome.OK,
    )


def test_a_stream_whose_end_was_not_kept_is_not_called_cut() -> None:
    call = decode(exchange(media=SSE, response=Body(STREAM[:300], b"", 10**6, True)), BOOK)
    assert call.outcome == Outcome.OK


@dataclass(frozen=True)
class End:
    given: dict[str, Any]
    outcome: Outcome
    kind: str = ""
    message: str = ""


ENDS = {
    "not JSON": End(
        {"response": b"<html>"}, Outcome.UPSTREAM_ERROR, "malformed_body", "the reply is not the JSON it says it is"
    ),
    "no body": End({"response": b""}, Outcome.UPSTREAM_ERROR, "malformed_body", "the reply is not the JSON it says it is"),
    "no body to HEAD": End({"response": b"", "method": "HEAD"}, Outcome.OK),
    "no content": End({"response": b"", "status": 204}, Outcome.OK),
    "text is text": End({"response": b"hello", "media": "text/plain"}, Outcome.OK),
    "several JSON documents": End({"response": b"{}\n{}", "media": "application/x-ndjson"}, Outcome.OK),
    "a list": End({"response": b"[]"}, Outcome.OK),
    "502 with HTML": End({"response": b"<html>", "media": "text/html", "status": 502}, Outcome.UPSTREAM_ERROR, "502"),
    "502 with broken JSON": End({"response": b"{", "status": 502}, Outcome.UPSTREAM_ERROR, "502"),
    "a failed job is a fine answer": End(
        {
            "response": b'{"id":"ftjob-1","error":{"code":"x","message":"m"}}',
            "path": "/v1/fine_tuning/jobs/ftjob-1",
            "method": "GET",
        },
        Outcome.OK,
    ),
    "the proxy's verdict stands": End(
        {"response": b'{"error":{"message":"m"}}', "status": 502, "outcome": Outcome.TIMEOUT, "error_type": "response_timeout"},
        Outcome.TIMEOUT,
        "response_timeout",
    ),
    "the client left in the middle of a JSON reply": End(
        {"response": b'{"id":"c-1","choi', "outcome": Outcome.CLIENT_GONE}, Outcome.CLIENT_GONE
    ),
    "the client left a stream": End(
        {"response": STREAM[:200], "media": SSE, "outcome": Outcome.CLIENT_GONE}, Outcome.CLIENT_GONE
    ),
    "an empty stream": End(
        {"response": b"", "media": SSE}, Outcome.STREAM_ERROR, "truncated_stream", "the stream stopped without a finish reason"
    ),
    "an empty stream of Anthropic's": End(
        {"response": b"", "media": SSE, "path": "/v1/messages"},
        Outcome.STREAM_ERROR,
        "truncated_stream",
        "the stream stopped without a finish reason",
    ),
    "a stream that was cut in its first event": End(
        {"response": b'data: {"candidates": [{', "media": SSE, "path": "/v1beta/models/m:streamGenerateContent?alt=sse"},
        Outcome.STREAM_ERROR,
        "truncated_stream",
        "the stream stopped without a finish reason",
    ),
    "an empty stream of nobody knows what": End({"response": b"", "media": SSE, "path": "/v1/events"}, Outcome.OK),
    "a finish reason is an end": End({"response": sse(chunk(finish_reason="stop"), done=False), "media": SSE}, Outcome.OK),
    "[DONE] is an end": End({"response": sse(chunk("a")), "media": SSE}, Outcome.OK),
    "the usage chunk is an end": End(
        {"response": sse(chunk("a"), {"choices": [], "usage": USAGE}, done=False), "media": SSE}, Outcome.OK
    ),
    "an error in one choice": End(
        {
            "response": orjson.dumps(
                {"id": "c", "choices": [{"finish_reason": "error", "error": {"code": 502, "message": "m"}}]}
            )
        },
        Outcome.UPSTREAM_ERROR,
        "502",
        "m",
    ),
    "an error event": End(
        {"response": b'event: error\ndata: {"message":"busy","code":"overloaded"}\n\n', "media": SSE},
        Outcome.STREAM_ERROR,
        "overloaded",
        "busy",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_how_it_ended(name: str) -> None:
    end = ENDS[name]
    call = decode(exchange(**end.given), BOOK)
    assert (call.outcome, call.error_type, call.error_message) == (end.outcome, end.kind, end.message)


def test_a_cancelled_stream_without_usage_is_estimated() -> None:
    call = decode(exchange(STREAM[:300], media=SSE, outcome=Outcome.CLIENT_GONE), BOOK)
    assert (call.usage_source, call.input_tokens) == (UsageSource.ESTIMATED, None)  # nothing is known of the request
    assert call.finish_reasons == ("error",)


def test_only_a_post_is_billed() -> None:
    call = decode(exchange(orjson.dumps(ANSWER), method="GET", path="/v1/chat/completions/chatcmpl-123"), BOOK)
    assert (call.usage_source, call.usage_raw, call.total_tokens, call.price_source, call.response_model) == (
        UsageSource.NONE,
        "",
        None,
        "",
        "gpt-4o-mini",
    )


def test_without_content_nothing_of_it_is_kept() -> None:
    call = decode(exchange(orjson.dumps(ANSWER), b'{"model":"m"}', content=False), BOOK)
    assert (call.content, call.request_hash) == (None, "")


def test_bodies_headers_and_binary_replies() -> None:
    sent = exchange(
        b"ID3\0",
        b'{"input":"say"}',
        path="/v1/audio/speech",
        media="audio/mpeg",
        request_headers=(("A", "1"), ("a", "2"), ("A", "3")),
    )
    content = decode(sent, BOOK).content
    assert content is not None
    assert content.request_headers == {"A": "1, 3", "a": "2"}
    assert (content.request_body, content.response_body, content.assembled) == (
        '{"input":"say"}',
        "[binary audio/mpeg, 4 bytes]",
        "",
    )


def test_the_hash_tells_requests_apart() -> None:
    def of(request: Body) -> str:
        return decode(exchange(b"{}", request=request), BOOK).request_hash

    hashes = [of(body(b"a")), of(body(b"b")), of(Body(b"a", b"b", 9, True)), of(Body(b"a", b"b", 10, True))]
    assert len(set(hashes)) == 4
    assert {len(one) for one in hashes} == {16}
    assert of(body(b"ab")) == of(Body(b"a", b"b", 2))
    assert of(body(b"")) == ""


def test_a_websocket_is_one_call_without_bodies() -> None:
    sent = exchange(b"binary", path="/v1/realtime?model=gpt-realtime", method="GET", status=101, websocket=True)
    call = decode(sent, BOOK)
    assert (call.operation, call.endpoint, call.content, call.outcome) == ("realtime", "/v1/realtime", None, Outcome.OK)


def test_unpriced_calls_say_why() -> None:
    assert decode(exchange(orjson.dumps({**ANSWER, "model": "ours"}), b"{}"), BOOK).price_source == (
        "none: model ours is not in the price list of openai"
    )
    assert decode(exchange(b"{}"), BOOK).price_source == "none: no usage reported"
    assert decode(exchange(b"{}", method="GET", path="/v1/models"), BOOK).price_source == ""


def test_an_answer_from_the_cache_spends_nothing_and_says_what_it_saved() -> None:
    asked = decode(exchange(orjson.dumps(ANSWER)), BOOK)
    hit = decode(exchange(orjson.dumps(ANSWER), outcome=Outcome.CACHE_HIT, cache_status="HIT", sent_ns=0), BOOK)
    assert asked.cost_usd
    assert asked.saved_usd is None
    assert (hit.cost_usd, hit.input_cost_usd, hit.output_cost_usd, hit.saved_usd) == (0, 0, 0, asked.cost_usd)
    assert (hit.outcome, hit.cache_status, hit.usage_source, hit.price_source) == (
        Outcome.CACHE_HIT,
        "HIT",
        UsageSource.PROVIDER,
        asked.price_source,
    )
    assert (hit.input_tokens, hit.output_tokens, hit.total_tokens, hit.usage_raw) == (10, 5, 15, asked.usage_raw)
    assert hit.proxy_us is None


@pytest.mark.parametrize("status", ["HIT", "SEMANTIC HIT"])
def test_a_client_that_leaves_a_cached_answer_spends_nothing_either(status: str) -> None:
    left = exchange(STREAM, media=SSE, outcome=Outcome.CLIENT_GONE, cache_status=status)
    call = decode(left, BOOK)
    assert (call.outcome, call.cost_usd) == (Outcome.CLIENT_GONE, 0)
    assert call.saved_usd


@pytest.mark.parametrize("status", ["MISS", "SEMANTIC MISS", "REFRESH", "DISABLED"])
def test_what_the_cache_did_not_answer_is_paid(status: str) -> None:
    call = decode(exchange(orjson.dumps(ANSWER), cache_status=status), BOOK)
    assert (call.cache_status, call.saved_usd) == (status, None)
    assert call.cost_usd


def test_what_a_hit_saved_may_be_unknown_what_it_spent_is_not() -> None:
    hit = {"outcome": Outcome.CACHE_HIT, "cache_status": "HIT"}
    unpriced = decode(exchange(orjson.dumps({**ANSWER, "model": "ours"}), b"{}", **hit), BOOK)
    assert (unpriced.cost_usd, unpriced.saved_usd, unpriced.price_source) == (
        0,
        None,
        "none: model ours is not in the price list of openai",
    )
    unused = decode(exchange(b'{"id":"c"}', **hit), BOOK)
    assert (unused.cost_usd, unused.saved_usd, unused.price_source) == (0, None, "none: no usage reported")
    assert unused.usage_source == UsageSource.NONE


def test_the_tokens_of_a_cached_stream_have_no_pace() -> None:
    call = decode(exchange(STREAM, media=SSE, outcome=Outcome.CACHE_HIT, cache_status="HIT"), BOOK)
    assert (call.ttft_ms, call.itl_p50_ms, call.itl_max_ms, call.itl_digest) == (20.0, None, None, ())


def test_what_the_front_doors_noted() -> None:
    noted = {"prompt_id": "pp-x-123", "prompt_version": "4", "key_id": "key_1", "notes": ("config: retry is ignored",)}
    call = decode(exchange(b"{}", b"{}", **noted), BOOK)
    assert (call.prompt_id, call.prompt_version, call.key_id, call.notes) == tuple(noted.values())


def test_a_request_that_a_front_door_made() -> None:
    """The headers are the client's, and so say how `original` was coded, not `request`."""
    first = b'{"model":"openai/gpt-4o","memory_strategy":{"name":"last_k"},"temperature":0.5,"variables":{"secret":"text"}}'
    made = b'{"model":"gpt-4o","messages":[],"temperature":0.5,"logprobs":true}'
    headers = (("content-type", "application/json; charset=utf-8"), ("content-encoding", "gzip"))
    sent = exchange(b"{}", made, original=body(gzip.compress(first)), request_headers=headers, path="/v4/beta/chat/completions")
    call = decode(sent, BOOK)
    assert (call.request_model, call.temperature) == ("gpt-4o", 0.5)
    assert call.extra_parameters == {"logprobs": "true", "memory_strategy": '{"name":"last_k"}'}
    assert call.content is not None
    assert (call.content.request_body, call.content.original_body) == (made.decode(), first.decode())


def test_without_another_body_there_is_no_original() -> None:
    content = decode(exchange(b"{}", b'{"logprobs":true}'), BOOK).content
    assert content is not None
    assert (content.request_body, content.original_body) == ('{"logprobs":true}', "")


DAMAGED = st.builds(
    Chunks, st.binary(max_size=20), st.one_of(st.binary(max_size=20), st.just(array("I", [5, 4_000_000_000]).tobytes()))
)
MEDIA = st.sampled_from(
    [
        *("application/json", SSE, "", "text/plain", "multipart/form-data", "application/octet-stream"),
        *("application/x-ndjson", "application/vnd.amazon.eventstream"),
    ]
)
BYTES = st.one_of(st.binary(max_size=80), JSON.map(orjson.dumps), st.lists(JSON, max_size=3).map(lambda many: sse(*many)))


@given(
    BYTES,
    BYTES,
    BYTES,
    MEDIA,
    st.sampled_from(["", "gzip", "deflate", "zstd", "br", "what"]),
    DAMAGED,
    st.booleans(),
    st.sampled_from(
        [
            *("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/files", "", "?", "/v1/messages", "/api/chat"),
            *("/v1beta/models/m:streamGenerateContent", "/model/%3A/converse-stream", "/model//invoke", "/v2/chat"),
        ]
    ),
    st.sampled_from([0, 101, 200, 204, 404, 502]),
)
def test_nothing_that_comes_from_outside_makes_it_raise(
    head: bytes, tail: bytes, request: bytes, media: str, coding: str, arrived: Chunks, truncated: bool, path: str, status: int
) -> None:
    sent = msgspec.structs.replace(
        exchange(path=path, status=status),
        request=Body(request, tail, 500, truncated),
        original=Body(tail, request, len(path), truncated),
        response=Body(head, tail, 500, truncated),
        response_headers=(("content-type", media), ("content-encoding", coding)),
        request_headers=(("content-type", media),),
        chunks=arrived,
    )
    call = decode(sent, BOOK)
    assert call.outcome in set(Outcome)
    assert call == decode(sent, BOOK)
    assert msgspec.msgpack.encode(call)
