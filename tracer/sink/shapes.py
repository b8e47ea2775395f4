"""The usage of a provider that no row knows: found by what its keys are called. Best effort, and marked in the note.

Nearly every provider calls its counts something with "input" or "prompt", "output" or "completion", and "total" in it. A guess
is better than nothing for a person who looks, as long as it says that it is one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracer.dialects.flavour import Flavour
from tracer.dialects.row import Path

_USAGE_KEY = re.compile(r"usage|token_?s?(?:count|usage)?$|^meta(?:data)?$|^metrics$", re.IGNORECASE)
_COUNT = re.compile(r"tok|count|(?:^|\.)(?:input|prompt|output|completion|generated|total)$", re.IGNORECASE)
# In this order: "cached_input_tokens" is no input, "input_tokens_total" is no total.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cache_read", re.compile(r"cache.*(?:read|hit)|cached|hit.*cache", re.IGNORECASE)),
    ("cache_write", re.compile(r"cache.*(?:writ|creat|stor)", re.IGNORECASE)),
    ("reasoning", re.compile(r"reason|think|thought", re.IGNORECASE)),
    ("input", re.compile(r"input|prompt|request|query|context", re.IGNORECASE)),
    ("output", re.compile(r"output|completion|generat|candidate|response|predicted", re.IGNORECASE)),
    ("total", re.compile(r"total", re.IGNORECASE)),
)
_NOT_TOKENS = re.compile(
    r"time|duration|second|latency|cost|price|limit|remaining|(?<!gene)rate|max|budget|char|per_|id$", re.IGNORECASE
)
_TOLD = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
_DEEPEST = 3
_MOST_KEYS = 256


def usage_by_shape(document: Mapping[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The object of a reply that looks most like a usage, and where it stood."""
    for path, value in _objects(document, ()):
        if flavour_by_shape(value) is not None:
            return path, value
    return None


def flavour_by_shape(raw: Mapping[str, Any]) -> Flavour | None:
    """A row made for this usage object, if its keys tell input or output apart."""
    found: dict[str, Path] = {}
    for path in _counts(raw, ()):
        key = str(path[-1])
        if _NOT_TOKENS.search(key) or not _COUNT.search(".".join(map(str, path))):
            continue
        kind = next((kind for kind, pattern in _KINDS if pattern.search(key)), "")
        if kind and kind not in found:
            found[kind] = path
    if "input" not in found and "output" not in found:
        return None
    where = ", ".join(f"{kind} from {'.'.join(map(str, found[kind]))}" for kind in _TOLD if kind in found)
    return Flavour(
        name="by-shape",
        who="",
        marks=(),
        input=_one(found, "input"),
        output=_one(found, "output"),
        total=_one(found, "total"),
        cache_read=_one(found, "cache_read"),
        cache_write=_one(found, "cache_write"),
        reasoning=_one(found, "reasoning"),
        remark=f"an unknown kind of usage, read by its shape: {where}",
    )


def _one(found: Mapping[str, Path], kind: str) -> tuple[Path, ...]:
    return (found[kind],) if kind in found else ()


def _objects(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Objects under keys that sound like usage, those nearer to the document's surface first."""
    inner = [(key, part) for key, part in list(value.items())[:_MOST_KEYS] if isinstance(part, dict) and part]
    for key, part in inner:
        if _USAGE_KEY.search(key):
            yield (*path, key), part
    if len(path) < _DEEPEST:
        for key, part in inner:
            yield from _objects(part, (*path, key))


def _counts(raw: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """Paths of the numbers, those of the object itself first."""
    items = list(raw.items())[:_MOST_KEYS]
    yield from ((*path, key) for key, value in items if type(value) is int and value >= 0)
    if len(path) < _DEEPEST:
        for key, value in items:
            if isinstance(value, dict):
                yield from _counts(value, (*path, key))
