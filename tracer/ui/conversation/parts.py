"""What a conversation is made of, whichever API it came through, and the few questions that every reader asks of JSON.

Everything here was written by others. A reader takes what has the type it expects and shows the rest as JSON; nothing raises.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

_MEDIA = re.compile(r"(?:data:[^,]{0,100},)?tracer:media;type=([^;]{1,100});bytes=(\d{1,15});sha256=([0-9a-f]{64})")
_DATA_URL = re.compile(r"data:([\w.+-]{1,50}/[\w.+-]{1,50})?[^,]{0,100},")
_MOST_ITEMS = 5000


class Kind(StrEnum):
    """What a part is."""

    TEXT = "text"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    ERROR = "error"
    MEDIA = "media"  # `title` its type; `sha256` and `size` if the proxy took it out, else `text` says where it is
    TOOL_CALL = "tool_call"  # `title` the tool, `text` the arguments
    TOOL_RESULT = "tool_result"
    NOTE = "note"  # Tracer's own words
    OTHER = "other"  # JSON


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message. `left_out`: how many characters of the text are not here."""

    kind: Kind
    text: str = ""
    title: str = ""
    id: str = ""
    size: int = 0
    sha256: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said. `end`: why an answer stopped, as the provider put it."""

    role: str
    parts: tuple[Part, ...]
    name: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that was offered; `schema` is JSON."""

    name: str
    description: str = ""
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was asked, what was answered, and with which tools. `skipped`: older messages that are not here."""

    asked: tuple[Message, ...] = ()
    answered: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    skipped: int = 0


def text_of(value: Any) -> str:
    """`value` if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def items(value: Any) -> list[Any]:
    """The elements of a list; a single object or text counts as a list of one."""
    if isinstance(value, list):
        return value[:_MOST_ITEMS]
    return [value] if isinstance(value, dict | str) and value else []


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Those elements of a list that are objects."""
    return [item for item in items(value) if isinstance(item, dict)]


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_json(value: Any) -> str:
    """Indented JSON, keys in their order; what cannot be written is told."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, ValueError):  # nested deeper than orjson writes
        return "(nested too deeply to be shown)"


def pretty(text: str) -> str:
    """A JSON text indented; any other text as it is."""
    try:
        return as_json(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text


def arguments(value: Any) -> str:
    """A tool's arguments, which some APIs send as an object and some as JSON text."""
    return pretty(value) if isinstance(value, str) else "" if value is None else as_json(value)


def other(value: Any) -> Part:
    """What no reader knows."""
    return Part(Kind.OTHER, text_of(value) or as_json(value), title=text_of(mapping(value).get("type")))


def texts(value: Any, kind: Kind = Kind.TEXT) -> tuple[Part, ...]:
    """A text as a part, none if it is empty."""
    return (Part(kind, value),) if isinstance(value, str) and value else ()


def media(value: Any, type_: str = "", name: str = "") -> Part:
    """Content that is no text: what the proxy put in its place, an address, or a file's id. Never loaded from anywhere."""
    text = text_of(value)
    if found := _MEDIA.search(text[:400]):
        kind = found[1] if found[1] != "application/octet-stream" else type_ or found[1]
        return Part(Kind.MEDIA, name, kind, size=int(found[2]), sha256=found[3])
    if found := _DATA_URL.match(text):
        return Part(Kind.MEDIA, name, found[1] or type_ or "data", size=len(text))
    return Part(Kind.MEDIA, " ".join(filter(None, (name, text[:2000]))), type_ or "file")


def joined(parts: Iterable[Iterable[Part]]) -> tuple[Part, ...]:
    """All of them in a row."""
    return tuple(part for some in parts for part in some)
