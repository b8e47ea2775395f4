import gzip
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.cache.entry import Entry, complete, decode, encode, replayed

JSON = [(b"Content-Type", b"application/json; charset=utf-8")]
SSE = [(b"content-type", b"text/event-stream; charset=utf-8")]
ENTRIES = st.builds(
    Entry,
    headers=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=2).map(tuple),
    body=st.binary(max_size=50),
    stored_at_ms=st.integers(0, 2**50),
    expires_at_ms=st.integers(0, 2**50),
    usage_requested=st.booleans(),
    call_id=st.text(max_size=5),
)


def events(*documents: dict[str, Any], done: bool = True, name: str = "") -> bytes:
    start = f"event: {name}\n".encode() if name else b""
    data = b"".join(start + b"data: " + orjson.dumps(document) + b"\n\n" for document in documents)
    return data + (b"data: [DONE]\n\n" if done else b"")


CHUNK = {"choices": [{"index": 0, "delta": {"content": "an error is no error in a text"}}]}
LAST = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
ANSWER = {"id": "c", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}


@given(ENTRIES)
def test_what_comes_back_is_what_went_in(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


@given(ENTRIES, st.data())
def test_damage_is_nothing_rather_than_something_else(entry: Entry, data: Any) -> None:
    stored = bytearray(encode(entry))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    assert decode(bytes(stored)) is None
    assert decode(encode(entry)[: data.draw(st.integers(0, len(stored) - 1))]) is None


@given(st.binary())
def test_foreign_bytes_are_nothing(stored: bytes) -> None:
    assert decode(stored) is None


def test_an_entry_of_another_shape_is_nothing() -> None:
    import zlib

    data = orjson.dumps({"not": "an entry"})
    assert decode(b"TC1" + zlib.crc32(data).to_bytes(4, "big") + data) is None


def test_only_headers_that_belong_to_the_bytes_are_sent_again() -> None:
    sent = [
        (b"Content-Type", b"application/json"),
        (b"content-encoding", b"gzip"),
        (b"x-request-id", b"req_1"),
        (b"x-ratelimit-remaining-requests", b"9"),
        (b"Set-Cookie", b"secret=1"),
        (b"date", b"today"),
        (b"content-length", b"10"),
        (b"transfer-encoding", b"chunked"),
        (b"openai-organization", b"org"),
    ]
    assert replayed(sent) == (("Content-Type", "application/json"), ("content-encoding", "gzip"))


WHOLE = {
    "an answer": (JSON, orjson.dumps(ANSWER)),
    "embeddings as a bare list": (JSON, b"[[0.1]]"),
    "a kind of JSON": ([(b"content-type", b"application/vnd.api+json")], b'{"a":1}'),
    "an empty error": (JSON, orjson.dumps({**ANSWER, "error": None})),
    "compressed": ([*JSON, (b"content-encoding", b"gzip")], gzip.compress(orjson.dumps(ANSWER))),
    "a response": (JSON, b'{"object":"response","status":"completed","error":null}'),
    "a response that met its limit": (JSON, b'{"object":"response","status":"incomplete"}'),
    "a stream": (SSE, events(CHUNK, LAST)),
    "a stream with CRLF": (SSE, events(CHUNK, LAST).replace(b"\n", b"\r\n")),
    "a stream with comments": (SSE, b": hello\n\n" + events(CHUNK, LAST)),
    "a compressed stream": ([*SSE, (b"content-encoding", b"gzip")], gzip.compress(events(CHUNK, LAST))),
    "Anthropic's stream": (SSE, events({"type": "message_stop"}, done=False, name="message_stop")),
    "the responses API's stream": (SSE, events({"type": "response.completed", "response": {}}, done=False)),
    "Gemini's stream": (SSE, events({"candidates": [{"finishReason": "STOP"}]}, done=False)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_answers(name: str) -> None:
    headers, body = WHOLE[name]
    assert complete(200, headers, body)
    assert not complete(201, headers, body)
    assert not complete(500, headers, body)


@pytest.mark.parametrize("name", WHOLE)
def test_no_beginning_of_a_whole_answer_is_one(name: str) -> None:
    headers, body = WHOLE[name]
    assert not [end for end in range(len(body)) if complete(200, headers, body[:end]) and body[end:].strip()]


NOT_WHOLE = {
    "nothing": (JSON, b""),
    "not JSON": (JSON, b"<html>"),
    "an error as a body": (JSON, b'{"error":{"message":"m","type":"t"}}'),
    "an error as a text": (JSON, b'{"error":"m"}'),
    "Anthropic's error": (JSON, b'{"type":"error"}'),
    "vLLM's error": (JSON, b'{"object":"error","message":"m"}'),
    "an error inside a choice": (JSON, b'{"choices":[{"error":{"code":502}}]}'),
    "a choice that failed": (JSON, b'{"choices":[{"finish_reason":"error"}]}'),
    "a response that is not ready": (JSON, b'{"object":"response","status":"queued"}'),
    "a response that failed": (JSON, b'{"object":"response","status":"failed"}'),
    "a scalar": (JSON, b"1"),
    "an empty list": (JSON, b"[]"),
    "audio": ([(b"content-type", b"audio/mpeg")], b"ID3"),
    "text": ([(b"content-type", b"text/plain")], b"hello"),
    "no kind": ([], orjson.dumps(ANSWER)),
    "an unknown coding": ([*JSON, (b"content-encoding", b"compress")], b"??"),
    "cut gzip": ([*JSON, (b"content-encoding", b"gzip")], gzip.compress(orjson.dumps(ANSWER))[:-20]),
    "a stream without an end": (SSE, events(CHUNK, LAST, done=False)),
    "a stream that goes on behind its end": (SSE, events(LAST) + events(CHUNK, done=False)),
    "a stream whose last line is cut": (SSE, events(LAST)[:-1]),
    "a stream with an error": (SSE, events(CHUNK, {"error": {"message": "m"}})),
    "a stream with an error by name": (SSE, events({"message": "m"}, name="error")),
    "a stream with an error by type": (SSE, events({"type": "error", "message": "m"})),
    "a stream with a failed choice": (SSE, events({"choices": [{"finish_reason": "error"}]})),
    "a response that failed in a stream": (SSE, events({"type": "response.failed", "response": {}})),
    "an event too long to read": (SSE, b"data: " + b"x" * (9 << 20) + b"\n\n" + events(LAST)),
    "a bomb": ([*JSON, (b"content-encoding", b"gzip")], gzip.compress(b"[" + b" " * (17 << 20) + b"1]")),
}


@pytest.mark.parametrize("name", NOT_WHOLE)
def test_what_is_not_an_answer_to_give_again(name: str) -> None:
    headers, body = NOT_WHOLE[name]
    assert not complete(200, headers, body)


@given(
    st.sampled_from([JSON, SSE, []]),
    st.sampled_from([b"", b"gzip", b"zstd", b"deflate", b"x"]),
    st.binary(max_size=60) | st.builds(lambda text: b"data: " + text + b"\n\n", st.binary(max_size=40)),
)
def test_nothing_that_a_provider_sends_makes_it_raise(headers: Any, coding: bytes, body: bytes) -> None:
    assert complete(200, [*headers, (b"content-encoding", coding)], body) in (True, False)
