"""Tracer itself says no to a request; nothing goes upstream."""

from collections.abc import Mapping


class Refused(Exception):
    """`kind` is the row's error_type; `body`, where given, replaces the usual body of the error (another dialect's shape)."""

    def __init__(self, status: int, kind: str, message: str, body: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.body = body
