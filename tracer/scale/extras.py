"""SGP's `inference_*` fields: what a caller adds to the upstream request itself.

They are an open door, so it has bars: a caller's extra headers never replace a credential, the framing or the routing of the
request, and extra parameters never replace the model, the conversation, `stream` or a credential. A header that may not go up
is left out with a note, as SGP's users may have it there for SGP; a parameter that may not is refused, since the call would
mean something else without it.

Values of extra headers are often secrets: `masked` and `hidden_values` keep them out of the record. Neither ever raises.
"""

import math
import re
from collections.abc import Mapping

from tracer.proxy.headers import HOP_BY_HOP
from tracer.scale.errors import Fault, invalid, unprocessable

EXTRA_HEADERS = "inference_extra_headers"
EXTRA_PARAMS = "inference_extra_params"
MASK = "***"

# Credentials and tenancy, routing and framing, what would change how the reply's bytes come, and what the trace is made of.
_NOT_FOR_CALLERS = HOP_BY_HOP | {
    *("authorization", "x-api-key", "api-key", "x-goog-api-key", "x-openai-api-key", "cookie", "x-selected-account-id"),
    *("x-project-id", "openai-organization", "openai-project", "host", "expect", "content-length", "content-type"),
    *("content-encoding", "accept-encoding", "traceparent", "tracestate", "forwarded"),
}
_PREFIXES_NOT_FOR_CALLERS = ("x-portkey-", "x-tracer-", "x-forwarded-", "proxy-", "sec-")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\ud7ff\ue000-\uffff]*")

# The call itself, and LiteLLM's words for where it goes and with which key.
_PROTECTED = frozenset(
    [
        *("model", "messages", "prompt", "input", "stream", "api_key", "api_base", "base_url", "api_version", "organization"),
        *("authorization", "headers", "extra_headers", "default_headers", "extra_body"),
        *("inference_extra_headers", "inference_extra_params", "custom_llm_provider"),
    ]
)


def time_limit(value: object) -> float:
    """`inference_timeout` in seconds, from a number or a text. Raises Refused."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        seconds = math.nan
    except OverflowError:
        seconds = math.inf
    if not (math.isfinite(seconds) and seconds > 0):
        raise invalid("inference_timeout", "Should be a number of seconds greater than 0")
    return seconds


def parameters(value: Mapping[str, object]) -> Mapping[str, object]:
    """`inference_extra_params`, if it leaves the call what it is. Raises Refused."""
    faults = [
        Fault((EXTRA_PARAMS, name), "This parameter cannot be given here") for name in value if name.lower() in _PROTECTED
    ]
    if faults:
        raise unprocessable(faults)
    return value


def headers(value: Mapping[str, object]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """`inference_extra_headers` as (headers to add, names that may not go up). Raises Refused; never with a value."""
    kept: dict[str, tuple[str, str]] = {}
    refused: list[str] = []
    for name, given in value.items():
        text = str(given) if isinstance(given, int | float) and not isinstance(given, bool) else given
        if not _NAME.fullmatch(name):
            raise unprocessable([Fault((EXTRA_HEADERS,), "A name is not that of a header")])
        if not isinstance(text, str) or not _VALUE.fullmatch(text):
            raise unprocessable([Fault((EXTRA_HEADERS, name), "Input should be a string without line breaks", "string_type")])
        lower = name.lower()
        if lower in _NOT_FOR_CALLERS or lower.startswith(_PREFIXES_NOT_FOR_CALLERS):
            refused.append(lower)
        else:
            kept[lower] = (name, text.strip())
    return tuple(kept.values()), tuple(dict.fromkeys(refused))


def hidden_values(body: object) -> tuple[bytes, ...]:
    """Values of the extra headers, longest first: texts that must not be recorded wherever they turn up."""
    values = {text for text in _extra_headers(body).values() if isinstance(text, str) and len(text) >= _WORTH_HIDING}
    values |= {text.rpartition(" ")[2] for text in values if len(text.rpartition(" ")[2]) >= _WORTH_HIDING}
    values |= {text.replace("/", "\\/") for text in values if "/" in text}  # as some JSON writers escape it
    return tuple(text.encode("utf-8", "surrogatepass") for text in sorted(values, key=len, reverse=True))


# A shorter text stands in any body by chance, and hiding it would garble the record; `masked` hides those at their place.
_WORTH_HIDING = 8


def masked(body: object) -> dict[str, object] | None:
    """The request as it may be recorded, or None if it may be as it is."""
    given = body.get(EXTRA_HEADERS) if isinstance(body, dict) else None
    if not given or not isinstance(body, dict):
        return None
    hidden: object = dict.fromkeys(given, MASK) if isinstance(given, dict) else MASK
    return {**body, EXTRA_HEADERS: hidden}


def _extra_headers(body: object) -> Mapping[str, object]:
    given = body.get(EXTRA_HEADERS) if isinstance(body, dict) else None
    return given if isinstance(given, dict) else {}
