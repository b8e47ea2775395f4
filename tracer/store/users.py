"""Who asks the store, and may they: Basic auth, the X-ClickHouse-User headers, or `user` and `password` parameters.

`default` needs no password, as on a fresh ClickHouse, and can only query. `tracer` is the writer, with the password of
secret.py. One answer for an unknown name and a wrong password.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping

from tracer.store.errors import AUTHENTICATION_FAILED, failure
from tracer.store.secret import READER, WRITER


def is_writer(headers: Mapping[str, str], query: Mapping[str, str], writer_password: str) -> bool:
    """Whether this request comes from the writer; raises QueryFailed (516) if it comes from nobody known."""
    name, given = _credentials(headers, query)
    if name == READER:
        return False
    if name == WRITER and hmac.compare_digest(given.encode(), writer_password.encode()):
        return True
    raise _wrong(name)


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
