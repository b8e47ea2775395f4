"""An application's span over OTLP: beside the calls of its trace, once it has ended."""

from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode

from exporters import Transient, appspan, otlp
from tests.exporters.scripted_collector import Answer, Collector, http_collector
from tests.store.samples import app_span, call, feedback, full_app_span
from tracer.config import Settings

RESOURCE = Resource({})
CONTENT = {"tracer.span.input", "tracer.span.output", "tracer.span.expected"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as running:
        yield running


@pytest.fixture
def exporter(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, load_settings: Callable[..., Settings]
) -> Iterator[otlp.Otlp]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
    opened = otlp.open(load_settings(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces"))
    yield opened
    opened.close()


def test_it_stands_in_the_tree_of_the_calls(collector: Collector, exporter: otlp.Otlp) -> None:
    parent = app_span(1, trace_id="t")
    exporter.export([parent, app_span(2, trace_id="t", parent_id="app-1")], "spans")
    exporter.export([call(3, trace_id="t", parent_span_id="app-2")], "calls")
    root, child, asked = collector.spans()
    assert root.trace_id == child.trace_id == asked.trace_id == bytes.fromhex(parent.otel_trace_id)
    assert (root.parent_span_id, child.parent_span_id, asked.parent_span_id) == (b"", root.span_id, child.span_id)
    assert (root.kind, asked.kind) == (1, 3)  # OTLP's INTERNAL and CLIENT


def test_what_has_not_ended_and_feedback_are_not_sent(collector: Collector, exporter: otlp.Otlp) -> None:
    exporter.export([app_span(1, end_ns=0)], "a")
    exporter.export([feedback(1)], "b")
    assert collector.requests == []
    exporter.export([app_span(1)], "c")
    assert [span.name for span in collector.spans()] == ["step-1"]


def test_what_was_taken_does_not_go_again_but_a_newer_version_does(collector: Collector, exporter: otlp.Otlp) -> None:
    collector.answers.append(Answer(503))
    batch = [app_span(1), app_span(2)]
    with pytest.raises(Transient):
        exporter.export(batch, "t")
    exporter.export(batch, "t")
    exporter.export(batch, "t")
    exporter.export([app_span(1, received_ns=7, name="again")], "u")
    assert [span.name for span in collector.spans()] == ["step-1", "step-2"] * 2 + ["again"]  # the first two were refused


def test_what_is_said_about_it() -> None:
    sent = appspan.to_otel(full_app_span(1), RESOURCE, with_content=False)
    assert sent.kind is SpanKind.INTERNAL
    assert (sent.status.status_code, sent.status.description) == (StatusCode.ERROR, "no such page")
    attributes = dict(sent.attributes or {})
    assert attributes["error.type"] == "ValueError"
    assert attributes["tracer.span.type"] == "COMPLETION"
    assert attributes["tracer.metadata.team"] == "search"
    assert not CONTENT & attributes.keys()
    (link,) = sent.links
    assert f"{link.context.span_id:016x}" == "b7ad6b7169203331"
    spoken = appspan.app_attributes(full_app_span(1), with_content=True)
    assert spoken.keys() - attributes.keys() == CONTENT


@pytest.mark.parametrize(
    ("metadata", "error_type", "message"),
    [
        ("", "_OTHER", None),
        ("not json", "_OTHER", None),
        ("[1]", "_OTHER", None),
        ('{"error_type":null,"error_message":5}', "_OTHER", None),
        ('{"error_type":"a sentence, not a type","error_message":"why"}', "_OTHER", "why"),
        ('{"error_type":"Timeout","error_message":"' + "x" * 5000 + '"}', "Timeout", "x" * 1024),
    ],
)
def test_whatever_the_metadata_is(metadata: str, error_type: str, message: str | None) -> None:
    sent = appspan.to_otel(app_span(1, status="ERROR", metadata=metadata), RESOURCE, with_content=False)
    assert (sent.attributes or {})["error.type"] == error_type
    assert sent.status.description == message


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [("", "b7ad6b7169203331"), ("0" * 32, "b7ad6b7169203331"), ("0af7651916cd43dd8448eb211c80319c", "")],
)
def test_half_a_link_is_none(trace_id: str, span_id: str) -> None:
    assert appspan.to_otel(app_span(1, obs_trace_id=trace_id, obs_span_id=span_id), RESOURCE, False).links == ()


def test_an_end_before_the_start_is_no_negative_time() -> None:
    sent = appspan.to_otel(app_span(1, end_ns=1), RESOURCE, with_content=False)
    assert sent.start_time == sent.end_time
