"""The gen_ai.client.* metrics of delivered calls.

Each value is recorded under the newest name and, where dashboards still read it, under v1.41's (semconv.py).

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
from collections.abc import Mapping, Sequence

from opentelemetry.metrics import Histogram, Meter
from opentelemetry.util.types import AttributeValue

from exporters import semconv
from exporters.span import common_attributes, encodable
from tracer.records import Call

Labels = Mapping[str, AttributeValue]
Sums = dict[tuple[int, str, tuple[tuple[str, AttributeValue], ...]], int]  # of (counter, modality, labels)

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


class Instruments:
    """All instruments of one meter. Used by one thread."""

    def __init__(self, meter: Meter) -> None:
        self._durations = [
            (
                what,
                meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=list(semconv.DURATION_BUCKETS_S)),
            )
            for name, what, text in _DURATIONS
        ]
        self._counters = [
            meter.create_counter(name, "{token}", f"Sum of {field} of all calls.") for name, field, _ in _COUNTERS
        ]
        self._per_call = [(_token_histogram(meter, name, f"{field} of a call."), field) for name, field in _PER_CALL]
        self._usage = _token_histogram(meter, semconv.GEN_AI_CLIENT_TOKEN_USAGE, "Tokens of a call, by type.")

    def record(self, calls: Sequence[Call]) -> None:
        """Counters are summed over the batch first: one `add` costs the SDK 13 us, most of it for its labels."""
        sums: Sums = defaultdict(int)
        for call in calls:
            if call.operation:
                self._record(call, sums)
        for (counter, modality, labels), tokens in sums.items():
            self._counters[counter].add(tokens, {**dict(labels), semconv.GEN_AI_TOKEN_MODALITY: modality})

    def _record(self, call: Call, sums: Sums) -> None:
        labels = _labels(call)
        key = tuple(labels.items())
        seconds = _seconds(call)
        for what, histogram in self._durations:
            if (value := seconds[what]) is not None:
                histogram.record(value, labels)
        for counter, (_, field, modalities) in enumerate(_COUNTERS):
            for modality, tokens in _by_modality(call, field, modalities):
                sums[counter, modality, key] += tokens
        for histogram, field in self._per_call:
            if (tokens := getattr(call, field)) is not None:
                histogram.record(tokens, labels)
        for token_type, field in _TOKEN_TYPES:
            if (tokens := getattr(call, field)) is not None:
                self._usage.record(tokens, {**labels, semconv.GEN_AI_TOKEN_TYPE: token_type})


def _token_histogram(meter: Meter, name: str, text: str) -> Histogram:
    return meter.create_histogram(
        name, "{token}", text, explicit_bucket_boundaries_advisory=[float(b) for b in semconv.TOKEN_BUCKETS]
    )


def _labels(call: Call) -> Labels:
    labels = {semconv.GEN_AI_OPERATION_NAME: call.operation, **common_attributes(call)}
    if call.request_model:
        labels[semconv.GEN_AI_REQUEST_MODEL] = encodable(call.request_model)
    if call.response_model:
        labels[semconv.GEN_AI_RESPONSE_MODEL] = encodable(call.response_model)
    if call.provider == "openai" and call.service_tier:
        labels[semconv.OPENAI_RESPONSE_SERVICE_TIER] = encodable(call.service_tier)
    return labels


def _seconds(call: Call) -> dict[str, float | None]:
    return {
        "duration": call.duration_ms / 1000,
        "first": call.ttfb_ms / 1000 if call.stream and call.ttfb_ms is not None else None,
        "gap": call.itl_p50_ms / 1000 if call.stream and call.itl_p50_ms is not None else None,
    }


def _by_modality(call: Call, field: str, modalities: tuple[tuple[str, str], ...]) -> list[tuple[str, int]]:
    """Tokens by modality; without a split by the provider all are "unknown". A failed call counts 0, as the conventions ask."""
    total: int | None = getattr(call, field)
    if total is None:
        return [("unknown", 0)] if modalities and call.outcome != "ok" else []
    split = [(name, tokens) for name, bucket in modalities if (tokens := getattr(call, bucket))]
    rest = total - sum(tokens for _, tokens in split)
    return [*split, ("text" if split else "unknown", max(0, rest))]
