import logging
from collections.abc import Callable, Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from exporters import Permanent, Transient, wire
from exporters.collector import GrpcSpanExporter, Metrics, Protocol, Spans, _GrpcSpans
from exporters.span import SCOPE
from tests.exporters.otlp_samples import many
from tests.exporters.scripted_collector import Answer, Collector, abort, grpc_collector, http_collector
from tests.exporters.spans import to_span
from tracer import metrics

SPANS = [wire.encode(to_span(call, Resource({}), with_content=False)) for call in many(3)]
REQUEST = wire.Frame(Resource({}), SCOPE).request(SPANS)


@pytest.fixture
def http() -> Iterator[Collector]:
    with http_collector() as running:
        yield running


@pytest.fixture
def grpcd() -> Iterator[Collector]:
    with grpc_collector() as running:
        yield running


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Spans]]:
    """Opens a line to a URL with OTEL_* set as given, and closes it at the end."""
    opened: list[Spans] = []

    def make(protocol: Protocol, url: str, **environ: str) -> Spans:
        for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": url, **environ}.items():
            monkeypatch.setenv(name, value)
        opened.append(Spans(protocol))
        return opened[-1]

    yield make
    for line in opened:
        line.close()


def refusal(line: Spans) -> Permanent | Transient:
    with pytest.raises((Permanent, Transient)) as raised:
        line.send(REQUEST, len(SPANS))
    return raised.value


def rejected(signal: str) -> float:
    return metrics.rejected_by_collector.labels(signal)._value.get()  # type: ignore[no-any-return]


def partial(count: int) -> ExportTraceServiceResponse:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = count
    response.partial_success.error_message = "too old"
    return response


@pytest.mark.parametrize(
    ("answer", "kind", "retry_after"),
    [
        (Answer(429, {"retry-after": "120"}), Transient, 120),
        (Answer(503), Transient, None),
        (Answer(500), Transient, None),
        (Answer(302, {"location": "http://127.0.0.1:1/"}), Transient, None),
        (Answer(401), Transient, None),
        (Answer(400), Permanent, None),
        (Answer(413), Permanent, None),
    ],
)
def test_http_answers_are_asked_for_once_and_judged(
    http: Collector, spans: Callable[..., Spans], answer: Answer, kind: type, retry_after: float | None
) -> None:
    http.answers.append(answer)
    line = spans("http/protobuf", http.url)
    error = refusal(line)
    assert type(error) is kind
    assert getattr(error, "retry_after_s", None) == retry_after
    assert len(http.requests) == 1
    line.send(REQUEST, len(SPANS))
    assert len(http.requests) == 2


def test_standard_variables_mean_what_they_do(http: Collector, spans: Callable[..., Spans]) -> None:
    line = spans(
        "http/protobuf",
        "http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{http.url}/as/it/is",
        OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20b",
    )
    line.send(REQUEST, len(SPANS))
    assert http.paths == ["/as/it/is"]
    assert http.headers[0]["x-key"] == "a b"
    assert [span.span_id.hex() for span in http.spans()] == [f"{i:016x}" for i in (1, 2, 3)]


def test_http_refused_and_no_secret_in_the_message(spans: Callable[..., Spans], free_port: Callable[[], int]) -> None:
    error = refusal(spans("http/protobuf", f"http://user:canary@127.0.0.1:{free_port()}/?key=canary"))
    assert isinstance(error, Transient)
    assert "Connection refused" in str(error)
    assert "canary" not in str(error)


def test_an_endpoint_that_is_no_url_waits_for_the_operator(spans: Callable[..., Spans]) -> None:
    assert isinstance(refusal(spans("http/protobuf", "nowhere")), Transient)


def test_a_collector_that_hangs_does_not_block(
    http: Collector, grpcd: Collector, spans: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    http.answers.append(Answer(hang=True))
    grpcd.answers.append("hang")
    for protocol, url in (("http/protobuf", http.url), ("grpc", grpcd.url)):
        error = refusal(spans(protocol, url, OTEL_EXPORTER_OTLP_TIMEOUT="0.3"))
        assert isinstance(error, Transient)
    assert len(http.requests) == len(grpcd.requests) == 1
    assert not caplog.records  # the drain says it, once


def test_a_partial_success_is_delivered_and_counted(
    http: Collector, grpcd: Collector, spans: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    http.answers.append(Answer(200, body=partial(1).SerializeToString()))
    grpcd.answers.append(lambda _: partial(2))
    before = rejected("traces")
    for protocol, url in (("http/protobuf", http.url), ("grpc", grpcd.url)):
        spans(protocol, url).send(REQUEST, len(SPANS))
    assert rejected("traces") == before + 3
    assert [record.getMessage() for record in caplog.records] == [
        "the collector rejected 1 of 3 spans: too old",
        "the collector rejected 2 of 3 spans: too old",
    ]


def test_a_rejection_of_everything_is_permanent(http: Collector, grpcd: Collector, spans: Callable[..., Spans]) -> None:
    http.answers.append(Answer(200, body=partial(3).SerializeToString()))
    grpcd.answers.append(lambda _: partial(3))
    for protocol, url in (("http/protobuf", http.url), ("grpc", grpcd.url)):
        assert isinstance(refusal(spans(protocol, url)), Permanent)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, Transient),
        (grpc.StatusCode.UNAUTHENTICATED, Transient),
        (grpc.StatusCode.INTERNAL, Transient),
        (grpc.StatusCode.INVALID_ARGUMENT, Permanent),
    ],
)
def test_grpc_answers_are_asked_for_once_and_judged(
    grpcd: Collector, spans: Callable[..., Spans], code: grpc.StatusCode, kind: type
) -> None:
    grpcd.answers.append(abort(code, "because"))
    line = spans("grpc", grpcd.url, OTEL_EXPORTER_OTLP_HEADERS="x-key=v")
    error = refusal(line)
    assert type(error) is kind
    assert code.name in str(error)
    assert len(grpcd.requests) == 1
    line.send(REQUEST, len(SPANS))
    assert len(grpcd.requests) == 2
    assert grpcd.headers[0]["x-key"] == "v"


def test_grpc_retry_info_goes_along(grpcd: Collector, spans: Callable[..., Spans]) -> None:
    info = RetryInfo()
    info.retry_delay.seconds = 90
    grpcd.answers.append(abort(grpc.StatusCode.UNAVAILABLE, "busy", ("google.rpc.retryinfo-bin", info.SerializeToString())))
    error = refusal(spans("grpc", grpcd.url))
    assert isinstance(error, Transient)
    assert error.retry_after_s == 90


def test_grpc_refused(spans: Callable[..., Spans], free_port: Callable[[], int]) -> None:
    error = refusal(spans("grpc", f"http://127.0.0.1:{free_port()}"))
    assert isinstance(error, Transient)
    assert "UNAVAILABLE" in str(error)


def test_a_grpc_failure_that_was_not_seen_is_not_held_against_the_batch(
    spans: Callable[..., Spans], free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a newer exporter no longer called the protected method that the witness stands behind."""
    monkeypatch.setattr(_GrpcSpans, "_initialize_channel_and_stub", GrpcSpanExporter._initialize_channel_and_stub)
    error = refusal(spans("grpc", f"http://127.0.0.1:{free_port()}"))
    assert isinstance(error, Transient)
    assert "unknown" in str(error)


def test_metrics_report_only_when_it_begins_or_ceases_to_work(
    http: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.url)
    line = Metrics("http/protobuf")
    reader = PeriodicExportingMetricReader(line, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
    provider.get_meter("t").create_counter("things").add(1)
    results: list[MetricExportResult] = []
    stock = line.export
    monkeypatch.setattr(line, "export", lambda *a, **k: results.append(stock(*a, **k)))
    caplog.set_level(logging.INFO)
    http.answers.extend([Answer(503), Answer(503), Answer(302)])
    for _ in range(5):
        reader.collect()
    provider.shutdown()
    assert [result.name for result in results[:5]] == ["FAILURE"] * 3 + ["SUCCESS"] * 2
    assert [record.getMessage() for record in caplog.records if record.name == "exporters.collector"] == [
        "metrics do not reach it: the collector answered 503",
        "metrics reach the collector again",
    ]
    assert http.metric_names() == {"things"}


def test_rejected_metric_points_are_counted(http: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.url)
    http.answers.append(Answer(200, {"content-type": "application/json"}, b'{"partialSuccess":{"rejectedDataPoints":1}}'))
    line = Metrics("http/protobuf")
    provider = MeterProvider(
        [PeriodicExportingMetricReader(line, export_interval_millis=3_600_000)], Resource({}), shutdown_on_exit=False
    )
    for name in ("a", "b"):
        provider.get_meter("t").create_counter(name).add(1)
    before = rejected("metrics")
    provider.shutdown()
    assert rejected("metrics") == before + 1
