"""What is a secret in a request, and overwriting it wherever it stands. Pure.

A caller's key turns up in more places than its header: people put it into metadata, providers echo it in errors. So the
texts of all sensitive headers and query parameters are collected once, and each is overwritten in whatever is kept of the
request, before it reaches the disk.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

import orjson

RawHeaders = Sequence[tuple[bytes, bytes]]
Secrets = tuple[bytes, ...]

# What SDKs send in place of a key that they do not have; no secret, and a word of many texts.
PLACEHOLDERS = frozenset({"OPENAI_API_KEY", "DUMMY-KEY"})
# A shorter "secret" is a word that may stand in any text (keys of local servers); hiding it would only garble the record.
SHORTEST_SECRET = 8

_SENSITIVE = frozenset(
    (
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-openai-api-key",
        b"x-portkey-api-key",
        b"x-portkey-virtual-key",
        b"x-amz-security-token",
        b"proxy-authorization",
        b"cookie",
        b"sec-websocket-protocol",
    )
)
_SECRET_PARAMETER = re.compile(
    r"(?:^|.*[-_])(?:api|access)?(?:key|token|secret|password|sig|signature|credential|auth)", re.IGNORECASE
)
# Headers that are not on the list above, but say by their name that they are (Portkey has a dozen for the clouds' credentials).
_SECRET_HEADER = re.compile(rb".*(?:key|token|secret|password|signature|credentials?|service-account-json)")
_NO_SECRETS = frozenset((b"idempotency-key", b"sec-websocket-key", b"x-idempotency-key"))
_SCHEMES = frozenset({"bearer", "basic"})
# In AWS's signatures. The id of an access key is public, but it may be a key of Tracer's.
_ACCESS_KEY = re.compile(r"\bCredential=([^/,\s]+)/")


def callers_secrets(raw: RawHeaders, target: str) -> Secrets:
    """Texts of a request's headers and query (raw request target) that must not be recorded wherever they turn up."""
    sensitive = tuple([header for header in raw if _is_sensitive(header[0])])
    return _texts_of(sensitive, target.partition("?")[2])


@lru_cache(maxsize=1024)
def _is_sensitive(name: bytes) -> bool:
    lower = name.lower()
    return lower in _SENSITIVE or (lower not in _NO_SECRETS and _SECRET_HEADER.fullmatch(lower) is not None)


def hidden(data: bytes, secrets: Secrets) -> bytes:
    """`data` with the secrets overwritten wherever they stand."""
    for secret in secrets:
        if secret in data:
            data = data.replace(secret, b"*" * len(secret))
    return data


def hidden_at_the_cut(head: bytes, tail: bytes, secrets: Secrets) -> tuple[bytes, bytes]:
    """Overwrite what is left of a secret that was cut in two: by the bound, or because the connection broke inside it."""
    for secret in secrets:
        if not tail and head[-1:] not in secret:  # nothing of it can stand at the end
            continue
        at = head.find(secret[:SHORTEST_SECRET], max(0, len(head) - len(secret)))
        if at >= 0 and secret.startswith(head[at:]):
            head = head[:at] + b"*" * (len(head) - at)
        at = tail.rfind(secret[-SHORTEST_SECRET:], 0, len(secret)) + SHORTEST_SECRET
        if at >= SHORTEST_SECRET and secret.endswith(tail[:at]):
            tail = b"*" * at + tail[at:]
    return head, tail


def shortened(text: str, longest: int, secrets: Secrets) -> str:
    """A text cut to its longest. Secrets go before: what the cut left of one would be found by nobody."""
    if len(text) <= longest:
        return text
    return hidden(text.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")[:longest]


def in_json(secrets: Secrets) -> Secrets:
    """The secrets, and how JSON texts spell those that hold a quote or a backslash."""
    spelt = [orjson.dumps(secret.decode("utf-8", "replace"))[1:-1] for secret in secrets]
    return tuple(dict.fromkeys((*secrets, *spelt)))


# A program's calls all carry the same keys, so nearly every call finds its answer here.
@lru_cache(maxsize=1024)
def _texts_of(sensitive: tuple[tuple[bytes, bytes], ...], query: str) -> Secrets:
    found: list[str] = []
    for raw_name, raw_value in sensitive:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "surrogateescape")
        if name == "cookie":
            found += [part.partition("=")[2] for part in value.split(";")]
        elif name == "sec-websocket-protocol":
            # Most subprotocols are ordinary words ("realtime"); secrets are long, or stand behind a prefix and a dot.
            found += [part.partition(".")[2] or part for token in value.split(",") if len(part := token.strip()) > 24]
        elif value.startswith("{"):
            found += [value, *_in_document(value)]
        else:
            found += _ACCESS_KEY.findall(value)
            scheme, _, bare = value.partition(" ")
            whole = scheme.lower() not in _SCHEMES or len(bare) < SHORTEST_SECRET
            found += [value, value.rpartition(" ")[2]] if whole else [bare.strip()]
    if query:
        found += [
            raw for name, _, raw in (pair.partition("=") for pair in query.split("&")) if _SECRET_PARAMETER.fullmatch(name)
        ]
        found += [value for name, value in parse_qsl(query, errors="surrogateescape") if _SECRET_PARAMETER.fullmatch(name)]
    return worth_hiding(found)


def _in_document(text: str) -> list[str]:
    """The secrets in a JSON object, as a cloud's service account is one."""
    try:
        document = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return []
    return [value for name, value in document.items() if isinstance(value, str) and _SECRET_PARAMETER.fullmatch(name)]


def worth_hiding(texts: list[str]) -> Secrets:
    """As secrets those of the texts that are no placeholder and long enough."""
    kept = {text for text in texts if len(text) >= SHORTEST_SECRET and text.rpartition(" ")[2] not in PLACEHOLDERS}
    kept |= {text.replace("/", "\\/") for text in kept if "/" in text}  # as some JSON writers escape it
    return tuple(text.encode("utf-8", "surrogateescape") for text in sorted(kept, key=len, reverse=True))
