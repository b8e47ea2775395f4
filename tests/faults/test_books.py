"""The comparison sees what it is there to see: each kind of loss, each double, each promise that does not hold."""

import pytest

from tests.faults import books, killed, load, scene
from tests.faults.books import Books
from tests.faults.load import Told
from tests.faults.records import Fault, Matrix, Result, Row, Run
from tests.faults.table import TABLE


def told(token: str, end: str = "answered", ended: float = 10.0, phase: str = "during", seconds: float = 0.1) -> Told:
    return Told(token, False, phase, ended - seconds, ended, end, 200)


def closed(*calls: Told, kills: tuple[float, ...] = (), metrics: dict[str, float] | None = None, **rows: int) -> Books:
    """Books in which these tokens have so many rows, and the provider was asked for every call."""
    asked = {call.token: 1 for call in calls if call.end != "refused"}
    counts = sum(rows.values())
    return Books(
        told=calls,
        asked=asked,
        served=asked,
        rows={token: (count, "ok") for token, count in rows.items() if count},
        call_ids=(counts, counts),
        spans={token: 1 for token, count in rows.items() if count},
        metrics=metrics or {},
        kills=kills,
        level_s=1.0,
    )


def broken(books_: Books, *promises: scene.Promise) -> list[str]:
    row = books_.row(1)
    return list(books.with_verdict(row, [promise(row, books_) for promise in promises]).broken)


def test_all_is_well() -> None:
    found = closed(told("a"), told("b", "refused"), a=1)
    row = found.row(1)
    assert (row.sent, row.answered, row.refused, row.stored, row.spans, row.lost, row.doubled) == (2, 1, 1, 1, 1, 0, 0)
    assert (
        broken(found, scene.nothing_lost, scene.nothing_doubled, scene.nothing_unrecorded, scene.spans_all, scene.level) == []
    )


def test_a_whole_reply_without_a_row_is_lost() -> None:
    found = closed(told("a"), told("b", "error"))
    assert found.row(1).lost == 2
    assert broken(found, scene.nothing_lost)


def test_what_is_counted_is_not_lost() -> None:
    metrics = {"tracer_dropped_records_total{spool_full}": 1.0, "tracer_dead_letters_total{otlp}": 5.0}
    row = closed(told("a"), told("b"), metrics=metrics).row(1)
    assert row.dropped == {"spool_full": 1, "otlp: dead letters": 5}
    assert row.lost == 1  # a dead letter of the collector's is a span, not a row


def test_two_rows_are_a_double_by_token_and_by_call_id() -> None:
    found = closed(told("a"), a=2)
    assert found.row(1).doubled == 1
    same_id = Books(found.told, {}, {}, {"a": (1, "ok")}, (2, 1), None, {})
    assert same_id.row(1).doubled == 1
    assert broken(found, scene.nothing_doubled)


def test_a_cut_call_without_a_row_is_unrecorded_if_the_provider_was_asked() -> None:
    found = closed(told("a", "cut", seconds=0.2), told("b", "cut", seconds=0.3), told("c", "refused"))
    assert found.row(1).unrecorded == 2
    assert broken(found, killed.crash_rows) == ["1 cut calls, open for more than 250 ms, have no row"]


@pytest.mark.parametrize(("kill", "holds"), [(10.015, True), (10.2, False), (9.9, True), (9.5, False)])
def test_only_what_was_answered_just_before_a_kill_may_be_lost_under_fast(kill: float, holds: bool) -> None:
    commits = {"tracer_spool_commit_seconds_bucket{0.001}": 5.0, "tracer_spool_commit_seconds_bucket{0.005}": 5.0}
    found = closed(told("a", ended=10.0), kills=(5.0, kill), metrics=commits)
    assert (broken(found, killed.last_commit_only) == []) is holds


def test_slowest_commit() -> None:
    name = "tracer_spool_commit_seconds_bucket{%s}"
    assert books.slowest_commit_ms({name % 0.001: 3, name % 0.005: 7, name % 0.01: 7, name % "+Inf": 7}) == 5.0


def test_a_reply_that_fails_behind_the_spool_breaks_the_promise() -> None:
    found = closed(told("a"), told("b", "error"), a=1, b=1)
    assert broken(found, scene.replies_go_on)


def test_latency_is_compared_with_that_before() -> None:
    before = [told(f"a{n}", phase="before", seconds=0.01) for n in range(50)]
    during = [told(f"b{n}", seconds=0.05) for n in range(50)]
    row = closed(*before, *during).row(1)
    assert (row.p50_ms, row.added_p50_ms, row.added_p99_ms) == (10.0, 40.0, 40.0)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_reply_is_whole_only_with_its_own_token_and_its_end(streamed: bool) -> None:
    end = b"data: [DONE]\n\n" if streamed else b"}"
    assert load.is_whole(b"...token..." + end, "token", streamed)
    assert not load.is_whole(b"...other..." + end, "token", streamed)
    assert not load.is_whole((b"...token..." + end)[:-1], "token", streamed)


def test_times_scale_down_to_the_least() -> None:
    async def nothing(_: Run) -> Row:
        return Row()

    fault = Fault("x", "y", nothing, times=30, least=2)
    assert [fault.scaled(times) for times in (None, 100, 50, 1)] == [30, 30, 15, 2]


def test_names_are_told_apart_and_what_is_broken_is_counted() -> None:
    assert len({fault.name for fault in TABLE}) == len(TABLE)
    assert Matrix({}, (Result("a", "b", "c", 1.0, Row(broken=("x", "y"))),)).broken == 2
