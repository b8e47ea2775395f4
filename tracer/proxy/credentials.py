"""Keys: which one goes upstream. What is a secret in a request says tracer/redact.py.

- A key that is Portkey's own (`Authorization` equal to `x-portkey-api-key`) never goes to a provider.
- SDKs without a key send a placeholder: portkey-ai for Python the literal text OPENAI_API_KEY, for Node DUMMY-KEY.
- Node's Portkey client sends `authorization` as the user gave it, often without `Bearer `. At a native door nothing is put
  before it: not every provider's scheme is Bearer.
- The key of a request that AWS's SigV4 signed is the access key's id.
- A Tracer key never goes to a provider, wherever it stands. It is known by its shape, so an unknown one is kept back too. A
  provider's key that came beside it passes.
- With no key of the provider's, the config's is used, else the credential that the caller's Tracer key is mapped to, else the
  configured one of the provider. A credential is for the provider that its key is for, so no header can send it elsewhere.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from pydantic import SecretStr

from tracer.proxy.identity import ANYBODY, bare, from_another_site, subprotocol_key
from tracer.proxy.portkey_config import Config
from tracer.proxy.refused import Refused
from tracer.proxy.route import Target, slug_of
from tracer.redact import PLACEHOLDERS, worth_hiding
from tracer.registry.key_format import PREFIX, holds_key
from tracer.registry.records import Caller

# Where a provider's key may stand, `Authorization` first.
_KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to send upstream instead of what the caller sent.

    `header`: one to add, or None. `drop`: names (lower case) of the caller's that must not go upstream.
    """

    header: tuple[str, str] | None
    drop: frozenset[str]
    key_hash: str
    secrets: tuple[bytes, ...]  # what must not be recorded of it


def credentials(
    headers: Mapping[str, str],
    target: Target,
    keys: Mapping[str, SecretStr],
    config: Config,
    caller: Caller = ANYBODY,
    native: str = "",
) -> Credentials:
    """What to send upstream for a request with these (case-insensitive) headers. Raises Refused.

    `native`: the header of a server-side key at a native door, where the caller's own passes as it is.
    """
    configured = config.api_key if _is_for(config, target) and not holds_key(config.api_key) else ""
    mapped = caller.credential if caller.provider == target.slug and not target.custom else ""
    server_key = configured or _server_key(mapped, target, keys)
    callers = tuple([headers.get(name) for name in _KEY_HEADERS])
    subprotocols = headers.get("sec-websocket-protocol", "")
    key_header = native or target.provider.key_header
    made = _decided(callers, headers.get("x-portkey-api-key", ""), subprotocols, key_header, server_key, bool(native))
    if mapped and not server_key and not made.key_hash:
        name = "TRACER_KEY_" + mapped.upper().replace("-", "_")
        raise Refused(503, "credential_missing", f"the credential of {caller.key_id} is not configured: {name}")
    if made.header and not made.key_hash and not caller.key_id and from_another_site(headers):
        # A browser sends a plain POST for any page without asking first: it must not spend what is the operator's.
        raise Refused(403, "cross_site", "a page of another web site made a browser send this, without a key of its own")
    if caller is not ANYBODY and (leaky := _carrying(headers)) - made.drop:
        made = replace(made, drop=made.drop | leaky)
    if config.api_key:
        made = replace(made, secrets=made.secrets + worth_hiding([config.api_key]))
    return made


# A program's calls all carry the same keys, so nearly every call finds its answer here.
@lru_cache(maxsize=1024)
def _decided(
    callers: tuple[str | None, ...], portkeys: str, subprotocols: str, key_header: str, server_key: str, as_it_is: bool
) -> Credentials:
    """The same for the values of _KEY_HEADERS, Portkey's key, and the key to use in place of none."""
    sent = {name: bare(value) for name, value in zip(_KEY_HEADERS, callers, strict=True) if value is not None}
    not_a_key = PLACEHOLDERS | {"", portkeys}
    drop = frozenset(name for name, text in sent.items() if text in not_a_key or holds_key(text))
    key = next((text for name, text in sent.items() if name not in drop), "") or _subprotocol_key(subprotocols)
    header = None
    if not key:
        header = (key_header, f"Bearer {server_key}" if key_header == "Authorization" else server_key) if server_key else None
    elif not as_it_is and "authorization" not in drop and callers[0] == key and " " not in key:
        header = ("Authorization", f"Bearer {key}")
    return Credentials(
        header=header,
        drop=drop | {header[0].lower()} if header else drop,
        key_hash=hash_of(key) if key else "",
        secrets=worth_hiding([header[1].rpartition(" ")[2]]) if header else (),
    )


def hash_of(key: str) -> str:
    """What is recorded of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def offered_upstream(subprotocols: str) -> list[str]:
    """The subprotocols of a WebSocket's client that may go upstream: a Tracer key among them may not."""
    tokens = [token.strip() for token in subprotocols.split(",")]
    return [token for token in tokens if token and not holds_key(token)]


def _subprotocol_key(subprotocols: str) -> str:
    key = subprotocol_key(subprotocols)
    return "" if holds_key(key) else key


def _is_for(config: Config, target: Target) -> bool:
    """Whether a config's key may go to a target. The caller's own config may send its key anywhere; a saved one may have been
    written by somebody else, and its key is for the upstream that it names, not for one that the caller's headers name."""
    if not config.id:
        return True
    if config.custom_host:
        return target.custom and target.base_url == config.custom_host.rstrip("/")
    return not target.custom and target.slug == slug_of(config.provider or config.virtual_key)


def _server_key(credential: str, target: Target, keys: Mapping[str, SecretStr]) -> str:
    """The configured key: the caller's credential if it has one here, else the provider's."""
    key = None if target.custom else keys.get(credential or target.slug)
    return key.get_secret_value() if key else ""


def _carrying(headers: Mapping[str, str]) -> frozenset[str]:
    """Names of all headers with a Tracer key in them, whatever they are for."""
    return frozenset([name.lower() for name, value in headers.items() if PREFIX in value and holds_key(value)])
