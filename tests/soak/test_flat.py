"""What grows is found, and what only comes and goes is not."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.soak import flat
from tests.soak.records import Sample, Usage

MEMORY, DESCRIPTORS, _ = flat.QUANTITIES


def life(values: list[float], pid: int = 1, begin: float = 0.0, step: float = 3.0) -> list[tuple[float, Usage]]:
    return [(begin + number * step, Usage(pid, value, 30, 8, 0.0)) for number, value in enumerate(values)]


def noisy(length: int, level: float = 100.0, a_step: float = 0.0) -> list[float]:
    chance = random.Random(5)
    return [level + number * a_step + chance.uniform(-2, 2) for number in range(length)]


def test_a_level_with_noise_is_flat_and_a_leak_is_not() -> None:
    assert flat.within("sink", MEMORY, life(noisy(400))).held is True
    leak = flat.within("sink", MEMORY, life(noisy(400, a_step=0.05)))
    assert leak.held is False
    assert 14 <= float(leak.found.split()[0]) <= 16


def test_peaks_and_warming_up_are_no_growth() -> None:
    values = noisy(400)
    for at in range(100, 400, 40):
        values[at : at + 10] = [300.0] * 10
    values[:80] = [100.0 - (80 - number) for number in range(80)]
    assert flat.within("sink", MEMORY, life(values)).held is True


def test_what_is_short_is_not_judged() -> None:
    assert flat.within("sink", MEMORY, life(noisy(50))).held is None
    assert flat.settles("spool", [(number * 3.0, 1.0) for number in range(50)], 4).held is None
    few = [Sample(number * 3.0, {"store": Usage(1, 1.0, 1, 1, 0.0)}, live_mb=number, calls=number) for number in range(1, 50)]
    assert flat.per_call(few).held is None
    assert flat.not_live(few).held is None


def test_a_few_descriptors_more_are_allowed_and_many_are_not() -> None:
    def descriptors(more: float) -> list[tuple[float, Usage]]:
        return [(number * 3.0, Usage(1, 1.0, int(30 + number * more), 8, 0.0)) for number in range(400)]

    assert flat.within("sink", DESCRIPTORS, descriptors(0.01)).held is True
    assert flat.within("sink", DESCRIPTORS, descriptors(0.1)).held is False


def test_a_later_life_that_begins_higher_is_found() -> None:
    lives = [life([100.0] * 30, pid=1), life([103.0] * 30, pid=2, begin=100), life([150.0] * 30, pid=3, begin=200)]
    assert flat.across("worker 1", MEMORY, lives[:2]).held is True
    assert flat.across("worker 1", MEMORY, [lives[0], lives[2]]).held is False
    assert flat.across("worker 1", MEMORY, [lives[0], life([900.0] * 3, pid=4)]).held is None
    assert flat.across("sink", MEMORY, [lives[0], lives[2]]).held is True  # batches that it may hold
    assert flat.across("sink", MEMORY, [lives[0], *(life([300.0] * 30, pid=5 + n, begin=300) for n in range(2))]).held is False


def test_judged_takes_the_longest_life_of_each_process() -> None:
    short = [Sample(at, {"sink": usage}) for at, usage in life([10.0 * number for number in range(30)], pid=1)]
    long = [Sample(at, {"sink": usage}) for at, usage in life(noisy(400), pid=2, begin=100)]
    found = {verdict.what: verdict for verdict in flat.judged([*short, *long])}
    assert found["memory of sink, within one life"].held is True
    assert len(found) == 6


def test_connections_may_move_to_the_worker_that_lives_and_must_not_leak() -> None:
    def found(leak: float) -> dict[str, bool | None]:
        samples = [
            Sample(
                number * 3.0,
                {
                    "worker 0": Usage(100 + number // 50, 70.0, 60 - number // 20, 9, 0.0),
                    "worker 1": Usage(1, 70.0, 40 + number // 20 + int(number * leak), 9, 0.0),
                },
            )
            for number in range(400)
        ]
        return {verdict.what: verdict.held for verdict in flat.judged(samples)}

    what = "descriptors of all workers, while worker 1 lives, within one life"
    assert found(leak=0.0)[what] is True
    assert found(leak=0.1)[what] is False


def test_the_spool_may_fill_as_long_as_it_empties() -> None:
    comes_and_goes = [(number * 3.0, 60.0 if number % 40 < 15 else 2.0) for number in range(800)]
    assert flat.settles("spool", comes_and_goes, 8.0).held is True
    stays = [(at, value + at / 100) for at, value in comes_and_goes]
    assert flat.settles("spool", stays, 8.0).held is False


def test_of_a_life_that_ended_young_nothing_is_compared() -> None:
    """What a process takes at 25 s of age says nothing about what it should take at 60."""
    warms = [60.0] * 10 + [160.0] * 20
    lives = [life(warms[:9], pid=1), *(life(warms, pid=pid, begin=100 * pid) for pid in (2, 3))]
    assert flat.across("store", MEMORY, lives).held is True
    assert flat.across("store", MEMORY, lives[:2]).held is None


def test_later_lives_are_compared_with_one_that_had_something_to_open() -> None:
    lives = [life([level] * 30, pid=1 + n, begin=100 * n) for n, level in enumerate((60.0, 160.0, 155.0, 165.0, 158.0))]
    assert flat.across("store", MEMORY, lives).held is True
    assert flat.across("worker 1", MEMORY, [*lives, *(life([300.0] * 30, pid=9 + n) for n in range(2))]).held is False


def test_what_was_merged_may_stay_for_a_time_and_not_for_ever() -> None:
    def held(extra: list[float]) -> bool | None:
        store = {"store": Usage(1, 1.0, 1, 1, 0.0)}
        samples = [
            Sample(number * 3.0, store, store_mb=(10 + number / 10) * (1 + more), live_mb=10 + number / 10)
            for number, more in enumerate(extra)
        ]
        return flat.not_live(samples).held

    assert held([4 + number % 40 / 20 for number in range(400)]) is True
    assert held([4 + number / 50 for number in range(400)]) is False


def test_disk_is_compared_call_by_call() -> None:
    even = [Sample(number * 3.0, {}, live_mb=20 + number * 0.1, calls=number * 100) for number in range(1, 400)]
    assert flat.per_call(even).held is True
    worse = [Sample(number * 3.0, {}, live_mb=number**3 / 1e5, calls=number * 100) for number in range(1, 400)]
    assert flat.per_call(worse).held is False


@given(
    st.floats(-5, 5),
    st.floats(0, 1000),
    st.lists(st.integers(0, 199), max_size=40),
)
def test_a_line_is_found_whatever_a_fifth_of_the_points_say(a_second: float, level: float, odd: list[int]) -> None:
    points = [(float(at), level + a_second * at) for at in range(200)]
    for at in odd:
        points[at] = (float(at), 1e6)
    assert abs(flat.rise(points) - a_second * 199) <= 1e-6 * max(1.0, level) + abs(a_second * 199) * 1e-6 or len(set(odd)) > 39
