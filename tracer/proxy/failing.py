"""What a caller is told of a call that failed before its reply had begun, in the words of the door that it came to."""

from tracer.proxy.dialect import Dialect
from tracer.proxy.downstream import ClientLeft, send_plain
from tracer.proxy.error_shapes import Body, error_body
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.native import Door
from tracer.proxy.refused import Refused
from tracer.proxy.relay import note_failure
from tracer.proxy.replies import failure
from tracer.proxy.request import Request


async def upstream_failed(request: Request, flight: Flight, error: UpstreamFailed, door: Dialect | Door | None) -> bool:
    """Note how the upstream failed, and say so; whether the connection may serve another request."""
    message = note_failure(flight, error)
    found = error.failure
    # A pooled connection that closed in the moment it was used again never took the request.
    retry = found.retry or (flight.reused and not flight.headers_ns and error.kind in ("disconnected", "reset"))
    return await failed(request, flight, found.status, error.kind, message, door, retry=retry)


async def failed(
    request: Request,
    flight: Flight,
    status: int,
    kind: str,
    message: str,
    door: Dialect | Door | None,
    *,
    refusal: Refused | None = None,
    retry: bool | None = None,
) -> bool:
    """A clear error, if the reply has not begun; else the connection is cut, as the provider's was."""
    if request.begun:
        return False
    flight.status = status
    reply = failure(
        status,
        kind,
        message,
        trace_id=flight.trace.trace_id,
        call_id=str(flight.call_id),
        retry=retry,
        body=_body(door, status, kind, message, refusal),
        close=not request.content.is_eof(),  # the rest of an unread body must not be taken for the next request
    )
    try:
        return await send_plain(request, reply)
    except ClientLeft:
        return False


def _body(door: Dialect | Door | None, status: int, kind: str, message: str, refusal: Refused | None) -> Body | None:
    """In the door's own shape; None for the usual one."""
    if isinstance(door, Door):
        return error_body(door, status, kind, message)
    return door.error(message, refusal) if door else None
