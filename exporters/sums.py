"""Counters and histograms that take a batch at a time, read by OpenTelemetry's own reader and sent by its own exporter.

The SDK's instruments take one value at a time and clean, sort and hash the attributes of each: some 6 us, ten times a call.
Here a batch's values come with their attributes once, and cost a comparison or two each. What is collected is what the SDK
would have collected (tests/exporters/test_sums.py compares the two): temporality as the exporter wishes, start times, explicit
buckets with their bounds as upper ones, at most 2,000 series of an instrument and the rest in one that is marked.

Seam: a MeterProvider tells a reader whom to ask by `_set_collect_callback`, which has no public counterpart. Were it renamed,
no exporter could be made, and every test of metrics would fail. Explicit buckets only; who wants exponential ones
(OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION) gets the SDK's instruments (otlp.py).
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import AttributeValue

# The SDK's limit for the attribute sets of one instrument, and how it marks the rest.
MOST_SERIES = 2000
_OVERFLOW: Mapping[str, AttributeValue] = {"otel.metric.overflow": True}

Labels = Mapping[str, AttributeValue]
_Key = tuple[tuple[str, AttributeValue], ...]


@dataclass(slots=True)
class _Series:
    """What has been recorded under one set of attributes since `start_ns`."""

    labels: Labels
    start_ns: int
    counts: list[int]
    sum: float = 0
    least: float = inf
    most: float = -inf


@dataclass(slots=True)
class _Instrument:
    name: str
    unit: str
    description: str
    lock: threading.Lock
    bounds: tuple[float, ...] = ()
    series: dict[_Key, _Series] = field(default_factory=dict)
    collected_ns: int = 0  # of deltas: where the one before ended

    def of(self, labels: Labels) -> _Series:
        """The series of these attributes; the lock is held."""
        key = tuple(labels.items())
        found = self.series.get(key)
        if found is None:
            if len(self.series) >= MOST_SERIES and labels is not _OVERFLOW:
                return self.series.get(tuple(_OVERFLOW.items())) or self.of(_OVERFLOW)
            found = _Series(dict(labels), self.collected_ns or time.time_ns(), [0] * (len(self.bounds) + 1))
            self.series[key] = found
        return found

    def taken(self, temporality: AggregationTemporality, now_ns: int) -> list[_Series]:
        """All series; of deltas those since the last time. The lock is held."""
        found = list(self.series.values())
        if temporality is AggregationTemporality.DELTA:
            self.series = {}
            self.collected_ns = now_ns
        return found


class Counter(_Instrument):
    """A sum that only grows."""

    def add(self, amount: float, labels: Labels) -> None:
        with self.lock:
            self.of(labels).sum += amount

    def metric(self, temporality: AggregationTemporality, now_ns: int) -> Metric | None:
        """What is to be sent; None if there is nothing."""
        points = [NumberDataPoint(each.labels, each.start_ns, now_ns, each.sum) for each in self.taken(temporality, now_ns)]
        if not points:
            return None
        return Metric(self.name, self.description, self.unit, Sum(points, temporality, is_monotonic=True))


class Histogram(_Instrument):
    """Values by buckets."""

    def record_all(self, values: Sequence[float], labels: Labels) -> None:
        """Values that have the same attributes; none is negative."""
        if not values:
            return
        with self.lock:
            series, bounds = self.of(labels), self.bounds
            counts = series.counts
            for value in values:
                counts[bisect_left(bounds, value)] += 1
            series.sum += sum(values)
            series.least = min(series.least, *values)
            series.most = max(series.most, *values)

    def metric(self, temporality: AggregationTemporality, now_ns: int) -> Metric | None:
        """What is to be sent; None if there is nothing."""
        points = [
            HistogramDataPoint(
                attributes=each.labels,
                start_time_unix_nano=each.start_ns,
                time_unix_nano=now_ns,
                count=sum(each.counts),
                sum=each.sum,
                bucket_counts=tuple(each.counts),
                explicit_bounds=self.bounds,
                min=each.least,
                max=each.most,
            )
            for each in self.taken(temporality, now_ns)
        ]
        return Metric(self.name, self.description, self.unit, HistogramData(points, temporality)) if points else None


class Meter:
    """Instruments of one scope, for one reader; the same makers as OpenTelemetry's Meter."""

    def __init__(self, reader: MetricReader, resource: Resource, scope: InstrumentationScope) -> None:
        wished = reader._preferred_temporality or {}
        self._for_counters = wished.get(SdkCounter, AggregationTemporality.CUMULATIVE)
        self._for_histograms = wished.get(SdkHistogram, AggregationTemporality.CUMULATIVE)
        self._resource = resource
        self._scope = scope
        self._lock = threading.Lock()
        self._counters: list[Counter] = []
        self._histograms: list[Histogram] = []
        self._reader = reader
        reader._set_collect_callback(self._collect)  # type: ignore[arg-type]  # the SDK's own callback has this shape too

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        made = Counter(name, unit, description, self._lock)
        self._counters.append(made)
        return made

    def create_histogram(
        self, name: str, unit: str = "", description: str = "", *, explicit_bucket_boundaries_advisory: Iterable[float]
    ) -> Histogram:
        made = Histogram(name, unit, description, self._lock, tuple(explicit_bucket_boundaries_advisory))
        self._histograms.append(made)
        return made

    def shutdown(self, timeout_millis: float) -> None:
        """Send what there is, once, and stop."""
        self._reader.shutdown(timeout_millis=timeout_millis)

    def _collect(self, reader: MetricReader, timeout_millis: float = 0) -> MetricsData | None:
        now_ns = time.time_ns()
        with self._lock:
            made = [each.metric(self._for_histograms, now_ns) for each in self._histograms]
            made += [each.metric(self._for_counters, now_ns) for each in self._counters]
        found = [metric for metric in made if metric is not None]
        if not found:
            return None
        scoped = ScopeMetrics(self._scope, found, self._scope.schema_url or "")
        return MetricsData([ResourceMetrics(self._resource, [scoped], self._resource.schema_url)])
