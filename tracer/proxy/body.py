"""The request's body on its way up: read whole where that is cheap or needed, else passed on piece by piece.

Whole: small bodies (most calls: one packet, one write), and JSON for endpoints where a stream's usage may have to be asked for.
In pieces: everything else, so an upload neither waits nor fills memory; back-pressure runs from the provider to the client,
since the next piece is only read when the last one was taken.
"""

import json
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from tracer.proxy.flight import Flight
from tracer.proxy.refused import Refused
from tracer.proxy.request import Request
from tracer.proxy.tee import Tee, Whole

# A body this small is read before the upstream is asked. OpenAI's SDKs send a body in one or two packets up to about here.
SMALL = 256 << 10
# JSON that need not be read: long talks are of this size. What was read whole can be sent again (ask.py, retry.py).
LARGEST_JSON = 8 << 20
# Endpoints whose streams report usage only if asked. Their requests are read whole, as JSON.
ASKABLE = frozenset({"/v1/chat/completions", "/v1/completions"})


class Sent(NamedTuple):
    """A request's body: `data` if read whole, else `pieces`; neither if there is none. `parsed` if JSON was needed."""

    data: bytes | None = None
    pieces: AsyncIterator[bytes] | None = None
    parsed: object = None


class BodyLost(Exception):
    """The client left before its body was complete."""


async def receive(
    request: Request, flight: Flight, path: str, limit: int, capture_bytes: int, *, whole: bool = False, small: int = SMALL
) -> Sent:
    """The body of `request`. `whole`: read all of it, and as JSON if it says that it is. `small`: up to this it is read whole
    if it is JSON, without a look into it.

    Raises Refused (too large, not JSON where JSON is needed, broken framing) and BodyLost.
    """
    if request.profile.coded:
        raise Refused(501, "unknown_coding", "the request has a Transfer-Encoding other than chunked")
    if not request.has_body:
        return Sent()
    length = request.content_length
    if length is not None and length > limit:
        raise too_large(limit)
    as_json = (whole or (request.method == "POST" and path in ASKABLE)) and request.profile.is_json
    bound = small if small > SMALL and request.profile.is_json else SMALL
    if not (as_json or whole) and (length is None or length > bound):
        return Sent(pieces=_passing(request, flight, limit, capture_bytes))
    data = await _read(request, limit)
    flight.request_end_ns = flight.clock()
    flight.request = Whole(data, None)
    return Sent(data=data, parsed=read_json(data) if as_json else None)


def too_large(limit: int) -> Refused:
    return Refused(413, "body_too_large", f"the request body is larger than {limit} bytes (TRACER_MAX_REQUEST_BYTES)")


async def _read(request: Request, limit: int) -> bytes:
    if request.body is not None:
        if len(request.body) <= limit:
            return request.body
        raise too_large(limit)
    if request.content.is_eof() and request.content.exception() is None:
        data = request.content.read_nowait()  # it came with its headers, as small bodies do
        if len(data) <= limit:
            return data
        raise too_large(limit)
    parts: list[bytes] = []
    size = 0
    while piece := await _next(request):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        parts.append(piece)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _passing(request: Request, flight: Flight, limit: int, capture_bytes: int) -> AsyncIterator[bytes]:
    tee = Tee(capture_bytes)
    flight.request = tee
    try:
        while piece := await _next(request):
            tee.add(piece, flight.clock())
            if tee.size > limit:
                raise too_large(limit)
            yield piece
    except (Refused, BodyLost) as error:
        # Raised inside the upload, while forward.py waits for the reply; it looks for the cause here.
        flight.body_error = error
        raise
    flight.request_end_ns = flight.clock()


async def _next(request: Request) -> bytes:
    """The next piece of the request's body as it came; empty at the end."""
    try:
        request.let_it_come()
        return await request.content.readany()
    except (RequestPayloadError, HttpProcessingError) as error:
        raise Refused(400, "bad_body", f"the request body is not framed as its headers say: {type(error).__name__}") from error
    except ConnectionError as error:
        raise BodyLost from error


def read_json(data: bytes) -> object:
    """A body's value. Raises Refused."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return _lenient(data, error)


def _lenient(data: bytes, error: orjson.JSONDecodeError) -> object:
    """JSON as Python reads it: NaN and lone surrogates are for the provider to refuse, not for us."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refused(400, "bad_json", f"the request body is not valid JSON: {error.msg} (byte {error.pos})") from None
