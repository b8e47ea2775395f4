"""Keys: which one goes upstream, and what is a secret in this request.

- A key that is Portkey's own (`Authorization` equal to `x-portkey-api-key`) never goes to a provider.
- SDKs without a key send a placeholder: portkey-ai for Python the literal text OPENAI_API_KEY, for Node DUMMY-KEY.
- Node's Portkey client sends `authorization` as the user gave it, often without `Bearer `.
- With no key of the caller's, the configured one is used, if there is one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from tracer.proxy.route import Target, portkey_config

PLACEHOLDERS = frozenset({"OPENAI_API_KEY", "DUMMY-KEY"})
# Headers whose value is a secret. All go upstream but Portkey's own, which never do.
SECRET_HEADERS = (
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-openai-api-key",
    "x-portkey-api-key",
    "x-portkey-virtual-key",
    "cookie",
    "proxy-authorization",
    "sec-websocket-protocol",
)
# A shorter "secret" is a word that may stand in any text (keys of local servers); hiding it would only garble the record.
SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Credentials:
    """`header`: the one to send instead of the caller's Authorization (None: send what the caller sent, if anything).

    `drop_authorization`: the caller's must not go upstream. `secrets`: texts that must not be recorded.
    """

    header: tuple[str, str] | None
    drop_authorization: bool
    key_hash: str
    secrets: tuple[bytes, ...]


def credentials(headers: Mapping[str, str], target: Target, keys: Mapping[str, SecretStr]) -> Credentials:
    """What to send upstream for a request with these (case-insensitive) headers."""
    sent = headers.get("authorization", "")
    scheme, _, rest = sent.partition(" ")
    own = rest.strip() if rest and scheme.lower() == "bearer" else sent
    placeholder = own in PLACEHOLDERS or (bool(own) and own == headers.get("x-portkey-api-key"))
    other = next((headers[name] for name in ("x-api-key", "api-key", "x-goog-api-key") if headers.get(name)), "")
    key = other if placeholder or not own else own
    header = None
    if not key:
        configured = portkey_config(headers).get("api_key")
        server_key = configured if isinstance(configured, str) else _server_key(target, keys)
        header = _as_header(target, server_key) if server_key else None
    elif own and not placeholder and not rest:
        header = ("Authorization", f"Bearer {own}")
    secrets = [part for name in SECRET_HEADERS if (value := headers.get(name)) for part in (value, value.rpartition(" ")[2])]
    if header:
        secrets.append(header[1].rpartition(" ")[2])
    return Credentials(
        header=header,
        drop_authorization=placeholder or header is not None,
        key_hash=hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16] if key else "",
        secrets=tuple(
            {s.encode("utf-8", "surrogateescape") for s in secrets if len(s) >= SHORTEST_SECRET and s not in PLACEHOLDERS}
        ),
    )


def _server_key(target: Target, keys: Mapping[str, SecretStr]) -> str:
    key = None if target.custom else keys.get(target.slug)
    return key.get_secret_value() if key else ""


def _as_header(target: Target, key: str) -> tuple[str, str]:
    name = target.provider.key_header
    return name, f"Bearer {key}" if name == "Authorization" else key
