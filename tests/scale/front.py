"""The smallest server that speaks the Scale door: translate, ask an upstream, cut the stream's end. What a real proxy does
with the door's values, without the rest of a proxy, so that SDKs can be tried against the door alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import orjson
from aiohttp import web

from tracer.proxy.refused import Refused
from tracer.proxy.wanted import Wanted
from tracer.scale import errors, listing
from tracer.scale.stream_end import StreamEnd
from tracer.scale.translate import MODELS_PATH, ScaleDoor

_OF_A_CONNECTION = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"}


@dataclass
class Front:
    """A door on a port of 127.0.0.1. `wanted` has what each request was made into; `pieces` cuts streams into such."""

    door: ScaleDoor
    port: int = 0
    pieces: int = 7
    wanted: list[Wanted] = field(default_factory=list)
    requests: list[web.BaseRequest] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    @asynccontextmanager
    async def start(cls, door: ScaleDoor) -> AsyncIterator["Front"]:
        front = cls(door)
        runner = web.ServerRunner(web.Server(front._answer))
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            front.port = runner.addresses[0][1]
            yield front
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        try:
            if request.path == MODELS_PATH:
                return await self._list(request)
            raw = await request.read()
            wanted = self.door.translate(request.path, request.headers, orjson.loads(raw))
        except Refused as refusal:
            return web.json_response(errors.body(refusal), status=refusal.status)
        self.wanted.append(wanted)
        return await self._relay(request, wanted)

    async def _list(self, request: web.BaseRequest) -> web.Response:
        target, vendor = self.door.listing_target(request.query.get("model_vendor", ""))
        async with aiohttp.ClientSession() as client, client.get(f"{target.base_url}/models") as reply:
            return web.json_response(listing.models(await reply.json(), vendor, request.query))

    async def _relay(self, request: web.BaseRequest, wanted: Wanted) -> web.StreamResponse:
        target = self.door.routes.targets[wanted.provider] if wanted.provider else self.door.routes.default
        kept = [(name, value) for name, value in request.headers.items() if name.lower() not in wanted.drop | _OF_A_CONNECTION]
        url = target.base_url + wanted.path.removeprefix("/v1")
        body = orjson.dumps(wanted.body)
        async with aiohttp.ClientSession() as client, client.post(url, data=body, headers=[*kept, *wanted.headers]) as reply:
            content_type = reply.headers["Content-Type"]
            answer = web.StreamResponse(status=reply.status, headers={"Content-Type": content_type})
            await answer.prepare(request)
            end = StreamEnd(unname_errors=request.path.startswith("/v5/"))
            cut = content_type.startswith("text/event-stream") and not wanted.sentinel
            async for piece in reply.content.iter_chunked(self.pieces):
                if passed := end.feed(piece) if cut else piece:
                    await answer.write(passed)
            if passed := end.close():
                await answer.write(passed)
            await answer.write_eof()
            return answer
