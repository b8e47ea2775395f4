"""Header lists: what goes upstream, what comes back, and what may be recorded.

Names and values travel as they came, in order, duplicates and case kept. Recording works by allow-list: a name that is not
on it is recorded with `***` for its value, so a secret in a header nobody thought of stays out.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

from tracer.proxy.context import text
from tracer.records import Headers

RawHeaders = Sequence[tuple[bytes, bytes]]
MASK = "***"

# RFC 9110 7.6.1, and Host and Expect, which belong to one connection too.
HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
_NOT_UPSTREAM = HOP_BY_HOP | {"host", "expect"}
_NOT_DOWNSTREAM = HOP_BY_HOP | {"x-portkey-trace-id", "x-tracer-call-id"}
_PORTKEY = "x-portkey-"
_USUAL = frozenset({"keep-alive", "close"})

_RECORDED = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "age",
        "alt-svc",
        "anthropic-beta",
        "anthropic-version",
        "cache-control",
        "cf-cache-status",
        "cf-ray",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expires",
        "host",
        "idempotency-key",
        "last-modified",
        "openai-beta",
        "openai-model",
        "openai-organization",
        "openai-processing-ms",
        "openai-project",
        "openai-version",
        "origin",
        "retry-after",
        "retry-after-ms",
        "server",
        "strict-transport-security",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "user-agent",
        "vary",
        "via",
        "x-cache",
        "x-content-type-options",
        "x-envoy-upstream-service-time",
        "x-portkey-cache-force-refresh",
        "x-portkey-cache-namespace",
        "x-portkey-debug",
        "x-portkey-metadata",
        "x-portkey-package-version",
        "x-portkey-parent-span-id",
        "x-portkey-provider",
        "x-portkey-request-timeout",
        "x-portkey-runtime",
        "x-portkey-runtime-version",
        "x-portkey-span-id",
        "x-portkey-span-name",
        "x-portkey-strict-open-ai-compliance",
        "x-portkey-trace-id",
        "x-request-id",
        "x-selected-account-id",
        "x-should-retry",
    ]
)
_RECORDED_PREFIXES = ("x-stainless-", "x-ratelimit-")
_RECORDED_QUERY = frozenset(
    [
        "after",
        "alt",
        "api-version",
        "before",
        "beta",
        "include",
        "include[]",
        "limit",
        "model",
        "order",
        "purpose",
        "starting_after",
        "stream",
    ]
)


class _Name(NamedTuple):
    """What is known of a header by its name. Names repeat with every request, so each is looked at once."""

    text: str
    lower: str
    goes_up: bool
    goes_down: bool
    recorded: bool


@lru_cache(maxsize=4096)
def _name(raw: bytes) -> _Name:
    text = raw.decode("latin-1")
    lower = text.lower()
    return _Name(
        text,
        lower,
        goes_up=lower not in _NOT_UPSTREAM and not lower.startswith(_PORTKEY),
        goes_down=lower not in _NOT_DOWNSTREAM,
        recorded=lower in _RECORDED or lower.startswith(_RECORDED_PREFIXES),
    )


def upstream(raw: RawHeaders, *, drop: frozenset[str]) -> list[tuple[str, str]]:
    """A request's headers for the provider: without hop-by-hop headers, Portkey's, and those in `drop` (lower case)."""
    gone = drop | _named_by_connection(raw)
    return [
        (name.text, value.decode("utf-8", "surrogateescape"))
        for name, value in [(_name(raw_name), value) for raw_name, value in raw]
        if name.goes_up and name.lower not in gone
    ]


def downstream(raw: RawHeaders) -> list[tuple[str, str]]:
    """A response's headers for the client: without hop-by-hop headers, and the ids of another gateway behind us."""
    gone = _named_by_connection(raw)
    return [
        (name.text, value.decode("utf-8", "surrogateescape"))
        for name, value in [(_name(raw_name), value) for raw_name, value in raw]
        if name.goes_down and name.lower not in gone
    ]


def recorded(raw: RawHeaders) -> Headers:
    """What may be kept of a header list: lower-case names, values only of those that are known to hold no secret."""
    return tuple(
        (name.lower, text(value.decode("utf-8", "surrogateescape")) if name.recorded else MASK)
        for name, value in [(_name(raw_name), value) for raw_name, value in raw]
    )


def recorded_target(target: str) -> str:
    """A request target whose query shows only parameters that are known to hold no secret."""
    path, mark, query = text(target).partition("?")
    if not mark:
        return path
    return path + "?" + "&".join(map(_recorded_parameter, query.split("&"))) if query else path + "?"


def _recorded_parameter(pair: str) -> str:
    name, is_named, value = pair.partition("=")
    if unquote_plus(name) in _RECORDED_QUERY:
        return f"{quote(unquote_plus(name))}={quote(unquote_plus(value))}"
    return f"{quote(unquote_plus(name))}={MASK}" if is_named else MASK


def _named_by_connection(raw: RawHeaders) -> frozenset[str]:
    """Names that a Connection header declares to belong to this connection only."""
    values = [value for name, value in raw if _name(name).lower == "connection"]
    return frozenset(token.strip().decode("latin-1").lower() for value in values for token in value.split(b",")) - _USUAL
