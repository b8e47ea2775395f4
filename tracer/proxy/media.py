"""Media in a recorded copy: base64 is replaced by its hash, type and size. No I/O.

What counts as media: a `data:` URL with base64, or a string of base64 of MIN_BASE64 characters or more under a key that
APIs use for binary content. What stands there instead reads `tracer:media;type=image/png;bytes=12345;sha256=…`, so equal
media stay recognisable.
A string that the copy's bound cut off counts too, with what is left of it.
"""

import base64
import binascii
import hashlib
import re
from array import array

MIN_BASE64 = 256
# Every match begins at a quote, which the regex engine finds fast, and most fail at the first blank: 2 µs for a usual
# reply. The backslash is there for JSON writers that escape the slash of base64.
_STRING = re.compile(
    rb'"(?:data:(?P<type>[\w.+-]+\\?/[\w.+-]+)(?:;[\w=.+-]+)*;base64,)?(?P<text>[A-Za-z0-9+/_=\\-]{%d,})(?="|\Z)' % MIN_BASE64
)
_KEY = re.compile(
    rb'"(?:data|b64_json|partial_image_b64|file_data|bytes|image|audio|url|encrypted_content|embedding|result)"\s*:\s*$'
)
_LONGEST_KEY = 40
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def replace_media(data: bytes, lengths: "array[int]") -> tuple[bytes, "array[int]"]:
    """`data`, which came in pieces of these lengths, with its media replaced; the very same objects if there is none.

    The text that stands for media counts to the piece in which the media ended.
    """
    found = [match for match in _STRING.finditer(data) if _is_media(data, match)]
    if not found:
        return data, lengths
    shrunk = array("I", lengths)
    parts: list[bytes] = []
    at = 0
    for match in found:
        start, end = match.start() + 1, match.end()
        instead = _replacement(match)
        parts += (data[at:start], instead)
        at = end
        _move(shrunk, lengths, start, end, len(instead))
    return b"".join([*parts, data[at:]]), shrunk


def _is_media(data: bytes, match: "re.Match[bytes]") -> bool:
    """Whether a string of base64's letters is base64: a URL says so, else its key, and no other escape is in it."""
    if match["type"] is None and not _under_media_key(data, match.start()):
        return False
    text = match["text"] if match.end() < len(data) else match["text"].rstrip(b"\\")  # the bound cut an escape in two
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


def _replacement(match: "re.Match[bytes]") -> bytes:
    text = match["text"].replace(b"\\/", b"/").translate(_URL_SAFE)
    body = text.rstrip(b"=")
    try:
        raw = base64.b64decode(body[: len(body) - (len(body) % 4 == 1)] + b"=" * (-len(body) % 4))
    except binascii.Error:
        raw = text
    kind = (match["type"] or b"application/octet-stream").replace(b"\\", b"")
    digest = hashlib.sha256(raw).hexdigest().encode()
    return b"tracer:media;type=%b;bytes=%d;sha256=%b" % (kind, len(raw), digest)
