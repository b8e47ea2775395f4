"""The load itself: a chunk is one event in one HTTP chunk, and a reader tells chunks that came together or in pieces."""

import socket
import time

import pytest

from tests.bench import upstream
from tests.bench.latency import Answering, Asking, at_rate, one_at_a_time
from tests.bench.loop import Loop, looping
from tests.bench.peers import last_line
from tests.bench.streaming import Reader, Source, chunk, framed


def test_a_chunk_is_framed_by_its_length() -> None:
    size, _, rest = chunk(12345).partition(b"\r\n")
    assert len(rest) == int(size, 16) + 2
    assert rest.startswith(b"data: {")
    assert rest.endswith(b"\n\n\r\n")
    assert framed(b"ab") == b"2\r\nab\r\n"


def test_streams_are_read_chunk_by_chunk_one_after_the_other() -> None:
    with looping(core=None) as loop:
        source = Source(loop, chunks=3, gap_ns=2_000_000)
        reader = Reader(loop, loop.listen(source.serve))
        reader.counts = True
        reader.start()
        _turn_until(loop, source, lambda: reader.open == 4)
    assert 0 < len(reader.delays_ns) <= 6  # two of each stream after its first; some may have come with that
    assert min(reader.delays_ns) > 0
    assert len(reader.first_ns) == 4
    assert reader.cut == 0


@pytest.mark.parametrize(("piece", "together", "cut"), [(b"%b%b", 1, 0), (b"%b", 0, 0)], ids=["two", "one"])
def test_chunks_in_one_piece_are_counted(piece: bytes, together: int, cut: int) -> None:
    reader = Reader(Loop(), 1)
    reader._note(100, piece % tuple(chunk(10) for _ in range(piece.count(b"%b"))))
    assert (reader.together, reader.cut) == (together, cut)
    assert reader.delays_ns == [90] * piece.count(b"%b")


def test_half_a_chunk_is_counted() -> None:
    reader = Reader(Loop(), 1)
    reader._note(100, chunk(10)[:-9])
    assert (reader.together, reader.cut) == (0, 1)


def test_calls_at_a_rate_are_all_answered() -> None:
    with looping(core=None) as loop:
        asking = Asking(loop, loop.listen(Answering(loop).serve))
        one_at_a_time(loop, [asking], 0.02)
        alone = asking.asked
        at_rate(loop, [(asking, 500)], 0.1, sleeps=True)
    assert asking.answered()
    assert asking.asked > alone > 0


def test_a_call_waits_if_as_many_as_allowed_are_under_way() -> None:
    with looping(core=None) as loop:
        taken: list[socket.socket] = []
        asking = Asking(loop, loop.listen(taken.append), most=2)
        for _ in range(5):
            asking.call()
    assert asking.asked == 2


def test_bodies_are_of_the_sizes_that_the_targets_name() -> None:
    assert 1200 < len(upstream.REPLY) < 1400
    assert 63_000 < len(upstream.LARGE_REPLY) <= 65_536
    assert 15_500 < len(upstream.LARGE_REQUEST) <= 16_384


def test_reasons_of_installers_name_no_address() -> None:
    said = "go: module m: reading https://somewhere/m/@v/list: 403 Forbidden\n\n"
    assert last_line(said) == "go: module m: reading 403 Forbidden"
    assert last_line("\n") == "it gave no reason"


def _turn_until(loop: Loop, source: Source, true: "object") -> None:
    deadline = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        loop.turn(0.001)
        source.turn()
