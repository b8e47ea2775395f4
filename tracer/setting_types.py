"""Kinds of settings: how a text from the environment or the file becomes a value."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZE = re.compile(r"(\d+)\s*([a-z]*)", re.IGNORECASE)


def _size(value: object) -> object:
    """Bytes from "64MiB"; numbers pass."""
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        number, unit = match.groups()
        if unit.lower() in _UNITS:
            return int(number) * _UNITS[unit.lower()]
    return value


def _listed(value: object) -> object:
    """A tuple from "a, b"; lists pass."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _pairs(value: object) -> object:
    """A dict from "a=b, c=d"; tables pass."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(equals for _, equals, _ in pairs):
            raise ValueError("should be a comma list of name=meaning")
        return {name.strip(): meaning.strip() for name, _, meaning in pairs}
    return value


Size = Annotated[int, BeforeValidator(_size), Field(ge=0)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]
SecretPairs = Annotated[dict[str, SecretStr], BeforeValidator(_pairs)]
Port = Annotated[int, Field(ge=1, le=65535)]
