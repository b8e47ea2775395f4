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
from urllib.parse import parse_qsl

from multidict import MultiMapping
from pydantic import SecretStr

from tracer.proxy.route import Target, portkey_config

PLACEHOLDERS = frozenset({"OPENAI_API_KEY", "DUMMY-KEY"})
# Where a provider's key may stand, `Authorization` first.
_KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
# Headers whose value is a secret. All go upstream but Portkey's own, which never do.
_SECRET_HEADERS = (*_KEY_HEADERS, "x-openai-api-key", "x-portkey-api-key", "x-portkey-virtual-key", "proxy-authorization")
_SECRET_PARAMETER = re.compile(
    r"(?:^|.*[-_])(?:api|access)?(?:key|token|secret|password|sig|signature|credential|auth)", re.IGNORECASE
)
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

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """What must not be recorded of it."""
        return _worth_hiding([self.header[1].rpartition(" ")[2]]) if self.header else ()


def credentials(headers: Mapping[str, str], target: Target, keys: Mapping[str, SecretStr]) -> Credentials:
    """What to send upstream for a request with these (case-insensitive) headers."""
    sent = {name: _bare(value) for name in _KEY_HEADERS if (value := headers.get(name)) is not None}
    not_a_key = PLACEHOLDERS | {"", headers.get("x-portkey-api-key", "")}
    drop = frozenset(name for name, bare in sent.items() if bare in not_a_key)
    key = next((bare for name, bare in sent.items() if name not in drop), "") or _subprotocol_key(headers)
    header = None
    if not key:
        configured = portkey_config(headers).get("api_key")
        server_key = configured if isinstance(configured, str) and configured else _server_key(target, keys)
        header = _as_header(target, server_key) if server_key else None
    elif "authorization" not in drop and headers.get("authorization") == key and " " not in key:
        header = ("Authorization", f"Bearer {key}")
    return Credentials(
        header=header,
        drop=drop | {header[0].lower()} if header else drop,
        key_hash=hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16] if key else "",
    )


def callers_secrets(headers: MultiMapping[str], target: str) -> tuple[bytes, ...]:
    """Texts of a request's headers and query (raw request target) that must not be recorded wherever they turn up."""
    found = [value for name in _SECRET_HEADERS for value in headers.getall(name, ())]
    found += [value.rpartition(" ")[2] for value in found]  # with and without its scheme
    for value in headers.getall("cookie", ()):
        found += [part.partition("=")[2] for part in value.split(";")]
    for value in headers.getall("sec-websocket-protocol", ()):
        # Most subprotocols are ordinary words ("realtime"); secrets are long, or stand behind a prefix and a dot.
        found += [part.partition(".")[2] or part for token in value.split(",") if len(part := token.strip()) > 24]
    found += _secret_parameters(target.partition("?")[2])
    return _worth_hiding(found) if found else ()


def _secret_parameters(query: str) -> list[str]:
    """Values of a query that are secret by their name, as they stand there and decoded."""
    raw = [pair.partition("=")[::2] for pair in query.split("&")] if query else []
    decoded = parse_qsl(query, errors="surrogateescape") if query else []
    return [value for name, value in (*raw, *decoded) if _SECRET_PARAMETER.fullmatch(name)]


def _worth_hiding(texts: list[str]) -> tuple[bytes, ...]:
    kept = {text for text in texts if len(text) >= SHORTEST_SECRET and text.rpartition(" ")[2] not in PLACEHOLDERS}
    kept |= {text.replace("/", "\\/") for text in kept if "/" in text}  # as some JSON writers escape it
    return tuple(text.encode("utf-8", "surrogateescape") for text in sorted(kept, key=len, reverse=True))


def _bare(value: str) -> str:
    """A header's key without its scheme, if that is Bearer."""
    scheme, _, rest = value.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value.strip()


def _subprotocol_key(headers: Mapping[str, str]) -> str:
    tokens = [token.strip() for token in headers.get("sec-websocket-protocol", "").split(",")]
    return next((token.removeprefix(_KEY_SUBPROTOCOL) for token in tokens if token.startswith(_KEY_SUBPROTOCOL)), "")


def _server_key(target: Target, keys: Mapping[str, SecretStr]) -> str:
    key = None if target.custom else keys.get(target.slug)
    return key.get_secret_value() if key else ""


def _as_header(target: Target, key: str) -> tuple[str, str]:
    name = target.provider.key_header
    return name, f"Bearer {key}" if name == "Authorization" else key
