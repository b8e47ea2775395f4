"""Who makes a request: the Tracer key in its headers, looked up in the registry's snapshot. Values in, values out.

A key may come in any header that a client of some API would put its key into: the value of that one is often all that a user
can set. A text counts only if it has the shape of a Tracer key (registry/key_format.py), so a provider's key beside it is never
taken for one. Of several valid keys the first in the order of CARRIERS speaks; a valid one makes up for others that are not.

Required (TRACER_REQUIRE_KEY)
    auto     as soon as the registry holds a key; revoked ones count, so revoking the last one does not open the proxy
    always   also while there is none
    never    a valid key is honoured if it comes, whatever else comes is nobody's; a revoked one is refused all the same

Where there are no keys and none is required, this costs one comparison and gives `ANYBODY`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from tracer.proxy.refused import Refused
from tracer.proxy.sigv4 import SCHEME, key_id
from tracer.redact import PLACEHOLDERS
from tracer.registry.key_format import digest, is_key
from tracer.registry.records import Caller, Key

Required = Literal["auto", "always", "never"]

CARRIERS = ("x-portkey-api-key", "x-portkey-virtual-key", "x-api-key", "api-key", "x-goog-api-key", "authorization")
# A browser cannot set headers on a WebSocket, so OpenAI takes the key as a subprotocol.
_KEY_SUBPROTOCOL = "openai-insecure-api-key."
_NO_KEY = PLACEHOLDERS | {""}
_HINT = "send it as x-portkey-api-key, x-api-key or `Authorization: Bearer`; `tracer keys create` makes one"

# No registry key exists: credentials.py need not look for one where none belongs.
ANYBODY = Caller()
_NOBODY = Caller()


def identify(headers: Mapping[str, str], keys: Mapping[str, Key], required: Required) -> Caller:
    """Who makes a request with these (case-insensitive) headers; `keys` by SHA-256. Raises Refused, and nothing else."""
    if not keys and required != "always":
        return ANYBODY
    carried = tuple([headers.get(name) for name in CARRIERS])
    found = _digests(carried, headers.get("sec-websocket-protocol", ""))
    revoked = None
    for sha256 in found:
        key = keys.get(sha256)
        if key and not key.revoked:
            return Caller(key.id, key.workspace, key.tags, key.credential, key.provider, key.admin)
        revoked = revoked or key
    if revoked:
        raise Refused(401, "revoked_key", f"Invalid API key: {revoked.id} was revoked")
    if required == "never":
        return _NOBODY
    sent = next((name for name, value in zip(CARRIERS, carried, strict=True) if _is_something(value)), "")
    sent = sent or ("sec-websocket-protocol" if found else "")
    if sent:
        raise Refused(401, "invalid_key", f"Invalid API key: what came in {sent} is no key of this Tracer; {_HINT}")
    raise Refused(401, "missing_key", f"Missing API key: this Tracer asks for one of its own; {_HINT}")


def from_another_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent this for a page that is not Tracer's own. Other programs send neither header."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != headers.get("Host")


def bare(value: str) -> str:
    """A header's key without its scheme, if that is Bearer; of one that AWS's SigV4 made, the id of the access key."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme == SCHEME:
        return key_id(value) or value
    return rest.strip() if scheme.lower() == "bearer" else value.strip()


def subprotocol_key(subprotocols: str) -> str:
    """The key in a Sec-WebSocket-Protocol header, if one is."""
    tokens = [token.strip() for token in subprotocols.split(",")]
    return next((token.removeprefix(_KEY_SUBPROTOCOL) for token in tokens if token.startswith(_KEY_SUBPROTOCOL)), "")


def with_tags(metadata: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    """A request's metadata with its key's tags. The key wins: it is what the caller cannot choose.

    `user` is also `_user`, which is where Portkey's dialect, and the row's column, look for the user.
    """
    named = {"_user": tags["user"]} if "user" in tags else {}
    return {**metadata, **named, **tags}


# A program sends the same headers with every call. What is remembered is the hash, not whether it is a key: that may change.
@lru_cache(maxsize=1024)
def _digests(carried: tuple[str | None, ...], subprotocols: str) -> tuple[str, ...]:
    """Hashes of all that has the shape of a key."""
    texts = [bare(value) for value in carried if value]
    if subprotocols:
        texts.append(subprotocol_key(subprotocols))
    return tuple(digest(text) for text in dict.fromkeys(texts) if is_key(text))


def _is_something(value: str | None) -> bool:
    return value is not None and bare(value) not in _NO_KEY
