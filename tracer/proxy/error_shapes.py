"""Errors of Tracer's own as a native door's SDK expects its provider's, so that it raises what it would and shows the words.

Chosen by the door, and under /proxy/ by the provider. Where an SDK reads what every error of Tracer's has (replies.py: both
`message` and `error.message`), nothing stands here. `code`, `reason` or the like is the stable word that the row has too.
"""

from collections.abc import Mapping

from tracer.proxy.native import Door

Body = Mapping[str, object]

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
_GOOGLE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}
_AMAZON = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    413: "ValidationException",
    429: "ThrottlingException",
    500: "InternalServerException",
}


def error_body(door: Door, status: int, kind: str, message: str) -> Body | None:
    """The body of an error of ours at a native door; None for the usual one."""
    shape = None if door.openai_like else _SHAPES.get(door.provider)
    return shape(status, kind, message) if shape else None


def _anthropic(status: int, kind: str, message: str) -> Body:
    return {"type": "error", "error": {"type": _ANTHROPIC.get(status, "api_error"), "message": message, "code": kind}}


def _google(status: int, kind: str, message: str) -> Body:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": kind.upper(), "domain": "tracer"}
    word = _GOOGLE.get(status, "UNAVAILABLE")
    return {"error": {"code": status, "message": message, "status": word, "details": [info]}}


def _amazon(status: int, kind: str, message: str) -> Body:
    return {"__type": _AMAZON.get(status, "ServiceUnavailableException"), "message": message, "reason": kind}


def _ollama(status: int, kind: str, message: str) -> Body:
    return {"error": message, "code": kind}


_SHAPES = {"anthropic": _anthropic, "google": _google, "vertex-ai": _google, "bedrock": _amazon, "ollama": _ollama}
