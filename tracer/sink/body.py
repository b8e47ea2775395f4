"""A kept body as plain bytes and as text for people.

A body may be compressed, cut in the middle (head and tail kept), not text at all, or any of these together. Everything that
reads bodies starts from `Plain`, so it is decided once: contiguous bytes stand in `head`, and `tail` is used only behind a gap.

What a body becomes in memory is bounded, for kilobytes can be made into gigabytes
- A compressed one is kept as a plain one is: its first MOST_HEAD bytes and its last TAIL.
- One made of very many small things is some thirty times as large once it is parsed (`[{},{},…]`): of such a one only both ends
  are read (`readable`), by those who read what was not kept whole, while people are still shown all of it.
"""

from array import array
from collections.abc import Iterator

import orjson
from msgspec import Struct

from tracer.eventstream import MEDIA_TYPE, Decoder, Message, document
from tracer.inflate import MAX_INFLATED_BYTES, Inflated, inflate
from tracer.records import Body, Chunks, Headers

_TEXT = ("json", "xml", "x-www-form-urlencoded", "javascript", "event-stream", "graphql", "yaml", "csv", "sdp")


# As tracer/proxy keeps them of plain bodies, unless settings say otherwise.
MOST_HEAD = 4 << 20
TAIL = 256 << 10
# Objects, lists and lines of one body that is parsed. A reply of 4 MiB whose every token comes with twenty others that were as
# likely has 160,000; parsed, so many take 60 MB at most.
MOST_PARTS = 250_000


class Plain(Struct, frozen=True):
    """A body without its content coding.

    `lengths`: plain bytes for each recorded chunk, where they differ from the wire's. `coding`: one that could not be undone.
    `size`: how many plain bytes there were, where only some are kept. `note`: why not all of it was kept, or read.
    """

    head: bytes
    tail: bytes = b""
    truncated: bool = False
    lengths: tuple[int, ...] | None = None
    coding: str = ""
    size: int = 0
    note: str = ""


def header(headers: Headers, name: str) -> str:
    """The first value of a header; `name` in lower case."""
    size = len(name)
    for key, value in headers:
        if len(key) == size and key.lower() == name:
            return value
    return ""


def media_type(headers: Headers) -> str:
    """Of the Content-Type, in lower case and without its parameters."""
    return header(headers, "content-type").partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """One JSON document; not a stream of several."""
    return media == "application/json" or (media.endswith("+json") and media != "application/stream+json")


def plain(body: Body, headers: Headers, chunks: Chunks | None = None) -> Plain:
    """The plain bytes of `body`; of a compressed body that was cut in the middle, those before the gap."""
    coding = header(headers, "content-encoding").strip().lower()
    if coding in ("", "identity") or not body.head:
        if body.truncated:
            return Plain(body.head, body.tail, True)
        return Plain(body.head + body.tail if body.tail else body.head)
    wire = body.head if body.truncated else body.head + body.tail
    inflated = inflate(_pieces(wire, chunks), coding, head=max(MOST_HEAD, len(wire)), tail=TAIL)
    if inflated is None:
        return Plain(b"", coding=coding)
    truncated = body.truncated or not inflated.complete
    if inflated.size == len(inflated.data):
        return Plain(inflated.data, truncated=truncated, lengths=inflated.lengths)
    if body.truncated or inflated.size > MAX_INFLATED_BYTES:  # then these are not the last bytes of the body
        return Plain(inflated.data, b"", True, inflated.lengths, size=inflated.size, note=_unpacked(inflated, 0))
    note = _unpacked(inflated, len(inflated.tail))
    return Plain(inflated.data, inflated.tail, True, inflated.lengths, size=inflated.size, note=note)


def _unpacked(inflated: Inflated, tail: int) -> str:
    size = f"more than {MAX_INFLATED_BYTES}" if inflated.size > MAX_INFLATED_BYTES else f"{inflated.size}"
    last = f" and the last {tail}" if tail else ""
    return f"unpacks to {size} bytes, of which the first {len(inflated.data)}{last} were kept"


def readable(content: Plain, parts: tuple[bytes, ...] = (b"{", b"[")) -> Plain:
    """What of a body may be parsed: all of it, or both ends of one in which more than MOST_PARTS begin."""
    size = len(content.head) + len(content.tail)
    if size <= 2 * MOST_PARTS or sum(map(content.head.count, parts)) + sum(map(content.tail.count, parts)) <= MOST_PARTS:
        return content
    head, tail = content.head, content.tail or content.head
    note = f"has more than {MOST_PARTS} parts, and only its first and last {TAIL} bytes were read"
    note = f"{content.note}; it {note}" if content.note else note
    return Plain(head[:TAIL], tail[-TAIL:], True, (), content.coding, content.size or size, note)


def text(body: Body, content: Plain, media: str) -> str:
    """What `llm.bodies` shows: the text, or what kind of thing it was."""
    if not body.size and not content.head:
        return ""
    if content.coding:
        return f"[{content.coding}-encoded {media or 'body'}, {body.size} bytes]"
    if media.startswith("multipart/"):
        return f"[{media}, {body.size} bytes]"
    if media == MEDIA_TYPE:
        return _messages(content)
    if not _is_text(media, content.head):
        return f"[binary {media or 'body'}, {body.size} bytes]"
    if not content.truncated:
        return content.head.decode("utf-8", "replace")
    missing = max((content.size or body.size) - len(content.head) - len(content.tail), 0)
    gap = f"\n[… {missing} bytes not kept …]\n"
    return content.head.decode("utf-8", "replace") + gap + content.tail.decode("utf-8", "replace")


def _messages(content: Plain) -> str:
    """Amazon's messages, one a line: what each says, as JSON."""
    lines = []
    for data in (content.head, content.tail):
        for message in Decoder().feed(data):
            said = document(message) if isinstance(message, Message) else None
            lines.append("" if said is None else orjson.dumps(said).decode())
    return "\n".join(lines)


def _is_text(media: str, head: bytes) -> bool:
    if media.startswith("text/") or any(word in media for word in _TEXT):
        return True
    if media not in ("", "application/octet-stream"):
        return False
    return not media and b"\0" not in head[:1024]


def _pieces(wire: bytes, chunks: Chunks | None) -> Iterator[bytes]:
    """The body as it arrived; in one piece if that is not known."""
    lengths = array("I")
    if chunks is not None and len(chunks.length) % lengths.itemsize == 0:
        lengths.frombytes(chunks.length)
    start = 0
    for length in lengths:
        yield wire[start : start + length]
        start += length
    if not lengths or start < len(wire):
        yield wire[start:]
