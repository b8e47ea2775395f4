"""What a key of Tracer's own looks like: `tr-` and 33 random base62 digits, over 192 bits. Values in, values out.

- The prefix makes a key recognisable: to a person, to a scanner of repositories, and to the proxy, which thereby knows without
  any table that a text must not go to a provider. The length is fixed, so nothing but its shape need be looked at.
- Kept is the SHA-256 only. A slow hash (bcrypt, Argon2) makes guessing dear where secrets are guessable, as passwords are; of
  2^196 equally likely keys nobody guesses one at any speed, and a slow hash would only make each call pay for it.
- A look-up is by the hash in a dict. What it compares are hashes of what the caller sent, which a caller cannot steer towards a
  kept one byte by byte, so the time it takes tells nothing and no constant-time comparison is needed.
"""

import hashlib
import re
import secrets
import string

PREFIX = "tr-"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 33  # 196 bits
_KEY = re.compile(f"{PREFIX}[0-9A-Za-z]{{{_LENGTH}}}")
_ID_BYTES = 4


def new_key() -> str:
    """A new secret."""
    return PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(_LENGTH))


def new_id() -> str:
    """A new public id: stands in lists and on rows, and says nothing about the secret."""
    return "key_" + secrets.token_hex(_ID_BYTES)


def is_key(text: str) -> bool:
    """Whether a text has the shape of a key, known or not."""
    return len(text) == len(PREFIX) + _LENGTH and _KEY.fullmatch(text) is not None


def holds_key(text: str) -> bool:
    """Whether something in a text has the shape of a key."""
    return PREFIX in text and _KEY.search(text) is not None


def digest(key: str) -> str:
    """What is kept of a key: its SHA-256 in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
