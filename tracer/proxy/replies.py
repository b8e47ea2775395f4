"""Tracer's own replies: what it refuses, what it says when an upstream fails, and its few plain pages.

One body carries both dialects, since OpenAI's SDKs read `error.message` and Portkey's read `message`. Every reply has a
non-empty `x-portkey-trace-id`: without it Portkey's SDKs send the POST again. `x-should-retry: false` keeps OpenAI's SDKs from
repeating a call that the provider may already have billed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import quote
from uuid import uuid4

import orjson

from tracer.proxy.headers import HeaderList

TRACE_ID = "x-portkey-trace-id"
CALL_ID = "x-tracer-call-id"
RETRY_COUNT = "x-portkey-retry-attempt-count"
CACHE_STATUS = "x-portkey-cache-status"


@dataclass(frozen=True, slots=True)
class Plain:
    """A whole reply of ours. `close`: the connection must not serve another request."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    close: bool = False

    @property
    def reason(self) -> str:
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    def header_list(self) -> HeaderList:
        """All its headers but those about the connection."""
        fixed = (
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Date", formatdate(usegmt=True)),
        )
        return [(name.encode(), value.encode()) for name, value in (*self.headers, *fixed)]


def json_reply(status: int, value: object) -> Plain:
    """A JSON reply; its trace id is a new one, as it belongs to no call."""
    return Plain(status, orjson.dumps(value), ((TRACE_ID, str(uuid4())),))


def failure(
    status: int,
    kind: str,
    message: str,
    *,
    trace_id: str = "",
    call_id: str = "",
    retry: bool | None = None,
    body: Mapping[str, object] | None = None,
    close: bool = False,
) -> Plain:
    """An error of ours. `kind` is a stable word for programs; `retry` False forbids SDKs to try again, True invites them.

    `body` replaces the usual one, for a dialect that has its own.
    """
    kind_of_status = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "upstream_error"
    error_type = "timeout_error" if status == HTTPStatus.REQUEST_TIMEOUT else kind_of_status
    error = {"message": message, "type": error_type, "param": None, "code": kind}
    headers = [(TRACE_ID, header_safe(trace_id) or str(uuid4()))]
    if call_id:
        headers.append((CALL_ID, call_id))
    if retry is not None:
        headers.append(("x-should-retry", "true" if retry else "false"))
    said = {"status": "failure", "message": message, "error": error} if body is None else body
    return Plain(status, orjson.dumps(said), tuple(headers), close=close)


def header_safe(value: str) -> str:
    """A trace id as a header's value: what is not printable ASCII is percent-encoded, so nothing can be injected."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}~")
