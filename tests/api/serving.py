"""One endpoint behind a real aiohttp server, as the proxy would serve it: ApiError becomes its reply, each has a trace id."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tracer.api.errors import ApiError
from tracer.registry.records import Caller

Endpoint = Callable[[web.BaseRequest, Caller], Awaitable[web.StreamResponse]]


@dataclass
class Served:
    """`caller` is who the next request comes from."""

    url: str
    client: aiohttp.ClientSession
    caller: Caller

    async def get(self, path: str, **query: str) -> tuple[int, dict[str, object]]:
        async with self.client.get(f"{self.url}{path}", params=query) as answer:
            return answer.status, orjson.loads(await answer.read())


@contextlib.asynccontextmanager
async def serving(endpoint: Endpoint, caller: Caller | None = None) -> AsyncIterator[Served]:
    """The endpoint on a free port of this machine."""
    served: Served

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            reply = await endpoint(request, served.caller)
        except ApiError as error:
            reply = web.Response(status=error.status, body=orjson.dumps(error.body), content_type="application/json")
        reply.headers["x-portkey-trace-id"] = "t-served"
        return reply

    server = RawTestServer(answer, host="127.0.0.1")
    await server.start_server(auto_decompress=False)  # as the proxy's server
    try:
        async with aiohttp.ClientSession() as client:
            served = Served(str(server.make_url("")).rstrip("/"), client, caller or Caller())
            yield served
    finally:
        await server.close()
