import math
import subprocess
import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sink.exchanges import MS, chunks
from tracer.records import Chunks
from tracer.sink.latency import BOUNDS_NS, Timing, __doc__, arrivals, digest, times_of, timing

GAPS = st.lists(st.integers(0, 200_000 * MS), min_size=1, max_size=60)


def test_each_offset_has_the_time_of_the_piece_that_completed_it() -> None:
    ends, at_ns = arrivals(chunks([5, 5, 0, 10]))
    assert times_of([1, 5, 6, 10, 11, 20], ends, at_ns) == [10 * MS, 10 * MS, 20 * MS, 20 * MS, 40 * MS, 40 * MS]
    assert times_of([21], ends, at_ns) == []


def test_lengths_of_plain_bytes_replace_those_of_the_wire() -> None:
    ends, at_ns = arrivals(chunks([5, 5]), (100, 50))
    assert times_of([100, 101], ends, at_ns) == [10 * MS, 20 * MS]
    assert arrivals(chunks([5, 5]), (100,)) == ((), ())


@pytest.mark.parametrize("damaged", [Chunks(b"abc", b""), Chunks(b"", b"a"), Chunks(array("Q", [1]).tobytes(), b"")])
def test_damaged_arrivals_are_none(damaged: Chunks) -> None:
    assert arrivals(damaged) == ((), ())
    assert times_of([1], (), ()) == []


def test_a_timeline() -> None:
    found = timing([100 * MS, 110 * MS, 110 * MS, 150 * MS])
    assert (found.ttft_ms, found.itl_p50_ms, found.itl_p95_ms, found.itl_max_ms) == (100.0, 10.0, 40.0, 40.0)
    assert sum(found.itl_digest) == 3
    assert timing([]) == Timing()
    assert timing([5 * MS]) == timing([5 * MS, 4 * MS]) == Timing(ttft_ms=5.0)


@given(GAPS)
def test_the_digest_counts_every_gap_in_its_bucket(gaps: list[int]) -> None:
    counts = digest(gaps)
    assert sum(counts) == len(gaps)
    assert len(counts) <= len(BOUNDS_NS) + 1
    assert counts[-1] > 0
    for bucket, count in enumerate(counts):
        above = BOUNDS_NS[bucket - 1] if bucket else -1
        upto = BOUNDS_NS[bucket] if bucket < len(BOUNDS_NS) else math.inf
        assert count == sum(above < gap <= upto for gap in gaps)


@given(GAPS, GAPS)
def test_digests_add_up(some: list[int], more: list[int]) -> None:
    a, b = digest(some), digest(more)
    length = max(len(a), len(b))
    added = [x + y for x, y in zip(a + (0,) * (length - len(a)), b + (0,) * (length - len(b)), strict=True)]
    assert tuple(added) == digest(some + more)


def test_the_query_in_the_docstring_reads_a_percentile() -> None:
    query = (
        str(__doc__).split("is\n\n")[-1].replace("llm.calls", "(SELECT arrayJoin([{}]::Array(Array(UInt32))) AS itl_digest)")
    )
    gaps = [[10 * MS] * 50 + [30 * MS] * 40, [30 * MS] * 6 + [700 * MS] * 4]  # 95 % of all are at most 30 ms
    query = query.format(", ".join(str(list(digest(part))) for part in gaps))
    run = [sys.executable, "-c", "import chdb, sys; print(chdb.query(sys.argv[1]))", query]
    answer = float(subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert 30 <= answer <= 30 * 1.19


def test_no_gaps_no_counts() -> None:
    assert digest([]) == ()
