"""Who asks the store, and may they: Basic auth, the X-ClickHouse-User headers, or `user` and `password` parameters.

Without TRACER_STORE_USERS, `default` needs no password, as on a fresh ClickHouse, and can only query; with it, only the users
named there get in, under the same terms. Tracer's own are `tracer`, the writer, and `tracer-reader`, with passwords out of
secret.py. One answer for an unknown name and a wrong password, after the same work.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from tracer.store.errors import AUTHENTICATION_FAILED, failure
from tracer.store.secret import OWN_READER, READER, WRITER, reader_password


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    internal: bool = False  # Tracer's own writer


class Users:
    """Who is known."""

    def __init__(self, writer_password: str, configured: Mapping[str, SecretStr]) -> None:
        self._passwords = {name: password.get_secret_value() for name, password in configured.items()}
        self._passwords |= {WRITER: writer_password, OWN_READER: reader_password(writer_password)}
        self._open = not configured

    def who(self, headers: Mapping[str, str], query: Mapping[str, str]) -> User:
        """The user of a request; raises QueryFailed (516) if it comes from nobody known."""
        name, given = _credentials(headers, query)
        if name == READER and self._open:
            return User(READER)
        known = hmac.compare_digest(given.encode(), self._passwords.get(name, "").encode())
        if not known or not self._passwords.get(name):
            raise _wrong(name)
        return User(name, internal=name == WRITER)


def _credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, given = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _wrong("") from None
        return name or READER, given
    return query.get("user", READER), query.get("password", "")


def _wrong(name: str) -> Exception:
    return failure(
        AUTHENTICATION_FAILED,
        "AUTHENTICATION_FAILED",
        f"{name}: Authentication failed: password is incorrect, or there is no user with such name.",
    )
