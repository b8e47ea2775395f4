"""Signals in the spool: told from exchanges, readable for ever, without secrets."""

import contextlib
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.samples import app_span, feedback, full_app_span
from tracer import ids, signals
from tracer.records import Exchange, TraceContext
from tracer.signals import AppSpan, Feedback, Signal

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NS = st.integers(0, 2**63 - 1)
SPANS = st.builds(
    AppSpan,
    id=TEXT,
    trace_id=TEXT,
    name=TEXT,
    start_ns=NS,
    end_ns=NS,
    received_ns=NS,
    input=TEXT,
    tags=st.dictionaries(TEXT, TEXT),
)
OPINIONS = st.builds(
    Feedback,
    id=st.uuids(),
    trace_id=TEXT,
    value=st.floats(-10, 10),
    created_ns=NS,
    version=NS,
    metadata=st.dictionaries(TEXT, TEXT),
)


@given(SPANS | OPINIONS)
def test_a_signal_comes_back_from_the_spool(record: Signal) -> None:
    payload = signals.encode_signal(record)
    assert signals.is_signal(payload)
    assert signals.decode_signal(payload) == record
    assert 0 <= record.version < 2**64


@given(st.binary(max_size=40))
def test_other_bytes_are_an_error_and_nothing_worse(payload: bytes) -> None:
    with contextlib.suppress(msgspec.MsgspecError):
        signals.decode_signal(payload)


def test_what_was_spooled_before_there_were_signals_is_an_exchange() -> None:
    trace = TraceContext(trace_id="t", span_id="s", otel_trace_id="1" * 32, otel_span_id="2" * 16)
    for texts in ({}, {"error_message": "x" * 70_000, "client": "y"}):
        exchange = Exchange(call_id=UUID(int=1), started_ns=1, trace=trace, door="openai", method="GET", path="/", **texts)
        assert not signals.is_signal(msgspec.msgpack.encode(exchange))
    assert not signals.is_signal(b"")


def test_what_is_spooled_today_stays_readable() -> None:
    """The arrays of the first version with signals: whoever adds a field adds it behind these, with a default."""
    # fmt: off
    whole = ["span", "id", "trace", "parent", "group", "name", "T", "ERROR", 5, 9, "i", "o", "e", "m", "v", "n", "ot", "os",
             "acc", {"a": "b"}, 7, "key", "ws"]
    # fmt: on
    assert signals.decode_signal(msgspec.msgpack.encode(whole)) == AppSpan(
        id="id",
        trace_id="trace",
        parent_id="parent",
        group_id="group",
        name="name",
        type="T",
        status="ERROR",
        start_ns=5,
        end_ns=9,
        input="i",
        output="o",
        expected="e",
        metadata="m",
        application_variant_id="v",
        application_interaction_id="n",
        obs_trace_id="ot",
        obs_span_id="os",
        account="acc",
        tags={"a": "b"},
        received_ns=7,
        key_id="key",
        workspace="ws",
    )
    opinion = ["feedback", UUID(int=1), "trace", 3, 0.5, {"a": "b"}, 4, 5, "key", "ws"]
    assert signals.decode_signal(msgspec.msgpack.encode(opinion)) == Feedback(
        id=UUID(int=1),
        trace_id="trace",
        value=3.0,
        weight=0.5,
        metadata={"a": "b"},
        created_ns=4,
        version=5,
        key_id="key",
        workspace="ws",
    )


SECRET = 'sk-"quo\\ted"/slash'


def places(record: Signal) -> dict[str, Any]:
    """Every text of a record with the secret in it."""
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    texts = {name: f"a {SECRET} z" for name, value in values.items() if isinstance(value, str)}
    maps = {name: {f"k {SECRET}": f"v {SECRET}"} for name, value in values.items() if isinstance(value, dict)}
    return texts | maps


@pytest.mark.parametrize("record", [full_app_span(1), feedback(1)], ids=["span", "feedback"])
def test_no_secret_stays_in_any_field(record: Signal) -> None:
    marked = msgspec.structs.replace(record, **places(record))
    clean = signals.without_secrets(marked, (SECRET.encode(),))
    assert SECRET.encode() not in signals.encode_signal(clean)
    assert clean.trace_id == f"a {'*' * len(SECRET)} z"
    assert signals.without_secrets(record, (SECRET.encode(), b"\xff\xfe" * 5)) is record


def test_a_secret_is_hidden_in_json_texts_too() -> None:
    text = msgspec.json.encode({"key": SECRET}).decode()
    clean = signals.without_secrets(app_span(1, input=text), (SECRET.encode(),))
    assert set(msgspec.json.decode(clean.input)["key"]) == {"*"}


def test_ids_are_derived_as_those_of_calls() -> None:
    span = app_span(1, trace_id="3F2504E0-4F89-41D3-9A0C-0305E82C3301", parent_id="b7ad6b7169203331")
    assert span.otel_trace_id == ids.otel_trace_id("3f2504e0-4f89-41d3-9a0c-0305e82c3301") == "3f2504e04f8941d39a0c0305e82c3301"
    assert span.otel_parent_span_id == "b7ad6b7169203331"
    assert app_span(1).otel_parent_span_id == ""


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.integers(0, 3)), max_size=10))
def test_latest_is_what_sql_would_keep(events: list[tuple[int, bool, int]]) -> None:
    spans = [app_span(n, end_ns=5 if ended else 0, received_ns=at) for n, ended, at in events]
    kept = signals.latest(spans)
    assert [span.id for span in kept] == list(dict.fromkeys(span.id for span in spans))
    for span in kept:
        assert span.version == max(each.version for each in spans if each.id == span.id)
