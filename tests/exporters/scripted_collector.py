"""A collector that answers what a test tells it to, over HTTP or gRPC, and keeps the requests it got.

`answers` are used up in order; after the last one every request succeeds.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Answer:
    """Over HTTP; `hang` answers nothing until the collector stops."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False


@dataclass
class Collector:
    url: str
    answers: deque[Any] = field(default_factory=deque)
    requests: list[ExportTraceServiceRequest | ExportMetricsServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def spans(self) -> list[Span]:
        """Everything that arrived, also in requests that were refused."""
        return [
            span
            for request in self.requests
            if isinstance(request, ExportTraceServiceRequest)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metric_names(self) -> set[str]:
        return {
            metric.name
            for request in self.requests
            if isinstance(request, ExportMetricsServiceRequest)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@contextmanager
def http_collector() -> Iterator[Collector]:
    collector = Collector("")

    class Http(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kind = ExportMetricsServiceRequest if self.path.endswith("/metrics") else ExportTraceServiceRequest
            collector.requests.append(kind.FromString(body))
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.paths.append(self.path)
            answer = collector.answers.popleft() if collector.answers else Answer()
            if answer.hang:
                collector.stopping.wait(30)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"content-type": "application/x-protobuf", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield collector
    finally:
        collector.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


GrpcAnswer = Callable[[grpc.ServicerContext], ExportTraceServiceResponse]


def abort(code: grpc.StatusCode, details: str, *trailers: tuple[str, bytes]) -> GrpcAnswer:
    def answer(context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        context.set_trailing_metadata(trailers)
        context.abort(code, details)

    return answer


@contextmanager
def grpc_collector() -> Iterator[Collector]:
    collector = Collector("")

    class Traces(TraceServiceServicer):  # type: ignore[misc]
        def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
            collector.requests.append(request)
            collector.headers.append(dict(context.invocation_metadata()))
            answer = collector.answers.popleft() if collector.answers else None
            if answer == "hang":
                collector.stopping.wait(30)
            return answer(context) if callable(answer) else ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(Traces(), server)
    collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        collector.stopping.set()
        server.stop(0).wait()
