"""The edge of Tracer's own endpoints: who asks, the endpoint's answer, and a clear reply to whatever went wrong.

Every reply has a non-empty `x-portkey-trace-id`: without it Portkey's SDKs send a POST again that failed.

Where no key is asked for, a page of any web site may make its visitor's browser send requests to a Tracer on the same machine.
It cannot read the replies, as there are no CORS headers; a request that writes is refused if the browser says where it is from.
"""

import logging
from collections.abc import Awaitable, Callable
from uuid import uuid4

from aiohttp import web

from tracer.api.errors import ApiError
from tracer.proxy.identity import Required, from_another_site, identify
from tracer.proxy.refused import Refused
from tracer.proxy.replies import TRACE_ID, header_safe
from tracer.proxy.request import Request
from tracer.registry.records import Caller, Snapshot

_log = logging.getLogger(__name__)

Endpoint = Callable[[web.BaseRequest, Caller], Awaitable[web.Response]]


async def serve(request: Request, endpoint: Endpoint, snapshot: Snapshot, required: Required) -> bool:
    """Answer by an endpoint; whether the connection may serve another request."""
    asked = request.for_aiohttp()
    request.let_it_come()
    response = await _answer(asked, endpoint, snapshot, required)
    if TRACE_ID not in response.headers:
        response.headers[TRACE_ID] = header_safe(request.headers.get(TRACE_ID, "")) or str(uuid4())
    if not request.content.is_eof() or request.connection.closing:
        response.force_close()
    request.begun = True
    try:
        await response.prepare(asked)
        await response.write_eof()
    except ConnectionError:
        return False
    return bool(response.keep_alive)


async def _answer(asked: web.BaseRequest, endpoint: Endpoint, snapshot: Snapshot, required: Required) -> web.Response:
    try:
        if asked.method not in ("GET", "HEAD") and from_another_site(asked.headers):
            raise Refused(403, "cross_site", "a page of another web site made a browser send this; it changes nothing here")
        return await endpoint(asked, identify(asked.headers, snapshot.keys, required))
    except ApiError as error:
        return web.json_response(error.body, status=error.status)
    except Refused as refusal:
        body = refusal.body or ApiError(refusal.status, refusal.message, refusal.kind).body
        return web.json_response(body, status=refusal.status)
    except (ConnectionError, web.RequestPayloadError):
        return web.json_response(ApiError(400, "the request's body did not come to its end").body, status=400)
    except Exception:
        # The request edge: a fault of ours must end in a clear reply.
        _log.exception("%s %s failed inside Tracer", asked.method, asked.path)
        return web.json_response(ApiError(500, "an error inside Tracer; its log has the details").body, status=500)
