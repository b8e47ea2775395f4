"""Header lists: what goes upstream, what comes back, and what may be recorded.

Names and values travel as they came, in order, duplicates and case kept. Recording works by allow-list: a name that is not
on it is recorded with `***` for its value, so a secret in a header nobody thought of stays out.
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote

from tracer.proxy.context import text
from tracer.records import Headers

RawHeaders = Iterable[tuple[bytes, bytes]]
MASK = "***"

# RFC 9110 7.6.1, and Host and Expect, which belong to one connection too.
HOP_BY_HOP = frozenset(
    ["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"]
)
_NOT_UPSTREAM = HOP_BY_HOP | {"host", "expect"}
_PORTKEY = "x-portkey-"

_RECORDED = frozenset(
    ["accept", "accept-encoding", "accept-language", "age", "alt-svc", "anthropic-beta", "anthropic-version", "cache-control", "cf-cache-status", "cf-ray", "connection", "content-encoding", "content-language", "content-length", "content-type", "date", "etag", "expires", "host", "idempotency-key", "last-modified", "openai-beta", "openai-model", "openai-organization", "openai-processing-ms", "openai-project", "openai-version", "origin", "referer", "retry-after", "retry-after-ms", "server", "strict-transport-security", "traceparent", "tracestate", "transfer-encoding", "user-agent", "vary", "via", "x-cache", "x-content-type-options", "x-envoy-upstream-service-time", "x-portkey-cache-force-refresh", "x-portkey-cache-namespace", "x-portkey-custom-host", "x-portkey-debug", "x-portkey-metadata", "x-portkey-package-version", "x-portkey-parent-span-id", "x-portkey-provider", "x-portkey-request-timeout", "x-portkey-runtime", "x-portkey-runtime-version", "x-portkey-span-id", "x-portkey-span-name", "x-portkey-strict-open-ai-compliance", "x-portkey-trace-id", "x-request-id", "x-selected-account-id", "x-should-retry"]
)
_RECORDED_PREFIXES = ("x-stainless-", "x-ratelimit-")
_RECORDED_QUERY = frozenset(
    ["after", "alt", "api-version", "before", "beta", "include", "include[]", "limit", "model", "order", "purpose", "starting_after", "stream"]
)


def upstream(raw: RawHeaders, *, drop: frozenset[str]) -> list[tuple[str, str]]:
    """A request's headers for the provider: without hop-by-hop headers, Portkey's, and those in `drop` (lower case)."""
    named = [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in raw]
    gone = _NOT_UPSTREAM | drop | _named_by_connection(named)
    return [(name, value) for name, value in named if (low := name.lower()) not in gone and not low.startswith(_PORTKEY)]


def downstream(raw: RawHeaders) -> list[tuple[str, str]]:
    """A response's headers for the client: without hop-by-hop headers, and an `x-portkey-trace-id` of another gateway."""
    named = [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in raw]
    gone = HOP_BY_HOP | {"x-portkey-trace-id"} | _named_by_connection(named)
    return [(name, value) for name, value in named if name.lower() not in gone]


def recorded(raw: RawHeaders) -> Headers:
    """What may be kept of a header list: lower-case names, values only of those that are known to hold no secret."""
    found = []
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        known = name in _RECORDED or name.startswith(_RECORDED_PREFIXES)
        found.append((name, text(raw_value.decode("utf-8", "surrogateescape")) if known else MASK))
    return tuple(found)


def recorded_target(target: str) -> str:
    """A request target whose query shows only parameters that are known to hold no secret."""
    path, mark, query = text(target).partition("?")
    if not mark:
        return path
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    return path + "?" + "&".join(f"{quote(k)}={quote(v) if k in _RECORDED_QUERY else MASK}" for k, v in pairs)


def _named_by_connection(headers: list[tuple[str, str]]) -> frozenset[str]:
    """Names that a Connection header declares to belong to this connection only."""
    return frozenset(
        token.strip().lower() for name, value in headers if name.lower() == "connection" for token in value.split(",")
    )
