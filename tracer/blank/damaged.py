"""A JSON object whose middle was not kept: what stands around the text, as a smaller object without any.

Strategy: what is before the first long part, closed with a bracket, is an object if it stood at the outermost level; so is what
follows the last one, opened with a bracket. Only what parses so is taken, hence nothing from inside what someone said can pass
for a parameter. Why choices ended stands inside of them; of that the usual words are looked for, and no others.
"""

import re
from typing import Any

import orjson

from tracer.blank.document import blank_json

_LONG = re.compile(
    rb',?\s*"(?:messages|input|inputs|contents|content|prompt|choices|candidates|output|outputs|data|tools|system|message|response'
    rb'|systemInstruction|instructions|text|results|generation|generations|completion|outputText|generated_text)"\s*:'
)
_KEY = re.compile(rb',\s*(?="[A-Za-z_-]{1,64}"\s*:)')
_REASONS = re.compile(
    rb'"(finish_reason|finishReason)"\s*:\s*"'
    rb"(stop|length|tool_calls|content_filter|function_call|STOP|MAX_TOKENS|SAFETY|RECITATION|OTHER)\""
)
_MOST_TRIES = 64
_MOST_CHOICES = 128


def blank_damaged(head: bytes, tail: bytes) -> bytes:
    """What can be told of a JSON object that began with `head` and ended with `tail`; empty if nothing can."""
    if head.lstrip()[:1] != b"{":
        return b""
    found = {**_behind(tail), **_before(head)}
    reasons = [match.groups() for match in _REASONS.finditer(tail)][:_MOST_CHOICES]
    if reasons:
        key = "candidates" if reasons[0][0] == b"finishReason" else "choices"
        found[key] = [{"index": index, name.decode(): reason.decode()} for index, (name, reason) in enumerate(reasons)]
    return blank_json(orjson.dumps(found)) if found else b""


def _before(head: bytes) -> dict[str, Any]:
    for tried, match in enumerate(_LONG.finditer(head)):
        found = _object(head[: match.start()] + b"}")
        if found is not None or tried == _MOST_TRIES:
            return found or {}
    return {}


def _behind(tail: bytes) -> dict[str, Any]:
    best: dict[str, Any] = {}
    for match in [*_KEY.finditer(tail)][-_MOST_TRIES:]:
        found = _object(b"{" + tail[match.end() :])
        if found is not None and len(found) > len(best):
            best = found
    return best


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
