"""The plainest proxy that aiohttp makes: web.Application, ClientSession, no capture. A yardstick for the machine of the day.

python -m tests.bench.plain --port N --upstream http://127.0.0.1:M
"""

import argparse
import asyncio

import aiohttp
import uvloop
from aiohttp import web


async def serve(port: int, upstream: str) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        auto_decompress=False, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:

        async def pass_on(request: web.Request) -> web.Response:
            kept = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")}
            body = await request.read()
            async with session.request(request.method, upstream + request.path_qs, data=body, headers=kept) as reply:
                headers = {"Content-Type": reply.headers.get("Content-Type", "")}
                return web.Response(body=await reply.read(), status=reply.status, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plain", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    asked = parser.parse_args()
    uvloop.run(serve(asked.port, asked.upstream))
