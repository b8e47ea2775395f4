"""Amazon's event streams without I/O: bytes in, messages out, and one message back into bytes.

Bedrock streams in this framing (application/vnd.amazon.eventstream), not in server-sent events. A message is

    total length (4) | length of headers (4) | CRC-32 of these 8 (4) | headers | payload | CRC-32 of all before (4)

and a header: length of name (1), name, type of value (1), value. All numbers are big-endian.

Strategy: the prelude with its own checksum says where the next message begins. Where a prelude does not check, the bytes are
searched for the next one that does, one byte on at a time; so a copy whose middle is missing is read from any point.

Invariants
- Any way of cutting the same bytes gives the same messages (tests/test_eventstream.py).
- Nothing here raises on input. A message whose checksum is wrong is passed over.
- Memory is bounded: of a message longer than `max_message_bytes` nothing is kept, an Overlong stands in its place.

A message of invoke-with-response-stream carries the model's own event as base64 in `{"bytes": "…"}`; `document` unwraps it.
What Amazon itself reports as an exception becomes a document with an `error`, like the errors of other streams.

Reference: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

import base64
import binascii
from typing import Any
from zlib import crc32

import orjson
from msgspec import Struct

from tracer.sse import MAX_EVENT_BYTES, Overlong

MEDIA_TYPE = "application/vnd.amazon.eventstream"

_PRELUDE = 12
_LEAST = 16  # a message without headers and payload
_MOST_HEADERS = 128 << 10  # Amazon's own limit
_MOST_TOTAL = 1 << 31
# Of a value: its size by the number of its type. Types 6 and 7, bytes and strings, tell theirs in two bytes.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TEXTS = (6, 7)


class Message(Struct, frozen=True, gc=False):
    """One message; of its headers those that are strings. `end` is the offset just behind it."""

    headers: dict[str, str]
    payload: bytes
    end: int


class Decoder:
    """Feed it a stream in pieces of any size; every call returns the messages that the piece completed."""

    __slots__ = ("_max", "_offset", "_rest", "_skip")

    def __init__(self, max_message_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_message_bytes
        self._rest = bytearray()
        self._offset = 0  # of the first byte in `_rest`
        self._skip = 0  # bytes still to come of a message that is too long

    def feed(self, chunk: bytes) -> list[Message | Overlong]:
        """The messages that `chunk` completes, in order."""
        messages: list[Message | Overlong] = []
        rest = self._rest
        rest += chunk
        position = 0
        while True:
            if self._skip:
                passed = min(self._skip, len(rest) - position)
                position += passed
                self._skip -= passed
                if self._skip:
                    break
                messages.append(Overlong(self._offset + position))
            if len(rest) - position < _PRELUDE:
                break
            lengths = _lengths(rest, position)
            if lengths is None:
                position += 1
                continue
            total, of_headers = lengths
            if total > self._max:
                self._skip = total
                continue
            if len(rest) - position < total:
                break
            message = bytes(memoryview(rest)[position : position + total])
            position += total
            if crc32(message[:-4]) == int.from_bytes(message[-4:], "big"):
                payload = message[_PRELUDE + of_headers : -4]
                headers = _headers(message[_PRELUDE : _PRELUDE + of_headers])
                messages.append(Message(headers, payload, self._offset + position))
        del rest[:position]
        self._offset += position
        return messages


def encode(headers: dict[str, str], payload: bytes) -> bytes:
    """A message with these headers, all of them strings."""
    packed = b"".join(
        bytes((len(name.encode()),)) + name.encode() + b"\x07" + len(text.encode()).to_bytes(2, "big") + text.encode()
        for name, text in headers.items()
    )
    total = _LEAST + len(packed) + len(payload)
    start = total.to_bytes(4, "big") + len(packed).to_bytes(4, "big")
    message = start + crc32(start).to_bytes(4, "big") + packed + payload
    return message + crc32(message).to_bytes(4, "big")


def document(message: Message) -> dict[str, Any] | None:
    """What a message says, as the JSON of one event; None if it is none.

    {"contentBlockDelta": {…}} for an event of that type, the model's own event where it is wrapped in `bytes`, and
    {"throttlingException": {…}, "error": {"type": "throttlingException", "message": …}} for an exception.
    """
    kind = message.headers.get(":message-type", "event")
    if kind == "error":
        get = message.headers.get
        return {"error": {"type": get(":error-code", "error"), "message": get(":error-message", "")}}
    payload = _loads(message.payload)
    if kind == "exception":
        name = message.headers.get(":exception-type", "exception")
        said = payload if isinstance(payload, dict) else {}
        text = said.get("message", said.get("Message"))
        return {name: said, "error": {"type": name, "message": text if isinstance(text, str) else ""}}
    if not isinstance(payload, dict):
        return None
    if is_wrapped(payload):
        inner = _loads(_unwrapped(payload["bytes"]))
        return inner if isinstance(inner, dict) else None
    return {message.headers.get(":event-type", "event"): payload}


def is_wrapped(payload: dict[str, Any]) -> bool:
    """Whether the payload only carries an event of the model's own."""
    return isinstance(payload.get("bytes"), str) and payload.keys() <= {"bytes", "p"}


def _lengths(data: bytearray, at: int) -> tuple[int, int] | None:
    """Of the message that begins there: its own and its headers' length; None if none begins there."""
    if data[at] > 0x7F or data[at + 4]:  # most bytes of a text that is searched end here
        return None
    if crc32(data[at : at + 8]) != int.from_bytes(data[at + 8 : at + 12], "big"):
        return None
    total, of_headers = int.from_bytes(data[at : at + 4], "big"), int.from_bytes(data[at + 4 : at + 8], "big")
    sound = _LEAST <= total < _MOST_TOTAL and of_headers <= min(_MOST_HEADERS, total - _LEAST)
    return (total, of_headers) if sound else None


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are texts, as far as they can be read."""
    found: dict[str, str] = {}
    position = 0
    while position < len(data):
        start = position + 1
        named = start + data[position]
        if named >= len(data):
            break
        kind, position = data[named], named + 1
        if kind in _TEXTS:
            size = int.from_bytes(data[position : position + 2], "big")
            position += 2
            if kind == 7:
                found[data[start:named].decode("utf-8", "replace")] = data[position : position + size].decode(
                    "utf-8", "replace"
                )
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            break
        position += size
    return found


def _loads(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _unwrapped(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
