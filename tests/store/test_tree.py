import io
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.tree import Tree

from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import app_span, call, feedback
from tracer.store import tree
from tracer.store.tree import Opinion, Span

PLAIN = Span(
    trace_id="t",
    span_id="a",
    parent_span_id="",
    name="llm",
    model="gpt-4o",
    outcome="ok",
    started_us=1_000_000,
    duration_ms=250.0,
)


def spans(*edges: tuple[str, str]) -> list[Span]:
    return [
        replace(PLAIN, span_id=own, parent_span_id=parent, name=f"n{index}", started_us=index)
        for index, (own, parent) in enumerate(edges)
    ]


def text(drawn: Tree) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(drawn)
    return out.getvalue()


def shape(drawn: Tree) -> list[object]:
    """Names as nested lists: [name, [child, …], …]."""
    return [[str(child.label).split()[0], *shape(child)] for child in drawn.children]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([("a", ""), ("b", "a"), ("c", "a"), ("d", "b")], [["n0", ["n1", ["n3"]], ["n2"]]]),
        ([("b", "a"), ("a", "")], [["n1", ["n0"]]]),  # a child that began first
        ([("b", "missing"), ("c", "b")], [["n0", ["n1"]]]),
        ([("a", "a")], [["n0"]]),
        ([("a", "b"), ("b", "a")], [["n0", ["n1"]]]),
        ([("x", ""), ("a", "b"), ("b", "c"), ("c", "a")], [["n0"], ["n1", ["n3", ["n2"]]]]),
        ([("a", ""), ("a", ""), ("b", "a")], [["n0", ["n2"]], ["n1"]]),  # a shared span id
        ([("", ""), ("", "")], [["n0"], ["n1"]]),
        ([], []),
    ],
)
def test_shapes(edges: list[tuple[str, str]], expected: list[object]) -> None:
    assert shape(tree.trace_tree(spans(*edges))) == expected


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["", "z", *"abcde"])), max_size=12))
def test_every_call_is_drawn_once_whatever_the_edges(edges: Sequence[tuple[str, str]]) -> None:
    drawn = text(tree.trace_tree(spans(*edges)))
    for index in range(len(edges)):
        assert drawn.count(f" n{index} ") == 1


def test_a_deep_trace_is_drawn() -> None:
    deep = spans(("s0", ""), *((f"s{n}", f"s{n - 1}") for n in range(1, 3000)))
    drawn = tree.trace_tree(deep)
    for _ in range(3000):
        (drawn,) = drawn.children
    assert not drawn.children


def test_a_line_says_what_is_known() -> None:
    full = replace(PLAIN, ttft_ms=42.4, input_tokens=10, output_tokens=5, cost_usd=Decimal("0.000075"), attempt=1)
    failed = replace(PLAIN, span_id="b", outcome="upstream_error", status_code=429, error_type="rate_limit", duration_ms=1500)
    lines = text(tree.trace_tree([full, failed])).splitlines()
    assert lines[0] == "t  2 calls  1.50 s  10 → 5 tokens  $0.000075  1 without a price"
    assert lines[1] == "├── llm  gpt-4o  ok  250 ms  ttft 42 ms  10 → 5 tokens  $0.000075  try 2"
    assert lines[2] == "└── llm  gpt-4o  upstream_error 429 rate_limit  1.50 s"


def test_names_are_neither_markup_nor_terminal_codes() -> None:
    drawn = text(tree.trace_tree([replace(PLAIN, name="[red]x[/] \x1b[2J\n", trace_id="\x1b]0;t\x07")]))
    assert "[red]x[/]" in drawn
    assert "\x1b" not in drawn
    assert len(drawn.splitlines()) == 2


def test_rows_by_the_id_as_sent_and_by_its_hex(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    uuid = "0195f0a4-5e6f-7abc-8def-0123456789ab"
    calls = [
        call(1, trace_id=uuid, ttft_ms=12.5, cost_usd=Decimal("0.000000000001")),
        call(2, trace_id=uuid, parent_span_id="span-1", cost_usd=None, input_tokens=None),
        call(3, trace_id="another"),
    ]
    exporter.export(calls, "tree")
    exporter.close()
    for asked in (uuid, uuid.replace("-", ""), uuid.upper()):
        found = tree.rows(empty_store.settings, asked)
        assert [span.span_id for span in found] == ["span-1", "span-2"]
    assert found[0].cost_usd == Decimal("0.000000000001")
    assert (found[0].ttft_ms, found[0].input_tokens, found[1].input_tokens) == (12.5, 10, None)
    assert shape(tree.trace_tree(found)) == [["llm", ["llm"]]]
    assert tree.rows(empty_store.settings, "nobody's") == []


def test_calls_and_an_applications_spans_are_one_tree_with_its_feedback(empty_store: RunningStore) -> None:
    exporter = clickhouse.open(empty_store.settings)
    trace_id = "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
    w3c = {"obs_trace_id": "0af7651916cd43dd8448eb211c80319c", "obs_span_id": "b7ad6b7169203331"}
    exporter.export(
        [
            app_span(1, trace_id=trace_id, name="turn", end_ns=0, status="SUCCESS"),  # it started …
            app_span(1, trace_id=trace_id, name="turn", type="TRACER", received_ns=2),  # … and ended
            app_span(
                2, trace_id=trace_id, parent_id="app-1", name="search", status="ERROR", metadata='{"error_type":"Timeout"}'
            ),
            app_span(3, trace_id=trace_id, parent_id="app-2", name="late", end_ns=0),
            app_span(4, trace_id=trace_id, parent_id="app-1", name="agent", **w3c),
        ],
        "spans",
    )
    exporter.export(
        [
            call(10, trace_id=trace_id.lower(), parent_span_id="app-2", span_name="ask"),
            call(11, trace_id=w3c["obs_trace_id"], parent_span_id=w3c["obs_span_id"], span_name="traced"),
            call(12, trace_id="another", span_name="foreign"),
        ],
        "calls",
    )
    exporter.export(
        [
            feedback(1, trace_id=trace_id, value=-3.0),
            feedback(1, trace_id=trace_id, value=5.0, weight=0.5, version=2**62),
            feedback(2, trace_id=trace_id.lower(), value=1.0),
            feedback(3, trace_id="another"),
        ],
        "feedback",
    )
    exporter.close()
    for asked in (trace_id, trace_id.replace("-", "").lower()):
        drawn = tree.trace_tree(tree.rows(empty_store.settings, asked), tree.opinions(empty_store.settings, asked))
        assert shape(drawn) == [["turn", ["search", ["late"], ["ask"]], ["agent", ["traced"]]]]
    lines = text(drawn).splitlines()
    assert lines[0].startswith(f"{trace_id}  2 calls  4 spans  ")
    assert lines[0].endswith("  20 → 10 tokens  $0.000150  feedback 5 × 0.5, 1 × 1")
    assert lines[1] == "└── turn  TRACER  SUCCESS  2 ms"
    assert lines[2] == "    ├── search  STANDALONE  ERROR Timeout  2 ms"
    assert lines[3] == "    │   ├── late  STANDALONE  not ended"
    by_w3c = tree.trace_tree(tree.rows(empty_store.settings, w3c["obs_trace_id"]))
    assert shape(by_w3c) == shape(drawn)


def test_much_feedback_does_not_fill_the_line() -> None:
    drawn = text(tree.trace_tree([PLAIN], [Opinion(-10, 1)] * 5 + [Opinion(0.25, 0.3)] * 995))
    assert drawn.splitlines()[0].endswith("feedback -10 × 1, -10 × 1, -10 × 1, -10 × 1, -10 × 1 and 995 more")
