"""The end of a stream as Scale's SDKs take it: without a bare `data: [DONE]`. Bytes in, bytes out, no I/O.

Every version of scale-gp and scale-gp-beta parses each unnamed event as JSON, so OpenAI's sentinel raises a JSONDecodeError at
the end of the user's loop. The event is taken out; to OpenAI's own client the end of the body is an end too. A sentinel in an
event with a name (`event: done`) is skipped by the SDKs and stays.

Errors inside a stream (trap: the head has already said 200)
- An unnamed `data: {"error": …}`, which OpenAI-like upstreams send, passes: both SDKs hand it out as a chunk with `error`.
- `event: error` makes scale-gp raise, and stays. scale-gp-beta (on /v5) skips every event with a name: for it `unname_errors`
  takes the name off, so that the error is seen as a chunk and not lost in a stream that seems to have ended well.
- A stream that breaks is broken off for the client too: both SDKs raise.

Invariants
- Everything else passes byte for byte and at once: only what may still become one of the two texts is held back, and only where
  an event begins, so at most some 20 bytes.
- Any cut of the stream gives the same bytes (tests/scale/test_stream_end.py).

Traps
- Lines end with LF, CR or CRLF, also mixed. A CR at the end of a piece may be half of a CRLF, and a line end is not two.
- The sentinel may be the last thing of a body without an empty line after it: then it goes too.
"""

import re

_END = rb"(?>\r\n|\r|\n)"  # atomic: else the two bytes of one CRLF would count as a line end and an empty line
_SENTINEL = re.compile(rb"data: ?\[DONE\][ \t]{0,4}" + _END + _END)
_UNENDED = re.compile(rb"data: ?\[DONE\][ \t]{0,4}(?:\r\n|\r|\n)?")
_ERROR_NAME = re.compile(rb"event: ?error" + _END)
_LINE_END = re.compile(rb"\r\n?|\n")
_LONGEST_HELD = len(b"data: [DONE]    \r\n")
_STARTS = (b"data: [DONE]", b"data:[DONE]")
_ERROR_STARTS = (b"event: error", b"event:error")


class StreamEnd:
    """Feed it the pieces of an event stream; what comes out goes to the client."""

    def __init__(self, *, unname_errors: bool = False) -> None:
        self._unname_errors = unname_errors
        self._held = b""
        self._line_open = False  # inside a line that has begun to pass
        self._event_open = False  # a line of this event has passed that is no comment: what follows is not bare
        self._after_cr = False  # the last byte dealt with was a CR: an LF now belongs to it
        self._dropped_cr = False  # … and that CR was taken out, so the LF goes too

    def feed(self, piece: bytes) -> bytes:
        """The bytes that may go to the client now."""
        if not piece:
            return b""
        if self._clean and piece.endswith((b"\n\n", b"\r\n\r\n")) and not self._suspect(piece):
            return piece  # whole events, as nearly every piece
        data, self._held = self._held + piece, b""
        kept: list[bytes] = []
        at = 0
        while at < len(data):
            at = self._step(data, at, kept)
        return b"".join(kept)

    def close(self) -> bytes:
        """What is left when the stream has ended; a sentinel that nothing follows is not."""
        held, self._held = self._held, b""
        return b"" if _UNENDED.fullmatch(held) else held

    def _suspect(self, piece: bytes) -> bool:
        return b"[DONE]" in piece or (self._unname_errors and b"event" in piece)

    @property
    def _clean(self) -> bool:
        """Between two events, with nothing pending."""
        return not (self._held or self._line_open or self._event_open or self._after_cr)

    def _step(self, data: bytes, at: int, kept: list[bytes]) -> int:
        """Deal with `data` from `at`, up to the end of a line or of the data; where it got to."""
        if self._after_cr:
            self._after_cr = False
            if data.startswith(b"\n", at):
                if not self._dropped_cr:
                    kept.append(b"\n")
                self._dropped_cr = False
                return at + 1
            self._dropped_cr = False
        if self._line_open:
            return self._pass_line(data, at, kept)
        if not self._event_open and (taken := self._taken(data, at)) is not None:
            return taken
        first = data[at : at + 1]
        if first in (b"\n", b"\r"):
            self._event_open = False
        elif first != b":":
            self._event_open = True
        return self._pass_line(data, at, kept)

    def _taken(self, data: bytes, at: int) -> int | None:
        """At the start of an event: where what is taken out ends; all of the data if it must wait; None if this line passes."""
        match = _SENTINEL.match(data, at) or (self._unname_errors and _ERROR_NAME.match(data, at))
        if match:
            self._dropped_cr = self._after_cr = match.end() == len(data) and data.endswith(b"\r")
            return match.end()
        if len(data) - at <= _LONGEST_HELD and self._may_become(data[at:]):
            self._held = data[at:]
            return len(data)
        return None

    def _may_become(self, rest: bytes) -> bool:
        starts = _STARTS + _ERROR_STARTS if self._unname_errors else _STARTS
        return any(start.startswith(rest) for start in starts) or _UNENDED.fullmatch(rest) is not None

    def _pass_line(self, data: bytes, at: int, kept: list[bytes]) -> int:
        ending = _LINE_END.search(data, at)
        end = ending.end() if ending else len(data)
        kept.append(data[at:end])
        self._line_open = ending is None
        self._after_cr = ending is not None and end == len(data) and data.endswith(b"\r")
        return end
