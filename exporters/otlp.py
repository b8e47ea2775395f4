"""Calls to any OTLP collector: one span each, and the gen_ai.client.* metrics.

The way of a batch: Calls → spans (span.py) → requests of bounded size → the collector (collector.py) → metrics
(instruments.py). `export` is synchronous and keeps nothing back: the spool is the queue, so there is no batch processor.

Invariants
- The same call gives the same span under the same ids, so a batch that comes again repeats spans, it does not add new ones.
- What a collector has taken is not sent again, and not counted again, while this process lives: a batch that failed half-way,
  or was halved because of one bad call, goes on with what is left. So the calls are remembered, not the drain's token.
- A dead letter is in no metric.

Requests hold at most MAX_SPANS (what OpenTelemetry's own batches hold) and about MAX_BYTES: gRPC receivers refuse more
than 4 MiB unless they are told otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from uuid import UUID

from opentelemetry.exporter.otlp.proto.grpc.exporter import InvalidCompressionValueException
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import AttributeValue

from exporters import semconv
from exporters.collector import Metrics, Spans
from exporters.instruments import Instruments
from exporters.span import to_span
from tracer import __version__
from tracer.config import ConfigError, Settings
from tracer.records import Call

MAX_SPANS = 512
MAX_BYTES = 3 << 20

_FIXED_BYTES = 256  # ids, times, flags
_FIELD_BYTES = 24  # protobuf's tags and lengths around one value, or a number
_CLOSE_MS = 10_000


class Otlp:
    """The exporter `otlp`. `spans` and `meters` are None when that signal has no endpoint."""

    name = "otlp"

    def __init__(
        self, resource: Resource, spans: Spans | None, meters: MeterProvider | None, with_content: bool, batch_rows: int
    ) -> None:
        self._resource = resource
        self._spans = spans
        self._meters = meters
        self._with_content = with_content
        self._instruments = Instruments(meters.get_meter("tracer", __version__, semconv.SCHEMA_URL)) if meters else None
        self._taken: dict[UUID, None] = {}  # in order of delivery; only the newest can come again
        self._remembered = 2 * batch_rows

    def export(self, calls: Sequence[Call], token: str) -> None:
        left = [call for call in calls if call.call_id not in self._taken]
        if self._spans:
            self._send(self._spans, left)
        else:
            self._delivered(left)

    def _send(self, line: Spans, calls: Sequence[Call]) -> None:
        done = 0
        for request in requests(to_span(call, self._resource, self._with_content) for call in calls):
            line.send(request)
            self._delivered(calls[done : done + len(request)])
            done += len(request)

    def _delivered(self, calls: Sequence[Call]) -> None:
        if self._instruments:
            self._instruments.record(calls)
        self._taken.update((call.call_id, None) for call in calls)
        for call_id in list(islice(self._taken, max(0, len(self._taken) - self._remembered))):
            del self._taken[call_id]

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
        reader = PeriodicExportingMetricReader(Metrics(otel.metrics_protocol)) if otel.metrics else None
    except (ValueError, RuntimeError, InvalidCompressionValueException) as error:
        raise ConfigError(f"OTEL_EXPORTER_OTLP_*: {error}") from None
    meters = MeterProvider([reader], resource, shutdown_on_exit=False) if reader else None
    return Otlp(resource, spans, meters, otel.content, settings.batch_rows)


def own_resource() -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES as the SDK reads them; the service is `tracer` if they name none."""
    resource = Resource.create()
    named = {SERVICE_VERSION: __version__, **resource.attributes}
    if str(named.get(SERVICE_NAME, "")).startswith("unknown_service"):
        named[SERVICE_NAME] = "tracer"
    return Resource(named, resource.schema_url)


def requests(spans: Iterable[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """Cut into requests, in order. A span over the bound is a request of its own."""
    held: list[ReadableSpan] = []
    size = 0
    for span in spans:
        weight = _weight(span)
        if held and (len(held) == MAX_SPANS or size + weight > MAX_BYTES):
            yield held
            held, size = [], 0
        held.append(span)
        size += weight
    if held:
        yield held


def _weight(span: ReadableSpan) -> int:
    """No less than what the span takes in a request."""
    attributes = (span.attributes or {}).items()
    texts = _bytes(span.name) + _bytes(span.status.description or "")
    return _FIXED_BYTES + texts + sum(_bytes(name) + _bytes(value) + _FIELD_BYTES for name, value in attributes)


def _bytes(value: AttributeValue) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, Sequence):
        return sum(_bytes(item) + _FIELD_BYTES for item in value)
    return 0
