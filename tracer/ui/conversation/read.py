"""Two bodies in, a conversation out: which dialect it is, by what the bodies look like, and how much of it is shown.

Bounds. A body may have 4 MB, and a page of that is no use to anybody: each text is cut at LONGEST_TEXT, and a long conversation
keeps its beginning (the system's words) and its end. What was left out is counted: the page says so and links to the raw body.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from tracer.ui.conversation import chat, converse, gemini, others, responses
from tracer.ui.conversation.parts import Conversation, Kind, Message, Part, as_json, mapping, text_of

LONGEST_TEXT = 12_000
MOST_CHARACTERS = 250_000  # of all messages together
MOST_MESSAGES = 200
MOST_TOOLS = 100
_MOST_PARTS = 200  # of one message
Document = Mapping[str, Any]


def conversation(request_body: str, response_body: str, assembled: str = "") -> Conversation:
    """What was said, as far as the bodies can be read; empty if they cannot."""
    request, reply = _object(request_body), _reply(assembled) or _reply(response_body)
    answers = _answered(request, reply)
    whole = Conversation(_asked(request), answers, _tools(request))
    return bounded(whole)


def bounded(whole: Conversation) -> Conversation:
    """No more than a page can show: all answers, and of what was asked the first message and the latest."""
    room = MOST_CHARACTERS
    answered, room = _cut(whole.answered[:MOST_MESSAGES], room)
    skipped = max(len(whole.asked) - MOST_MESSAGES, 0)
    first, room = _cut(whole.asked[: 1 if skipped else 0], room)
    kept, room = _cut(tuple(reversed(whole.asked[skipped + len(first) :])), room)
    shown = tuple(message for message in reversed(kept) if message.parts or message.role)
    tools = tuple(
        replace(tool, description=tool.description[:LONGEST_TEXT], schema=tool.schema[:LONGEST_TEXT])
        for tool in whole.tools[:MOST_TOOLS]
    )
    return Conversation((*first, *shown), answered, tools, skipped)


def _asked(request: Document) -> tuple[Message, ...]:
    if gemini.is_request(request):
        return gemini.asked(request)
    if responses.is_request(request):
        return responses.asked(request)
    return chat.asked(request) or others.asked(request)


def _answered(request: Document, reply: Document) -> tuple[Message, ...]:
    failed = _error(reply)
    if gemini.is_reply(reply):
        return (*gemini.answered(reply), *failed)
    if isinstance(reply.get("output"), list):
        # An answer without anything in it is one all the same: a compaction, or tools that were only asked.
        return (*responses.answered(reply), *failed) or (Message("assistant", ()),)
    return (*(chat.answered(reply) or others.answered(reply)), *failed)


def _tools(request: Document) -> Any:
    return gemini.tools(request) if gemini.is_request(request) else chat.tools(request) or converse.tools(request)


def _error(reply: Document) -> tuple[Message, ...]:
    """An error in its many shapes: {"error": {"message"}}, {"error": "…"}, {"detail": …}, a {"message"} that is a text."""
    error = reply.get("error") or reply.get("detail") or text_of(reply.get("message"))
    if not error:
        return ()
    said = text_of(error) or text_of(mapping(error).get("message")) or as_json(error)
    title = text_of(mapping(error).get("type")) or text_of(mapping(error).get("code")) or text_of(mapping(error).get("status"))
    return (Message("error", (Part(Kind.ERROR, said, title),)),)


def _reply(body: str) -> Document:
    """The answer as one document. Of a stream that the sink could not put together, the error it has, if it has one."""
    if found := _object(body):
        return found
    if body.startswith("["):
        listed = _parsed(body)
        found_here = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        return found_here[0] if len(found_here) == 1 else {}  # text-generation-inference answers so
    lines = (_object(line.removeprefix("data:").strip()) for line in body.splitlines() if '"error"' in line)
    return next((each for each in lines if "error" in each), {})


def _object(body: str) -> Document:
    return mapping(_parsed(body)) if body.lstrip()[:1] == "{" else {}


def _parsed(body: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _cut(messages: tuple[Message, ...], room: int) -> tuple[tuple[Message, ...], int]:
    """The messages with their texts cut to what may be shown, and how much room is left."""
    cut = []
    for message in messages:
        parts = []
        for part in _some(message.parts):
            most = min(LONGEST_TEXT, max(room, 0))
            parts.append(
                part if len(part.text) <= most else replace(part, text=part.text[:most], left_out=len(part.text) - most)
            )
            room -= len(parts[-1].text)
        cut.append(replace(message, parts=tuple(parts)))
    return tuple(cut), room


def _some(parts: tuple[Part, ...]) -> Iterator[Part]:
    yield from parts[:_MOST_PARTS]
    if len(parts) > _MOST_PARTS:
        yield Part(Kind.NOTE, f"{len(parts) - _MOST_PARTS} more parts are in the raw body")
