"""Any cut of a segment gives its intact records in order; damage costs what it touches and no more."""

from hypothesis import given
from hypothesis import strategies as st

from tracer.spool import segment

payloads = st.lists(st.binary(max_size=60), max_size=8)


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


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6), st.data())
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
