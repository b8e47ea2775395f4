"""Streams as the relay must know them: which replies are some, and where one of them ends. Bytes in, values out.

Whether a reply is a stream is told by its media type (tracer/framing.py), and for Gemini's array of replies, whose type is that
of every JSON document, by the request's path.

The end: what a client that has it takes for the whole answer, though the body may go on. Text of a model cannot look like it:
in JSON its quotes and line breaks are escaped. What the arguments of a tool hold can look like the end of Gemini's or Ollama's
streams, so the end is good for holding a piece back, and only the lines of event streams say that an answer was complete.
Amazon's messages have no end that could be told without reading them; there it is the end of the body.
"""

import re

from tracer.framing import Framing, framing_of

_LINES = rb"(?:\A|[\r\n])(?:data: ?\[DONE\]|event: ?(?:message_stop|message-end|response\.(?:completed|incomplete|failed)))"
_LAST_EVENT = re.compile(_LINES + rb"(?=[\r\n])")
_FINISH = rb'"finishReason": ?"[A-Z_]+"'
_ENDS: dict[Framing, re.Pattern[bytes]] = {
    Framing.SSE: re.compile(_LINES + rb"|" + _FINISH),
    Framing.ARRAY: re.compile(_FINISH),
    Framing.LINES: re.compile(rb'"done": ?true'),
}
# The longest of the ends; pieces are cut anywhere, so as much of the last one is looked at again.
LONGEST_END = 64


def framing(content_type: str, path: str = "") -> Framing | None:
    """How a reply of this type to a request for `path` is framed; None if it is no stream."""
    if content_type.startswith("application/json"):  # as nearly every reply that is none
        return Framing.ARRAY if ":streamGenerateContent" in path else None
    return framing_of(content_type.partition(";")[0].strip().lower(), b"")


def is_end(framed: Framing | None, last: bytes) -> bool:
    """Whether these last bytes of a stream hold what a client takes for its end."""
    found = _ENDS.get(framed) if framed else None
    return found is not None and found.search(last) is not None


def was_whole(body: bytes) -> bool:
    """Whether an event stream has an event after which it has nothing to say."""
    return _LAST_EVENT.search(body) is not None
