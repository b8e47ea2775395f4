from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode

from exporters import span as room
from exporters.attributes import _COPIED, _OF_MANY, alike, error_type
from tests.exporters.otlp_samples import SPAN_ID, STARTED_NS, TRACE_ID, call, content, full_call
from tests.exporters.spans import attributes, to_span
from tracer.records import Call

RESOURCE = Resource({"service.name": "tracer"})


def test_ids_times_and_kind_are_the_calls() -> None:
    span = to_span(full_call(), RESOURCE, with_content=False)
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.context.span_id:016x}" == SPAN_ID
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE_ID, "00f067aa0ba902b7")
    assert span.parent.is_remote
    assert span.kind is SpanKind.CLIENT
    assert (span.start_time, span.end_time) == (STARTED_NS, STARTED_NS + 1_500_250_000)
    assert span.resource is RESOURCE
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "tracer"


def test_a_call_without_a_parent_is_a_root() -> None:
    assert to_span(call(), RESOURCE, with_content=False).parent is None


def test_a_naive_start_is_utc() -> None:
    naive = call(started_at=datetime(2026, 11, 21, 10, 20, 30, 123_457))  # noqa: DTZ001
    assert to_span(naive, RESOURCE, with_content=False).start_time == STARTED_NS


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"request_model": "gpt-4o"}, "chat gpt-4o"),
        ({}, "chat"),
        ({"span_name": "my step", "request_model": "gpt-4o"}, "chat gpt-4o"),
        ({"operation": "", "method": "GET", "endpoint": "/v1/models?after=x"}, "GET /v1/models"),
        ({"operation": "", "method": "", "endpoint": "", "span_name": "my step"}, "my step"),
    ],
)
def test_name(fields: dict[str, str], name: str) -> None:
    assert to_span(call(**fields), RESOURCE, with_content=False).name == name


def test_success_leaves_the_status_unset_and_names_no_error() -> None:
    for outcome in ("ok", "cache_hit"):
        span = to_span(call(outcome=outcome, error_type="x", status_code=200), RESOURCE, with_content=False)
        assert span.status.status_code is StatusCode.UNSET
        assert "error.type" not in (span.attributes or {})


@pytest.mark.parametrize(
    ("fields", "kind", "description"),
    [
        ({"error_type": "rate_limit_exceeded", "error_message": "slow down"}, "rate_limit_exceeded", "slow down"),
        ({"error_type": "connect_refused"}, "connect_refused", "connect_refused"),
        ({"error_type": "No such key: 12 34", "status_code": 401}, "401", "No such key: 12 34"),
        ({"status_code": 200}, "upstream_error", "upstream_error"),
        ({"outcome": ""}, "_OTHER", None),
        ({"error_message": "x" * 5000, "error_type": "e"}, "e", "x" * 1024),
    ],
)
def test_a_failure_says_what_it_was(fields: dict[str, str], kind: str, description: str | None) -> None:
    failed = call(**{"outcome": "upstream_error", **fields})
    span = to_span(failed, RESOURCE, with_content=False)
    assert error_type(failed) == kind
    assert (span.attributes or {})["error.type"] == kind
    assert span.status.status_code is StatusCode.ERROR
    assert (span.status.description or None) == description


def test_a_bare_call_claims_nothing_that_it_does_not_know() -> None:
    assert attributes(call(), with_content=False) == {
        "gen_ai.operation.name": "chat",
        "tracer.attempt": 0,
        "tracer.cache_status": "DISABLED",
        "tracer.call_id": "019aa5f0-0000-7000-8000-000000000001",
        "tracer.door": "openai",
        "tracer.endpoint": "/v1/chat/completions",
        "tracer.outcome": "ok",
        "tracer.span_id": "step-1",
        "tracer.span_name": "llm",
        "tracer.trace_id": "order-7",
        "tracer.usage_source": "none",
    }


def test_numbers_keep_the_conventions_types_and_units() -> None:
    found = attributes(full_call(), with_content=False)
    assert found["gen_ai.response.time_to_first_chunk"] == 0.25
    assert found["gen_ai.usage.cache_write.input_tokens"] == found["gen_ai.usage.cache_creation.input_tokens"] == 4
    assert found["gen_ai.usage.cost"] == found["tracer.cost.usd"] == 0.00125
    assert isinstance(found["gen_ai.request.temperature"], float)
    assert found["gen_ai.response.finish_reasons"] == ("stop", "error")
    assert found["gen_ai.request.choice.count"] == 2
    assert found["tracer.metadata.team"] == "blue"


def test_zero_is_a_value_and_one_choice_is_not_worth_saying() -> None:
    found = attributes(call(input_tokens=0, temperature=0.0, n=1, stream=False, ttfb_ms=5.0), with_content=False)
    assert found["gen_ai.usage.input_tokens"] == 0
    assert found["gen_ai.request.temperature"] == 0.0
    assert not {"gen_ai.request.choice.count", "gen_ai.request.stream", "gen_ai.response.time_to_first_chunk"} & set(found)


def test_only_a_session_makes_a_conversation() -> None:
    assert "gen_ai.conversation.id" not in attributes(call(), with_content=False)
    assert attributes(call(session_id="s"), with_content=False)["gen_ai.conversation.id"] == "s"


def test_openai_attributes_are_openais_only() -> None:
    fields = {"system_fingerprint": "fp", "service_tier": "flex", "endpoint": "/v1/responses"}
    found = attributes(call(provider="openai", **fields), with_content=False)
    assert (found["openai.api.type"], found["openai.response.system_fingerprint"]) == ("responses", "fp")
    other = attributes(call(provider="groq", **fields), with_content=False)
    assert not [name for name in other if name.startswith("openai.")]
    assert (other["tracer.system_fingerprint"], other["tracer.service_tier"]) == ("fp", "flex")


@pytest.mark.parametrize(
    ("upstream", "address", "port"),
    [
        ("api.openai.com", "api.openai.com", 443),
        ("127.0.0.1:11434", "127.0.0.1", 11434),
        ("[::1]:8080", "::1", 8080),
        ("host:notaport", "host:notaport", None),
    ],
)
def test_the_server_is_the_provider(upstream: str, address: str, port: int | None) -> None:
    found = attributes(call(upstream=upstream), with_content=False)
    assert (found["server.address"], found.get("server.port")) == (address, port)


def test_content_is_there_only_when_asked_for() -> None:
    spoken = call(content=content())
    assert "Hi" not in str(attributes(spoken, with_content=False))
    assert "Hi" in str(attributes(spoken, with_content=True)["gen_ai.input.messages"])
    assert attributes(call(), with_content=True) == attributes(call(), with_content=False)


def test_every_copied_field_exists() -> None:
    assert {field for _, field, _ in _COPIED} <= {field.name for field in fields(Call)}


anything = st.text(alphabet=st.characters(), max_size=20) | st.sampled_from(["\ud800", "a\udfffb", "\0"])


@given(text=anything, number=st.integers(), real=st.floats(), keys=st.dictionaries(anything, anything, max_size=3))
def test_whatever_a_call_holds_its_span_can_be_encoded(text: str, number: int, real: float, keys: dict[str, str]) -> None:
    odd = full_call(
        **dict.fromkeys(("request_model", "user", "upstream", "error_type", "error_message", "provider"), text),
        **dict.fromkeys(("seed", "n", "max_tokens", "input_tokens"), number),
        temperature=real,
        metadata=keys,
        finish_reasons=(text,),
    )
    encoded = encode_spans([to_span(odd, RESOURCE, with_content=True)])
    (sent,) = encoded.resource_spans[0].scope_spans[0].spans
    # An attribute that cannot be encoded would be dropped by the encoder, with a traceback in the log.
    assert len(sent.attributes) == len(attributes(odd, with_content=True))
    encoded.SerializeToString()


def read(encoded: bytes) -> Span:
    """The message, with its attributes in the order of their names: a span's are a set."""
    found = Span.FromString(encoded)
    in_order = sorted(found.attributes, key=lambda attribute: attribute.key)
    del found.attributes[:]
    found.attributes.extend(in_order)
    return found


def library(call: Call, with_content: bool) -> Span:
    (made,) = encode_spans([to_span(call, RESOURCE, with_content)]).resource_spans[0].scope_spans[0].spans
    return read(made.SerializeToString())


names = st.sampled_from(["", "a", "b", "é\ud800", "stop"])
numbers = st.none() | st.sampled_from([0, 1, 2**63, -(2**63)]) | st.integers()
reals = st.none() | st.sampled_from([0, 1, 0.0, 1.0, -0.0]) | st.floats(allow_nan=False)


@settings(max_examples=25)
@given(data=st.data(), with_content=st.booleans())
def test_any_calls_bytes_read_as_what_the_library_makes_of_its_span(data: st.DataObject, with_content: bool) -> None:
    """Call after call, so that what one has left in memory is used for the next."""
    made = full_call(content=content())
    for _ in range(3):
        for field in fields(Call):
            kind = {kind for _, name, kind in _COPIED if name == field.name}
            if field.name == "call_id" or not kind or data.draw(st.booleans()):
                continue
            drawn = {str: names, int: numbers, float: reals, tuple: st.lists(names, max_size=2).map(tuple)}[kind.pop()]
            made = replace(made, **{field.name: data.draw(drawn)})
        assert read(room.encode(made, with_content)) == library(made, with_content)


def test_one_zero_is_not_remembered_for_the_other() -> None:
    for temperature in (0.0, -0.0, 0.0):
        made = full_call(temperature=temperature)
        assert read(room.encode(made, False)) == library(made, False)


def test_what_is_alike_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_remembered", {})
    calls = [full_call(call_id=UUID(int=number), input_tokens=number, request_hash=str(number)) for number in range(5)]
    for each in calls:
        assert read(room.encode(each, with_content=False)) == library(each, with_content=False)
    assert len(room._remembered) == 1
    room.encode(full_call(max_tokens=75), with_content=False)
    assert len(room._remembered) == 2


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_remembered", {})
    monkeypatch.setattr(room, "_MOST_REMEMBERED", 3)
    for number in range(10):
        room.encode(call(request_model=str(number)), with_content=False)
        room.encode(call(request_model=str(number) * 5000), with_content=False)
    assert 0 < len(room._remembered) <= 3


def test_everything_that_is_looked_at_for_what_is_alike_is_in_its_key() -> None:
    """A field that is left out of the key would say of one call what is true of another."""

    class Watched:
        def __init__(self) -> None:
            self.seen: set[str] = set()
            self.call = full_call(provider="openai", n=2)

        def __getattr__(self, name: str) -> object:
            self.seen.add(name)
            return getattr(self.call, name)

    for operation in ("chat", ""):
        watched = Watched()
        watched.call = replace(watched.call, operation=operation)
        alike(watched)  # type: ignore[arg-type]
        room.span_name(watched)  # type: ignore[arg-type]
        assert watched.seen <= set(_OF_MANY)
