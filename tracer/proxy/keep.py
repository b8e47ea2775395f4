"""What is kept of a body that passed by: no secrets, media as hashes, bounded, blanked if content is not to be kept. No I/O.

Invariants
- Of a small body that is kept as it came, media and secrets are left to others: to the sink (tracer/media.py), and to
  flight.encode, which looks once at the whole record.
- The length of a secret is kept (`*` for each byte), so offsets and arrival times stay true.
- A compressed body is kept as it came, unless something in it must not be kept: then it is kept plain and loses the header.
- At most `limit` bytes from its beginning and TAIL from its end.
"""

import sys
from array import array
from itertools import accumulate
from typing import NamedTuple

from tracer.blank import StreamBlanker, blank_damaged, blank_json
from tracer.framing import beginning, framing_of
from tracer.inflate import inflate
from tracer.media import SMALL, replace_media
from tracer.proxy.tee import TAIL, Copy, Whole, within
from tracer.records import Body, Chunks, Headers
from tracer.redact import Secrets, hidden, hidden_at_the_cut

_NO_BODY, _NO_CHUNKS = Body(), Chunks()


class Kept(NamedTuple):
    """A body for the record, the arrival of its bytes, and headers that fit it."""

    body: Body
    chunks: Chunks
    headers: Headers


def keep(copy: Copy, headers: Headers, *, content: bool, limit: int, secrets: Secrets) -> Kept:
    """What may be kept of a body; `headers` are the recorded ones. Without `content` nothing of what was said.

    Where nothing else of the body must be changed, its secrets are still in it.
    """
    if not copy.size:
        return Kept(_NO_BODY, _NO_CHUNKS, headers)
    truncated = copy.truncated
    coding = value(headers, "content-encoding")
    if content and not coding and not truncated and copy.size <= min(limit, SMALL):  # as most
        head, _ = hidden_at_the_cut(copy.head, b"", secrets)
        return Kept(Body(head, b"", copy.size), Chunks(copy.at_ns.tobytes(), copy.length.tobytes()), headers)
    plain = _opened(copy, coding, content, secrets)
    if plain is not copy:
        headers = tuple((name, text) for name, text in headers if name != "content-encoding")
    head, tail, lengths = hidden(plain.head, secrets), hidden(plain.tail, secrets), plain.length
    head, tail = hidden_at_the_cut(head, tail, secrets)
    # Media that lies across the hole between head and tail is no longer whole, and stays.
    if content and not tail:
        head, lengths = _without_media(head, lengths)
        head, tail, lengths = _bounded(head, lengths, limit)
    truncated = truncated or bool(tail)
    if not content:
        head, tail, lengths = _blanked(head, tail, lengths, value(headers, "content-type").lower())
    return Kept(Body(head, tail, copy.size, truncated), Chunks(copy.at_ns.tobytes(), lengths.tobytes()), headers)


def keep_whole(whole: Whole, headers: Headers, *, limit: int, secrets: Secrets) -> Kept | None:
    """The same for a body in one piece whose content is kept, if nothing of it must be changed."""
    body = whole.body
    size = len(body)
    if size > SMALL or size > limit or value(headers, "content-encoding"):
        return None
    head, _ = hidden_at_the_cut(body, b"", secrets)
    at_ns = b"" if whole.at_ns is None else whole.at_ns.to_bytes(8, sys.byteorder)
    return Kept(Body(head, b"", size), Chunks(at_ns, size.to_bytes(4, sys.byteorder)), headers)


def value(headers: Headers, name: str) -> str:
    """A recorded header's value; empty if it is not there."""
    for key, text in headers:
        if key == name:
            return text
    return ""


def _without_media(data: bytes, lengths: "array[int]") -> tuple[bytes, "array[int]"]:
    """Media as hashes; but Amazon's messages, which begin with a zero as no text does, are nothing without their checksums,
    and have what models say in base64."""
    return (data, lengths) if data[:1] == b"\0" else replace_media(data, lengths)


def _opened(copy: Copy, coding: str, content: bool, secrets: Secrets) -> Copy:
    """The same copy, or if it is compressed and must be changed, its plain form."""
    if coding.lower() in ("", "identity") or (content and not secrets) or not copy.size:
        return copy
    plain = inflate(_cut(copy.head + copy.tail, copy.length), coding)
    if content and (plain is None or not any(secret in plain.data for secret in secrets)):
        return copy
    lengths = array("I", plain.lengths if plain else ())
    lengths.extend([0] * (len(copy.length) - len(lengths)))
    return copy._replace(head=plain.data if plain else b"", tail=b"", length=lengths)


def _bounded(data: bytes, lengths: "array[int]", limit: int) -> tuple[bytes, bytes, "array[int]"]:
    """A body that was read whole, cut like one that passed the tee."""
    if len(data) <= limit + TAIL:
        return data, b"", lengths
    return data[:limit], data[-TAIL:], within(lengths, limit, TAIL)


def _blanked(data: bytes, tail: bytes, lengths: "array[int]", content_type: str) -> tuple[bytes, bytes, "array[int]"]:
    """The same body without its text: nothing of what was said may reach the disk."""
    pieces = _cut(data + tail, lengths)
    framing = framing_of(content_type.partition(";")[0].strip(), data)
    if framing is not None:
        blank = _blanked_stream(pieces, len(data), beginning(framing, tail) if tail else None, StreamBlanker(framing))
    else:
        blank = [b""] * len(pieces)
        if blank:
            blank[-1] = blank_damaged(data, tail) if tail else blank_json(data)
    return b"".join(blank), b"", array("I", map(len, blank))


def _blanked_stream(pieces: list[bytes], head: int, begins: int | None, blanker: StreamBlanker) -> list[bytes]:
    """The blanked form of each piece; behind the hole at `head`, if there is one, from `begins` on."""
    blank = []
    end = 0
    for piece in pieces:
        start, end = end, end + len(piece)
        before = piece[: max(head - start, 0)]
        out = blanker.feed(before)
        if end > head:
            if start <= head:
                blanker.skip()
            out += b"" if begins is None else blanker.feed(piece[max(head + begins - start, 0) :])
        blank.append(out)
    if blank:
        blank[-1] += blanker.close()
    return blank


def _cut(data: bytes, lengths: "array[int]") -> list[bytes]:
    ends = list(accumulate(lengths))
    return [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]
