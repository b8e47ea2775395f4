"""What the span of a call says: its attributes, in two parts. Pure, no I/O, no clock.

`alike` is what many calls say in the same words: who was asked, for what, from where. It is made of the fields _OF_MANY and of
nothing else, so it can be remembered by their values (span.py). `own` is what a call says of itself.

Rules
- An attribute is there only if its value is known: None and "" are left out, 0 is a value.
- Nothing here may make the encoder fail: it drops an attribute it cannot encode, or the whole batch. So integers outside
  64 bits are left out, and lone surrogates (they can come in a caller's JSON) are replaced.
- `server.*` is the provider's host, not ours: the conventions ask a proxy for what is behind it.
- `gen_ai.conversation.id` comes from the caller's session id or not at all; the conventions forbid inventing one.
- A finish reason stays the provider's word.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from urllib.parse import urlsplit

from opentelemetry.util.types import AttributeValue

from exporters import semconv
from tracer.records import Call

Attributes = dict[str, AttributeValue]

SUCCESS = ("ok", "cache_hit")
LOW_CARDINALITY = re.compile(r"[A-Za-z_][\w.\-]{0,63}")
_INT64 = range(-(2**63), 2**63)
_HTTPS = 443

# attribute, field of Call, type on the wire
_COPIED: tuple[tuple[str, str, type], ...] = (
    (semconv.GEN_AI_OPERATION_NAME, "operation", str),
    (semconv.GEN_AI_CONVERSATION_ID, "session_id", str),
    (semconv.SESSION_ID, "session_id", str),
    (semconv.USER_ID, "user", str),
    (semconv.GEN_AI_PROMPT_NAME, "prompt_id", str),
    (semconv.GEN_AI_PROMPT_VERSION, "prompt_version", str),
    (semconv.GEN_AI_REQUEST_MODEL, "request_model", str),
    (semconv.GEN_AI_REQUEST_SEED, "seed", int),
    (semconv.GEN_AI_REQUEST_TEMPERATURE, "temperature", float),
    (semconv.GEN_AI_REQUEST_TOP_P, "top_p", float),
    (semconv.GEN_AI_REQUEST_MAX_TOKENS, "max_tokens", int),
    (semconv.GEN_AI_RESPONSE_ID, "response_id", str),
    (semconv.GEN_AI_RESPONSE_MODEL, "response_model", str),
    (semconv.GEN_AI_RESPONSE_FINISH_REASONS, "finish_reasons", tuple),
    (semconv.GEN_AI_USAGE_INPUT_TOKENS, "input_tokens", int),
    (semconv.GEN_AI_USAGE_OUTPUT_TOKENS, "output_tokens", int),
    (semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, "cache_read_tokens", int),
    (semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, "cache_write_tokens", int),
    (semconv.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, "cache_write_tokens", int),
    (semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, "reasoning_tokens", int),
    (semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS, "audio_input_tokens", int),
    (semconv.GEN_AI_USAGE_IMAGE_INPUT_TOKENS, "image_input_tokens", int),
    (semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS, "audio_output_tokens", int),
    (semconv.GEN_AI_USAGE_COST, "cost_usd", float),
    (semconv.TRACER_COST_USD, "cost_usd", float),
    (semconv.TRACER_COST_INPUT_USD, "input_cost_usd", float),
    (semconv.TRACER_COST_OUTPUT_USD, "output_cost_usd", float),
    (semconv.TRACER_COST_SAVED_USD, "saved_usd", float),
    (semconv.TRACER_COST_WASTED_USD, "wasted_usd", float),
    (semconv.TRACER_PRICE_SOURCE, "price_source", str),
    (semconv.TRACER_USAGE_SOURCE, "usage_source", str),
    (semconv.TRACER_CALL_ID, "call_id", str),
    (semconv.TRACER_TRACE_ID, "trace_id", str),
    (semconv.TRACER_SPAN_ID, "span_id", str),
    (semconv.TRACER_PARENT_SPAN_ID, "parent_span_id", str),
    (semconv.TRACER_SPAN_NAME, "span_name", str),
    (semconv.TRACER_ATTEMPT, "attempt", int),
    (semconv.TRACER_DOOR, "door", str),
    (semconv.TRACER_ENDPOINT, "endpoint", str),
    (semconv.TRACER_PROVIDER, "provider", str),
    (semconv.TRACER_SYSTEM_FINGERPRINT, "system_fingerprint", str),
    (semconv.TRACER_SERVICE_TIER, "service_tier", str),
    (semconv.TRACER_TOOLS, "tools", tuple),
    (semconv.TRACER_CACHE_STATUS, "cache_status", str),
    (semconv.TRACER_REQUEST_HASH, "request_hash", str),
    (semconv.TRACER_CLIENT, "client", str),
    (semconv.TRACER_KEY_HASH, "key_hash", str),
    (semconv.TRACER_KEY_ID, "key_id", str),
    (semconv.TRACER_NOTES, "notes", tuple),
    (semconv.TRACER_OUTCOME, "outcome", str),
    (semconv.TRACER_TTFT_MS, "ttft_ms", float),
    (semconv.TRACER_ITL_P50_MS, "itl_p50_ms", float),
    (semconv.TRACER_ITL_P95_MS, "itl_p95_ms", float),
    (semconv.TRACER_ITL_MAX_MS, "itl_max_ms", float),
    (semconv.TRACER_PROXY_US, "proxy_us", int),
    (semconv.TRACER_CLIENT_GONE_MS, "client_gone_ms", float),
)


# Fields that many calls have the same values of; all that `alike` and `span_name` look at. No real number is among them: 0.0
# and -0.0 are equal, so that the one would be sent for the other.
_OF_MANY = (
    *("operation", "method", "endpoint", "door", "provider", "upstream", "request_model", "response_model", "span_name"),
    *("prompt_id", "prompt_version", "max_tokens", "n", "stream", "attempt", "client", "key_hash"),
    *("key_id", "cache_status", "system_fingerprint", "service_tier", "finish_reasons", "price_source", "usage_source"),
    *("outcome", "status_code", "error_type", "truncated", "tools", "notes"),
)
of_many = attrgetter(*_OF_MANY)
_OWN = tuple(row for row in _COPIED if row[1] not in _OF_MANY and row[1] != "call_id")
_OWN_TEXTS, _OWN_INTEGERS, _OWN_REALS = (
    tuple((name, field) for name, field, kind in _OWN if kind is wanted) for wanted in (str, int, float)
)
_texts, _integers, _reals = (attrgetter(*(field for _, field in rows)) for rows in (_OWN_TEXTS, _OWN_INTEGERS, _OWN_REALS))


def alike(call: Call) -> Attributes:
    """What many calls say in the same words."""
    found: Attributes = {}
    for name, field, kind in _COPIED:
        if field in _OF_MANY:
            _put(found, name, kind, getattr(call, field))
    found.update(common_attributes(call))
    found.update(_flags(call))
    if call.provider == "openai":
        found.update(_openai(call))
    return found


def own(call: Call) -> Attributes:
    """What a call says of itself."""
    found: Attributes = {semconv.TRACER_CALL_ID: str(call.call_id)}
    for (name, _), text in zip(_OWN_TEXTS, _texts(call), strict=True):
        if text:
            found[name] = text if text.isascii() else encodable(text)
    for (name, _), integer in zip(_OWN_INTEGERS, _integers(call), strict=True):
        if integer is not None and integer in _INT64:
            found[name] = integer
    for (name, _), real in zip(_OWN_REALS, _reals(call), strict=True):
        if real is not None:
            found[name] = float(real)
    if call.stream and call.ttfb_ms is not None:
        found[semconv.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = call.ttfb_ms / 1000
    for key, value in call.metadata.items():
        found[f"{semconv.TRACER_METADATA}.{encodable(key)}"] = encodable(value)
    return found


def common_attributes(call: Call) -> Attributes:
    """What spans and metrics share: who was asked, and why it failed; all of low cardinality."""
    found: Attributes = {}
    if call.provider:
        found[semconv.GEN_AI_PROVIDER_NAME] = encodable(semconv.provider_name(call.provider))
    if call.upstream:
        found.update(_server(call.upstream))
    if failure := error_type(call):
        found[semconv.ERROR_TYPE] = failure
    return found


def error_type(call: Call) -> str:
    """`error.type` of a failed call, "" of one that succeeded: the provider's code or ours, the HTTP status, the outcome."""
    if call.outcome in SUCCESS:
        return ""
    if LOW_CARDINALITY.fullmatch(call.error_type):
        return call.error_type
    if call.status_code >= 400:
        return str(call.status_code)
    return call.outcome or semconv.ERROR_TYPE_OTHER


def _flags(call: Call) -> Attributes:
    """What is said only when it departs from the ordinary."""
    found: Attributes = {}
    if call.status_code:
        found[semconv.HTTP_RESPONSE_STATUS_CODE] = call.status_code
    if call.stream:
        found[semconv.GEN_AI_REQUEST_STREAM] = True
    if call.n is not None and call.n != 1:
        _put(found, semconv.GEN_AI_REQUEST_CHOICE_COUNT, int, call.n)
    if call.truncated:
        found[semconv.TRACER_TRUNCATED] = True
    return found


def _openai(call: Call) -> Attributes:
    found: Attributes = {}
    _put(found, semconv.OPENAI_RESPONSE_SERVICE_TIER, str, call.service_tier)
    _put(found, semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT, str, call.system_fingerprint)
    path = call.endpoint.partition("?")[0]
    if path.endswith("/chat/completions"):
        found[semconv.OPENAI_API_TYPE] = "chat_completions"
    elif "/responses" in path:
        found[semconv.OPENAI_API_TYPE] = "responses"
    return found


@lru_cache(maxsize=1024)
def _server(upstream: str) -> Mapping[str, AttributeValue]:
    """Host and port of `host[:port]`; without a port it was https's, as every provider's is."""
    host = encodable(upstream)
    try:
        parts = urlsplit(f"//{host}")
        return {semconv.SERVER_ADDRESS: parts.hostname or host, semconv.SERVER_PORT: parts.port or _HTTPS}
    except ValueError:
        return {semconv.SERVER_ADDRESS: host}


def _put(found: Attributes, name: str, kind: type, value: object) -> None:
    """Add `value` as `kind`, unless it is unknown or cannot be sent."""
    if value is None or value == "" or value == ():
        return
    if kind is str:
        found[name] = encodable(str(value))
    elif kind is float and isinstance(value, int | float | Decimal):
        found[name] = float(value)
    elif kind is int and isinstance(value, int) and value in _INT64:
        found[name] = int(value)
    elif kind is tuple and isinstance(value, tuple):
        found[name] = tuple(encodable(str(item)) for item in value)


def encodable(value: str) -> str:
    """`value` as protobuf can carry it: UTF-8 has no lone surrogates."""
    if value.isascii():
        return value
    return value.encode("utf-8", "replace").decode("utf-8")
