"""Whose call it is: Portkey's headers before W3C's, field by field, and nothing in a header can do harm."""

import json
import re
from collections.abc import Mapping
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tracer.proxy.context import LONGEST, trace_context, traceparent
from tracer.records import TraceContext

CALL_ID = UUID("0199f3a2-0000-7000-8000-000000000001")
NEW_TRACE, NEW_SPAN = "9f2c1a52-6b67-4b6e-9d9b-0a5f0a8a5b11", "00000000000000ab"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def context(headers: Mapping[str, str], method: str = "POST", path: str = "/v1/chat/completions") -> TraceContext:
    return trace_context(CIMultiDict(headers), method, path, CALL_ID, lambda: NEW_TRACE, lambda: NEW_SPAN)


def test_nothing_said() -> None:
    made = context({})
    assert made == TraceContext(
        trace_id=NEW_TRACE,
        span_id=CALL_ID.hex[16:],
        otel_trace_id=NEW_TRACE.replace("-", ""),
        otel_span_id=CALL_ID.hex[16:],
        parent_span_id="",
        otel_parent_span_id="",
        span_name="llm",
        metadata={},
        sampled=True,
    )


def test_traceparent_names_the_parent_and_the_span_is_new() -> None:
    made = context({"traceparent": TRACEPARENT})
    assert (made.trace_id, made.parent_span_id, made.span_id) == (TRACE, PARENT, NEW_SPAN)
    assert (made.otel_trace_id, made.otel_parent_span_id, made.otel_span_id) == (TRACE, PARENT, NEW_SPAN)
    assert made.span_name == "POST /v1/chat/completions"
    assert traceparent(made) == f"00-{TRACE}-{NEW_SPAN}-01"


@pytest.mark.parametrize(
    ("header", "field", "value"),
    [
        ("x-portkey-trace-id", "trace_id", "1729"),
        ("x-portkey-span-id", "span_id", "my span"),
        ("x-portkey-parent-span-id", "parent_span_id", "p"),
        ("X-Portkey-Span-Name", "span_name", "agent step"),
    ],
)
def test_portkeys_headers_win_field_by_field(header: str, field: str, value: str) -> None:
    without, made = context({"traceparent": TRACEPARENT}), context({"traceparent": TRACEPARENT, header: value})
    expected = {
        "trace_id": TRACE,
        "span_id": NEW_SPAN,
        "parent_span_id": PARENT,
        "span_name": "POST /v1/chat/completions",
        field: value,
    }
    assert {name: getattr(made, name) for name in expected} == expected
    changed = f"otel_{field}"
    for name in ("otel_trace_id", "otel_span_id", "otel_parent_span_id"):
        assert (getattr(made, name) == getattr(without, name)) == (name != changed)


@pytest.mark.parametrize("header", ["trace-id", "span-id", "parent-span-id", "span-name", "metadata"])
def test_an_empty_header_says_nothing(header: str) -> None:
    assert context({f"x-portkey-{header}": ""}) == context({})
    assert context({f"x-portkey-{header}": "", "traceparent": TRACEPARENT}) == context({"traceparent": TRACEPARENT})


@pytest.mark.parametrize(
    "value",
    [
        TRACEPARENT.upper(),
        f"  {TRACEPARENT} ",
        f"01-{TRACE}-{PARENT}-01",  # a later version in today's form
        f"cc-{TRACE}-{PARENT}-ff",
    ],
)
def test_traceparents_that_count(value: str) -> None:
    made = context({"traceparent": value})
    assert (made.trace_id, made.parent_span_id, made.sampled) == (TRACE, PARENT, True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"ff-{TRACE}-{PARENT}-01",
        f"FF-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-extra",
        f"00-{TRACE}-{PARENT}-01-",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{TRACE}-{PARENT[:-1]}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-0x",
        f"00_{TRACE}_{PARENT}_01",
        f"{TRACEPARENT}, {TRACEPARENT}",
        f"00-{TRACE[:-1]}٣-{PARENT}-01",  # a digit to Unicode only
    ],
)
def test_traceparents_that_are_ignored(value: str) -> None:
    assert context({"traceparent": value}) == context({})


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("fe", False)])
def test_sampled_is_the_callers_flag(flags: str, sampled: bool) -> None:
    made = context({"traceparent": f"00-{TRACE}-{PARENT}-{flags}"})
    assert made.sampled is sampled
    assert traceparent(made).endswith("-01" if sampled else "-00")


def test_span_name_may_stand_in_the_metadata() -> None:
    metadata = {"x-portkey-metadata": '{"span_name":"from metadata"}'}
    assert context(metadata).span_name == "from metadata"
    assert context({**metadata, "x-portkey-span-name": "from header"}).span_name == "from header"
    assert context({**metadata, "traceparent": TRACEPARENT}, "GET", "/v1/models").span_name == "GET /v1/models"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('{"_user":"ann","env":"prod"}', {"_user": "ann", "env": "prod"}),
        (
            '{"n": 1, "f": 1.5, "t": true, "no": false, "zero": 0}',
            {"n": "1", "f": "1.5", "t": "true", "no": "false", "zero": "0"},
        ),
        ('{"null": null, "empty": "", "list": [], "object": {}}', {"null": "", "empty": "", "list": "", "object": ""}),
        ('{"list": [1, "a"], "object": {"a": {"b": null}}}', {"list": '[1,"a"]', "object": '{"a":{"b":null}}'}),
        ('{"emoji":"\\ud83d\\ude00","uml":"\\u00fc"}', {"emoji": "😀", "uml": "ü"}),
        ('{"raw":"ü"}', {"raw": "ü"}),
        ('{"a":1,"a":2}', {"a": "2"}),
        ('{"":"x"}', {"": "x"}),
        (" {} ", {}),
        ("{'a': 'single quotes'}", {}),
        ('{"a":', {}),
        ("not json", {}),
        ("[1,2]", {}),
        ('"text"', {}),
        ("null", {}),
        ("{" * 5000, {}),
        ('{"lone":"\\ud800"}', {}),
    ],
)
def test_metadata(sent: str, kept: dict[str, str]) -> None:
    assert context({"x-portkey-metadata": sent}).metadata == kept


def test_metadata_is_cut_to_128() -> None:
    sent = {"k" * 129: "v" * 129, "K" * 128: "V" * 128, "ü" * 200: "😀" * 200, "list": list(range(200))}
    kept = context({"x-portkey-metadata": orjson.dumps(sent).decode()}).metadata
    assert kept == {
        "k" * 128: "v" * 128,
        "K" * 128: "V" * 128,
        "ü" * 128: "😀" * 128,
        "list": orjson.dumps(list(range(200))).decode()[:LONGEST],
    }


def test_metadata_nested_beyond_reason() -> None:
    deep = '{"deep":' + "[" * 900 + "]" * 900 + ',"flat":"kept"}'
    assert context({"x-portkey-metadata": deep}).metadata["flat"] == "kept"


@pytest.mark.parametrize(
    ("baggage", "kept"),
    [
        ("a=1,b=2", {"a": "1", "b": "2"}),
        (" a = 1 ;ttl=5;x , b=2", {"a": "1", "b": "2"}),
        ("name=J%C3%BCrgen%20K,eq=a%3Db", {"name": "Jürgen K", "eq": "a=b"}),
        ("eq=a=b==", {"eq": "a=b=="}),
        ("semi=a%3Bb;p=1,comma=a%2Cb", {"semi": "a;b", "comma": "a,b"}),
        ("bad=%zz%C3,ok=1", {"bad": "%zz\ufffd", "ok": "1"}),
        ("no separator,=no key,,;,ok=1", {"ok": "1"}),
        ("a=1,a=2", {"a": "2"}),
        ("plus=a+b", {"plus": "a+b"}),
        ("k" * 200 + "=" + "v" * 200, {"k" * 128: "v" * 128}),
    ],
)
def test_baggage(baggage: str, kept: dict[str, str]) -> None:
    assert context({"baggage": baggage}).metadata == kept


def test_metadata_wins_over_baggage() -> None:
    made = context({"baggage": "a=baggage,b=baggage,c=baggage", "x-portkey-metadata": '{"a":"metadata","c":null}'})
    assert made.metadata == {"a": "metadata", "b": "baggage", "c": ""}
    assert context({"baggage": "a=1", "x-portkey-metadata": "{'a'"}).metadata == {"a": "1"}


def test_ids_are_kept_as_sent() -> None:
    sent = {"x-portkey-trace-id": "Träce \t1", "x-portkey-span-id": "S" * 3000, "x-portkey-parent-span-id": PARENT.upper()}
    made = context(sent)
    assert (made.trace_id, made.span_id, made.parent_span_id) == tuple(sent.values())
    assert made.otel_parent_span_id == PARENT
    assert context(sent).otel_trace_id == made.otel_trace_id


NAMES = [
    "traceparent",
    "baggage",
    "tracestate",
    *(f"x-portkey-{name}" for name in ("trace-id", "span-id", "parent-span-id", "span-name", "metadata")),
]
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([TRACEPARENT.encode(), b"{}", b'{"a":[{}]}', b"a=%ff", b'{"a":"\xff"}', b"\xed\xa0\x80", b"\xff" * 200]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()), st.lists, max_leaves=5
    ).map(lambda value: json.dumps({"k": value}).encode()),
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.binary(max_size=20))
def test_any_bytes_give_ids_that_can_be_stored(headers: dict[str, bytes], path: bytes) -> None:
    made = context(
        {name: value.decode("utf-8", "surrogateescape") for name, value in headers.items()}, path=path.decode("latin-1")
    )
    assert made.trace_id
    assert made.span_id
    assert made.span_name
    assert re.fullmatch("[0-9a-f]{32}", made.otel_trace_id)
    assert re.fullmatch("[0-9a-f]{16}", made.otel_span_id)
    assert bool(made.parent_span_id) == bool(made.otel_parent_span_id)
    texts = [made.trace_id, made.span_id, made.parent_span_id, made.span_name, *made.metadata, *made.metadata.values()]
    for text in texts:
        text.encode()  # no surrogates: it must fit into a record
    assert all(len(key) <= LONGEST and len(value) <= LONGEST for key, value in made.metadata.items())
