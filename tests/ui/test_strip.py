from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.latency import digest
from tracer.ui import strip
from tracer.ui.waterfall import AXIS


def call(**times: Any) -> dict[str, Any]:
    return {"duration_ms": 1000.0, "headers_ms": None, "ttfb_ms": None, "ttft_ms": None, "client_gone_ms": None, **times}


def test_a_stream_has_three_phases() -> None:
    drawn = strip.strip(call(headers_ms=150.0, ttfb_ms=200.0, ttft_ms=250.0, client_gone_ms=900.0))
    assert drawn is not None
    assert [(phase.label, phase.ms, phase.left, phase.width) for phase in drawn.phases] == [
        ("waiting for the first byte", 200, 0, 200),
        ("first byte, no token yet", 50, 200, 50),
        ("answer arriving", 750, 250, 750),
    ]
    assert [(mark.label, mark.at) for mark in drawn.marks] == [
        ("head of the answer", 150),
        ("first byte", 200),
        ("first token", 250),
        ("client left", 900),
    ]
    assert drawn.ticks[-1].label == "1 s"


def test_without_a_stream_or_an_answer() -> None:
    plain = strip.strip(call(ttfb_ms=990.0))
    assert plain is not None
    assert [phase.tone for phase in plain.phases] == ["wait", "body"]
    nothing = strip.strip(call())
    assert nothing is not None
    assert [phase.label for phase in nothing.phases] == ["no answer came"]
    assert strip.strip(call(duration_ms=0.0)) is None


MAYBE = st.none() | st.floats(-1, 5000)


@given(MAYBE, MAYBE, MAYBE, MAYBE)
def test_phases_fill_the_strip_whatever_the_times(head: Any, first_byte: Any, first_token: Any, gone: Any) -> None:
    drawn = strip.strip(call(headers_ms=head, ttfb_ms=first_byte, ttft_ms=first_token, client_gone_ms=gone))
    assert drawn is not None
    at = 0.0
    for phase in drawn.phases:
        assert phase.left == pytest.approx(at)
        assert phase.width >= 0
        at += phase.width
    assert at == pytest.approx(AXIS)
    assert all(0 <= mark.at <= AXIS for mark in drawn.marks)


def test_gaps_by_doublings() -> None:
    found = strip.gaps(digest([100_000, 7_000_000, 7_500_000, 100_000_000, 100_000_000, 100_000_000, 100_000_000]))
    assert found[0].label == "≤ 0.25 ms"
    assert [(each.label, each.count, each.share) for each in found if each.count] == [
        ("≤ 0.25 ms", 1, 0.25),
        ("4 ms – 8 ms", 2, 0.5),
        ("64 ms – 128 ms", 4, 1.0),
    ]
    assert len(found) == 10
    assert strip.gaps(()) == ()
    assert strip.gaps((0, 0)) == ()


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50))
def test_no_gap_is_lost(gaps_ns: list[int]) -> None:
    assert sum(each.count for each in strip.gaps(digest(gaps_ns))) == len(gaps_ns)


def test_the_longest_gaps_have_no_upper_bound() -> None:
    assert [each.label for each in strip.gaps(digest([10**12]))] == ["> 1 m 06 s"]
    assert [each.label for each in strip.gaps(digest([65_000_000_000]))] == ["32.8 s – 1 m 06 s"]
