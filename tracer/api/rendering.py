"""`POST /v1/prompts/{id}/render`: a prompt filled in and shown, not sent. It leaves no row, as on Portkey."""

from dataclasses import dataclass

from aiohttp import web

from tracer.api.incoming import parse, read_body
from tracer.prompts.door import PromptsDoor
from tracer.proxy.dialect import encoded
from tracer.registry.records import Caller


@dataclass(frozen=True, slots=True)
class Rendering:
    """The endpoint. Bodies up to `max_bytes`."""

    door: PromptsDoor
    max_bytes: int

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        body = parse(await read_body(request, self.max_bytes) or b"{}")
        shown = self.door.render(request.raw_path, body, caller)
        return web.Response(body=encoded(shown), content_type="application/json")
