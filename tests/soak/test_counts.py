"""Each kind of loss, double and failure is seen, and what a kill or a restart explains is not held against anybody."""

import random
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.books import Books
from tests.faults.load import Told
from tests.soak import counts, mix, state
from tests.soak.counts import Closed
from tests.soak.happenings import HAPPENINGS, order
from tests.soak.state import Gap


def told(token: str, kind: str = "plain", end: str = "answered", sent: float = 9.9, ended: float = 10.0) -> Told:
    return Told(token, False, kind, sent, ended, end, 200)


def closed(
    *calls: Told,
    rows: dict[str, tuple[int, str]] | None = None,
    gaps: tuple[Gap, ...] = (),
    terminations: tuple[Gap, ...] = (),
    kills: tuple[float, ...] = (),
    spans: dict[str, int] | None = None,
    metrics: dict[str, float] | None = None,
) -> Closed:
    there = {call.token: (1, "ok") for call in calls} if rows is None else rows
    count = sum(number for number, _ in there.values())
    books = Books(
        told=calls,
        asked={call.token: 1 for call in calls},
        served={call.token: 1 for call in calls},
        rows=there,
        call_ids=(count, count),
        spans=dict.fromkeys(there, 1) if spans is None else spans,
        metrics=metrics or {},
        kills=kills,
        level_s=1.0,
    )
    return Closed(books, gaps, terminations, [0], {"minutes": count, "hours": count})


def broken(found: Closed) -> list[str]:
    return [verdict.what for verdict in counts.judged(found) if verdict.held is False]


def test_all_is_well() -> None:
    found = closed(told("a"), told("b", "error 429", "error"), rows={"a": (1, "ok"), "b": (1, "upstream_error")})
    assert broken(found) == []
    assert counts.counts(found)["sent"] == counts.counts(found)["distinct rows"] == counts.counts(found)["distinct spans"] == 2


def test_each_loss_and_each_double_is_seen() -> None:
    assert broken(closed(told("a"), rows={})) == ["whole replies without a row"]
    assert broken(closed(told("a"), rows={"a": (2, "ok")})) == ["doubled rows"]
    assert broken(closed(told("a"), spans={})) == ["rows without a span"]
    assert broken(closed(told("a", ended=10.0), rows={}, spans={"a": 1}, kills=(10.001,))) == ["spans without a row"]
    assert broken(closed(told("a"), metrics={"tracer_dropped_records_total{spool_full}": 1.0})) == ["dropped"]


def test_a_call_that_was_answered_just_before_a_kill_may_be_lost() -> None:
    assert broken(closed(told("a", ended=10.0), rows={}, kills=(10.005,))) == []
    assert broken(closed(told("a", ended=10.0), rows={}, kills=(11.0,))) == ["whole replies without a row"]


def test_failures_are_a_gap_s_or_nobody_s() -> None:
    cut = told("a", end="cut", sent=9.0, ended=10.0)
    there = {"a": (1, "proxy_crash")}
    assert broken(closed(cut, rows=there, gaps=(Gap(10.0, 10.0, open_only=True),), kills=(10.0,))) == []
    assert broken(closed(cut, rows=there)) == ["failed without a reason", "rows that say the wrong end"]
    late = told("a", end="refused", sent=12.0, ended=12.0)
    assert broken(closed(late, gaps=(Gap(10.0, 13.0, open_only=False),))) == []
    assert broken(closed(late, gaps=(Gap(10.0, 13.0, open_only=True),))) == ["failed without a reason"]


def test_a_call_that_is_broken_off_without_a_row_must_have_been_killed() -> None:
    cut = told("a", "reset", "cut", sent=9.9, ended=10.0)
    assert broken(closed(cut, rows={}, kills=(10.0,))) == []
    assert broken(closed(cut, rows={})) == ["broken off without a row, not by a kill"]


def test_stopping_cuts_nothing_off() -> None:
    gap = Gap(9.5, 12.0, open_only=False)
    assert broken(closed(told("a", end="cut"), gaps=(gap,), terminations=(gap,))) == ["cut off by a SIGTERM"]
    killed = closed(told("a", end="cut"), gaps=(gap,), terminations=(gap,), kills=(10.0,))
    assert broken(killed) == []


def test_sums_and_exits_count() -> None:
    fine = closed(told("a"))
    assert broken(Closed(fine.books, (), (), [0, -9], {"minutes": 2, "hours": 1})) == [
        "rows in the sums",
        "exit codes of `tracer up`",
    ]


def test_what_is_missing_is_named() -> None:
    (line,) = counts.missing(closed(told("a", sent=12.0, ended=12.5), rows={}), began=10.0)
    assert line == "plain (answered), sent 2.00 s, ended 2.50 s, rows 0 , without a span"


def test_what_is_doubled_is_named() -> None:
    calls = told("a", sent=12.0, ended=12.5), told("b", sent=13.0, ended=13.5)
    (line,) = counts.missing(closed(*calls, rows={"a": (1, "ok"), "b": (2, "proxy_crash")}), began=10.0)
    assert line == "plain (answered), sent 3.00 s, ended 3.50 s, rows 2 proxy_crash, with a span"


def test_every_kind_has_a_name_of_its_own_and_every_provider_fault_a_spell() -> None:
    named = [kind.name for kind in (*mix.KINDS, *mix.SPELLS.values(), *mix.CLIENTS.values())]
    assert len(set(named)) == len(named)
    spells = {one.name.removeprefix("provider-") for one in HAPPENINGS if one.kind == "provider"}
    assert spells == set(mix.SPELLS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_fault_comes_once_before_any_comes_again_in_the_order_of_its_seed(seed: int) -> None:
    first = [one.name for one in islice(order(random.Random(seed)), 3 * len(HAPPENINGS))]
    assert sorted(first[: len(HAPPENINGS)]) == sorted(one.name for one in HAPPENINGS)
    assert first == [one.name for one in islice(order(random.Random(seed)), 3 * len(HAPPENINGS))]


def test_counters_of_a_folder_that_is_not_there() -> None:
    assert state.counters(Path("/nowhere-at-all")) == {}
