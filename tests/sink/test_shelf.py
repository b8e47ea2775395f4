"""Decoded once for all exporters that keep step, and by each alone where they do not; what arrives is the same."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import Transient
from tests.sink.test_drain import LIMITS, Fake, call, decode, failing, until, write
from tracer.records import Call, Content
from tracer.sink import drain, shelf
from tracer.sink.contents import Contents, contents_of
from tracer.sink.drain import Drain, Limits
from tracer.sink.shelf import Shelf
from tracer.spool import reader, segment, spool_dir
from tracer.spool.positions import Batch
from tracer.spool.reader import Found
from tracer.spool.segment import Place
from tracer.spool.segment import Record as Spooled

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


def contents(kept: Shelf, log: Path, place: Place, found: Found, count: Counting, *, pending: bool = False) -> Contents:
    kept.cut(log, place, found)
    return kept.contents(log, place, found, lambda records, _: contents_of(records, count), pending=pending)[1]  # type: ignore[arg-type]


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


def test_calls_that_become_large_come_in_smaller_batches(tmp_path: Path) -> None:
    write(tmp_path, *range(60))

    def large(payload: bytes) -> Call:
        content = Content(request_headers={}, request_body="x" * 1000, response_headers={}, response_body="")
        return msgspec.structs.replace(decode(payload), content=content)

    both = [Fake(name) for name in BOTH]
    both[1].script = failing(*[Transient("away")] * 9)
    run(tmp_path, both, large, Shelf(BOTH, MUCH), Limits(30, 1200, 0.0, 3600.0))  # type: ignore[arg-type]
    assert [each.taken for each in both] == [[*range(60)]] * 2
    for each in both:
        assert max(len(numbers) for numbers, _ in each.asked) == 3
        tokens = {token: numbers for numbers, token in each.asked}
        assert all(tokens[token] == numbers for numbers, token in each.asked)  # a repeat is the same batch


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
    assert [len(contents(kept, log, place, each, count, pending=True)) for each in (wider, found)] == [8, 5]
    assert len(contents(kept, log, place, wider, count)) == 5  # who has stored nothing yet takes what is there


def heavy(most: int, grown: list[int]) -> Callable[[Sequence[Spooled], bool], Contents]:
    """Reads records that take `most` bytes each in memory, three of which are enough for a batch."""

    def read(records: Sequence[Spooled], may_be_fewer: bool) -> Contents:
        taken = records[:3] if may_be_fewer else records
        grown.append(len(taken))
        return Contents([(each, call(1)) for each in taken], size=most * len(taken))

    return read


def test_a_batch_that_becomes_too_much_is_shorter_for_all_that_have_not_stored_it(log: Path) -> None:
    kept, grown = Shelf(BOTH, MUCH), list[int]()
    (place, found), *_ = batches(log, 8)
    kept.cut(log, place, found)
    shorter, held = kept.contents(log, place, found, heavy(1000, grown))
    assert (shorter.batch.records, len(shorter.records), len(held)) == (3, 3, 3)
    assert shorter.batch.end == found.records[2].end
    assert kept.found(log, place) == shorter
    again, held_again = kept.contents(log, place, found, heavy(1000, grown))
    assert (again, held_again) == (shorter, held)
    assert held_again is held
    as_stored, all_of_it = kept.contents(log, place, found, heavy(1000, grown), pending=True)
    assert (as_stored, len(all_of_it)) == (found, 8)
    assert grown == [3, 8]


def test_of_a_shorter_batch_only_its_own_damage_is_told(log: Path) -> None:
    path = segment.path(log, 1)
    raw = bytearray(path.read_bytes())
    (_, whole), *_ = batches(log, 20)
    raw[whole.records[0].end + 20] ^= 1  # the second record
    raw[whole.records[9].end + 20] ^= 1
    path.write_bytes(raw)
    (place, found), *_ = batches(log, 20)
    assert found.damaged == 2
    shorter, _ = Shelf(BOTH, 0).contents(log, place, found, heavy(1, []))
    assert (shorter.damaged, shorter.batch.records) == (1, 3)
    rest = reader.next_batch(log, shorter.batch.after, max_records=20, max_bytes=1 << 20)
    assert rest is not None
    assert (rest.damaged, len(rest.records)) == (1, 15)


def test_what_is_kept_is_counted_as_it_became(log: Path) -> None:
    kept = Shelf(BOTH, 10_000)
    cut = list(batches(log, 3))
    for place, found in cut:
        kept.cut(log, place, found)
        kept.contents(log, place, found, heavy(1000, []))
    assert [kept.found(log, place) is not None for place, _ in cut] == [False] * (len(cut) - 3) + [True] * 3


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

    def slow(records: Sequence[Spooled], may_be_fewer: bool) -> Contents:
        begun.set()
        assert go.wait(10)
        return Contents([(each, call(1)) for each in records])

    def never(records: object, may_be_fewer: bool) -> Contents:
        raise AssertionError

    one = threading.Thread(target=lambda: made.append(kept.contents(log, place, found, slow)[1]))
    two = threading.Thread(target=lambda: made.append(kept.contents(log, place, found, never)[1]))
    one.start()
    assert begun.wait(10)
    two.start()
    go.set()
    one.join(10)
    two.join(10)
    assert len(made) == 2
    assert made[0] is made[1]
