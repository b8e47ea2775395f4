"""Tracer's own replies: what it refuses, and what it says when an upstream fails.

One body carries both dialects, since OpenAI's SDKs read `error.message` and Portkey's read `message`. Every reply has a
non-empty `x-portkey-trace-id`: without it Portkey's SDKs send the POST again. `x-should-retry: false` keeps OpenAI's SDKs from
repeating a call that the provider may already have billed.
"""

from http import HTTPStatus
from urllib.parse import quote
from uuid import uuid4

import orjson
from aiohttp import web

TRACE_ID = "x-portkey-trace-id"
CALL_ID = "x-tracer-call-id"


def failure(
    status: int, kind: str, message: str, *, trace_id: str = "", call_id: str = "", retry: bool | None = None
) -> web.Response:
    """An error of ours. `kind` is a stable word for programs; `retry` False forbids SDKs to try again, True invites them."""
    kind_of_status = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "upstream_error"
    error_type = "timeout_error" if status == HTTPStatus.REQUEST_TIMEOUT else kind_of_status
    error = {"message": message, "type": error_type, "param": None, "code": kind}
    headers = {TRACE_ID: header_safe(trace_id) or str(uuid4())}
    if call_id:
        headers[CALL_ID] = call_id
    if retry is not None:
        headers["x-should-retry"] = "true" if retry else "false"
    body = orjson.dumps({"status": "failure", "message": message, "error": error})
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def header_safe(value: str) -> str:
    """A trace id as a header's value: what is not printable ASCII is percent-encoded, so nothing can be injected."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}~")
