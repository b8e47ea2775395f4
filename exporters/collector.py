"""Spans and metrics over the wire, by OpenTelemetry's own exporters, which read the OTEL_* variables themselves.

They were written for a client that has nowhere to keep data: they retry inside (up to 10 s of sleeping), and tell the caller
only FAILURE. The spool keeps our data and the drain waits better, so each request is made once, its answer is judged
(verdict.py), and the verdict is kept for the caller. The seams, looked up in 1.45.2:

- HTTP takes a `requests.Session`. Ours raises an exception that the exporter does not take for a lost connection, so it
  stops at once. Its `timeout` bounds connecting and each read, so a collector that hangs costs OTEL_EXPORTER_OTLP_TIMEOUT.
- gRPC takes `retryable_error_codes`; OK is never an error, so a set of only that retries nothing (an empty set would
  mean the defaults). It has no public place to see the error or the answer, so one protected method is overridden to put
  a witness before the stub. Were that method renamed, every failure would be Transient "for a reason unknown", and tests
  would fail.
- Spans come encoded (wire.py), which neither has a public place for: one protected method of each is used.
- Both log every failure at ERROR. The drain reports what we raise, so those lines are switched off; metrics, which nobody
  waits for, are logged here when they stop getting through and when they do again.

An exporter-wide credential provider (an experimental entry point of OpenTelemetry) is not used over HTTP: our session is.
"""

import logging
from typing import Any, Final, Literal

import grpc
import requests
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExportResult

from exporters import Transient, verdict
from exporters.verdict import Verdict
from tracer import metrics

Protocol = Literal["grpc", "http/protobuf"]

_log = logging.getLogger(__name__)
_NEVER_RETRY: Final = frozenset({grpc.StatusCode.OK})
_LOGGERS: Final = ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.exporter.otlp.proto.grpc")


class _Refused(Exception):
    """Ends the exporter's attempt; the verdict says why."""


class Witness:
    """Keeps the verdict on the last request, and knows how much was in it. One for each exporter."""

    def __init__(self, response_type: type[verdict.Response]) -> None:
        self.response_type = response_type
        self.items = 0
        self.verdict: Verdict | None = None  # None: nothing was sent

    def expect(self, items: int) -> None:
        self.items = items
        self.verdict = None


class Session(requests.Session):
    """A session that lets only a real success through to the exporter."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        witness = self._witness
        try:
            response = super().request(*args, **kwargs)
        except requests.RequestException as error:
            witness.verdict = Verdict(Transient(f"the collector cannot be reached: {_cause(error)}"))
            raise _Refused from error
        witness.verdict = verdict.http(
            response.status_code, response.headers, response.content, witness.response_type, witness.items
        )
        if witness.verdict.error:
            raise _Refused
        return response


def _cause(error: BaseException) -> str:
    """The innermost reason, in the system's words; the outer ones quote the URL, and keys hide in URLs."""
    seen = {id(error)}
    while (inner := error.__cause__ or error.__context__) and id(inner) not in seen:
        seen.add(id(inner))
        error = inner
    words = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__} ({words})" if words else type(error).__name__


class _Stub:
    """A gRPC stub that tells the witness how each call ended."""

    def __init__(self, stub: Any, witness: Witness) -> None:
        self._stub = stub
        self._witness = witness

    def Export(self, **kwargs: Any) -> Any:  # the generated stub's name
        try:
            response = self._stub.Export(**kwargs)
        except grpc.RpcError as error:
            trailers = dict(error.trailing_metadata() or ())
            self._witness.verdict = verdict.grpc(error.code(), error.details() or "", trailers)
            raise
        self._witness.verdict = verdict.partial(response, self._witness.items)
        return response


class _HttpSpans(HttpSpanExporter):
    """Takes a request that is encoded already."""

    def send(self, request: bytes, items: int) -> bool:
        return bool(self._client.export(request).success)


class _GrpcSpans(GrpcSpanExporter):
    """Takes a request that is encoded already."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._items = 0
        super().__init__(retryable_error_codes=_NEVER_RETRY)

    def send(self, request: bytes, items: int) -> bool:
        self._items = items
        return self._export(request) is SpanExportResult.SUCCESS  # type: ignore[arg-type]

    def _translate_data(self, data: bytes) -> ExportTraceServiceRequest:  # type: ignore[override]
        request: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(data)
        return request

    def _count_data(self, data: bytes) -> int:  # type: ignore[override]
        return self._items

    def _initialize_channel_and_stub(self) -> None:
        super()._initialize_channel_and_stub()  # type: ignore[no-untyped-call]
        self._client = _Stub(self._client, self._witness)  # type: ignore[assignment]


class _GrpcMetrics(GrpcMetricExporter):
    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        super().__init__(retryable_error_codes=_NEVER_RETRY)

    def _initialize_channel_and_stub(self) -> None:
        super()._initialize_channel_and_stub()  # type: ignore[no-untyped-call]
        self._client = _Stub(self._client, self._witness)  # type: ignore[assignment]


class Spans:
    """Sends requests of spans, once per call. Used by one thread."""

    def __init__(self, protocol: Protocol) -> None:
        self._witness = Witness(ExportTraceServiceResponse)
        self._exporter: _GrpcSpans | _HttpSpans = (
            _GrpcSpans(self._witness) if protocol == "grpc" else _HttpSpans(session=Session(self._witness))
        )
        _silence()

    def send(self, request: bytes, items: int) -> None:
        """Returns when the collector has taken this request of so many spans, else raises Transient or Permanent."""
        witness = self._witness
        witness.expect(items)
        taken = self._exporter.send(request, items)
        said = witness.verdict
        if said is not None and said.error is not None:
            raise said.error
        if not taken:
            raise Transient(f"a request of {items} was not taken, for a reason unknown")
        if said is not None and said.rejected:
            metrics.rejected_by_collector.labels("traces").inc(said.rejected)
            _log.warning("the collector rejected %d of %d spans: %s", said.rejected, items, said.reason)

    def close(self) -> None:
        self._exporter.shutdown()


class Metrics(MetricExporter):
    """What a metric reader calls from its own thread: sends, and reports when the sending begins or ceases to work."""

    def __init__(self, protocol: Protocol) -> None:
        self._witness = Witness(ExportMetricsServiceResponse)
        self._exporter: GrpcMetricExporter | HttpMetricExporter = (
            _GrpcMetrics(self._witness) if protocol == "grpc" else HttpMetricExporter(session=Session(self._witness))
        )
        super().__init__(self._exporter._preferred_temporality, self._exporter._preferred_aggregation)
        self._working = True
        _silence()

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        witness = self._witness
        witness.expect(_points(metrics_data))
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        said = witness.verdict
        worked = result is MetricExportResult.SUCCESS and (said is None or said.error is None)
        if worked and said is not None and said.rejected:
            metrics.rejected_by_collector.labels("metrics").inc(said.rejected)
        if worked is not self._working:
            self._working = worked
            reason = (said and said.error) or "they could not be encoded"
            _log.warning("metrics reach the collector again" if worked else f"metrics do not reach it: {reason}")
        return result if worked else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True  # nothing is held here

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._exporter.shutdown()


def _points(data: MetricsData) -> int:
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def _silence() -> None:
    """After an exporter was made, so that what it says about a wrong setting is still heard."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
