"""The gen_ai.client.* metrics of delivered calls.

Each value is recorded under the newest name and, where dashboards still read it, under v1.41's (semconv.py). A batch is sorted
by attributes first, since these cost more than the values: a batch of 2,000 calls has a few dozen sets of them.

Traps
- Metrics are sums in memory. A batch that comes again after a crash (exporters/__init__.py) has lost them with the process or
  is counted a second time if they had been sent: metrics can be a little high after a crash, where rows and spans are not.
- They are recorded when a call is delivered, not when it was made: after an outage, the backlog shows as a peak.
- The conventions want time_per_output_chunk for each chunk. A call brings its median gap, recorded once: a hundred
  observations per call would cost more than everything else that the sink does for it.
- Only GenAI operations are counted: `gen_ai.operation.name` is required, and GET /v1/models has none.
- Attributes are of low cardinality, but models are what callers write. The SDK folds what exceeds 2,000 combinations of an
  instrument into one series marked `otel.metric.overflow`.
"""

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

from opentelemetry import metrics as sdk

from exporters import semconv, sums
from exporters.attributes import common_attributes, encodable
from exporters.sums import Labels
from tracer.records import Call

Histogram = sums.Histogram | sdk.Histogram
# Everything that `_labels` looks at.
_alike = attrgetter(
    *("operation", "provider", "upstream", "request_model", "response_model", "service_tier"),
    *("outcome", "error_type", "status_code"),
)

_DURATIONS = (
    (semconv.GEN_AI_CLIENT_INFERENCE_DURATION, "duration", "How long calls took."),
    (semconv.GEN_AI_CLIENT_OPERATION_DURATION, "duration", "How long calls took."),
    (semconv.GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK, "first", "Time to the first chunk of a stream."),
    (semconv.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, "first", "Time to the first chunk of a stream."),
    (semconv.GEN_AI_CLIENT_INFERENCE_TIME_PER_OUTPUT_CHUNK, "gap", "Median gap between a stream's chunks."),
    (semconv.GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, "gap", "Median gap between a stream's chunks."),
)
# name, field of Call, bucket fields with a modality of their own
_COUNTERS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        semconv.GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS,
        "input_tokens",
        (("audio", "audio_input_tokens"), ("image", "image_input_tokens")),
    ),
    (
        semconv.GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS,
        "output_tokens",
        (("audio", "audio_output_tokens"),),
    ),
    (semconv.GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS, "cache_read_tokens", ()),
    (semconv.GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_WRITE_INPUT_TOKENS, "cache_write_tokens", ()),
    (semconv.GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS, "reasoning_tokens", ()),
)
_PER_CALL = (
    (semconv.GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS, "input_tokens"),
    (semconv.GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS, "output_tokens"),
)
_TOKEN_TYPES = (("input", "input_tokens"), ("output", "output_tokens"))
_SECONDS = semconv.DURATION_BUCKETS_S
_TOKENS = tuple(map(float, semconv.TOKEN_BUCKETS))


class Instruments:
    """All instruments of one meter. Used by one thread."""

    def __init__(self, meter: sums.Meter | sdk.Meter) -> None:
        self._durations = [(what, _histogram(meter, name, "s", text, _SECONDS)) for name, what, text in _DURATIONS]
        self._counters = [
            meter.create_counter(name, "{token}", f"Sum of {field} of all calls.") for name, field, _ in _COUNTERS
        ]
        self._per_call = [
            (_histogram(meter, name, "{token}", f"{field} of a call.", _TOKENS), field) for name, field in _PER_CALL
        ]
        self._usage = _histogram(meter, semconv.GEN_AI_CLIENT_TOKEN_USAGE, "{token}", "Tokens of a call, by type.", _TOKENS)

    def record(self, calls: Sequence[Call]) -> None:
        """Count these calls."""
        alike: dict[tuple[object, ...], list[Call]] = defaultdict(list)
        for call in calls:
            if call.operation:
                alike[_alike(call)].append(call)
        for group in alike.values():
            self._record(group, _labels(group[0]))

    def _record(self, calls: Sequence[Call], labels: Labels) -> None:
        seconds = _seconds(calls)
        for what, histogram in self._durations:
            _record_all(histogram, seconds[what], labels)
        for counter, (_, field, modalities) in zip(self._counters, _COUNTERS, strict=True):
            for modality, tokens in _by_modality(calls, field, modalities).items():
                counter.add(tokens, {**labels, semconv.GEN_AI_TOKEN_MODALITY: modality})
        for histogram, field in self._per_call:
            _record_all(histogram, _known(calls, field), labels)
        for token_type, field in _TOKEN_TYPES:
            _record_all(self._usage, _known(calls, field), {**labels, semconv.GEN_AI_TOKEN_TYPE: token_type})


def _histogram(meter: sums.Meter | sdk.Meter, name: str, unit: str, text: str, bounds: Sequence[float]) -> Histogram:
    return meter.create_histogram(name, unit, text, explicit_bucket_boundaries_advisory=bounds)


def _record_all(histogram: Histogram, values: Sequence[float], labels: Labels) -> None:
    if isinstance(histogram, sums.Histogram):
        histogram.record_all(values, labels)
    else:
        for value in values:
            histogram.record(value, labels)


def _labels(call: Call) -> Labels:
    labels = {semconv.GEN_AI_OPERATION_NAME: call.operation, **common_attributes(call)}
    if call.request_model:
        labels[semconv.GEN_AI_REQUEST_MODEL] = encodable(call.request_model)
    if call.response_model:
        labels[semconv.GEN_AI_RESPONSE_MODEL] = encodable(call.response_model)
    if call.provider == "openai" and call.service_tier:
        labels[semconv.OPENAI_RESPONSE_SERVICE_TIER] = encodable(call.service_tier)
    return labels


def _seconds(calls: Sequence[Call]) -> dict[str, list[float]]:
    streams = [call for call in calls if call.stream]
    return {
        "duration": [call.duration_ms / 1000 for call in calls],
        "first": [call.ttfb_ms / 1000 for call in streams if call.ttfb_ms is not None],
        "gap": [call.itl_p50_ms / 1000 for call in streams if call.itl_p50_ms is not None],
    }


def _known(calls: Sequence[Call], field: str) -> list[int]:
    return [tokens for tokens in map(attrgetter(field), calls) if tokens is not None]


def _by_modality(calls: Sequence[Call], field: str, modalities: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """Tokens by modality; without a split by the provider all are "unknown". A failed call counts 0, as the conventions ask."""
    found: dict[str, int] = defaultdict(int)
    for call, total in zip(calls, map(attrgetter(field), calls), strict=True):
        if total is None:
            if modalities and call.outcome != "ok":
                found["unknown"] += 0
            continue
        rest, split = total, False
        for name, bucket in modalities:
            if tokens := getattr(call, bucket):
                found[name] += tokens
                rest, split = rest - tokens, True
        found["text" if split else "unknown"] += max(0, rest)
    return found
