"""What an application's own spans were given and gave back, for the page of their trace: beginnings, with links to the whole.

A trace may have thousands of spans with megabytes each. So a page shows the first SPANS of them and LONGEST characters of each
text; a link leads to a text as it was kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer.store.tree import Span
from tracer.ui.code import Code, json_code
from tracer.ui.conversation.parts import pretty

SPANS = 60
LONGEST = 4000
# Name in a URL, which is the column, and what it is called.
TEXTS = {"input": "Input", "output": "Output", "expected": "Expected"}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """One text; `size` is of all of it, in characters."""

    name: str
    title: str
    code: Code
    size: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """All texts of one span."""

    span: Span
    texts: tuple[Text, ...]


def asked(spans: Sequence[Span]) -> dict[str, Any] | None:
    """What `span-bodies` is to be asked; None if no span of an application's is there."""
    own = [span for span in spans if span.type]
    if not own:
        return None
    return {
        "trace_ids": sorted({span.trace_id for span in own}),
        "span_ids": sorted({span.span_id for span in own}),
        "first_us": min(span.started_us for span in own),
        "last_us": max(span.started_us for span in own),
        "longest": LONGEST,
        "limit": SPANS + 1,
    }


def spoken(spans: Iterable[Span], rows: Sequence[Row]) -> tuple[Spoken, ...]:
    """The rows of `span-bodies` with their spans."""
    own = {(span.trace_id, span.span_id): span for span in spans if span.type}
    found = ((own.get((row["trace_id"], row["span_id"])), row) for row in rows[:SPANS])
    return tuple(Spoken(span, texts) for span, row in found if span is not None and (texts := _texts(row)))


def _texts(row: Row) -> tuple[Text, ...]:
    return tuple(_text(row, name) for name in TEXTS if row[name])


def _text(row: Row, name: str) -> Text:
    left_out = row[f"{name}_size"] - len(row[name])
    code = json_code(pretty(row[name]))
    return Text(name, TEXTS[name], Code(code.pieces, code.left_out + left_out), row[f"{name}_size"])
