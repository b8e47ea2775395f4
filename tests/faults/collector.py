"""An OTLP collector that counts what it took, by trace id, and answers in whatever way a fault wants."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

Answer = Callable[[], web.Response]
PROTOBUF = "application/x-protobuf"


class Collector:
    """`answer` None: it takes everything. `rejects`: so many of each request, inside a reply that says success."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.taken: Counter[str] = Counter()
        self.requests = 0
        self.rejected = 0
        self.answer: Answer | None = None
        self.hangs = False
        self.rejects = 0
        self._site: web.TCPSite | None = None
        self._runner: web.AppRunner | None = None
        self._awake = asyncio.Event()

    @property
    def settings(self) -> dict[str, str]:
        """What makes Tracer send its spans here."""
        return {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{self.port}/v1/traces",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
        }

    async def open(self) -> None:
        """Listen (again)."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def close(self) -> None:
        """Refuse connections, and end those that are open."""
        self.well()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def well(self) -> None:
        """Take everything from now on."""
        self.answer, self.hangs, self.rejects = None, False, 0
        self._awake.set()

    def hang(self) -> None:
        self.hangs = True
        self._awake.clear()

    async def _take(self, request: web.Request) -> web.Response:
        data = await request.read()
        self.requests += 1
        if self.hangs:
            await self._awake.wait()
            raise web.HTTPServiceUnavailable
        if self.answer:
            return self.answer()
        spans = [
            span
            for resource in ExportTraceServiceRequest.FromString(data).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        kept = spans[self.rejects :]
        self.taken.update(span.trace_id.hex() for span in kept)
        said = ExportTraceServiceResponse()
        if self.rejects:
            self.rejected += len(spans) - len(kept)
            said.partial_success.CopyFrom(
                ExportTracePartialSuccess(rejected_spans=len(spans) - len(kept), error_message="a fault")
            )
        return web.Response(body=said.SerializeToString(), content_type=PROTOBUF)


@asynccontextmanager
async def collecting(port: int) -> AsyncIterator[Collector]:
    collector = Collector(port)
    await collector.open()
    try:
        yield collector
    finally:
        await collector.close()
