"""A kept stream as its events: the JSON of each, decoded once, and where in the copy it ended.

A copy that was cut in the middle is read up to the gap, and again from the first empty line behind it; the two halves of the
events at the gap are lost, the usage at the end of the stream is not.
"""

import re
from typing import Any

import orjson
from msgspec import Struct

from tracer.sink.body import Plain
from tracer.sse import Decoder, Event

_EMPTY_LINE = re.compile(rb"\n\n|\r\n\r\n|\r\r")


class Stream(Struct, frozen=True):
    """Events that are JSON objects with their end offsets, and what else the stream said.

    `done`: `[DONE]` was there. `heard`: there was any event at all.
    """

    documents: list[dict[str, Any]]
    ends: list[int]
    done: bool
    heard: bool


def looks_like_events(media: str, head: bytes) -> bool:
    """By its content type, or by its first line where a server named none."""
    if media:
        return media == "text/event-stream"
    return head.startswith((b"data:", b"event:", b": "))


def read_stream(body: Plain) -> Stream:
    """All events in the copy of a stream."""
    documents: list[dict[str, Any]] = []
    ends: list[int] = []
    decoder = Decoder()
    events = decoder.feed(body.head)
    unfinished = decoder.close()
    if unfinished is not None:
        events.append(unfinished)
    done = _take(events, 0, documents, ends)
    heard = bool(events)
    resync = _EMPTY_LINE.search(body.tail) if body.tail else None
    if resync is not None:
        decoder = Decoder()
        events = decoder.feed(body.tail[resync.end() :])
        unfinished = decoder.close()
        if unfinished is not None:
            events.append(unfinished)
        done = _take(events, len(body.head) + resync.end(), documents, ends) or done
        heard = heard or bool(events)
    return Stream(documents, ends, done, heard)


def _take(events: list[Any], start: int, documents: list[dict[str, Any]], ends: list[int]) -> bool:
    done = False
    for event in events:
        if type(event) is not Event:
            continue
        try:
            document = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            done = done or event.data.startswith("[DONE]")
            continue
        if isinstance(document, dict):
            if event.name == "error" and "error" not in document:
                # The event's name alone says that it is one; the proxy's clients raise on it too.
                document = {"type": "error", **document, "error": document.get("error", document)}
            documents.append(document)
            ends.append(start + event.end)
    return done
