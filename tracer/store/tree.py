"""One trace as a tree, for `tracer trace ID` and for the page of a trace: the rows from SQL, their order, and a rich Tree.

Calls and an application's own spans are nodes alike. What callers send is not always a tree, and is drawn all the same, each
node once: a parent that is not there makes a root; several calls may share a span id (the children hang on the first); a cycle
is cut at its earliest node. A call whose parent is the W3C span that an application's span ran in hangs below that one.
Names come from outside: they are shown as text, never as markup or terminal codes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_OUTCOME_STYLES = {"ok": "green", "cache_hit": "green", "SUCCESS": "green", "client_gone": "yellow", "CANCELED": "yellow"}
_MOST_FEEDBACK = 5  # that the first line lists one by one


@dataclass(frozen=True, slots=True)
class Span:
    """What the tree shows of one call, or of one span of an application's own (then it has a `type`)."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    model: str
    outcome: str
    started_us: int
    duration_ms: float | None  # None: it has not ended
    type: str = ""
    obs_span_id: str = ""
    status_code: int = 0
    error_type: str = ""
    attempt: int = 0
    ttft_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    call_id: str = ""  # of a call
    key_id: str = ""  # of Tracer's key that it came with
    workspace: str = ""  # of that key; only spans carry it themselves


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the tree shows of one feedback."""

    value: float
    weight: float


def rows(settings: Settings, trace_id: str) -> list[Span]:
    """The nodes of a trace, earliest first; empty if there is none. Raises StoreError."""
    return [span_of(row) for row in _answer(settings, "trace.sql", trace_id)]


def opinions(settings: Settings, trace_id: str) -> list[Opinion]:
    """The feedback on a trace, earliest first. Raises StoreError."""
    return [Opinion(row["value"], row["weight"]) for row in _answer(settings, "trace_feedback.sql", trace_id)]


def trace_tree(spans: Sequence[Span], feedback: Sequence[Opinion] = ()) -> Tree:
    """The tree, with the totals and the feedback at its root."""
    tree = Tree(_totals(spans, feedback), guide_style="dim")
    drawn: dict[int | None, Tree] = {None: tree}
    for above, index in walk(spans):
        drawn[index] = drawn[above].add(_line(spans[index]))
    return tree


def walk(spans: Sequence[Span]) -> Iterator[tuple[int | None, int]]:
    """Each position once, from the top down, with the position of the one that it hangs on (None: on nothing)."""
    children, roots = _family(spans)
    seen: set[int] = set()
    # Roots first; whatever they do not lead to is in a cycle, which its earliest call then opens.
    for top in (*roots, *range(len(spans))):
        stack: list[tuple[int | None, int]] = [(None, top)]
        while stack:
            above, index = stack.pop()
            if index in seen:
                continue
            seen.add(index)
            yield above, index
            stack.extend((index, child) for child in reversed(children[index]))


def question(file: str, trace_id: str) -> tuple[str, dict[str, str]]:
    """The SQL of `trace.sql` or `trace_feedback.sql`, and what is to be bound in it."""
    sql = resources.files("tracer.store").joinpath(file).read_text("utf-8")
    return sql, {"trace_id": trace_id, "otel_trace_id": ids.otel_trace_id(trace_id)}


def _answer(settings: Settings, file: str, trace_id: str) -> list[Any]:
    sql, bound = question(file, trace_id)
    return [orjson.loads(line) for line in b"".join(run_query(settings, sql, "JSONEachRow", bound)).splitlines()]


def _family(spans: Sequence[Span]) -> tuple[list[list[int]], list[int]]:
    """Children of each span, by position, and the positions of those without a parent."""
    first: dict[str, int] = {}
    for index, span in enumerate(spans):
        first.setdefault(span.span_id, index)
    for index, span in enumerate(spans):
        if span.obs_span_id:
            first.setdefault(span.obs_span_id, index)
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
    line.append(f"  {_plain(span.model or span.type)}" if span.model or span.type else "", style="cyan not bold")
    status = f" {span.status_code}" if span.status_code >= 400 else ""
    reason = f" {_plain(span.error_type)}" if span.error_type else ""
    if span.outcome:
        line.append(f"  {span.outcome}{status}{reason}", style=f"{_OUTCOME_STYLES.get(span.outcome, 'red')} not bold")
    line.append(f"  {'not ended' if span.duration_ms is None else _duration(span.duration_ms)}", style="not bold")
    facts = [
        f"ttft {_duration(span.ttft_ms)}" if span.ttft_ms is not None else "",
        _tokens(span.input_tokens, span.output_tokens),
        _dollars(span.cost_usd) if span.cost_usd is not None else "",
        f"try {span.attempt + 1}" if span.attempt else "",
    ]
    line.append("".join(f"  {fact}" for fact in facts if fact), style="dim not bold")
    return line


def _totals(spans: Sequence[Span], feedback: Sequence[Opinion]) -> Text:
    if not spans:
        return Text("no calls")
    line = Text(_plain(spans[0].trace_id), style="bold")
    calls = [span for span in spans if not span.type]
    ends = max(span.started_us + (span.duration_ms or 0) * 1000 for span in spans)
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    facts = [
        _count(len(calls), "call"),
        _count(len(spans) - len(calls), "span") if len(calls) < len(spans) else "",
        _duration((ends - min(span.started_us for span in spans)) / 1000),
        _tokens(_sum(call.input_tokens for call in calls), _sum(call.output_tokens for call in calls)),
        _dollars(sum(costs, Decimal())) if costs else "",
        f"{len(calls) - len(costs)} without a price" if len(costs) < len(calls) else "",
        _feedback(feedback),
    ]
    return line.append("".join(f"  {fact}" for fact in facts if fact), style="not bold")


def _feedback(given: Sequence[Opinion]) -> str:
    if not given:
        return ""
    listed = [f"{each.value:g} × {each.weight:g}" for each in given[:_MOST_FEEDBACK]]
    more = len(given) - len(listed)
    return f"feedback {', '.join(listed)}" + (f" and {more} more" if more else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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


def span_of(row: Mapping[str, Any]) -> Span:
    """A row of `trace.sql`."""

    def count(name: str) -> int | None:
        return None if row[name] is None else int(row[name])

    return Span(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        name=row["name"],
        model=row["model"],
        outcome=row["outcome"],
        started_us=int(row["started_us"]),
        duration_ms=None if row["duration_ms"] is None else float(row["duration_ms"]),
        type=row["type"],
        obs_span_id=row["obs_span_id"],
        status_code=int(row["status_code"]),
        error_type=row["error_type"],
        attempt=int(row["attempt"]),
        ttft_ms=row["ttft_ms"],
        input_tokens=count("input_tokens"),
        output_tokens=count("output_tokens"),
        cost_usd=None if row["cost_usd"] is None else Decimal(row["cost_usd"]),
        call_id="" if row["type"] else row["tie"],
        key_id=row["key_id"],
        workspace=row["workspace"],
    )
