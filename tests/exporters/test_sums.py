"""Sums of batches against the SDK's instruments, value by value: what is sent is the same."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from exporters import otlp, sums
from exporters.collector import Metrics
from exporters.instruments import Instruments
from exporters.sums import Meter
from tests.exporters.otlp_samples import full_call
from tracer.records import Call

RESOURCE = Resource({"service.name": "tracer"}, "https://example.test/schema")
SCOPE = InstrumentationScope("t", "1", "https://example.test/scope")
DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}

tokens = st.none() | st.integers(0, 10**9)
ms = st.none() | st.floats(0, 1e6)
calls = st.builds(
    full_call,
    operation=st.sampled_from(["chat", "embeddings", ""]),
    provider=st.sampled_from(["openai", "anthropic", ""]),
    upstream=st.sampled_from(["api.openai.com", "10.0.0.1:8443", "", "[::1"]),
    request_model=st.sampled_from(["a", "b", ""]),
    service_tier=st.sampled_from(["default", ""]),
    outcome=st.sampled_from(["ok", "timeout", "upstream_error"]),
    error_type=st.sampled_from(["", "overloaded", "not a name"]),
    status_code=st.sampled_from([0, 200, 500]),
    stream=st.booleans(),
    duration_ms=st.floats(0, 1e6),
    ttfb_ms=ms,
    itl_p50_ms=ms,
    input_tokens=tokens,
    output_tokens=tokens,
    cache_read_tokens=tokens,
    audio_input_tokens=tokens,
    image_input_tokens=tokens,
    audio_output_tokens=tokens,
)


@pytest.fixture(autouse=True, scope="module")
def steady_clock() -> Iterator[None]:
    """Each look at the clock is later than the one before, by the same step."""
    patch = pytest.MonkeyPatch()
    ticks = count(10**18, 1000)
    patch.setattr(time, "time_ns", lambda: next(ticks))
    yield
    patch.undo()


def sent(data: MetricsData | None) -> Any:
    """What goes over the wire, in an order of its own and without times."""
    if data is None:
        return None
    request = encode_metrics(data)
    (resource,) = request.resource_metrics
    (scoped,) = resource.scope_metrics
    points = {}
    for metric in scoped.metrics:
        found = getattr(metric, metric.WhichOneof("data"))
        for point in found.data_points:
            point.start_time_unix_nano = point.time_unix_nano = 0
            if hasattr(point, "sum"):  # a sum of floats depends on its order in the last digits
                point.sum = float(f"{point.sum:.9g}")
        points[metric.name] = sorted(point.SerializeToString(deterministic=True) for point in found.data_points)
        del found.data_points[:]
    frame = sorted(metric.SerializeToString() for metric in scoped.metrics)
    return points, frame, resource.resource, scoped.scope, resource.schema_url, scoped.schema_url


@settings(max_examples=60)
@given(st.lists(st.lists(calls, max_size=5), max_size=4), st.sampled_from([None, DELTA]))
def test_the_same_is_sent_as_by_the_sdk(batches: list[list[Call]], wished: Any) -> None:
    ours, theirs = InMemoryMetricReader(wished), InMemoryMetricReader(wished)
    provider = MeterProvider([theirs], RESOURCE, shutdown_on_exit=False)
    fast = Instruments(Meter(ours, RESOURCE, SCOPE))
    slow = Instruments(provider.get_meter(SCOPE.name, SCOPE.version, SCOPE.schema_url))
    for batch in batches:
        fast.record(batch)
        slow.record(batch)
        assert sent(ours.get_metrics_data()) == sent(theirs.get_metrics_data())
    provider.shutdown()


def times(reader: InMemoryMetricReader, name: str) -> list[tuple[int, int]]:
    data = reader.get_metrics_data()
    found = data.resource_metrics[0].scope_metrics[0].metrics if data else []
    return [(p.start_time_unix_nano, p.time_unix_nano) for m in found if m.name == name for p in m.data.data_points]


def test_a_cumulative_sum_keeps_its_start() -> None:
    reader = InMemoryMetricReader()
    counter = Meter(reader, RESOURCE, SCOPE).create_counter("n")
    counter.add(1, {"a": "1"})
    ((start, first),) = times(reader, "n")
    counter.add(1, {"a": "1"})
    ((again, second),) = times(reader, "n")
    assert start == again < first < second
    assert times(reader, "n")  # also when nothing was added


def test_a_delta_begins_where_the_last_one_ended() -> None:
    reader = InMemoryMetricReader(DELTA)
    histogram = Meter(reader, RESOURCE, SCOPE).create_histogram("n", explicit_bucket_boundaries_advisory=[1])
    histogram.record_all([1], {"a": "1"})
    ((start, first),) = times(reader, "n")
    assert start < first
    assert times(reader, "n") == []
    histogram.record_all([1], {"a": "2"})
    ((_, last),) = times(reader, "n")
    histogram.record_all([1], {"a": "1"})
    ((begun, _),) = times(reader, "n")
    assert begun == last


def test_too_many_series_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MOST_SERIES", 3)
    reader = InMemoryMetricReader()
    counter = Meter(reader, RESOURCE, SCOPE).create_counter("n")
    for number in range(6):
        counter.add(1, {"a": str(number)})
    data = reader.get_metrics_data()
    assert data is not None
    points = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert {str(dict(point.attributes or {})): point.value for point in points} == {  # type: ignore[union-attr]
        **{f"{{'a': '{number}'}}": 1 for number in range(3)},
        "{'otel.metric.overflow': True}": 3,
    }


@pytest.mark.parametrize("wish", ["explicit_bucket_histogram", "base2_exponential_bucket_histogram"])
def test_who_wants_exponential_buckets_gets_the_sdks(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", wish)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:1/v1/metrics")
    metrics = Metrics("http/protobuf")
    exponential = isinstance((metrics._preferred_aggregation or {})[Histogram], ExponentialBucketHistogramAggregation)
    assert exponential == (wish != "explicit_bucket_histogram")
    made = otlp._meters(metrics, RESOURCE)
    assert isinstance(made, MeterProvider) == exponential
    monkeypatch.setattr(Metrics, "export", lambda *_, **__: None)
    made.shutdown(timeout_millis=1000)
