"""Media in a recorded copy: base64 is replaced by its hash, type and size. No I/O.

Large bodies are looked through before they reach the spool, which they would fill; small ones by the sink, since looking costs
a caller more than writing (SMALL).

What counts as media: a `data:` URL with base64, or a string of base64 of MIN_BASE64 characters or more under a key that
APIs use for binary content. What stands there instead reads `tracer:media;type=image/png;bytes=12345;sha256=…`, so equal
media stay recognisable.
A string that the copy's bound cut off counts too, with what is left of it.
"""

import binascii
import hashlib
import re
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MIN_BASE64 = 256
# Bodies up to this many bytes stand in the spool as they came.
SMALL = 256 << 10
_KEY = re.compile(
    rb'"(?:data|b64_json|partial_image_b64|file_data|bytes|image|audio|url|encrypted_content|embedding|result)"\s*:\s*$'
)
# The backslash is there for JSON writers that escape the slash of base64.
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=\\-"
_HEAD = re.compile(rb"data:([\w.+-]+\\?/[\w.+-]+)(?:;[\w=.+-]+)*;base64,")
# A string of MIN_BASE64 of these letters has them at every sixteenth place too, sixteen times in a row. Text and JSON hardly
# ever do, and a sixteenth is looked through in no time.
_STRIDE = 16
_RUN = re.compile(rb"[A-Za-z0-9+/_=\\-]{%d,}+" % (MIN_BASE64 // _STRIDE))
_LONGEST_KEY = 40
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class _Found(NamedTuple):
    """Base64 between two quotes: where it stands with what is before it in the string, its letters, the type that a URL says."""

    start: int
    end: int
    text: bytes
    type: bytes | None


def replace_media(data: bytes, lengths: "array[int]") -> tuple[bytes, "array[int]"]:
    """`data`, which came in pieces of these lengths, with its media replaced; the very same objects if there is none.

    The text that stands for media counts to the piece in which the media ended.
    """
    runs = [run.span() for run in _RUN.finditer(data[::_STRIDE])]
    found = [each for each in _strings(data, runs) if _is_media(data, each)] if runs else []
    if not found:
        return data, lengths
    shrunk = array("I", lengths)
    parts: list[bytes] = []
    at = 0
    for each in found:
        instead = _replacement(each)
        parts += (data[at : each.start], instead)
        at = each.end
        _move(shrunk, lengths, each.start, each.end, len(instead))
    return b"".join([*parts, data[at:]]), shrunk


def _strings(data: bytes, runs: Sequence[tuple[int, int]]) -> Iterator[_Found]:
    """What may be base64 near these runs of its letters, in order."""
    end = 0
    for first, last in runs:
        at = first * _STRIDE
        while at < last * _STRIDE:
            if at >= end:
                start = data.rfind(b'"', 0, at) + 1
                end = data.find(b'"', at)
                end = len(data) if end < 0 else end
                if start and end - start >= MIN_BASE64 and (found := _string(data, start, end)) is not None:
                    yield found
            at = end + 1


def _string(data: bytes, start: int, end: int) -> _Found | None:
    head = _HEAD.match(data, start, end)
    text = data[head.end() if head else start : end]
    if len(text) < MIN_BASE64 or text.translate(None, _LETTERS):
        return None
    return _Found(start, end, text, head[1] if head else None)


def _is_media(data: bytes, found: _Found) -> bool:
    """Whether a string of base64's letters is base64: a URL says so, else its key, and no other escape is in it."""
    if found.type is None and not _under_media_key(data, found.start - 1):
        return False
    text = found.text if found.end < len(data) else found.text.rstrip(b"\\")  # the bound cut an escape in two
    return b"\\" not in text or b"\\" not in text.replace(b"\\/", b"")


def _under_media_key(data: bytes, quote: int) -> bool:
    """Whether the string that opens at `quote` is the value of a key for binary content."""
    return _KEY.search(data[max(0, quote - _LONGEST_KEY) : quote]) is not None


def _move(shrunk: "array[int]", lengths: "array[int]", start: int, end: int, replaced_by: int) -> None:
    """Take the bytes start..end out of the pieces that hold them; the last of these gets `replaced_by` bytes instead."""
    offset = 0
    for i, length in enumerate(lengths):
        overlap = min(end, offset + length) - max(start, offset)
        if overlap > 0:
            shrunk[i] -= overlap
            if end <= offset + length:
                shrunk[i] += replaced_by
                return
        offset += length


def _replacement(found: _Found) -> bytes:
    text = found.text.replace(b"\\/", b"/").translate(_URL_SAFE)
    body = text.rstrip(b"=")
    try:
        raw = binascii.a2b_base64(body[: len(body) - (len(body) % 4 == 1)] + b"=" * (-len(body) % 4))
    except binascii.Error:
        raw = text
    kind = (found.type or b"application/octet-stream").replace(b"\\", b"")
    digest = hashlib.sha256(raw).hexdigest().encode()
    return b"tracer:media;type=%b;bytes=%d;sha256=%b" % (kind, len(raw), digest)
