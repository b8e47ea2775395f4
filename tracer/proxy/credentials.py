"""Keys: which one goes upstream, and what is a secret in this request.

- A key that is Portkey's own (`Authorization` equal to `x-portkey-api-key`) never goes to a provider.
- SDKs without a key send a placeholder: portkey-ai for Python the literal text OPENAI_API_KEY, for Node DUMMY-KEY.
- Node's Portkey client sends `authorization` as the user gave it, often without `Bearer `.
- With no key of the caller's, the configured one is used, if there is one.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from pydantic import SecretStr

from tracer.proxy.headers import RawHeaders
from tracer.proxy.route import Target, portkey_config

PLACEHOLDERS = frozenset({"OPENAI_API_KEY", "DUMMY-KEY"})
# Where a provider's key may stand, `Authorization` first.
_KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
# Headers whose value is a secret. All go upstream but Portkey's own, which never do.
_SECRET_HEADERS = (*_KEY_HEADERS, "x-openai-api-key", "x-portkey-api-key", "x-portkey-virtual-key", "proxy-authorization")
_SENSITIVE = frozenset(name.encode() for name in (*_SECRET_HEADERS, "cookie", "sec-websocket-protocol"))
_SECRET_PARAMETER = re.compile(
    r"(?:^|.*[-_])(?:api|access)?(?:key|token|secret|password|sig|signature|credential|auth)", re.IGNORECASE
)
_SCHEMES = frozenset({"bearer", "basic"})
# A browser cannot set headers on a WebSocket, so OpenAI takes the key as a subprotocol.
_KEY_SUBPROTOCOL = "openai-insecure-api-key."
# A shorter "secret" is a word that may stand in any text (keys of local servers); hiding it would only garble the record.
SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to send upstream instead of what the caller sent.

    `header`: one to add, or None. `drop`: names (lower case) of the caller's that must not go upstream.
    """

    header: tuple[str, str] | None
    drop: frozenset[str]
    key_hash: str
    secrets: tuple[bytes, ...]  # what must not be recorded of it


def credentials(headers: Mapping[str, str], target: Target, keys: Mapping[str, SecretStr]) -> Credentials:
    """What to send upstream for a request with these (case-insensitive) headers."""
    configured = portkey_config(headers).get("api_key")
    server_key = configured if isinstance(configured, str) and configured else _server_key(target, keys)
    callers = tuple(headers.get(name) for name in _KEY_HEADERS)
    subprotocols = headers.get("sec-websocket-protocol", "")
    return _decided(callers, headers.get("x-portkey-api-key", ""), subprotocols, target.provider.key_header, server_key)


# A program's calls all carry the same keys, so nearly every call finds its answer here.
@lru_cache(maxsize=1024)
def _decided(
    callers: tuple[str | None, ...], portkeys: str, subprotocols: str, key_header: str, server_key: str
) -> Credentials:
    """The same for the values of _KEY_HEADERS, Portkey's key, and the key to use in place of none."""
    sent = {name: _bare(value) for name, value in zip(_KEY_HEADERS, callers, strict=True) if value is not None}
    not_a_key = PLACEHOLDERS | {"", portkeys}
    drop = frozenset(name for name, bare in sent.items() if bare in not_a_key)
    key = next((bare for name, bare in sent.items() if name not in drop), "") or _subprotocol_key(subprotocols)
    header = None
    if not key:
        header = (key_header, f"Bearer {server_key}" if key_header == "Authorization" else server_key) if server_key else None
    elif "authorization" not in drop and callers[0] == key and " " not in key:
        header = ("Authorization", f"Bearer {key}")
    return Credentials(
        header=header,
        drop=drop | {header[0].lower()} if header else drop,
        key_hash=hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16] if key else "",
        secrets=_worth_hiding([header[1].rpartition(" ")[2]]) if header else (),
    )


def callers_secrets(raw: RawHeaders, target: str) -> tuple[bytes, ...]:
    """Texts of a request's headers and query (raw request target) that must not be recorded wherever they turn up."""
    sensitive = tuple([header for header in raw if header[0].lower() in _SENSITIVE])
    return _texts_of(sensitive, target.partition("?")[2])


@lru_cache(maxsize=1024)
def _texts_of(sensitive: tuple[tuple[bytes, bytes], ...], query: str) -> tuple[bytes, ...]:
    found: list[str] = []
    for raw_name, raw_value in sensitive:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "surrogateescape")
        if name == "cookie":
            found += [part.partition("=")[2] for part in value.split(";")]
        elif name == "sec-websocket-protocol":
            # Most subprotocols are ordinary words ("realtime"); secrets are long, or stand behind a prefix and a dot.
            found += [part.partition(".")[2] or part for token in value.split(",") if len(part := token.strip()) > 24]
        else:
            scheme, _, bare = value.partition(" ")
            whole = scheme.lower() not in _SCHEMES or len(bare) < SHORTEST_SECRET
            found += [value, value.rpartition(" ")[2]] if whole else [bare.strip()]
    if query:
        found += [
            raw for name, _, raw in (pair.partition("=") for pair in query.split("&")) if _SECRET_PARAMETER.fullmatch(name)
        ]
        found += [value for name, value in parse_qsl(query, errors="surrogateescape") if _SECRET_PARAMETER.fullmatch(name)]
    return _worth_hiding(found)


def _worth_hiding(texts: list[str]) -> tuple[bytes, ...]:
    kept = {text for text in texts if len(text) >= SHORTEST_SECRET and text.rpartition(" ")[2] not in PLACEHOLDERS}
    kept |= {text.replace("/", "\\/") for text in kept if "/" in text}  # as some JSON writers escape it
    return tuple(text.encode("utf-8", "surrogateescape") for text in sorted(kept, key=len, reverse=True))


def _bare(value: str) -> str:
    """A header's key without its scheme, if that is Bearer."""
    scheme, _, rest = value.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value.strip()


def _subprotocol_key(subprotocols: str) -> str:
    tokens = [token.strip() for token in subprotocols.split(",")]
    return next((token.removeprefix(_KEY_SUBPROTOCOL) for token in tokens if token.startswith(_KEY_SUBPROTOCOL)), "")


def _server_key(target: Target, keys: Mapping[str, SecretStr]) -> str:
    key = None if target.custom else keys.get(target.slug)
    return key.get_secret_value() if key else ""
