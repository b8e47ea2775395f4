"""What the bytes of a segment are.

A record is a 20-byte header (magic, CRC-32 of the rest, payload length, wall-clock ns of the commit) and the payload,
records end to end. A place in a log is (segment, byte offset): offsets of one segment never change their meaning, because
a writer never continues an old segment. What a crash tore off the end of one can then never be mistaken for something
written later, and an acknowledged place never comes to cover another record.

Damage (a bit flipped, a page lost) costs the records it touches: reading goes on at the next place where magic and CRC
agree. At the end of the newest segment, damage cannot be told from a write in progress, so reading waits there.

Callers choose what stands in payloads. So a payload never holds what a header begins with: where it does, it is stored with
those bytes broken up, under a magic of its own. Nothing within a damaged record can then be taken for a record, and looking
for the next one checks headers of this log only, not thousands that somebody made up.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

MAGIC = b"\xf5TR1"
MAGIC_ESCAPED = b"\xf5TR2"
# What both begin with, and what stands in content in its place. The first byte is in no valid UTF-8.
_LEAD, _MARK, _ESCAPE = b"\xf5", b"\xf5TR", b"\xf5TQ"
# Their checksums begin differently: a magic that was damaged into the other one is no record.
_SEEDS = {MAGIC: 0, MAGIC_ESCAPED: zlib.crc32(MAGIC_ESCAPED)}
_HEADER = struct.Struct("<4sIIQ")
_REST = struct.Struct("<IQ")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A byte offset in a segment: everything before it has been dealt with."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One intact record; `end` is the offset after it."""

    payload: bytes
    written_ns: int
    end: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was found between two offsets of a segment: records, and how often something was damaged."""

    records: list[Record]
    end: int  # offset after the last record read, or after the damage if the segment ends in it
    damaged: int = 0


def frame(payload: bytes, written_ns: int) -> bytes:
    """A payload as it stands in a segment."""
    if _LEAD in payload and (_MARK in payload or _ESCAPE in payload):  # one byte is found twenty times as fast
        return _framed(MAGIC_ESCAPED, payload.replace(_ESCAPE, _ESCAPE + b"Q").replace(_MARK, _ESCAPE + b"R"), written_ns)
    return _framed(MAGIC, payload, written_ns)


def _framed(magic: bytes, stored: bytes, written_ns: int) -> bytes:
    rest = _REST.pack(len(stored), written_ns)
    return magic + zlib.crc32(stored, zlib.crc32(rest, _SEEDS[magic])).to_bytes(4, "little") + rest + stored


def numbers(log: Path) -> list[int]:
    """Numbers of the segments of a log, oldest first."""
    try:
        return sorted(int(name[:-4]) for name in os.listdir(log) if name.endswith(".log"))
    except FileNotFoundError:
        return []


def path(log: Path, number: int) -> Path:
    return log / f"{number:010d}.log"


def size(log: Path, number: int) -> int:
    """Bytes of a segment; 0 once it is gone."""
    try:
        return path(log, number).stat().st_size
    except FileNotFoundError:
        return 0


def parse(data: bytes, start: int, *, max_records: int, final: bool) -> Stretch:
    """The records in `data`, which begins at offset `start` of its segment.

    An incomplete record at the end is left for the next read, unless `final` (nothing will be added), then it is damage.
    """
    records: list[Record] = []
    damaged = 0
    at = 0
    while at < len(data) and len(records) < max_records:
        record = _record(data, at, start)
        if record is None:
            found = _resync(data, at)
            if found < 0:
                # Either the rest is still being written, or nothing intact follows.
                return Stretch(records, start + (len(data) if final else at), damaged + final)
            damaged += 1
            at = found
        else:
            records.append(record)
            at = record.end - start
    return Stretch(records, start + at, damaged)


def _record(data: bytes, at: int, start: int) -> Record | None:
    body = at + _HEADER.size
    if len(data) < body:
        return None
    magic, crc, length, written_ns = _HEADER.unpack_from(data, at)
    seed = _SEEDS.get(magic)
    if seed is None or len(data) < body + length:
        return None
    payload = data[body : body + length]
    if zlib.crc32(payload, zlib.crc32(data[at + 8 : body], seed)) != crc:
        return None
    if magic == MAGIC_ESCAPED:
        payload = payload.replace(_ESCAPE + b"R", _MARK).replace(_ESCAPE + b"Q", _ESCAPE)
    return Record(payload, written_ns, start + body + length)


def _resync(data: bytes, at: int) -> int:
    """Offset in `data` of the next intact record after `at`, or -1."""
    found = data.find(_MARK, at + 1)
    while found >= 0 and _record(data, found, 0) is None:
        found = data.find(_MARK, found + 1)
    return found


def needed(data: bytes) -> int:
    """Bytes that the record at the start of `data` takes in all; what there is already if that cannot be told."""
    if len(data) >= _HEADER.size and data[: len(MAGIC)] in _SEEDS:
        return _HEADER.size + int(_HEADER.unpack_from(data)[2])
    return len(data)


def count(data: bytes | mmap, start: int = 0) -> int:
    """How many whole records stand in `data` from `start`, by their headers alone; stops at the first that makes no sense."""
    at, records = start, 0
    while at + _HEADER.size <= len(data) and data[at : at + len(MAGIC)] in _SEEDS:
        at += _HEADER.size + int(_HEADER.unpack_from(data, at)[2])
        records += at <= len(data)
    return records
