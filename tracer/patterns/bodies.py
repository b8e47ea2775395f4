"""One recorded body without what must not be kept: undone from its coding, as a stream or as a text, and at the hole in its
middle.

Strategy: a body that holds nothing stays as it came, compressed too; one that does is kept plain. Documents are searched as
they are spelt, so everything but the places found keeps its bytes, whether the document is whole or not; streams event by
event (stream.py).

Invariants
- What cannot be read is not kept: a coding that is unknown or broken (what came before the fault is).
- At a hole the bound cut texts in two, and what is left of one would be found by nobody. So AT_THE_HOLE bytes go on both
  sides.
- Media are left as they are (tracer/media.py takes them out): bytes of a media type that are no UTF-8.
"""

import re
from array import array
from itertools import accumulate
from typing import Any, NamedTuple

import orjson

from tracer.framing import beginning, framing_of
from tracer.inflate import inflate
from tracer.patterns.edits import Edit, in_bytes, made, moved
from tracer.patterns.search import Search
from tracer.patterns.stream import StreamSearch, without_logprobs
from tracer.records import Body, Headers

AT_THE_HOLE = 4096
_MEDIA = ("audio/", "image/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip")
# Of a body that unpacks to more.
_HEAD, _TAIL = 4 << 20, 256 << 10
_LOGPROBS = re.compile(rb"logprobs|completion_probabilities")
_FORM = "application/x-www-form-urlencoded"


class Kept(NamedTuple):
    """A body for the record, the lengths of its chunks, and the headers that fit it. `lost`: why a part of it is not kept."""

    body: Body
    lengths: "array[int]"
    headers: Headers
    lost: str = ""


class _Plain(NamedTuple):
    head: bytes
    tail: bytes
    lengths: "array[int]"
    truncated: bool


def hidden_body(search: Search, body: Body, lengths: "array[int]", headers: Headers) -> Kept:
    """The body without what the search finds; the very same if there is nothing."""
    if not (body.head or body.tail):
        return Kept(body, lengths, headers)
    coding = _value(headers, "content-encoding").strip().lower()
    compressed = coding not in ("", "identity")
    plain = _opened(body, lengths, coding) if compressed else _as_it_is(body, lengths)
    if plain is None:
        return Kept(Body(size=body.size, truncated=True), _zeros(lengths), headers, f"{coding[:32]} cannot be undone")
    whole = compressed and not plain.truncated
    clean = _clean(search, plain, _value(headers, "content-type").partition(";")[0].strip().lower())
    # What a compressed body has behind its end is nobody's content, and would be kept with it.
    if clean is plain and (not compressed or (whole and not _in_text(search, body.head + body.tail, ""))):
        return Kept(body, lengths, headers)
    if compressed:
        headers = tuple((name, text) for name, text in headers if name.lower() != "content-encoding")
    return Kept(Body(clean.head, clean.tail, body.size, clean.truncated), clean.lengths, headers)


def _as_it_is(body: Body, lengths: "array[int]") -> _Plain:
    """Where nothing is missing between head and tail, a match may go over the seam."""
    if body.truncated or not body.tail:
        return _Plain(body.head, body.tail, lengths, body.truncated)
    return _Plain(body.head + body.tail, b"", lengths, False)


def _opened(body: Body, lengths: "array[int]", coding: str) -> _Plain | None:
    """The plain bytes, of a body that was cut those before the hole. None if there are none to be had."""
    wire = body.head if body.tail and body.truncated else body.head + body.tail
    inflated = inflate(_cut(wire, lengths), coding, head=_HEAD, tail=_TAIL)
    if inflated is None or (not inflated.data and not inflated.complete):
        return None
    plain = array("I", inflated.lengths[: len(lengths)])
    plain.extend([0] * (len(lengths) - len(plain)))
    truncated = body.truncated or not inflated.complete or bool(inflated.tail)
    return _Plain(inflated.data, inflated.tail, plain, truncated)


def _clean(search: Search, plain: _Plain, media: str) -> _Plain:
    framing = framing_of(media, plain.head)
    if framing is None and media.startswith(_MEDIA) and not _is_utf8(plain.head):
        return plain
    plain = _around_the_hole(plain) if plain.truncated and plain.tail else plain
    head, tail, lengths, truncated = plain
    if framing is None:
        before = search.found.total()
        edits = _in_text(search, head, media) + [_later(edit, len(head)) for edit in _in_text(search, tail, media)]
        if search.found.total() > before and _LOGPROBS.search(head):
            return _without_logprobs(plain, edits)
    else:
        edits = StreamSearch(search).edits(head, framing)
        begins = beginning(framing, tail) if tail else None
        if tail:
            begins = len(tail) if begins is None else begins
            in_tail = _in_text(search, tail[:begins], "")
            in_tail += [_later(edit, begins) for edit in StreamSearch(search).edits(tail[begins:], framing)]
            edits += [_later(edit, len(head)) for edit in in_tail]
    if not edits:
        return plain
    of_head = [edit for edit in edits if edit.start < len(head)]
    of_tail = [_later(edit, -len(head)) for edit in edits[len(of_head) :]]
    return _Plain(made(head, of_head), made(tail, of_tail), moved(lengths, edits), truncated)


def _in_text(search: Search, data: bytes, media: str) -> list[Edit[bytes]]:
    text = data.decode("utf-8", "surrogateescape")
    return in_bytes(text, search.edits(text, percents=media == _FORM)) if text else []


def _without_logprobs(plain: _Plain, edits: list[Edit[bytes]]) -> _Plain:
    """A document with these edits, whose tokens must not spell the text again. One that cannot be read is not kept."""
    clean = made(plain.head, edits)
    try:
        document: Any = orjson.loads(clean)
        if without_logprobs(document):
            clean = orjson.dumps(document)
    except (orjson.JSONDecodeError, TypeError):
        clean = b""
    lengths = _zeros(plain.lengths)
    if lengths:
        lengths[-1] = len(clean)
    return _Plain(clean, b"", lengths, plain.truncated or not clean)


def _around_the_hole(plain: _Plain) -> _Plain:
    head, tail, lengths, _ = plain
    clean = _Plain(head[:-AT_THE_HOLE], tail[AT_THE_HOLE:], lengths, True)
    start, end = len(clean.head), len(head) + min(len(tail), AT_THE_HOLE)
    return clean._replace(lengths=moved(lengths, [Edit(start, end, b"")]) if lengths else lengths)


def _later(edit: Edit[bytes], by: int) -> Edit[bytes]:
    return Edit(edit.start + by, edit.end + by, edit.instead)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cut(data: bytes, lengths: "array[int]") -> list[bytes]:
    ends = list(accumulate(lengths))
    pieces = [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    rest = data[ends[-1] if ends else 0 :]
    return [*pieces, rest] if rest else pieces


def _zeros(lengths: "array[int]") -> "array[int]":
    return array("I", [0] * len(lengths))


def _value(headers: Headers, name: str) -> str:
    return next((text for key, text in headers if key.lower() == name), "")
