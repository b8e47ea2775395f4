"""`GET /v5/chat/completions/models`: the upstream's own list of models, in SGP's shape."""

from dataclasses import dataclass

import aiohttp
import orjson
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tracer.config import Settings
from tracer.proxy.credentials import credentials
from tracer.proxy.dialect import without
from tracer.proxy.headers import upstream
from tracer.proxy.portkey_config import NO_CONFIG
from tracer.registry.records import Caller
from tracer.scale import errors, listing
from tracer.scale.translate import SGP_HEADERS, ScaleDoor

_NOT_THE_LISTS = frozenset({"content-length", "content-type", "accept-encoding", *SGP_HEADERS})


@dataclass(frozen=True, slots=True)
class ScaleModels:
    """The endpoint."""

    door: ScaleDoor
    settings: Settings
    session: aiohttp.ClientSession

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        vendor = request.query.get("model_vendor", "")
        target, vendor = self.door.listing_target(vendor)
        keys = credentials(without(request.headers, SGP_HEADERS), target, self.settings.keys, NO_CONFIG, caller)
        sent = CIMultiDict(
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in upstream(request.raw_headers, drop=_NOT_THE_LISTS | keys.drop)
        )
        if keys.header:
            sent.add(*keys.header)
        try:
            async with self.session.get(URL(target.base_url + "/models", encoded=True), headers=sent) as reply:
                data = await reply.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.json_response(errors.failed(f"{target.host} cannot be asked: {type(error).__name__}"), status=502)
        if reply.status != 200:
            return web.Response(body=data, status=reply.status, content_type=reply.content_type)
        try:
            listed = orjson.loads(data)
        except orjson.JSONDecodeError:
            return web.json_response(errors.failed(f"{target.host} answered with something that is not JSON"), status=502)
        return web.json_response(listing.models(listed, vendor, request.query))
