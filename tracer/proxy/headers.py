"""Header lists: what goes upstream, what comes back, and what may be recorded.

Names and values travel as they came, in order, duplicates and case kept. Recording works by allow-list: a name that is not
on it is recorded with `***` for its value, so a secret in a header nobody thought of stays out.
"""

from collections.abc import Sequence
from urllib.parse import quote, unquote_plus

from tracer.proxy.context import text
from tracer.records import Headers

RawHeaders = Sequence[tuple[bytes, bytes]]
HeaderList = list[tuple[bytes, bytes]]
MASK = "***"
# From here on copying a body behind its head costs more than writing it beside.
LONG_BODY = 16 << 10

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
_NOT_DOWNSTREAM = HOP_BY_HOP | {"x-portkey-trace-id", "x-portkey-cache-status", "x-tracer-call-id"}
_PORTKEY = "x-portkey-"
_USUAL = frozenset({"keep-alive", "close"})
# What a Connection header names stays behind, but not the length of a body that goes on: that would make another request of it.
_FRAMING = frozenset({"content-length"})
_NAMES_NOTHING = frozenset({b"keep-alive", b"Keep-Alive", b"close"})  # nearly every Connection header there is

_RECORDED = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "age",
        "alt-svc",
        "anthropic-beta",
        "anthropic-version",
        "apim-request-id",
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
        "request-id",
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
        "x-amz-date",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-cache",
        "x-content-type-options",
        "x-envoy-upstream-service-time",
        "x-goog-api-client",
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
_RECORDED_PREFIXES = ("x-stainless-", "x-ratelimit-", "anthropic-ratelimit-", "x-amzn-bedrock-")
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


# Names whose values differ from call to call of one client. Never one that says who asks or where a call goes.
_VARYING = frozenset(
    [
        "baggage",
        "content-length",
        "idempotency-key",
        "sec-websocket-key",
        "traceparent",
        "tracestate",
        "x-portkey-metadata",
        "x-portkey-parent-span-id",
        "x-portkey-span-id",
        "x-portkey-span-name",
        "x-portkey-trace-id",
        "x-request-id",
        "x-stainless-retry-count",
    ]
)

# Names repeat with every request, so each is looked at once: (text, lower case, goes up, comes down, may be recorded, varies).
# The bound is there for callers that make names up.
_Name = tuple[str, str, bool, bool, bool, bool]
_GOES_UP, _COMES_DOWN = 2, 3
_names: dict[bytes, _Name] = {}
_MOST_NAMES = 4096


def _learn(raw: bytes) -> _Name:
    shown = raw.decode("latin-1")
    if raw != raw.strip(b" \t"):  # llhttp is lenient with replies, and others would see another header
        raise ValueError("a space in a header's name")
    lower = shown.lower()
    goes_up = lower not in _NOT_UPSTREAM and not lower.startswith(_PORTKEY)
    may_be_recorded = lower in _RECORDED or lower.startswith(_RECORDED_PREFIXES)
    name = (shown, lower, goes_up, lower not in _NOT_DOWNSTREAM, may_be_recorded, lower in _VARYING)
    if len(_names) < _MOST_NAMES:
        _names[raw] = name
    return name


def unvarying(raw: RawHeaders) -> tuple[tuple[bytes, bytes] | bytes, ...]:
    """Headers, but of those whose values differ from call to call of one client only the names."""
    return tuple([header[0] if (_names.get(header[0]) or _learn(header[0]))[5] else header for header in raw])


def upstream(raw: RawHeaders, *, drop: frozenset[str]) -> HeaderList:
    """A request's headers for the provider: without hop-by-hop headers, Portkey's, and those in `drop` (lower case)."""
    return _passing(raw, _GOES_UP, drop)


def downstream(raw: RawHeaders, *, drop: frozenset[str]) -> HeaderList:
    """A response's headers for the client: without hop-by-hop headers, those that are Tracer's to say, and those in `drop`."""
    return _passing(raw, _COMES_DOWN, drop)


def _passing(raw: RawHeaders, direction: int, drop: frozenset[str]) -> HeaderList:
    """What passes in one direction (a place in _Name), without `drop` and what a Connection header names."""
    sent, named = [], drop
    for header in raw:
        name = _names.get(header[0]) or _learn(header[0])
        if name[direction]:
            if name[1] not in drop:
                sent.append(header)
        elif name[1] == "connection" and header[1] not in _NAMES_NOTHING:
            named = named | _listed(header[1])
    return sent if named is drop else _without(sent, named)


def _without(sent: HeaderList, names: frozenset[str]) -> HeaderList:
    return [header for header in sent if header[0].decode("latin-1").lower() not in names]


def head(start: bytes, headers: HeaderList) -> bytes:
    """The head of a message, header bytes as they came. Raises ValueError for a line break inside a line, or a NUL."""
    made = b"\r\n".join([start, *[b"%b: %b" % header for header in headers], b"\r\n"])
    if len(made) - len(made.translate(None, b"\r\n\0")) != 2 * (len(headers) + 2):
        raise ValueError("a line break or a NUL in a header")
    return made


def lines(headers: HeaderList) -> bytes:
    """Header bytes as they came, each with its line end. Raises ValueError for a line break inside a line."""
    made = b"".join([b"%b: %b\r\n" % header for header in headers])
    if len(made) - len(made.translate(None, b"\r\n")) != 2 * len(headers):
        raise ValueError("a line break in a header")
    return made


def recorded(raw: RawHeaders) -> Headers:
    """What may be kept of a header list: lower-case names, values only of those that are known to hold no secret."""
    kept = []
    for raw_name, value in raw:
        _, lower, _, _, may_be_recorded, _ = _names.get(raw_name) or _learn(raw_name)
        kept.append((lower, value.decode("utf-8", "replace") if may_be_recorded else MASK))
    return tuple(kept)


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


def _listed(connection: bytes) -> frozenset[str]:
    """Names that a Connection header declares to belong to this connection only."""
    return frozenset(token.strip() for token in connection.decode("latin-1").lower().split(",")) - _USUAL - _FRAMING
