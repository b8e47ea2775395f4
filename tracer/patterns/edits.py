"""Pieces of a text or of bytes replaced, and what becomes of the lengths of the chunks that the bytes came in."""

from array import array
from typing import AnyStr, Generic, NamedTuple


class Edit(NamedTuple, Generic[AnyStr]):
    """What stands from `start` to `end` is to be replaced. Of a list of edits each begins behind the end of that before."""

    start: int
    end: int
    instead: AnyStr


def in_bytes(text: str, edits: list[Edit[str]], base: int = 0) -> list[Edit[bytes]]:
    """Edits of a text as those of its bytes, which begin at `base`."""
    if text.isascii():
        return [Edit(base + start, base + end, instead.encode()) for start, end, instead in edits]
    made = []
    at = 0
    for start, end, instead in edits:
        first = base + len(text[at:start].encode("utf-8", "surrogateescape"))
        base = first + len(text[start:end].encode("utf-8", "surrogateescape"))
        made.append(Edit(first, base, instead.encode()))
        at = end
    return made


def made(data: bytes, edits: list[Edit[bytes]]) -> bytes:
    """The bytes with these edits made."""
    parts: list[bytes] = []
    at = 0
    for start, end, instead in edits:
        parts += (data[at:start], instead)
        at = end
    return b"".join([*parts, data[at:]])


def moved(lengths: "array[int]", edits: list[Edit[bytes]]) -> "array[int]":
    """The lengths of chunks after the edits: what stands instead counts to the chunk that held the last byte replaced."""
    if not edits:
        return lengths
    new = array("I", lengths)
    number = 0
    chunk_end = lengths[0] if lengths else 0
    for start, end, instead in edits:
        while number < len(lengths) - 1 and chunk_end <= start:
            number += 1
            chunk_end += lengths[number]
        at = start
        while number < len(lengths) - 1 and chunk_end < end:
            new[number] -= chunk_end - at
            at = chunk_end
            number += 1
            chunk_end += lengths[number]
        if number < len(lengths):
            new[number] += len(instead) - (end - at)
    return new
