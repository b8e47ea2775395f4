"""The first look at a request: its identity, its trace context, and what of it may be recorded."""

import random
import re
import time
from urllib.parse import unquote
from uuid import UUID

from tracer.ids import random_uuid, uuid7
from tracer.proxy import headers
from tracer.proxy.context import text, trace_context, untraced
from tracer.proxy.flight import Flight
from tracer.proxy.refused import Refused
from tracer.proxy.request import Request
from tracer.records import TraceContext
from tracer.redact import callers_secrets

_DOT_SEGMENT = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\;]|$)")


def accept(request: Request, door: str, *, keep_content: bool, began_ns: int | None = None) -> Flight:
    """Notes for a new call, made now, or at `began_ns` of the performance counter. Never raises: whatever a request holds, it
    gets its record."""
    began = time.perf_counter_ns() if began_ns is None else began_ns
    started_ns = time.time_ns()
    call_id = uuid7(started_ns, random.getrandbits(80))
    path, profile = request.target, request.profile
    return Flight(
        call_id=call_id,
        started_ns=started_ns,
        began_ns=began,
        trace=_trace(request, path, call_id) if profile.traced else untraced(call_id, random_uuid()),
        door=door,
        method=request.method,
        path=headers.recorded_target(path),
        request_headers=profile.recorded(request.raw_headers),
        secrets=callers_secrets(request.raw_headers, path) if "?" in path else profile.secrets,
        content=keep_content and profile.content,
        client=profile.client,
        attempt=_attempt(request.headers.get("x-stainless-retry-count", "")),
    )


def target_path(request: Request) -> str:
    """The target to send on. Raises Refused for dot segments, which would climb out of the provider's API path."""
    target = request.target
    path = target.partition("?")[0]
    if ("." in path or "%" in path) and _DOT_SEGMENT.search(unquote(unquote(path))):
        raise Refused(400, "bad_path", "the path has dot segments")
    return target


def _trace(request: Request, path: str, call_id: UUID) -> TraceContext:
    secrets = request.profile.secrets
    named = text(path.partition("?")[0])
    return trace_context(request.headers, request.method, named, call_id, random_uuid, _span_id, secrets)


def _span_id() -> str:
    return f"{random.getrandbits(64) or 1:016x}"


def _attempt(count: str) -> int:
    return int(count) if count.isascii() and count.isdigit() and len(count) < 6 else 0
