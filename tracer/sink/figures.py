"""The figures of a usage object as its flavour's row says where they stand. What they mean together is said in usage.py.

A figure is a whole number that may be a count of tokens; of several paths the first that leads to one is taken, so a null or a
word in one place leaves the next its chance. This is done for every call, and most paths of a row lead nowhere: hence the paths
are cut up beforehand, and rows are chosen from those that the provider and the operation leave.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tracer.dialects.flavour import Flavour
from tracer.dialects.flavours import FLAVOURS
from tracer.dialects.row import Path, every

Figures = dict[str, int]

# No call has four billion tokens; a larger figure is a mistake and would not fit its column.
_MOST = (1 << 32) - 1
_FIGURES = (
    *("input", "output", "total", "cache_read", "cache_write", "cache_write_1h", "cached_audio", "cached_image"),
    *("audio_input", "image_input", "reasoning", "audio_output", "image_output", "web_searches", "tool_use", "citations"),
)


def find_usage(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The usage object of a reply or of a chunk in OpenAI's shape, if it has one with something in it."""
    usage = document.get("usage")
    if isinstance(usage, dict) and usage:
        return usage
    groq = document.get("x_groq")  # Groq's last chunk, with or without stream_options
    if isinstance(groq, dict):
        usage = groq.get("usage")
        if isinstance(usage, dict) and usage:
            return usage
    return None


@lru_cache(maxsize=1024)
def _rows(provider: str, operation: str) -> tuple[Flavour, ...]:
    """The rows that answers of this provider to this operation may be of."""
    return tuple(
        flavour
        for flavour in FLAVOURS
        if (not flavour.providers or provider in flavour.providers)
        and (not flavour.operations or operation in flavour.operations)
    )


def choose_flavour(raw: Mapping[str, Any], provider: str, operation: str) -> Flavour | None:
    """The first row that fits this usage object."""
    for flavour in _rows(provider, operation):
        for mark in flavour.marks:
            if mark in raw:
                return flavour
    return None


def figures_of(raw: Mapping[str, Any], flavour: Flavour) -> Figures:
    """All figures that this usage object tells, by the names of the row's fields."""
    ways = _WAYS.get(flavour.name)
    told = _told(raw, _ways(flavour) if ways is None else ways)
    for name, path in flavour.also:
        more = _told(raw, ((name, (_way(path),)),)).get(name)
        if more:
            told[name] = (told.get(name) or 0) + more
    return told


# A path as its first key, its second if there is one, and the whole of it if it leads further: nearly all figures are one or
# two keys deep, most are not there, and this is done for every call.
_Way = tuple[str, str, Path]
_Ways = tuple[tuple[str, tuple[_Way, ...]], ...]


def _way(path: Path) -> _Way:
    second = path[1] if len(path) > 1 and isinstance(path[1], str) else ""
    return str(path[0]), second, path if len(path) > 1 + bool(second) else ()


def _ways(flavour: Flavour) -> _Ways:
    """The figures that a flavour has at all."""
    return tuple((name, tuple(map(_way, where))) for name in _FIGURES if (where := getattr(flavour, name)))


_WAYS = {flavour.name: _ways(flavour) for flavour in FLAVOURS}


def _told(raw: Mapping[str, Any], figures: _Ways) -> Figures:
    """Of each figure the first way that leads to a count; over the elements of a list, their sum."""
    told: Figures = {}
    get = raw.get
    for name, ways in figures:
        for first, second, path in ways:
            value = get(first)
            if value is None:
                continue
            if second:
                value = value.get(second) if type(value) is dict else None
                if value is None:
                    continue
            if path:
                counts = [count for found in every(raw, path) if (count := _count(found)) is not None]
                value = sum(counts) if counts else None
            if type(value) is not int or not 0 <= value <= _MOST:
                value = _count(value)
            if value is not None:
                told[name] = value
                break
    return told


def _count(value: Any) -> int | None:
    """A JSON value as a count. Google's and Amazon's JSON may have numbers as strings, and floats mean whole numbers."""
    if isinstance(value, str):
        value = int(value) if len(value) <= 10 and value.isascii() and value.isdecimal() else None
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _MOST else None
