from tracer.cache.circuit import MOST_FAILURES, PAUSE_S, Circuit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    assert [circuit.failed() for _ in range(MOST_FAILURES)] == [False] * (MOST_FAILURES - 1) + [True]
    return circuit


def test_a_few_failures_do_not_matter_unless_they_come_in_a_row() -> None:
    circuit = Circuit(Clock())
    for _ in range(MOST_FAILURES * 3):
        circuit.failed()
        circuit.worked()
    assert circuit.may_try()


def test_nobody_tries_during_the_pause_and_one_does_after_it() -> None:
    clock = Clock()
    circuit = opened(clock)
    assert not circuit.may_try()
    clock.now += PAUSE_S
    assert [circuit.may_try() for _ in range(3)] == [True, False, False]


def test_a_probe_that_fails_begins_another_pause_and_is_not_told_again() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += PAUSE_S
    assert circuit.may_try()
    assert circuit.failed() is False
    clock.now += PAUSE_S - 0.1
    assert not circuit.may_try()
    clock.now += 0.1
    assert circuit.may_try()


def test_a_probe_that_works_lets_everybody_in() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += PAUSE_S
    assert circuit.may_try()
    circuit.worked()
    assert all(circuit.may_try() for _ in range(3))


def test_a_probe_that_nobody_hears_of_again_does_not_close_it_for_good() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += PAUSE_S
    assert circuit.may_try()
    clock.now += PAUSE_S
    assert circuit.may_try()
