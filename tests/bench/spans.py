"""An OTLP endpoint that counts the spans it gets, and how many of them it had already: `GET /count`.

python -m tests.bench.spans --port N
"""

import argparse
import asyncio

import uvloop
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


async def serve(port: int) -> None:
    seen: set[bytes] = set()
    got = 0

    async def traces(request: web.Request) -> web.Response:
        nonlocal got
        for resource in ExportTraceServiceRequest.FromString(await request.read()).resource_spans:
            for scope in resource.scope_spans:
                got += len(scope.spans)
                seen.update(span.span_id for span in scope.spans)
        return web.Response(content_type="application/x-protobuf")

    async def others(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(content_type="application/x-protobuf")

    async def count(_: web.Request) -> web.Response:
        return web.json_response({"spans": got, "distinct": len(seen)})

    app = web.Application(client_max_size=1 << 30)
    app.add_routes([web.post("/v1/traces", traces), web.post("/{path:.*}", others), web.get("/count", count)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.spans", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
