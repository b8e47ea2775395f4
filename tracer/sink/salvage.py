"""Facts from JSON that does not parse, because the middle was not kept or the connection broke.

Strategy: look for `"key": scalar` and for the last `"usage"` object in what is there. A quote inside a JSON string is always
escaped, so text that a user or a model wrote cannot look like a key; a nested object's key of the same name can, which is
why only keys are asked for whose meaning does not depend on where they stand.
"""

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

_DECODER = json.JSONDecoder()
_MOST_TRIES = 8


@lru_cache(maxsize=32)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    scalar = r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false'
    return re.compile(rf'"({"|".join(keys)})"\s*:\s*({scalar})')


def scalars(text: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """The first scalar value of each of `keys` that is found."""
    found: dict[str, Any] = {}
    for match in _pattern(keys).finditer(text):
        found.setdefault(match[1], _value(match[2]))
    return found


def all_scalars(text: str, key: str) -> list[Any]:
    """Every scalar value of `key`, in order."""
    return [_value(match[2]) for match in _pattern((key,)).finditer(text)]


def last_object(text: str, keys: Iterable[str], fits: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any] | None:
    """The last object with something in it that stands behind one of `keys` and fits."""
    best: tuple[int, dict[str, Any] | None] = (-1, None)
    for key in keys:
        position = len(text)
        for _ in range(_MOST_TRIES):
            position = text.rfind(f'"{key}"', 0, position)
            if position < 0:
                break
            value = _object_behind(text, position + len(key) + 2)
            if value and fits(value):
                best = max(best, (position, value), key=lambda pair: pair[0])
                break
    return best[1]


def _object_behind(text: str, position: int) -> dict[str, Any] | None:
    start = re.compile(r"\s*:\s*(?=\{)").match(text, position)
    if start is None:
        return None
    try:
        value, _ = _DECODER.raw_decode(text, start.end())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _value(literal: str) -> Any:
    try:
        return json.loads(literal)
    except ValueError:  # a string with a broken escape
        return ""
