"""Kinds of settings: how a text from the environment or the file becomes a value."""

import importlib.util
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from tracer.patterns import custom, kinds

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


def _kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    known = (*kinds.BUILT_IN, kinds.ALL, kinds.PRESIDIO)
    if unknown := [name for name in value if name not in known]:
        raise ValueError(f"`{unknown[0]}` should be one of {', '.join(known)}")
    if kinds.PRESIDIO in value and importlib.util.find_spec("presidio_analyzer") is None:
        raise ValueError("`presidio` needs the extra: pip install 'llm-tracer[presidio]'")
    return value


def _expressions(value: dict[str, str]) -> dict[str, str]:
    for name, expression in value.items():
        if not custom.NAME.fullmatch(name) or name in kinds.words():
            raise ValueError(f"`{name}` should be a name of small letters, digits, `-` and `_` that no built-in kind has")
        if fault := custom.fault(expression):
            raise ValueError(f"`{name}` is no usable regular expression: {fault}")
    return value


Size = Annotated[int, BeforeValidator(_size), Field(ge=0)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]
SecretPairs = Annotated[dict[str, SecretStr], BeforeValidator(_pairs)]
Kinds = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_kinds)]
Expressions = Annotated[dict[str, str], AfterValidator(_expressions)]
Port = Annotated[int, Field(ge=1, le=65535)]
