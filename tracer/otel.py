"""What Tracer must know of the standard OTEL_* variables; the rest of them is the OpenTelemetry exporters' own business."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ValidationError


class OtelError(Exception):
    """A variable that cannot be used, and what it should be."""


class Otel(BaseModel, frozen=True):
    """What Tracer must know of the OTEL_* variables; everything else about them is the OpenTelemetry exporters' business."""

    traces: bool = False  # an endpoint for traces is configured
    metrics: bool = False
    traces_protocol: Literal["grpc", "http/protobuf"] = "http/protobuf"
    metrics_protocol: Literal["grpc", "http/protobuf"] = "http/protobuf"
    content: bool = False  # OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for message content on spans


def read_otel(environ: Mapping[str, str]) -> Otel:
    """Raises OtelError."""

    def configured(signal: str) -> bool:
        if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return False
        if environ.get(f"OTEL_{signal}_EXPORTER", "otlp") == "none":
            return False
        return bool(environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))

    def protocol(signal: str) -> str:
        general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
        return environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or general

    capture = environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").upper()
    try:
        return Otel(
            traces=configured("TRACES"),
            metrics=configured("METRICS"),
            traces_protocol=protocol("TRACES"),  # type: ignore[arg-type]  # checked by pydantic
            metrics_protocol=protocol("METRICS"),  # type: ignore[arg-type]
            content=capture in ("SPAN_ONLY", "SPAN_AND_EVENT", "TRUE"),
        )
    except ValidationError as error:
        wrong = ", ".join(repr(e["input"]) for e in error.errors())
        raise OtelError(f"OTEL_EXPORTER_OTLP_PROTOCOL: should be `grpc` or `http/protobuf`, not {wrong}") from None
