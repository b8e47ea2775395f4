"""A reply as the cache keeps it: the provider's own bytes, and the few headers needed to send them again.

A stream is kept as its event stream, not taken apart and made anew: what a hit answers is then what the miss answered, whatever
the dialect (docs/decisions/0006-cache.md).

Invariants
- Only a whole answer is kept (`complete`): status 200, JSON that parses and reports no error, or a stream that reached the end
  of its dialect without one. A cut reply, an error inside a 200 or an unknown kind of body never is.
- The headers kept are on a list: ids, rate limits, cookies and dates belong to the call that made the reply.
- What comes back from a store is what went in, or nothing: a checksum stands before it.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from tracer.inflate import inflate
from tracer.sse import Decoder, Event

# The stored form; another one makes older entries misses.
_MAGIC = b"TC1"
_CHECKSUM_BYTES = 4

_REPLAYED = (b"content-type", b"content-encoding")
# A compressed reply is looked at in plain, up to this: more is a bomb, not an answer.
_MOST_PLAIN_BYTES = 16 << 20
_TERMINAL = frozenset({"message_stop", "response.completed", "response.incomplete"})
_FAILED = frozenset({"error", "response.failed", "response.cancelled"})
_NOT_YET = frozenset({"queued", "in_progress", "failed", "cancelled"})  # a response of the Responses API without its answer

HeaderPairs = Sequence[tuple[bytes, bytes]]


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One cached reply; its status was 200. Times are milliseconds since the epoch.

    `usage_requested`: the request that made these bytes asked for usage in the stream, by its caller's wish or by Tracer's.
    Both kinds of caller send the same body upstream and share the entry; the proxy takes the usage out for who did not ask.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored_at_ms: int
    expires_at_ms: int
    usage_requested: bool = False
    call_id: str = ""  # of the call that the provider answered


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def encode(entry: Entry) -> bytes:
    """The stored form."""
    data = _encode(entry)
    return _MAGIC + zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "big") + data


def decode(stored: bytes) -> Entry | None:
    """The entry, or None if these bytes are not one: damaged, or of another version of Tracer."""
    start = len(_MAGIC) + _CHECKSUM_BYTES
    checksum, data = stored[len(_MAGIC) : start], stored[start:]
    if not stored.startswith(_MAGIC) or checksum != zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "big"):
        return None
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):  # msgspec lets the second through for a string that is not UTF-8
        return None


def replayed(headers: HeaderPairs) -> tuple[tuple[str, str], ...]:
    """Of a reply's headers, those that are sent again with its bytes."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name.lower() in _REPLAYED)


def complete(status: int, headers: HeaderPairs, body: bytes) -> bool:
    """Whether this is a whole answer that may be given again."""
    if status != 200 or not body:
        return False
    kind = _value(headers, b"content-type").partition(";")[0].strip()
    is_stream = kind == "text/event-stream"
    if not is_stream and kind != "application/json" and not kind.endswith("+json"):
        return False
    plain = inflate([body], _value(headers, b"content-encoding"), _MOST_PLAIN_BYTES)
    if plain is None or not plain.ended:
        return False
    return _whole_stream(plain.data) if is_stream else _whole_document(plain.data)


def _value(headers: HeaderPairs, name: bytes) -> str:
    return ",".join(value.decode("latin-1").lower() for key, value in headers if key.lower() == name)


def _whole_document(data: bytes) -> bool:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(document, dict):
        return isinstance(document, list) and bool(document)  # some servers answer embeddings and ranks with a bare list
    if document.get("object") == "response" and document.get("status") in _NOT_YET:
        return False
    return not _is_error(document)


def _whole_stream(data: bytes) -> bool:
    decoder = Decoder()
    events = decoder.feed(data)
    if decoder.close() is not None or not events:
        return False
    for event in events:
        if type(event) is not Event or event.name in _FAILED:
            return False
        # The word stands in every form of an error; only events that have it are read.
        if ("error" in event.data or "failed" in event.data) and _is_error(_object(event.data)):
            return False
    last = events[-1]
    return type(last) is Event and _ends(last)


def _ends(last: Event) -> bool:
    if last.data.strip() == "[DONE]" or last.name in _TERMINAL:
        return True
    document = _object(last.data)
    candidates = document.get("candidates")  # Gemini's streams have no event for their end
    if isinstance(candidates, list) and candidates:
        return all(isinstance(one, dict) and one.get("finishReason") for one in candidates)
    return document.get("type") in _TERMINAL


def _is_error(document: Mapping[str, Any]) -> bool:
    if document.get("error") or document.get("type") in _FAILED or document.get("object") == "error":
        return True
    choices = document.get("choices")
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error") for choice in choices
    )


def _object(data: str) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
