"""Whole records: nothing that was planted is in the encoded form, figures stay, and what cannot be searched is not kept."""

import json
import uuid
from array import array

import msgspec
import pytest

from tests.patterns.planted import CARDS, EMAILS, KEYS
from tracer.ids import otel_trace_id
from tracer.patterns import redactor
from tracer.patterns.redactor import NOT_KEPT, Redactor, redactor_of
from tracer.records import Body, Chunks, Exchange, Outcome, TraceContext
from tracer.signals import AppSpan, Feedback, encode_signal

MAIL = EMAILS[0]
STREAM = [
    b'data: {"choices":[{"index":0,"delta":{"content":"john.doe@"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"example.com"}}]}\n\n',
]


def every() -> Redactor:
    found = redactor_of(("all",), {})
    assert found
    return found


def exchange(**more: object) -> Exchange:
    body = json.dumps({"user": MAIL, "messages": [{"content": MAIL}], "usage": {"total_tokens": 12}}).encode()
    known = Exchange(
        call_id=uuid.uuid4(),
        started_ns=1,
        trace=TraceContext(
            trace_id=f"of {MAIL}",
            span_id="s",
            otel_trace_id="1" * 32,
            otel_span_id="2" * 16,
            parent_span_id=MAIL,
            otel_parent_span_id="3" * 16,
            span_name=MAIL,
            metadata={"_user": MAIL, MAIL: "x"},
        ),
        door="openai",
        provider="openai",
        upstream="api.openai.com",
        method="POST",
        path="/v1/chat/completions?user=john.doe%40example.com",
        client=f"x {MAIL}",
        request_headers=(("content-type", "application/json"), ("user-agent", MAIL)),
        request=Body(body, b"", len(body)),
        original=Body(body, b"", len(body)),
        status=200,
        response_headers=(("content-type", "text/event-stream"), ("x-of", MAIL)),
        response=Body(b"".join(STREAM), b"", 999),
        chunks=Chunks(array("Q", (5, 7)).tobytes(), array("I", map(len, STREAM)).tobytes()),
        outcome=Outcome.OK,
        error_message=f"no such user {MAIL}",
        notes=(f"a note on {MAIL}",),
        end_ns=99,
    )
    return msgspec.structs.replace(known, **more)


def test_nothing_planted_is_in_the_encoded_record() -> None:
    before = exchange()
    clean = every().exchange(before)
    encoded = msgspec.msgpack.encode(clean)
    assert b"john" not in encoded
    assert b"example" not in encoded
    assert json.loads(clean.request.head)["usage"] == {"total_tokens": 12}
    assert clean.response.size == 999
    assert clean.chunks.at_ns == before.chunks.at_ns
    assert sum(array("I", clean.chunks.length)) == len(clean.response.head)
    assert clean.notes[-1].startswith("redacted: email ")
    assert (clean.call_id, clean.end_ns, clean.status) == (before.call_id, 99, 200)


def test_ids_stay_apart_and_fit_those_derived_from_them() -> None:
    other = msgspec.structs.replace(exchange().trace, trace_id="of jane@example.com")
    one, two = every().exchange(exchange()).trace, every().exchange(exchange(trace=other)).trace
    assert one.trace_id != two.trace_id
    assert one.otel_trace_id == otel_trace_id(one.trace_id)
    assert (one.span_id, one.otel_span_id) == ("s", "2" * 16)
    feedback = Feedback(id=uuid.uuid4(), trace_id=f"of {MAIL}", value=1, created_ns=1, version=1)
    assert every().signal(feedback).trace_id == one.trace_id


def test_a_record_without_any_is_as_it_was() -> None:
    plain = Exchange(
        call_id=uuid.uuid4(),
        started_ns=1,
        trace=TraceContext(trace_id="t", span_id="s", otel_trace_id="1" * 32, otel_span_id="2" * 16),
        door="openai",
        method="POST",
        path="/v1/x?a=1",
        request=Body(b'{"a":1}', b"", 7),
        response=Body(b"hello", b"", 5),
    )
    assert every().exchange(plain) == plain


def test_signals() -> None:
    span = AppSpan(
        id="1", trace_id="t", name=MAIL, start_ns=1, input=json.dumps({"a": MAIL}), tags={"a": KEYS["aws"]}, received_ns=2
    )
    clean = every().signal(span)
    assert json.loads(clean.input) == {"a": "[email]"}
    assert (clean.name, clean.tags, clean.id) == ("[email]", {"a": "[key]"}, "1")
    feedback = Feedback(
        id=uuid.uuid4(), trace_id="t", value=1, created_ns=1, version=1, metadata={"by": MAIL, "c": CARDS["visa"]}
    )
    assert every().signal(feedback).metadata == {"by": "[email]", "c": "[card]"}


def test_what_cannot_be_searched_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    def fails(text: str) -> list[tuple[int, int]]:
        raise TimeoutError

    broken = Redactor({"x": fails})
    before = exchange()
    clean = broken.exchange(before)
    assert b"john" not in msgspec.msgpack.encode(clean)
    assert clean.notes == (NOT_KEPT,)
    assert (clean.status, clean.end_ns, clean.path, clean.call_id) == (200, 99, "/v1/chat/completions", before.call_id)
    assert (clean.request.size, clean.request.truncated) == (before.request.size, True)
    assert clean.trace.otel_trace_id == before.trace.otel_trace_id
    assert list(array("I", clean.chunks.length)) == [0, 0]
    assert "redact" in caplog.text
    span = AppSpan(id="1", trace_id=MAIL, name="n", start_ns=1, input="i", received_ns=2)
    emptied = broken.signal(span)
    assert b"john" not in encode_signal(emptied)
    assert (emptied.start_ns, emptied.input) == (1, "")


def test_off_is_off() -> None:
    assert redactor_of((), {}) is None
    assert redactor.redactor_of(("keys",), {}) is not None
