"""A kept stream as its events, whatever its framing: the JSON of each, decoded once, and where in the copy it ended.

A copy that was cut in the middle is read up to the gap, and again from the first event that begins behind it: after an empty
line, after a line end, at an element that looks like a reply's, at a message whose prelude checks. The two halves of the event
at the gap are lost, the usage at the end of the stream is not.
"""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import orjson
from msgspec import Struct

from tracer.eventstream import Decoder as MessageDecoder
from tracer.eventstream import Message, document
from tracer.framing import Framing, beginning, framing_of
from tracer.jsonstream import Elements, Lines, Piece
from tracer.sink.body import Plain, readable
from tracer.sse import MAX_EVENT_BYTES, Decoder, Event, Overlong

_SSE = "text/event-stream"
_DONE = b"data: [DONE]\n\n"
_FIRST = re.compile(rb"(?:event: (?!error\n)[^\n]*\n)?data: \{")
_NEXT = b"}\n\ndata: {"
_NEXT_NAMED = re.compile(rb"\}\n\n(?:event: (?!error\n)[^\n]*\n)?data: \{")
_MARK = b"-7205759403792794"
_BETWEEN = b"},%b,{" % _MARK


class Stream(Struct, frozen=True):
    """Events that are JSON objects with their end offsets, and what else the stream said.

    `done`: it reached its end by its own account: `[DONE]`, or the bracket that closes an array. `heard`: there was any event.
    """

    documents: list[dict[str, Any]]
    ends: list[int]
    done: bool
    heard: bool


def looks_like_events(media: str, head: bytes) -> bool:
    """Whether a body is a stream: by its content type, or by its first bytes where a server named none."""
    return framing_of(media, head) is not None


def read_stream(body: Plain, media: str = _SSE) -> Stream:
    """All events in the copy of a stream of this media type."""
    framing = framing_of(media, body.head) or Framing.SSE
    body = readable(body, _PARTS[framing])
    documents: list[dict[str, Any]] = []
    ends: list[int] = []
    take = _READERS[framing]
    done, heard = take(body.head, 0, documents, ends)
    start = beginning(framing, body.tail) if body.tail else None
    if start is not None:
        done_behind, heard_behind = take(body.tail[start:], len(body.head) + start, documents, ends)
        done, heard = done or done_behind, heard or heard_behind
    return Stream(documents, ends, done, heard)


def _take_events(data: bytes, start: int, documents: list[dict[str, Any]], ends: list[int]) -> tuple[bool, bool]:
    """Whether the end and whether any event was there."""
    usual = _usual_events(data)
    if usual is not None:
        whole, behind, done = usual
        documents += whole
        ends += [start + end for end in behind] if start else behind
        return done, bool(whole) or done
    decoder = Decoder(loose=True)
    events = decoder.feed(data)
    unfinished = decoder.close()
    if unfinished is not None:
        events.append(unfinished)
    done = False
    for event in events:
        if type(event) is not Event:
            continue
        try:
            found = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            done = done or event.data.startswith("[DONE]")
            _take_lines_of(event, start, documents, ends)
            continue
        if isinstance(found, dict):
            if event.name == "error" and "error" not in found:
                # The event's name alone says that it is one; the proxy's clients raise on it too.
                found = {"type": "error", **found, "error": found.get("error", found)}
            documents.append(found)
            ends.append(start + event.end)
    return done, bool(events)


def _usual_events(data: bytes) -> tuple[list[dict[str, Any]], list[int], bool] | None:
    """The events of a whole stream of one-line objects, with or without names; None for any other.

    All of them are parsed in one go, with a mark between each and the next. The mark is in none of them, so if all marks are
    there afterwards, and one object between each two, that is what was there.
    """
    if not data.endswith(b"}\n\n") and not data.endswith(_DONE):
        return None
    if b"\r" in data or len(data) > MAX_EVENT_BYTES or _MARK in data:
        return None
    whole = data.removesuffix(_DONE)
    first = _FIRST.match(whole)
    if first is None:
        return None
    texts = whole[first.end() - 1 : -2]
    texts = texts.replace(_NEXT, _BETWEEN)
    if b"\n" in texts:  # events have names
        texts = _NEXT_NAMED.sub(_BETWEEN, texts)
        if b"\n" in texts:
            return None
    try:
        found = orjson.loads(b"[%b]" % texts)
    except orjson.JSONDecodeError:
        return None
    ends = list(accumulate([len(block) + 2 for block in whole.split(b"\n\n")[:-1]]))
    documents = found[::2]
    if len(documents) != len(ends) or found[1::2] != [int(_MARK)] * (len(ends) - 1):
        return None
    alike = {*map(type, documents), *map(type, found[1::2])} <= {dict, int}
    return (documents, ends, len(whole) < len(data)) if alike and int not in map(type, documents) else None


def _take_lines_of(event: Event, start: int, documents: list[dict[str, Any]], ends: list[int]) -> None:
    """Objects that stand one a line in what is no JSON as a whole."""
    if not event.data.startswith("{"):
        return
    for line in event.data.split("\n"):
        found = _object(line)
        if found is not None:
            documents.append(found)
            ends.append(start + event.end)


def _take_lines(data: bytes, start: int, documents: list[dict[str, Any]], ends: list[int]) -> tuple[bool, bool]:
    lines = Lines()
    return False, _take_pieces([*lines.feed(data), *lines.close()], start, documents, ends)


def _take_elements(data: bytes, start: int, documents: list[dict[str, Any]], ends: list[int]) -> tuple[bool, bool]:
    elements = Elements()
    heard = _take_pieces(elements.feed(data), start, documents, ends)
    return elements.closed, heard


def _take_pieces(pieces: Sequence[Piece | Overlong], start: int, documents: list[dict[str, Any]], ends: list[int]) -> bool:
    for piece in pieces:
        found = _object(piece.data) if isinstance(piece, Piece) else None
        if found is not None:
            documents.append(found)
            ends.append(start + piece.end)
    return bool(pieces)


def _take_messages(data: bytes, start: int, documents: list[dict[str, Any]], ends: list[int]) -> tuple[bool, bool]:
    messages = MessageDecoder().feed(data)
    for message in messages:
        found = document(message) if isinstance(message, Message) else None
        if found is not None:
            documents.append(found)
            ends.append(start + message.end)
    return False, bool(messages)


# What each event has one of at least, and each object in it.
_PARTS = {
    Framing.SSE: (b"{", b"[", b"\n", b"\r"),
    Framing.LINES: (b"{", b"[", b"\n"),
    Framing.ARRAY: (b"{", b"["),
    Framing.AWS: (b"{", b"[", b"\0\0\0"),
}
_READERS = {
    Framing.SSE: _take_events,
    Framing.LINES: _take_lines,
    Framing.ARRAY: _take_elements,
    Framing.AWS: _take_messages,
}


def _object(text: bytes | str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
