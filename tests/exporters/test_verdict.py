import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from exporters import Permanent, Transient, verdict
from exporters.verdict import DELIVERED, PROTOBUF, Verdict

TRACES = ExportTraceServiceResponse


def http(status: int, body: bytes = b"", content_type: str = PROTOBUF, items: int = 10, **headers: str) -> Verdict:
    named = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return verdict.http(status, named, body, TRACES, items)


def rejecting(count: int, reason: str = "too old") -> bytes:
    response = TRACES()
    response.partial_success.rejected_spans = count
    response.partial_success.error_message = reason
    return bytes(response.SerializeToString())


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_cannot_be_taken_is_permanent(status: int) -> None:
    assert isinstance(http(status).error, Permanent)


@pytest.mark.parametrize("status", [301, 302, 304, 307, 401, 403, 404, 405, 408, 415, 429, 500, 502, 503, 504, 599])
def test_what_somebody_can_mend_is_tried_again(status: int) -> None:
    error = http(status).error
    assert isinstance(error, Transient)
    assert str(status) in str(error)


def test_retry_after_in_both_forms() -> None:
    for status in (429, 503):
        error = http(status, retry_after="7").error
        assert isinstance(error, Transient)
        assert error.retry_after_s == 7
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=1000), usegmt=True)
    error = http(503, retry_after=later).error
    assert isinstance(error, Transient)
    assert error.retry_after_s is not None
    assert 900 < error.retry_after_s <= 1000
    past = http(503, retry_after="Sat, 21 Nov 2020 10:00:00 GMT").error
    assert isinstance(past, Transient)
    assert past.retry_after_s == 0


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5e400"])
def test_a_retry_after_that_makes_no_sense_is_none(value: str) -> None:
    error = http(503, retry_after=value).error
    assert isinstance(error, Transient)
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (PROTOBUF, b""),
        (PROTOBUF, b"\xff\xff\xff"),
        ("application/json", b"{}"),
        ("application/json", b'{"partialSuccess":null}'),
        ("application/json", b"[]"),
        ("text/plain", b"ok"),
        ("", b""),
    ],
)
def test_success_in_the_forms_that_backends_send(content_type: str, body: bytes) -> None:
    assert http(200, body, content_type) == DELIVERED
    assert http(202, body, content_type) == DELIVERED


def test_a_web_page_is_no_collector() -> None:
    assert isinstance(http(200, b"<html>", "text/html; charset=utf-8").error, Transient)


def test_a_partial_success_is_counted_and_a_full_rejection_is_an_error() -> None:
    assert http(200, rejecting(3)) == Verdict(rejected=3, reason="too old")
    body = json.dumps({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}).encode()
    assert http(200, body, "application/json") == Verdict(rejected=3, reason="too old")
    everything = http(200, rejecting(10)).error
    assert isinstance(everything, Permanent)
    assert "too old" in str(everything)
    # OTLP: a warning rides on rejected = 0
    assert http(200, rejecting(0, "deprecated field")).error is None


def test_metric_points_are_counted_likewise() -> None:
    response = ExportMetricsServiceResponse()
    response.partial_success.rejected_data_points = 2
    assert verdict.partial(response, 5).rejected == 2
    body = b'{"partialSuccess":{"rejectedDataPoints":2}}'
    headers = {"content-type": "application/json"}
    assert verdict.http(200, headers, body, ExportMetricsServiceResponse, 5).rejected == 2


def test_the_collectors_words_are_passed_on_printable_and_short() -> None:
    assert "bad span" in str(http(400, Status(message="bad span").SerializeToString()).error)
    assert str(http(400, b"a\n\x1b[31mb", "text/plain").error) == "the collector answered 400 (a [31mb)"
    assert len(str(http(500, b"x" * 100_000, "text/plain").error)) < 400
    assert "<html>" not in str(http(500, b"<html>", "text/html").error)


@pytest.mark.parametrize("status", [401, 403])
def test_an_answer_that_may_quote_the_key_is_not(status: int) -> None:
    assert "canary" not in str(http(status, b"invalid key canary", "text/plain").error)


@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
def test_grpc_codes(code: StatusCode) -> None:
    error = verdict.grpc(code, "why", {}).error
    assert isinstance(error, Permanent if code is StatusCode.INVALID_ARGUMENT else Transient)
    assert ("why" in str(error)) is (code not in (StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED))


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (StatusCode.RESOURCE_EXHAUSTED, "grpc: received message larger than max (5000000 vs. 4194304)"),
        (StatusCode.RESOURCE_EXHAUSTED, "gRPC message exceeds maximum size 4194304: 5000000"),
        (StatusCode.OUT_OF_RANGE, "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304"),
    ],
)
def test_a_message_that_is_too_large_is_the_batchs_fault(code: StatusCode, details: str) -> None:
    assert isinstance(verdict.grpc(code, details, {}).error, Permanent)


def test_grpc_retry_info() -> None:
    info = RetryInfo()
    info.retry_delay.seconds, info.retry_delay.nanos = 3, 500_000_000
    for sent, expected in ((info.SerializeToString(), 3.5), (b"\xff\xff", None), ("text", None)):
        error = verdict.grpc(StatusCode.UNAVAILABLE, "", {"google.rpc.retryinfo-bin": sent}).error
        assert isinstance(error, Transient)
        assert error.retry_after_s == expected
