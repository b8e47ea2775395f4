"""Who looks at a page: a signed cookie that names a Tracer key, and the tokens that forms carry. Values in, values out.

The cookie holds the key's SHA-256 (which opens nothing), a nonce and an end, under an HMAC with a secret of this installation.
Each request looks the key up again, so a revoked key is out at once. Whether a key is asked for is what TRACER_REQUIRE_KEY
means to the proxy (tracer/proxy/identity.py): `auto` as soon as the registry holds one, revoked or not.

A form's token is an HMAC of the nonce: a page of somebody else's cannot know it, and the cookie is SameSite=Strict besides.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from tracer.registry.key_format import digest, is_key
from tracer.registry.records import Caller, Key

COOKIE = "tracer_session"
LASTS_SECONDS = 14 * 86400
_NOBODY = Caller(admin=False)


@dataclass(frozen=True, slots=True)
class Session:
    """Who looks. `allowed`: may see pages at all; `key_name` "" without a login."""

    nonce: str
    token: str  # for forms
    caller: Caller
    allowed: bool
    key_name: str = ""
    needed: bool = False  # whether a key is asked for at all
    is_new: bool = False  # the browser has no cookie yet


class Sessions:
    """Reads and makes cookies; one for a process."""

    def __init__(self, secret: bytes, required: Literal["auto", "always", "never"]) -> None:
        self._secret = secret
        self._required = required

    def read(self, cookie: str, keys: Mapping[str, Key], now_s: float) -> Session:
        """The session of a cookie; a new one if it is none, or not any more."""
        content = self._content(cookie, now_s)
        key = keys.get(content.get("key", ""))
        needed = self._required == "always" or (self._required == "auto" and bool(keys))
        nonce = content.get("nonce") or secrets.token_urlsafe(18)
        token, is_new = self._sign(f"form:{nonce}"), not content
        if key and not key.revoked:
            caller = Caller(key.id, key.workspace, key.tags, key.credential, key.provider, key.admin)
            return Session(nonce, token, caller, True, key.name, needed, is_new)
        return Session(nonce, token, _NOBODY if needed else Caller(), not needed, "", needed, is_new)

    def login(self, typed: str, keys: Mapping[str, Key], now_s: float) -> str | None:
        """The cookie of a key that a person typed; None if it is none of ours, or revoked."""
        text = typed.strip()
        sha256 = digest(text) if is_key(text) else ""
        key = keys.get(sha256)
        return self.cookie(sha256, secrets.token_urlsafe(18), now_s) if key and not key.revoked else None

    def cookie(self, sha256: str, nonce: str, now_s: float) -> str:
        """A cookie's value; `sha256` "" is nobody's."""
        content = orjson.dumps({"key": sha256, "nonce": nonce, "end": int(now_s) + LASTS_SECONDS})
        text = base64.urlsafe_b64encode(content).decode()
        return f"{text}.{self._sign(text)}"

    def is_token(self, session: Session, text: str) -> bool:
        """Whether a form carries this session's token."""
        return hmac.compare_digest(session.token.encode(), text.encode("utf-8", "replace"))

    def _content(self, cookie: str, now_s: float) -> dict[str, str]:
        text, _, signature = cookie.partition(".")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode("utf-8", "replace")):
            return {}
        try:
            content = orjson.loads(base64.urlsafe_b64decode(text))
        except (binascii.Error, orjson.JSONDecodeError):
            return {}
        return content if content["end"] > now_s else {}

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
