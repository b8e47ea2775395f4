"""The tee: whatever passes is counted, its beginning and its end are kept, and nothing grows without bound."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.proxy import tee as room
from tracer.proxy.tee import Copy, Tee, within

TAIL = 20


@pytest.fixture(autouse=True, scope="module")
def small_tail() -> object:
    patch = pytest.MonkeyPatch()
    patch.setattr(room, "TAIL", TAIL)
    yield
    patch.undo()


PIECES = st.lists(st.binary(max_size=15), max_size=25)


def copied(pieces: list[bytes], limit: int) -> Copy:
    tee = Tee(limit)
    for number, piece in enumerate(pieces):
        tee.add(piece, number * 10)
    return tee.copy()


@given(PIECES, st.integers(0, 60))
def test_copy_is_a_prefix_and_a_suffix(pieces: list[bytes], limit: int) -> None:
    whole = b"".join(pieces)
    made = copied(pieces, limit)
    assert made.size == len(whole)
    assert whole.startswith(made.head)
    assert whole.endswith(made.tail)
    assert len(made.head) + len(made.tail) <= len(whole)
    assert made.truncated == (made.head + made.tail != whole)
    if len(whole) <= max(limit, TAIL):
        assert (made.head + made.tail, made.truncated) == (whole, False)
    if made.truncated:
        assert len(made.head) <= limit
        assert len(made.tail) == TAIL


@given(PIECES, st.integers(0, 60))
def test_every_byte_of_the_copy_keeps_its_arrival(pieces: list[bytes], limit: int) -> None:
    made = copied(pieces, limit)
    assert list(made.at_ns) == [number * 10 for number in range(len(pieces))]
    arrived = [number for number, piece in enumerate(pieces) for _ in piece]
    kept = [number for number, length in enumerate(made.length) for _ in range(length)]
    assert sum(made.length) == len(made.head) + len(made.tail)
    assert kept == arrived[: len(made.head)] + arrived[len(arrived) - len(made.tail) :]


@given(PIECES, st.integers(0, 60))
def test_memory_is_bounded(pieces: list[bytes], limit: int) -> None:
    tee = Tee(limit)
    for piece in pieces:
        tee.add(piece, 0)
        held = sum(map(len, tee._head)) + sum(map(len, tee._tail))
        assert held <= limit + 2 * TAIL + 15


@given(PIECES, st.integers(0, 60))
def test_a_copy_may_be_taken_at_any_time(pieces: list[bytes], limit: int) -> None:
    tee = Tee(limit)
    for number, piece in enumerate(pieces):
        tee.add(piece, number * 10)
        assert tee.copy() == copied(pieces[: number + 1], limit)


def test_nothing_passed() -> None:
    made = Tee(10).copy()
    assert (made.head, made.tail, made.size, made.truncated, list(made.length)) == (b"", b"", 0, False, [])


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 30), st.integers(0, 30))
def test_within_counts_each_byte_once(lengths: list[int], head: int, tail: int) -> None:
    from array import array

    size = sum(lengths)
    head = min(head, size)
    tail = min(tail, size - head)
    made = within(array("I", lengths), head, tail)
    ends = list(accumulate(lengths))
    expected = [
        sum(at < head or at >= size - tail for at in range(end - length, end))
        for end, length in zip(ends, lengths, strict=True)
    ]
    assert list(made) == expected
