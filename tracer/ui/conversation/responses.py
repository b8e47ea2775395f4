"""OpenAI's responses API: items instead of messages.

A message is an item; so are a tool's call, its output and a piece of reasoning. Neighbouring items of the assistant's are put
into one message, as they are one turn of its.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from tracer.ui.conversation.blocks import content
from tracer.ui.conversation.parts import Message, Part, items, joined, mapping, text_of

Document = Mapping[str, Any]


def is_request(request: Document) -> bool:
    """Whether it asks this API: embeddings have an `input` too, but never of items, nor these fields."""
    given = request.get("input")
    return (
        any(key in request for key in ("instructions", "previous_response_id", "max_output_tokens"))
        or (isinstance(given, list) and any("role" in mapping(each) or "type" in mapping(each) for each in given))
    ) and "messages" not in request


def asked(request: Document) -> tuple[Message, ...]:
    """The instructions, then the input."""
    system = content(request.get("instructions"))
    given = request.get("input")
    said = (Message("user", content(given)),) if isinstance(given, str) else _messages(items(given))
    return (*((Message("system", system),) if system else ()), *said)


def answered(reply: Document) -> tuple[Message, ...]:
    """The output."""
    end = text_of(mapping(reply.get("incomplete_details")).get("reason")) or text_of(reply.get("status"))
    found = _messages(items(reply.get("output")))
    return (*found[:-1], *(Message(last.role, last.parts, last.name, end) for last in found[-1:]))


def _messages(listed: Iterable[Any]) -> tuple[Message, ...]:
    turns = (((_role(item)), _parts(item)) for item in listed)
    return tuple(Message(role, joined(parts for _, parts in some)) for role, some in groupby(turns, key=lambda turn: turn[0]))


def _role(item: Any) -> str:
    kind = text_of(mapping(item).get("type"))
    if kind.endswith("_output"):
        return "tool"
    return text_of(mapping(item).get("role")) or ("user" if isinstance(item, str) else "assistant")


def _parts(item: Any) -> tuple[Part, ...]:
    if mapping(item).get("type", "message") == "message" and isinstance(item, dict):
        return content(item.get("content"))
    return content([item])
