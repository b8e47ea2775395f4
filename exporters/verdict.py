"""What a collector's answer means: delivered, try again, or never. Pure.

OpenTelemetry's exporters say FAILURE and no more, take any 3xx for success, and never read a partial success (1.45.2), so
the answers are judged here.

Who must act decides the kind (exporters/__init__.py):
  the batch      Permanent: 400, 413, 422; INVALID_ARGUMENT, a message too large. The drain halves and finds the call.
  the collector  Transient: it is away, slow, overloaded or broken; its Retry-After or RetryInfo goes along.
  the operator   Transient too: a wrong URL, key or protocol (other 4xx, a redirect, a web page in place of an answer). OTLP
                 calls these not retryable, for clients that have nowhere to keep data. We have a spool, and a key that
                 expired on Friday must not turn the weekend's calls into dead letters. 500 and INTERNAL are here as well.

A partial success must not be sent again (OTLP 1.x), as most of it was taken: what was rejected is counted. Only when
all of it was rejected is nothing lost by raising Permanent, which leaves the calls among the dead letters with the reason.

No message holds a secret: no URL (keys hide in queries), no headers, no words of a 401 or 403 (some services quote the key).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import orjson
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from exporters import ExportError, Permanent, Transient

PROTOBUF: Final = "application/x-protobuf"

_BAD_BATCH = (400, 413, 422)
_REFUSED = (401, 403)
_REFUSED_GRPC = (StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED)
_TEXT_CHARS = 300
# "larger than max": Go and C++; "exceeds maximum": Java; "too large": Rust, which sends it as OUT_OF_RANGE.
_TOO_LARGE = re.compile(r"larger than max|exceeds max|too large", re.IGNORECASE)
_RETRY_INFO = "google.rpc.retryinfo-bin"

Response = ExportTraceServiceResponse | ExportMetricsServiceResponse


class Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`error` is what to raise; without one, `rejected` counts what the collector took the request for and threw away."""

    error: ExportError | None = None
    rejected: int = 0
    reason: str = ""


DELIVERED: Final = Verdict()


def http(status: int, headers: Headers, body: bytes, response_type: type[Response], items: int) -> Verdict:
    """The verdict on an HTTP answer to a request of `items` spans or points."""
    content_type = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if 200 <= status < 300:
        if content_type == "text/html":
            return Verdict(Transient("the collector answered with a web page; is the endpoint's URL right?"))
        return partial(_decoded(content_type, body, response_type), items)
    said = "" if status in _REFUSED else _said(content_type, body)
    message = f"the collector answered {status}{said}"
    if status in _BAD_BATCH:
        return Verdict(Permanent(message))
    if status < 400:
        return Verdict(Transient(f"{message}: redirects are not followed; is the endpoint's URL right?"))
    return Verdict(Transient(message, _retry_after(headers.get("retry-after"))))


def grpc(code: StatusCode, details: str, trailers: Mapping[str, str | bytes]) -> Verdict:
    """The verdict on a gRPC call that failed."""
    said = f" ({details[:_TEXT_CHARS]})" if details and code not in _REFUSED_GRPC else ""
    message = f"the collector answered {code.name}{said}"
    too_large = code in (StatusCode.RESOURCE_EXHAUSTED, StatusCode.OUT_OF_RANGE) and _TOO_LARGE.search(details)
    if code is StatusCode.INVALID_ARGUMENT or too_large:
        return Verdict(Permanent(message))
    return Verdict(Transient(message, _retry_delay(trailers.get(_RETRY_INFO))))


def partial(response: Response | None, items: int) -> Verdict:
    """The verdict on a successful answer, which may have rejected some of the `items`, or all."""
    if response is None:
        return DELIVERED
    success = response.partial_success
    if isinstance(response, ExportTraceServiceResponse):
        rejected = response.partial_success.rejected_spans
    else:
        rejected = response.partial_success.rejected_data_points
    reason = success.error_message[:_TEXT_CHARS]
    if rejected >= items > 0:
        return Verdict(Permanent(f"the collector rejected all of it: {reason or 'no reason given'}"))
    return Verdict(rejected=rejected, reason=reason)


def _decoded(content_type: str, body: bytes, response_type: type[Response]) -> Response | None:
    """The answer, if it is one: an empty body is a full success, and so is what some backends send in its place."""
    response = response_type()
    if content_type == PROTOBUF:
        try:
            response.ParseFromString(body)
        except DecodeError:
            return None
        return response
    return _from_json(body, response) if content_type == "application/json" else None


def _from_json(body: bytes, response: Response) -> Response | None:
    try:
        success = orjson.loads(body)["partialSuccess"]
        rejected = int(success.get("rejectedSpans") or success.get("rejectedDataPoints") or 0)
        response.partial_success.error_message = str(success.get("errorMessage") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if isinstance(response, ExportTraceServiceResponse):
        response.partial_success.rejected_spans = rejected
    else:
        response.partial_success.rejected_data_points = rejected
    return response


def _said(content_type: str, body: bytes) -> str:
    """The collector's own words about an error, made printable."""
    text = body[: 4 * _TEXT_CHARS].decode("utf-8", "replace")
    if content_type == PROTOBUF:
        try:
            text = Status.FromString(body).message
        except DecodeError:
            text = ""
    elif content_type == "text/html":
        text = ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f" ({text[:_TEXT_CHARS]})" if text else ""


def _retry_after(value: str | None) -> float | None:
    """Seconds from now, from either form that the header has."""
    if not value:
        return None
    try:
        return max(0.0, float(Retry().parse_retry_after(value)))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _retry_delay(value: str | bytes | None) -> float | None:
    if not isinstance(value, bytes):
        return None
    try:
        delay = RetryInfo.FromString(value).retry_delay
    except DecodeError:
        return None
    return float(delay.seconds) + float(delay.nanos) / 1e9
