"""A front door with a dialect of its own: its requests become calls of the OpenAI door, its errors keep their shape."""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

import orjson
from multidict import CIMultiDict

from tracer.proxy.body import Sent
from tracer.proxy.flight import Flight
from tracer.proxy.refused import Refused
from tracer.proxy.relay import Filter
from tracer.proxy.route import Target
from tracer.proxy.tee import Whole
from tracer.proxy.wanted import Wanted
from tracer.registry.records import Caller


class Dialect(Protocol):
    """One front door. Pure but for what it was made with."""

    @property
    def name(self) -> str:
        """The row's `door`."""

    def translate(self, path: str, headers: Mapping[str, str], body: object, caller: Caller, named: Target | None) -> Wanted:
        """The call to make of a request. Raises Refused.

        `path` has no query, `body` is the JSON value (None if it is none), `named` the upstream that the caller itself chose.
        """

    def secrets(self, body: object) -> tuple[bytes, ...]:
        """What of a body must not be recorded wherever it turns up."""

    def shown(self, data: bytes, body: object) -> bytes:
        """The body as it may be recorded."""

    def error(self, message: str, refusal: Refused | None) -> Mapping[str, object] | None:
        """The body of an error of ours; None for the usual one."""

    def filters(self, path: str, wanted: Wanted) -> Sequence[Filter]:
        """What to take out of an event stream for this door's clients."""


def reshape(
    dialect: Dialect | None,
    path: str,
    headers: Mapping[str, str],
    sent: Sent,
    caller: Caller,
    named: Target | None,
    override: Mapping[str, object],
    flight: Flight,
    provider: str = "",
) -> tuple[Sent, Wanted | None]:
    """What a dialect and a config's `override_params` make of a request that was read whole; Wanted is None if nothing.

    `provider` is one that the request names otherwise than by header. Raises Refused.
    """
    if dialect is not None:
        flight.secrets += dialect.secrets(sent.parsed)
        flight.request = Whole(dialect.shown(sent.data or b"", sent.parsed), None)  # also of a request that is refused now
        wanted = dialect.translate(path, headers, sent.parsed, caller, named)
        flight.notes += wanted.notes
        flight.prompt_id, flight.prompt_version = wanted.prompt_id, wanted.prompt_version
    elif isinstance(sent.parsed, dict):
        wanted = Wanted("", sent.parsed, provider)
    else:
        flight.notes += ("config.override_params is ignored: the body is no JSON object",)
        return sent, None
    body = {**wanted.body, **override}
    data = encoded(body)
    flight.original, flight.request = flight.request, Whole(data, None)
    return Sent(data=data, parsed=body), wanted


def encoded(body: object) -> bytes:
    """JSON text of a body that was read from JSON. Raises Refused."""
    try:
        return orjson.dumps(body)
    except TypeError:  # integers of more than 64 bits, or deeper than orjson goes
        try:
            return json.dumps(body).encode()
        except RecursionError:
            raise Refused(400, "nested_too_deep", "the request body nests too deep to be written again") from None


def without(headers: Mapping[str, str], names: frozenset[str]) -> Mapping[str, str]:
    """Headers without some (lower-case) names."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in names) if names else headers
