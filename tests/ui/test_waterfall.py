from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.test_tree import PLAIN, spans
from tracer.ui import waterfall
from tracer.ui.waterfall import AXIS, DEEPEST, Row


def folded(rows: Sequence[Row]) -> list[object]:
    """What nested folds make of the rows: a name, or [name, …] of one that opens a fold. Fails where they do not close."""
    top: list[object] = []
    stack = [top]
    for row in rows:
        if row.opens:
            inner: list[object] = [row.span.name]
            stack[-1].append(inner)
            stack.append(inner)
        else:
            stack[-1].append(row.span.name)
        for _ in range(row.closes):
            stack.pop()
    assert stack == [top]
    return top


def test_folds_are_the_tree() -> None:
    rows = waterfall.waterfall(spans(("a", ""), ("b", "a"), ("c", "a"), ("d", "b"), ("e", ""))).rows
    assert folded(rows) == [["n0", ["n1", "n3"], "n2"], "n4"]
    assert [(row.depth, row.below) for row in rows] == [(0, 3), (1, 1), (2, 0), (1, 0), (0, 0)]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["", "z", *"abcde"])), min_size=1, max_size=12))
def test_every_span_is_drawn_once_and_every_fold_closes(edges: Sequence[tuple[str, str]]) -> None:
    rows = waterfall.waterfall(spans(*edges)).rows
    folded(rows)
    assert sorted(row.span.name for row in rows) == sorted(f"n{index}" for index in range(len(edges)))


def test_a_deep_trace_stops_nesting() -> None:
    rows = waterfall.waterfall(spans(("s0", ""), *((f"s{n}", f"s{n - 1}") for n in range(1, 3000)))).rows
    assert len(rows) == 3000
    assert max(row.depth for row in rows) == DEEPEST
    assert sum(row.opens for row in rows) == DEEPEST
    assert rows[0].below == 2999
    folded(rows)


def test_bars_stand_where_their_time_is() -> None:
    first = replace(PLAIN, duration_ms=1000.0, ttft_ms=250.0)
    second = replace(PLAIN, span_id="b", parent_span_id="a", started_us=PLAIN.started_us + 500_000, duration_ms=1500.0)
    instant = replace(PLAIN, span_id="c", started_us=PLAIN.started_us + 2_000_000, duration_ms=0.0)
    drawn = waterfall.waterfall([first, second, instant])
    assert [(row.left, row.width, row.starts_ms) for row in drawn.rows[:2]] == [(0, 500, 0), (250, 750, 500)]
    assert drawn.rows[0].first_token == 125
    assert drawn.rows[1].first_token is None
    assert drawn.rows[2].left + drawn.rows[2].width == AXIS
    assert drawn.rows[2].width > 0
    assert [tick.label for tick in drawn.ticks] == ["0", "500 ms", "1 s", "1.5 s", "2 s"]
    assert [tick.at for tick in drawn.ticks] == [0, 250, 500, 750, 1000]


def test_what_has_not_ended_reaches_to_the_end() -> None:
    open_span = replace(PLAIN, started_us=PLAIN.started_us + 100_000, duration_ms=None, type="STANDALONE", outcome="")
    row = waterfall.waterfall([PLAIN, open_span]).rows[1]
    assert row.left + row.width == pytest.approx(AXIS)
    assert not row.ended
    assert not row.failed
    alone = waterfall.waterfall([open_span])
    assert alone.rows[0].width > 0
    assert len(alone.ticks) == 1


@given(st.floats(1e-3, 1e9))
def test_ticks_are_few_and_inside(length_ms: float) -> None:
    found = waterfall.ticks(length_ms)
    assert 2 <= len(found) <= 7
    assert found[0].at == 0
    assert all(0 <= tick.at <= AXIS + 1e-6 for tick in found)


def test_totals() -> None:
    calls = [
        replace(PLAIN, input_tokens=10, output_tokens=5, cost_usd=Decimal("0.1")),
        replace(PLAIN, input_tokens=1, cost_usd=None, outcome="upstream_error"),
        replace(PLAIN, attempt=1, outcome="cache_hit", cost_usd=Decimal("0")),
        replace(PLAIN, type="STANDALONE", outcome="ERROR"),
    ]
    totals = waterfall.waterfall(calls).totals
    assert (totals.calls, totals.spans, totals.failed, totals.retries) == (3, 1, 2, 1)
    assert (totals.input_tokens, totals.output_tokens) == (11, 5)
    assert (totals.cost_usd, totals.unpriced) == (Decimal("0.1"), 1)
    assert waterfall.waterfall([replace(PLAIN, cost_usd=None)]).totals.cost_usd is None
