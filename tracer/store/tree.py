"""One trace as a tree, for `tracer trace ID`: the rows from SQL, and rows to a rich Tree.

What callers send is not always a tree, and is drawn all the same, each call once: a parent that has no call makes a
root; several calls may share a span id (the children hang on the first); a cycle is cut at its earliest call.
Names come from outside: they are shown as text, never as markup or terminal codes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

import orjson
from rich.text import Text
from rich.tree import Tree

from tracer import ids
from tracer.config import Settings
from tracer.store.client import run_query

_OUTCOME_STYLES = {"ok": "green", "cache_hit": "green", "client_gone": "yellow"}


@dataclass(frozen=True, slots=True)
class Span:
    """What the tree shows of one call."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    model: str
    outcome: str
    started_us: int
    duration_ms: float
    status_code: int = 0
    error_type: str = ""
    attempt: int = 0
    ttft_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None


def rows(settings: Settings, trace_id: str) -> list[Span]:
    """The spans of a trace, earliest first; empty if there is none. Raises StoreError."""
    sql = resources.files("tracer.store").joinpath("trace.sql").read_text("utf-8")
    bound = {"trace_id": trace_id, "otel_trace_id": ids.otel_trace_id(trace_id)}
    answer = b"".join(run_query(settings, sql, "JSONEachRow", bound))
    return [_span(orjson.loads(line)) for line in answer.splitlines()]


def trace_tree(spans: Sequence[Span]) -> Tree:
    """The tree, with the totals at its root."""
    tree = Tree(_totals(spans), guide_style="dim")
    children, roots = _family(spans)
    seen: set[int] = set()
    # Roots first; whatever they do not lead to is in a cycle, which its earliest call then opens.
    for top in (*roots, *range(len(spans))):
        stack = [(tree, top)]
        while stack:
            above, index = stack.pop()
            if index in seen:
                continue
            seen.add(index)
            branch = above.add(_line(spans[index]))
            stack.extend((branch, child) for child in reversed(children[index]))
    return tree


def _family(spans: Sequence[Span]) -> tuple[list[list[int]], list[int]]:
    """Children of each span, by position, and the positions of those without a parent."""
    first: dict[str, int] = {}
    for index, span in enumerate(spans):
        first.setdefault(span.span_id, index)
    children: list[list[int]] = [[] for _ in spans]
    roots = []
    for index, span in enumerate(spans):
        parent = first.get(span.parent_span_id) if span.parent_span_id else None
        if parent is None or parent == index:
            roots.append(index)
        else:
            children[parent].append(index)
    return children, roots


def _line(span: Span) -> Text:
    line = Text(_plain(span.name), style="bold")
    line.append(f"  {_plain(span.model)}" if span.model else "", style="cyan not bold")
    status = f" {span.status_code}" if span.status_code >= 400 else ""
    reason = f" {_plain(span.error_type)}" if span.error_type else ""
    line.append(f"  {span.outcome}{status}{reason}", style=f"{_OUTCOME_STYLES.get(span.outcome, 'red')} not bold")
    line.append(f"  {_duration(span.duration_ms)}", style="not bold")
    facts = [
        f"ttft {_duration(span.ttft_ms)}" if span.ttft_ms is not None else "",
        _tokens(span.input_tokens, span.output_tokens),
        _dollars(span.cost_usd) if span.cost_usd is not None else "",
        f"try {span.attempt + 1}" if span.attempt else "",
    ]
    line.append("".join(f"  {fact}" for fact in facts if fact), style="dim not bold")
    return line


def _totals(spans: Sequence[Span]) -> Text:
    if not spans:
        return Text("no calls")
    line = Text(_plain(spans[0].trace_id), style="bold")
    ends = max(span.started_us + span.duration_ms * 1000 for span in spans)
    costs = [span.cost_usd for span in spans if span.cost_usd is not None]
    facts = [
        f"{len(spans)} call{'s' if len(spans) > 1 else ''}",
        _duration((ends - min(span.started_us for span in spans)) / 1000),
        _tokens(_sum(span.input_tokens for span in spans), _sum(span.output_tokens for span in spans)),
        _dollars(sum(costs, Decimal())) if costs else "",
        f"{len(spans) - len(costs)} without a price" if len(costs) < len(spans) else "",
    ]
    return line.append("".join(f"  {fact}" for fact in facts if fact), style="not bold")


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _duration(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def _tokens(given: int | None, returned: int | None) -> str:
    if given is None and returned is None:
        return ""
    return f"{'?' if given is None else given} → {'?' if returned is None else returned} tokens"


def _dollars(cost: Decimal) -> str:
    return f"${cost:.6f}" if cost < 1 else f"${cost:.2f}"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text)


def _span(row: Mapping[str, Any]) -> Span:
    def count(name: str) -> int | None:
        return None if row[name] is None else int(row[name])

    return Span(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        name=row["span_name"],
        model=row["model"],
        outcome=row["outcome"],
        started_us=int(row["started_us"]),
        duration_ms=float(row["duration_ms"]),
        status_code=int(row["status_code"]),
        error_type=row["error_type"],
        attempt=int(row["attempt"]),
        ttft_ms=row["ttft_ms"],
        input_tokens=count("input_tokens"),
        output_tokens=count("output_tokens"),
        cost_usd=None if row["cost_usd"] is None else Decimal(row["cost_usd"]),
    )
