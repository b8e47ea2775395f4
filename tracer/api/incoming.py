"""A request's JSON body, read whole and bounded, before anything is made of it."""

import json
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tracer.api.errors import ApiError


async def read_body(request: web.BaseRequest, limit: int, setting: str = "TRACER_MAX_REQUEST_BYTES") -> bytes:
    """The body's bytes. Raises ApiError (413 beyond `limit`, naming the setting that says so, if one does)."""
    if request.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise ApiError(415, "Content-Encoding: send the body as it is, not compressed")
    if (request.content_length or 0) > limit:
        raise _too_large(limit, setting)
    parts: list[bytes] = []
    size = 0
    try:
        while piece := await request.content.readany():
            size += len(piece)
            if size > limit:
                raise _too_large(limit, setting)
            parts.append(piece)
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise ApiError(400, f"the body is not framed as its headers say: {type(error).__name__}") from error
    return b"".join(parts)


def parse(body: bytes) -> Any:
    """The JSON in a body; as Python's SDKs write it, so with NaN and lone surrogates. Raises ApiError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise ApiError(400, f"the body is not JSON: {error.msg} (byte {error.pos})") from None


def _too_large(limit: int, setting: str) -> ApiError:
    return ApiError(413, f"the body is larger than {limit} bytes" + (f" ({setting})" if setting else ""))
