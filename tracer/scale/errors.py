"""Tracer's own errors on the Scale door: FastAPI's shapes, which is what SGP answers with.

A request that does not fit the schema gets 422 and a list, any other error of ours an object with one text. SDKs choose the
exception by the status and hand the body out as it is. Errors of an upstream are not ours and pass unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.proxy.refused import Refused

_LONGEST = 1000  # of the text that goes on the row: names in it are the caller's


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where in the body, what, and pydantic's word for it."""

    loc: tuple[str | int, ...]  # inside its part of the request
    message: str
    type: str = "value_error"


def unprocessable(faults: Sequence[Fault], kind: str = "invalid_request", part: str = "body") -> Refused:
    """422 as FastAPI's HTTPValidationError; `part` of the request is "body" or "query"."""
    detail = [{"loc": [part, *fault.loc], "msg": fault.message, "type": fault.type} for fault in faults]
    said = "; ".join(f"{'.'.join(map(str, fault.loc)) or part}: {fault.message}" for fault in faults)
    return Refused(422, kind, said[:_LONGEST], {"detail": detail})


def invalid(field: str, message: str, kind: str = "invalid_request") -> Refused:
    """422 for one field."""
    return unprocessable([Fault((field,), message)], kind)


def body(refused: Refused) -> dict[str, object]:
    """The reply's body for any refusal on this door."""
    return dict(refused.body) if refused.body is not None else failed(refused.message)


def failed(message: str) -> dict[str, object]:
    """The reply's body where nothing is wrong with the request: a fault of Tracer's, or an upstream out of reach."""
    return {"detail": message}
