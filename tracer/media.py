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
from collections.abc import Iterator
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
# A string of MIN_BASE64 of these letters has them at every eighth place too, as many times in a row. Text and JSON hardly
# ever do, and an eighth is looked through in no time.
_STRIDE = 8
_IS_LETTER = bytes(b"#"[0] if letter in _LETTERS else b" "[0] for letter in range(256))
_LONG_RUN = b"#" * (MIN_BASE64 // _STRIDE)
_RUN = re.compile(_LONG_RUN + b"#*")
_LONGEST_KEY = 40
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class _Found(NamedTuple):
    """A string of base64: where it stands with what is before the letters, these, and the type that a URL says."""

    start: int
    end: int
    text: bytes
    type: bytes | None


def replace_media(data: bytes, lengths: "array[int]") -> tuple[bytes, "array[int]"]:
    """`data`, which came in pieces of these lengths, with its media replaced; the very same objects if there is none.

    The text that stands for media counts to the piece in which the media ended.
    """
    found = [each for each in _strings(data) if _is_media(data, each)] if _may_hold(data) else []
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


def _may_hold(data: bytes) -> bool:
    return _LONG_RUN in data[::_STRIDE].translate(_IS_LETTER)


def _strings(data: bytes) -> Iterator[_Found]:
    """What may be base64, in order."""
    end = 0
    for run in _RUN.finditer(data[::_STRIDE].translate(_IS_LETTER)):
        at, last = run.start() * _STRIDE, min(run.end() * _STRIDE, len(data))
        while at < last:
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
    text = found.text
    if b"\\" in text:
        text = text.replace(b"\\/", b"/")
    if b"-" in text or b"_" in text:
        text = text.translate(_URL_SAFE)
    try:
        raw = binascii.a2b_base64(text if len(text) % 4 == 0 and not text.endswith(b"===") else _padded(text))
    except binascii.Error:
        raw = text
    kind = (found.type or b"application/octet-stream").replace(b"\\", b"")
    digest = hashlib.sha256(raw).hexdigest().encode()
    return b"tracer:media;type=%b;bytes=%d;sha256=%b" % (kind, len(raw), digest)


def _padded(text: bytes) -> bytes:
    """With as many `=` as belong there, and without a letter that stands for nothing."""
    body = text.rstrip(b"=")
    return body[: len(body) - (len(body) % 4 == 1)] + b"=" * (-len(body) % 4)
