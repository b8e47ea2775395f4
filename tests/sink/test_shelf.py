"""Decoded once for all exporters that keep step, and by each alone where they do not; what arrives is the same."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import Transient
from tests.sink.test_drain import LIMITS, Fake, decode, failing, until, write
from tracer.sink import drain, shelf
from tracer.sink.contents import Contents, contents_of
from tracer.sink.drain import Drain, Limits
from tracer.sink.shelf import Shelf
from tracer.spool import reader, spool_dir
from tracer.spool.positions import Batch
from tracer.spool.reader import Found
from tracer.spool.segment import Place

BOTH = ("clickhouse", "otlp")
MUCH = 1 << 20


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "IDLE_SECONDS", 0.002)
    monkeypatch.setattr(drain, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(drain, "LONGEST_PAUSE", 0.01)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write(tmp_path, *range(10, 30))
    return spool_dir(tmp_path) / "w0"


def batches(log: Path, rows: int, after: Place = Place()) -> Iterator[tuple[Place, Found]]:  # noqa: B008  # frozen
    while (found := reader.next_batch(log, after, max_records=rows, max_bytes=1 << 20)) is not None:
        yield after, found
        after = found.batch.after


class Counting:
    """Decodes, and counts how often it did each."""

    def __init__(self) -> None:
        self.seen: Counter[bytes] = Counter()

    def __call__(self, payload: bytes) -> object:
        self.seen[payload] += 1
        return decode(payload)


def contents(kept: Shelf, log: Path, place: Place, found: Found, count: Counting) -> Contents:
    kept.cut(log, place, found)
    return kept.contents(log, place, found, lambda records: contents_of(records, count))  # type: ignore[arg-type]


def run(data_dir: Path, exporters: list[Fake], count: Counting, kept: Shelf, limits: Limits = LIMITS) -> None:
    stop = threading.Event()
    names = [each.name for each in exporters]
    drains = [Drain(data_dir, each, names, count, limits, stop, kept) for each in exporters]  # type: ignore[arg-type]
    threads = [threading.Thread(target=each.run) for each in drains]
    for thread in threads:
        thread.start()
    for each in exporters:
        until(lambda each=each: len(each.taken) == len(set(each.taken)) == 60)  # type: ignore[misc]
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_exporters_in_step_decode_each_record_once(tmp_path: Path) -> None:
    write(tmp_path, *range(60))
    count, both = Counting(), [Fake(name) for name in BOTH]
    run(tmp_path, both, count, Shelf(BOTH, MUCH), Limits(7, 1 << 20, 0.0, 3600.0))
    assert [each.taken for each in both] == [[*range(60)]] * 2
    assert set(count.seen.values()) == {1}


def test_nothing_is_shared_where_nothing_may_be_kept(tmp_path: Path) -> None:
    write(tmp_path, *range(60))
    count, both = Counting(), [Fake(name) for name in BOTH]
    run(tmp_path, both, count, Shelf(BOTH, 0), Limits(7, 1 << 20, 0.0, 3600.0))
    assert [each.taken for each in both] == [[*range(60)]] * 2
    assert set(count.seen.values()) == {2}


@pytest.mark.parametrize("most", [0, 20, MUCH])
@pytest.mark.parametrize("who", [0, 1])
def test_one_that_fails_for_a_while_gets_the_same_in_the_end(tmp_path: Path, who: int, most: int) -> None:
    write(tmp_path, *range(60))
    both = [Fake(name) for name in BOTH]
    both[who].script = failing(*[Transient("away")] * 9)
    run(tmp_path, both, Counting(), Shelf(BOTH, most), Limits(7, 1 << 20, 0.0, 3600.0))
    assert [each.taken for each in both] == [[*range(60)]] * 2


def test_a_batch_goes_when_all_have_taken_it(log: Path) -> None:
    kept, count = Shelf(BOTH, MUCH), Counting()
    (place, found), *_ = batches(log, 5)
    first = contents(kept, log, place, found, count)
    assert kept.found(log, place) is found
    assert contents(kept, log, place, found, count) is first
    kept.done("clickhouse", log, found.batch.after)
    assert kept.found(log, place) is found
    kept.done("otlp", log, found.batch.after)
    assert kept.found(log, place) is None
    contents(kept, log, place, found, count)
    assert kept.found(log, place) is None  # nobody is going to ask for it
    assert max(count.seen.values()) == 2


def test_the_oldest_goes_when_there_is_too_much(log: Path) -> None:
    kept, count = Shelf(BOTH, 25), Counting()
    cut = list(batches(log, 5))  # of 10 bytes each
    for place, found in cut:
        contents(kept, log, place, found, count)
    assert [kept.found(log, place) is not None for place, _ in cut] == [False, False, True, True]
    kept.done("clickhouse", log, cut[-1][1].batch.after)
    assert [kept.found(log, place) is not None for place, _ in cut] == [False, False, True, True]
    kept.done("otlp", log, cut[2][1].batch.after)
    assert [kept.found(log, place) is not None for place, _ in cut] == [False, False, False, True]


def test_a_batch_that_is_larger_than_the_shelf_is_not_kept(log: Path) -> None:
    kept, count = Shelf(BOTH, 9), Counting()
    (place, found), *_ = batches(log, 5)
    assert len(contents(kept, log, place, found, count)) == 5
    assert kept.found(log, place) is None


def test_another_cut_at_the_same_place_is_not_mixed_up(log: Path) -> None:
    kept, count = Shelf(BOTH, MUCH), Counting()
    (place, found), *_ = batches(log, 5)
    (_, wider), *_ = batches(log, 8)
    contents(kept, log, place, found, count)
    assert [len(contents(kept, log, place, each, count)) for each in (wider, found)] == [8, 5]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3))
def test_who_fell_behind_cuts_where_the_other_has_cut(rows: int, others: int, ahead: int) -> None:
    places = [Place(1, offset) for offset in range(0, 1000, 10)]
    kept, log = Shelf(BOTH, MUCH), Path("w0")
    begun = places[rows * ahead]
    end = Place(1, begun.offset + 10 * others)
    kept.cut(log, begun, Found(Batch(1, begun.offset, end.offset, others), []))
    for place in places[: rows * ahead]:
        assert place.offset + kept.room(log, place, 10_000) == begun.offset
    assert kept.room(log, begun, 10_000) == 10_000
    assert kept.room(Path("w1"), places[0], 77) == 77
    assert kept.room(log, Place(2, 0), 77) == 77


def test_the_first_waits_for_nobody_and_others_wait_while_it_moves(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    kept, count = Shelf(BOTH, 60), Counting()
    cut = list(batches(log, 5))
    for place, found in cut:
        contents(kept, log, place, found, count)
    assert not kept.is_ahead("otlp")  # the first has never moved
    kept.done("clickhouse", log, Place())
    assert kept.is_ahead("otlp")
    assert not kept.is_ahead("clickhouse")
    now += shelf.PATIENCE_SECONDS + 1
    assert not kept.is_ahead("otlp")
    kept.done("clickhouse", log, cut[0][1].batch.after)
    assert not kept.is_ahead("otlp")  # half of what may be kept, and no more


def test_of_two_that_cut_at_once_the_quicker_one_decides(log: Path) -> None:
    kept = Shelf(BOTH, MUCH)
    (place, found), *_ = batches(log, 5)
    (_, wider), *_ = batches(log, 8)
    assert [kept.cut(log, place, each) for each in (found, wider)] == [found, found]


def test_others_use_what_one_is_decoding_still(log: Path) -> None:
    kept = Shelf(BOTH, MUCH)
    (place, found), *_ = batches(log, 5)
    kept.cut(log, place, found)
    begun, go = threading.Event(), threading.Event()
    made: list[Contents] = []

    def slow(records: object) -> Contents:
        begun.set()
        assert go.wait(10)
        return Contents([])

    def never(records: object) -> Contents:
        raise AssertionError

    one = threading.Thread(target=lambda: made.append(kept.contents(log, place, found, slow)))
    two = threading.Thread(target=lambda: made.append(kept.contents(log, place, found, never)))
    one.start()
    assert begun.wait(10)
    two.start()
    go.set()
    one.join(10)
    two.join(10)
    assert len(made) == 2
    assert made[0] is made[1]
