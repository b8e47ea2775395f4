"""Calls and applications' own spans to any OTLP collector, and the gen_ai.client.* metrics of calls.

Feedback is not sent: the conventions have an event for an evaluation's result, which belongs to the span of the call and would
come after it, on OTLP's signal for logs; few backends read it. It is in SQL.

The way of a batch: records → spans (span.py, appspan.py) as bytes (wire.py) → requests of bounded size → the collector
(collector.py) → metrics (instruments.py). `export` is synchronous and keeps nothing back: the spool is the queue, so there is
no batch processor.

Invariants
- The same record gives the same span under the same ids, so a batch that comes again repeats spans, it does not add new ones.
- What a collector has taken is not sent again, and not counted again, while this process lives: a batch that failed half-way,
  or was halved because of one bad record, goes on with what is left. So the records are remembered, not the drain's token.
- A dead letter is in no metric.

Requests hold at most MAX_SPANS (what OpenTelemetry's own batches hold) and about MAX_BYTES: gRPC receivers refuse more
than 4 MiB unless they are told otherwise.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from opentelemetry.exporter.otlp.proto.grpc.exporter import InvalidCompressionValueException
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from exporters import Permanent, appspan, semconv, span, wire
from exporters.collector import Metrics, Spans
from exporters.instruments import Instruments
from exporters.sums import Meter
from tracer import __version__
from tracer.config import ConfigError, Settings
from tracer.records import Call
from tracer.signals import AppSpan, Key, Record, key_of

MAX_SPANS = 512
MAX_BYTES = 3 << 20

_CLOSE_MS = 10_000


class Otlp:
    """The exporter `otlp`. `spans` and `meters` are None when that signal has no endpoint."""

    name = "otlp"

    def __init__(
        self,
        resource: Resource,
        spans: Spans | None,
        meters: MeterProvider | Meter | None,
        with_content: bool,
        batch_rows: int,
    ) -> None:
        self._resource = resource
        self._frame = wire.Frame(resource, span.SCOPE)
        self._spans = spans
        self._meters = meters
        self._with_content = with_content
        meter = meters.get_meter("tracer", __version__, semconv.SCHEMA_URL) if isinstance(meters, MeterProvider) else meters
        self._instruments = Instruments(meter) if meter else None
        self._taken: dict[Key, None] = {}  # in order of delivery; only the newest can come again
        self._remembered = 2 * batch_rows

    def export(self, records: Sequence[Record], token: str, again: bool = False) -> None:
        left = [record for record in records if _is_sent(record) and key_of(record) not in self._taken]
        if self._spans:
            self._send(self._spans, left)
        else:
            self._delivered(left)

    def _send(self, line: Spans, records: Sequence[Record]) -> None:
        done = 0
        for request in requests(map(self._span, records)):
            line.send(self._frame.request(request), len(request))
            self._delivered(records[done : done + len(request)])
            done += len(request)

    def _span(self, record: Record) -> bytes:
        try:
            if isinstance(record, Call):
                return span.encode(record, self._with_content)
            assert isinstance(record, AppSpan), "filtered by _is_sent"
            return wire.encode(appspan.to_otel(record, self._resource, self._with_content))
        except (ValueError, TypeError, struct.error) as error:
            raise Permanent(f"a span cannot be encoded: {type(error).__name__}") from error

    def _delivered(self, records: Sequence[Record]) -> None:
        if self._instruments:
            self._instruments.record([record for record in records if isinstance(record, Call)])
        self._taken.update((key_of(record), None) for record in records)
        for key in list(islice(self._taken, max(0, len(self._taken) - self._remembered))):
            del self._taken[key]

    def close(self) -> None:
        if self._spans:
            self._spans.close()
        if self._meters:
            self._meters.shutdown(timeout_millis=_CLOSE_MS)


def open(settings: Settings) -> Otlp:
    """The exporter for the signals that have an endpoint; the rest of OTEL_* is read by OpenTelemetry's exporters.

    Raises ConfigError when one of those variables cannot be used.
    """
    otel = settings.otel
    resource = own_resource()
    try:
        spans = Spans(otel.traces_protocol) if otel.traces else None
        metrics = Metrics(otel.metrics_protocol) if otel.metrics else None
    except (ValueError, RuntimeError, InvalidCompressionValueException) as error:
        raise ConfigError(f"OTEL_EXPORTER_OTLP_*: {error}") from None
    return Otlp(resource, spans, _meters(metrics, resource) if metrics else None, otel.content, settings.batch_rows)


def _meters(metrics: Metrics, resource: Resource) -> MeterProvider | Meter:
    """Sums of batches, or the SDK's own instruments for those who want exponential buckets."""
    reader = PeriodicExportingMetricReader(metrics)
    wished = (metrics._preferred_aggregation or {}).get(Histogram)
    if isinstance(wished, ExponentialBucketHistogramAggregation):
        return MeterProvider([reader], resource, shutdown_on_exit=False)
    return Meter(reader, resource, InstrumentationScope("tracer", __version__, semconv.SCHEMA_URL))


def own_resource() -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES as the SDK reads them; the service is `tracer` if they name none."""
    resource = Resource.create()
    named = {SERVICE_VERSION: __version__, **resource.attributes}
    if str(named.get(SERVICE_NAME, "")).startswith("unknown_service"):
        named[SERVICE_NAME] = "tracer"
    return Resource(named, resource.schema_url)


def _is_sent(record: Record) -> bool:
    return isinstance(record, Call) or (isinstance(record, AppSpan) and appspan.is_sent(record))


def requests(spans: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut into requests, in order. A span over the bound is a request of its own."""
    held: list[bytes] = []
    size = 0
    for encoded in spans:
        if held and (len(held) == MAX_SPANS or size + len(encoded) > MAX_BYTES):
            yield held
            held, size = [], 0
        held.append(encoded)
        size += len(encoded)
    if held:
        yield held
