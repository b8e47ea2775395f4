from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from exporters.instruments import Instruments
from exporters.span import SCOPE
from exporters.sums import Meter
from tests.exporters.otlp_samples import call, full_call
from tracer.records import Call

Points = dict[str, list[Any]]


Recorded = Callable[..., Points]


@pytest.fixture(params=["sums", "sdk"])
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """The data points of each metric after recording some calls, by our instruments and by the SDK's."""
    return partial(points_of, request.param)


def points_of(instruments: str, *calls: Call) -> Points:
    reader = InMemoryMetricReader()
    if instruments == "sdk":
        provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
        Instruments(provider.get_meter("t")).record(calls)
    else:
        Instruments(Meter(reader, Resource({}), SCOPE)).record(calls)
    data = reader.get_metrics_data()
    reader.shutdown()
    if data is None:
        return {}
    encode_metrics(data).SerializeToString()
    found = data.resource_metrics[0].scope_metrics[0].metrics if data.resource_metrics else []
    return {metric.name: list(metric.data.data_points) for metric in found}


def one(points: list[Any]) -> Any:
    (point,) = points
    return point


@pytest.mark.parametrize("prefix", ["gen_ai.client.inference", "gen_ai.client.operation"])
def test_durations_are_in_seconds_under_both_names(prefix: str, recorded: Recorded) -> None:
    found = recorded(full_call())
    for name, value in (("duration", 1.50025), ("time_to_first_chunk", 0.25), ("time_per_output_chunk", 0.01)):
        point = one(found[f"{prefix}.{name}"])
        assert point.sum == pytest.approx(value)
        assert point.explicit_bounds[0] == 0.01
        assert point.explicit_bounds[-1] == 81.92
        assert len(point.explicit_bounds) == 14


def test_labels_are_of_low_cardinality(recorded: Recorded) -> None:
    assert dict(one(recorded(full_call())["gen_ai.client.inference.duration"]).attributes) == {
        "error.type": "server_error",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "openai.response.service_tier": "default",
        "server.address": "api.openai.com",
        "server.port": 443,
    }


def by(points: list[Any], label: str) -> dict[str, Any]:
    return {point.attributes[label]: point for point in points}


def test_tokens_by_type_and_by_modality(recorded: Recorded) -> None:
    found = recorded(full_call(), full_call())
    usage = by(found["gen_ai.client.token.usage"], "gen_ai.token.type")
    assert {name: point.sum for name, point in usage.items()} == {"input": 200, "output": 100}
    assert usage["input"].explicit_bounds[-1] == 67108864
    counted = {
        name.removeprefix("gen_ai.client.inference.usage."): {
            modality: point.value for modality, point in by(points, "gen_ai.token.modality").items()
        }
        for name, points in found.items()
        if ".usage." in name and "inference" in name
    }
    assert counted == {
        "input_tokens": {"audio": 10, "image": 12, "text": 178},
        "output_tokens": {"audio": 16, "text": 84},
        "cache_read.input_tokens": {"unknown": 6},
        "cache_write.input_tokens": {"unknown": 8},
        "reasoning.output_tokens": {"unknown": 14},
    }
    assert one(found["gen_ai.client.inference.operation.input_tokens"]).count == 2


def test_a_provider_that_splits_nothing_leaves_the_modality_unknown(recorded: Recorded) -> None:
    found = recorded(call(input_tokens=5))["gen_ai.client.inference.usage.input_tokens"]
    assert {modality: point.value for modality, point in by(found, "gen_ai.token.modality").items()} == {"unknown": 5}


def test_a_failed_call_counts_no_tokens_and_a_duration(recorded: Recorded) -> None:
    found = recorded(call(outcome="timeout", duration_ms=2000.0))
    assert one(found["gen_ai.client.inference.usage.input_tokens"]).value == 0
    assert one(found["gen_ai.client.operation.duration"]).attributes["error.type"] == "timeout"
    assert "gen_ai.client.token.usage" not in found


def test_a_plain_reply_has_no_chunks(recorded: Recorded) -> None:
    assert not [name for name in recorded(call(ttfb_ms=5.0, itl_p50_ms=1.0)) if "chunk" in name]


def test_what_is_no_genai_operation_is_not_counted(recorded: Recorded) -> None:
    assert recorded(full_call(operation="")) == {}


@pytest.mark.parametrize("instruments", ["sums", "sdk"])
@given(text=st.text(st.characters()) | st.just("\ud800"), tokens=st.integers(0, 2**40), audio=st.integers(0, 2**41))
def test_any_call_can_be_recorded_and_sent(instruments: str, text: str, tokens: int, audio: int) -> None:
    odd = full_call(
        **dict.fromkeys(("request_model", "response_model", "provider", "upstream", "error_type"), text),
        input_tokens=tokens,
        audio_input_tokens=audio,
    )
    counted = points_of(instruments, odd)["gen_ai.client.inference.usage.input_tokens"]
    assert all(point.value >= 0 for point in counted)
