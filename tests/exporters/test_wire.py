from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.trace.status import Status, StatusCode

from exporters import semconv, wire
from exporters.appspan import to_otel
from exporters.span import SCOPE
from tests.exporters.otlp_samples import call, content, full_call
from tests.exporters.spans import to_span
from tests.store.samples import full_app_span

RESOURCE = Resource({"service.name": "tracer", "team": "blue"}, "https://example.test/schema")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(texts, max_size=3).map(tuple),
    st.lists(st.integers(-5, 5), max_size=3).map(tuple),
)
names = st.one_of(texts.filter(bool), st.sampled_from([semconv.TRACER_CALL_ID, semconv.GEN_AI_REQUEST_MODEL]))
contexts = st.builds(SpanContext, st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=st.just(RESOURCE),
    attributes=st.dictionaries(names, values, max_size=6),
    links=st.lists(st.builds(Link, contexts), max_size=2),
    kind=st.sampled_from(list(SpanKind)),
    status=st.builds(Status, st.just(StatusCode.ERROR), st.none() | texts) | st.builds(Status, st.sampled_from(StatusCode)),
    start_time=st.integers(0, 2**64 - 1),
    end_time=st.none() | st.integers(0, 2**64 - 1),
    instrumentation_scope=st.just(SCOPE),
)


def sent(made: list[ReadableSpan], scope: InstrumentationScope = SCOPE) -> ExportTraceServiceRequest:
    request = wire.Frame(RESOURCE, scope).request([wire.encode(span) for span in made])
    read: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(request)
    return read


@given(st.lists(spans, min_size=1, max_size=3))
def test_any_span_reads_as_what_the_library_makes_of_it(made: list[ReadableSpan]) -> None:
    assert sent(made) == encode_spans(made)


def test_a_call_and_an_applications_span_do_too() -> None:
    made = [
        to_span(full_call(content=content()), RESOURCE, with_content=True),
        to_span(call(), RESOURCE, with_content=False),
        to_otel(full_app_span(1), RESOURCE, with_content=True),
    ]
    assert sent(made) == encode_spans(made)


def test_values_that_are_one_key_to_a_dictionary_stay_apart() -> None:
    made = [
        ReadableSpan("", SpanContext(1, 1, False), resource=RESOURCE, attributes={"a": value}, instrumentation_scope=SCOPE)
        for value in (1, True, 1.0, "1", 0, False, 0.0, "")
    ]
    assert sent(made) == encode_spans(made)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": "\ud800"}, UnicodeEncodeError),
        ({"attributes": {"a": "\ud800"}}, UnicodeEncodeError),
    ],
)
def test_what_cannot_be_written_is_said(fields: dict[str, Any], error: type[Exception]) -> None:
    span = ReadableSpan(**{"name": "", "context": SpanContext(1, 1, False), **fields})
    with pytest.raises(error):
        wire.encode(span)


def test_no_attribute_value_is_a_type_error() -> None:
    odd: Any = {"a": object()}
    with pytest.raises(TypeError, match="object"):
        wire.attributes(odd)
