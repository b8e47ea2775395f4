"""Any cut of a segment gives its intact records in order; damage costs what it touches and no more."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.spool import segment

# Also such as look like a header, and like what a payload is stored as that does.
MARKS = [
    segment.MAGIC,
    segment.MAGIC_ESCAPED,
    b"\xf5TR",
    b"\xf5TQ",
    b"\xf5TQR",
    b"\xf5TQQ",
    b"\xf5T",
    b"\xf5",
    b"R",
    b"Q",
    b"T",
]
marked = st.lists(st.sampled_from(MARKS) | st.binary(max_size=4), max_size=12).map(b"".join)
payloads = st.lists(st.binary(max_size=60) | marked, max_size=8)


def parse_all(data: bytes, *, final: bool) -> segment.Stretch:
    return segment.parse(data, 0, max_records=1000, final=final)


@given(payloads)
def test_records_come_back_as_they_were_framed(bodies: list[bytes]) -> None:
    found = parse_all(b"".join(segment.frame(body, i) for i, body in enumerate(bodies)), final=True)
    assert [record.payload for record in found.records] == bodies
    assert [record.written_ns for record in found.records] == list(range(len(bodies)))
    assert found.damaged == 0


@given(payloads, st.integers(min_value=0, max_value=700))
def test_torn_end_waits_or_counts_once(bodies: list[bytes], cut: int) -> None:
    data = b"".join(segment.frame(body, 7) for body in bodies)
    torn = data[: min(cut, len(data))]
    whole = [record.payload for record in parse_all(torn, final=False).records]
    assert whole == bodies[: len(whole)]
    waiting = parse_all(torn, final=False)
    assert waiting.damaged == 0
    assert len(torn) - waiting.end < max([len(segment.frame(body, 7)) for body in bodies], default=1)
    ended = parse_all(torn, final=True)
    assert ended.damaged == (waiting.end < len(torn))
    assert ended.end == len(torn)


@given(st.lists(st.binary(min_size=1, max_size=40) | marked.filter(len), min_size=1, max_size=6), st.data())
def test_a_flipped_byte_costs_one_record(bodies: list[bytes], data: st.DataObject) -> None:
    frames = [segment.frame(body, 7) for body in bodies]
    raw = bytearray(b"".join(frames))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    found = [record.payload for record in parse_all(bytes(raw), final=True).records]
    hit = next(i for i in range(len(frames)) if at < sum(map(len, frames[: i + 1])))
    assert found == bodies[:hit] + bodies[hit + 1 :]


def test_reading_in_steps_equals_reading_at_once() -> None:
    bodies = [b"x" * n for n in range(50)]
    data = b"".join(segment.frame(body, n) for n, body in enumerate(bodies))
    seen: list[bytes] = []
    at = 0
    while at < len(data):
        step = segment.parse(data[at:], at, max_records=7, final=True)
        seen += [record.payload for record in step.records]
        at = step.end
    assert seen == bodies


def test_count_hops_over_headers() -> None:
    data = b"".join(segment.frame(b"y" * n, n) for n in range(9))
    assert segment.count(data) == 9
    assert segment.count(data[:-1]) == 8
    assert segment.count(b"junk" + data) == 0


@given(marked)
def test_no_payload_holds_what_a_header_begins_with(body: bytes) -> None:
    framed = segment.frame(body, 7)
    assert b"\xf5TR" not in framed[1:]
    assert len(framed) <= 20 + len(body) * 4 / 3


def test_most_payloads_stand_as_they_are() -> None:
    body = "héllo".encode() * 9 + b"\xf5 T \xf5T"
    assert segment.frame(body, 7).endswith(body)


def test_what_stood_in_a_damaged_record_is_no_record() -> None:
    """A caller's body may well hold a whole record that somebody made up."""
    inner = segment.frame(b"made up", 7)
    old_inner = segment.MAGIC + zlib.crc32(b"made up", zlib.crc32(inner[8:20])).to_bytes(4, "little") + inner[8:]
    raw = bytearray(segment.frame(b"{" + inner + old_inner + b"}", 7) + segment.frame(b"next", 7))
    raw[20] ^= 1
    found = parse_all(bytes(raw), final=True)
    assert [record.payload for record in found.records] == [b"next"]
    assert found.damaged == 1


def test_a_magic_that_was_damaged_into_the_other_one_is_no_record() -> None:
    for body in (b"plain", segment.MAGIC):
        framed = segment.frame(body, 7)
        other = {segment.MAGIC: segment.MAGIC_ESCAPED, segment.MAGIC_ESCAPED: segment.MAGIC}[framed[:4]]
        assert parse_all(other + framed[4:], final=True).records == []


def test_records_of_before_there_were_two_magics_are_read() -> None:
    body = b"a \xf5TQR and a \xf5TR1 in it"
    rest = struct.pack("<IQ", len(body), 7)
    data = segment.MAGIC + struct.pack("<I", zlib.crc32(rest + body)) + rest + body
    assert [record.payload for record in parse_all(data, final=True).records] == [body]


class Counting:
    """zlib, which counts what it is asked to sum."""

    def __init__(self) -> None:
        self.calls = self.bytes = 0

    def crc32(self, data: bytes, start: int = 0) -> int:
        self.calls += 1
        self.bytes += len(data)
        return zlib.crc32(data, start)


@pytest.mark.parametrize("spacing", [4, 12, 20, 64])
def test_looking_for_the_next_record_costs_what_the_damage_does(spacing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many headers a caller wrote into a body, each of a record that seems to go on to the end of it."""
    size = 60_000
    headers = (segment.MAGIC + struct.pack("<IIQ", 1, max(size - at - 20, 0), 7) + bytes(44) for at in range(0, size, spacing))
    body = b"".join(header[:spacing] for header in headers)
    raw = bytearray(segment.frame(body, 7) + segment.frame(b"next", 7))
    raw[len(raw) // 2] ^= 1
    count = Counting()
    monkeypatch.setattr(segment, "zlib", count)
    found = parse_all(bytes(raw), final=True)
    assert [record.payload for record in found.records] == [b"next"]
    assert count.calls < 10
    assert count.bytes < 2 * len(raw)
