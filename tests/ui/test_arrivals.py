import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.ui.arrivals import COLUMNS, HEIGHT, Arrivals, arrivals
from tracer.ui.waterfall import AXIS

STREAMS = st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(0, 100_000)), min_size=1, max_size=400)


def drawn(*pieces: tuple[int, int], end_ms: float = 10_000.0, ttft_ms: float | None = None) -> Arrivals:
    """Of pieces that came at these microseconds with so many bytes."""
    found = arrivals([at for at, _ in pieces], [size for _, size in pieces], end_ms, ttft_ms)
    assert found is not None
    return found


def test_a_mark_for_each_piece_as_high_as_it_is_large() -> None:
    found = drawn((1_000_000, 25), (2_000_000, 100), (9_990_000, 0))
    assert [each.at for each in found.columns] == [101, 201, 999]
    heights = [each.height for each in found.columns]
    assert heights[1] == HEIGHT
    assert heights[0] == pytest.approx((heights[2] + HEIGHT) / 2)  # a quarter of the bytes is half of the height
    assert heights[2] > 0
    assert (found.pieces, found.bytes) == (3, 125)
    assert found.path(False) == "M101 40v-23.5M201 40v-40.0M999 40v-7.0"
    assert found.path(True) == ""


def test_what_came_before_the_first_token_is_told_apart() -> None:
    found = drawn((100_000, 10), (5_000_000, 10), (6_000_000, 10), ttft_ms=5000.0)
    assert [each.early for each in found.columns] == [True, False, False]
    assert found.path(True) == "M11 40v-40.0"


def test_silences_between_tokens_of_more_than_a_second() -> None:
    came = ((0, 1), (2_000_000, 1), (3_000_000, 1), (3_500_000, 1), (4_500_001, 1), (9_500_000, 1))
    found = drawn(*came, ttft_ms=2000.0, end_ms=10_000.0)
    assert [(stall.since_ms, stall.ms) for stall in found.stalls] == [(3500, 1000.001), (4500.001, 4999.999)]
    assert [stall.ms for stall in found.longest] == [4999.999, 1000.001]
    assert found.stalled == 2
    assert found.stalled_ms == pytest.approx(6000)
    assert found.stalls[1].left == pytest.approx(4.500001 / 10 * AXIS)


def test_a_silence_may_end_with_the_call() -> None:
    found = drawn((100_000, 1), (2_000_000, 1), ttft_ms=2000.0, end_ms=20_000.0)
    assert [(stall.since_ms, stall.ms) for stall in found.stalls] == [(2000, 18000)]
    assert found.stalls[0].is_named
    short = drawn((100_000, 1), (1_200_000, 1), ttft_ms=100.0, end_ms=30_000.0)
    assert [stall.is_named for stall in short.stalls] == [False, True]


def test_of_many_silences_the_longest_are_drawn_and_all_are_counted() -> None:
    at, pieces = 0, []
    for number in range(200):
        at += 1_000_001 + number
        pieces.append((at, 1))
    found = drawn(*pieces, end_ms=at / 1000)
    assert len(found.stalls) == 60
    assert found.stalled == 199
    assert [stall.since_ms for stall in found.stalls] == sorted(stall.since_ms for stall in found.stalls)
    assert min(stall.ms for stall in found.stalls) == pytest.approx(1000.141)


@given(STREAMS, st.floats(0.001, 3000), st.none() | st.floats(0, 3000))
def test_no_piece_is_lost_and_the_drawing_is_bounded(
    stream: list[tuple[int, int]], end_ms: float, ttft_ms: float | None
) -> None:
    stream = sorted(stream)
    found = drawn(*stream, end_ms=end_ms, ttft_ms=ttft_ms)
    assert sum(span.pieces for span in found.spans) == found.pieces == len(stream)
    assert sum(span.bytes for span in found.spans) == found.bytes == sum(size for _, size in stream)
    assert 0 < len(found.columns) <= COLUMNS
    assert all(0 < each.height <= HEIGHT + 1e-9 and 0 < each.at < AXIS for each in found.columns)
    assert all(stall.left >= 0 and stall.left + stall.width <= AXIS + 1e-6 for stall in found.stalls)


def test_without_pieces_there_is_no_drawing() -> None:
    assert arrivals([], [], 100.0, None) is None
    assert arrivals([1, 2], [1], 100.0, None) is None
    assert arrivals([1], [1], 0.0, None) is None


def test_a_long_stream_is_no_longer_on_the_page() -> None:
    found = drawn(*((number * 10, 200) for number in range(200_000)), end_ms=2000.0)
    assert found.pieces == 200_000
    assert len(found.path(False)) < 12_000
