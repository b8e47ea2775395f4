"""How the events of a streamed reply are told apart: by its media type, or by its first bytes where that does not tell.

The sink reads streams by this, and tracer.blank blanks them by it; both must decide alike.

Traps
- Gemini's stream without `alt=sse` calls itself application/json: it is an array of replies, which arrives element by element.
  Arrays that other providers answer with are documents, so the first element must look like Gemini's.
- A body that calls itself JSON but is several objects, one a line, is a stream too.
"""

import re
from enum import Enum

from tracer.eventstream import MEDIA_TYPE


class Framing(Enum):
    """SSE: server-sent events. LINES: one JSON object a line. ARRAY: elements of one JSON array. AWS: Amazon's messages."""

    SSE = "text/event-stream"
    LINES = "application/x-ndjson"
    ARRAY = "application/json"
    AWS = MEDIA_TYPE


_BY_TYPE = {
    "text/event-stream": Framing.SSE,
    MEDIA_TYPE: Framing.AWS,
    **dict.fromkeys(
        (
            "application/x-ndjson",
            "application/ndjson",
            "application/stream+json",
            "application/jsonl",
            "application/x-jsonl",
            "application/jsonlines",
            "application/x-jsonlines",
            "application/json-lines",
            "application/json-seq",
        ),
        Framing.LINES,
    ),
}
_UNTOLD = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
# A quote inside a JSON string is escaped, so no text can look like a key.
_OF_GEMINI = re.compile(
    rb'\s*\[\s*\{(?:\s*"error"|[^\x00]{0,65536}?"(?:candidates|usageMetadata|promptFeedback|modelVersion)")\s*:'
)
# Where reading may begin again behind a gap. Gemini's replies begin with one of these keys, and nothing within them does.
_BEGINNINGS = {
    Framing.SSE: re.compile(rb"\n\n|\r\n\r\n|\r\r"),
    Framing.LINES: re.compile(rb"\n"),
    Framing.ARRAY: re.compile(
        rb'(?=\{\s*"(?:candidates|usageMetadata|promptFeedback|modelVersion|responseId|createTime|error)"\s*:)'
    ),
    Framing.AWS: re.compile(rb""),  # its decoder finds the next message by itself
}
_SECOND_LINE = re.compile(rb"\}[ \t\r]*\n\s*\{")
_FIRST_EVENT = (b"data:", b"event:", b": ")


def framing_of(media: str, head: bytes) -> Framing | None:
    """How a body of this type (lower case, without parameters) that begins with `head` is framed; None if it is no stream."""
    found = _BY_TYPE.get(media)
    if found is not None:
        return found
    untold = media in _UNTOLD
    if untold and head.startswith(_FIRST_EVENT):
        return Framing.SSE
    if untold or media == "application/json":
        return _by_first_bytes(head)
    return None


def beginning(framing: Framing, tail: bytes) -> int | None:
    """Where in `tail`, which begins anywhere in a stream, an event begins; None if none does."""
    found = _BEGINNINGS[framing].search(tail)
    return None if found is None else found.end()


def _by_first_bytes(head: bytes) -> Framing | None:
    first = head[:64].lstrip()[:1]
    if first == b"[":
        return Framing.ARRAY if _OF_GEMINI.match(head) else None
    if first != b"{":
        return None
    # Within one document no object is followed by another without a comma: most replies hold no line end at all.
    line_end = head.find(b"\n", head.find(b"{"))
    if line_end < 0 or not head[:line_end].rstrip().endswith(b"}"):
        return None
    return Framing.LINES if _SECOND_LINE.match(head, head.rfind(b"}", 0, line_end)) else None
