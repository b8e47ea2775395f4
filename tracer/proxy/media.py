"""Media in a recorded copy: base64 is replaced by its hash, type and size. No I/O.

What counts as media: a `data:` URL with base64, or a string of base64 of MIN_BASE64 characters or more under a key that
APIs use for binary content. Replaced text reads `tracer:media;type=image/png;bytes=12345;sha256=…`, so equal media stay recognisable.
A string that the copy's bound cut off counts too, with what is left of it.
"""

import base64
import binascii
import hashlib
import re
from array import array

MIN_BASE64 = 256
_KEYS = rb"data|b64_json|partial_image_b64|file_data|bytes|image|audio|url|encrypted_content|embedding|result"
_MEDIA = re.compile(
    rb'(?:data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,|(?<=")(?:' + _KEYS + rb')"\s*:\s*"(?=[A-Za-z0-9+/_\\-]{256}))'
    rb"(?P<text>(?:[A-Za-z0-9+/_=-]|\\/){16,})"
)


def replace_media(data: bytes) -> bytes:
    """`data` with its media replaced; the same object if there is none."""
    if len(data) < MIN_BASE64:
        return data
    return _MEDIA.sub(_replacement, data)


def replace_media_in_pieces(data: bytes, lengths: "array[int]") -> tuple[bytes, "array[int]"]:
    """The same for a body that came in pieces: the text that stands for media counts to the piece in which the media ended."""
    found = list(_MEDIA.finditer(data)) if len(data) >= MIN_BASE64 else []
    if not found:
        return data, lengths
    shrunk = array("I", lengths)
    for match in found:
        _move(shrunk, lengths, match.start(), match.end(), len(_replacement(match)))
    return replace_media(data), shrunk


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
    text = match["text"].replace(b"\\/", b"/").translate(bytes.maketrans(b"-_", b"+/"))
    body = text.rstrip(b"=")
    try:
        raw = base64.b64decode(body[: len(body) - (len(body) % 4 == 1)] + b"=" * (-len(body) % 4))
    except binascii.Error:
        raw = text
    kind = match["type"] or b"application/octet-stream"
    digest = hashlib.sha256(raw).hexdigest().encode()
    before = match[0][: match.start("text") - match.start()] if match["type"] is None else b""
    return before + b"tracer:media;type=%b;bytes=%d;sha256=%b" % (kind, len(raw), digest)
