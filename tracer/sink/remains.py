"""The facts of a document that does not parse, because its middle was not kept or the connection broke.

Strategy: what the rows of all dialects look for at the top of a document, and one object below it, is looked for by its name in
what is left (salvage.py), and the small document that this makes is read like a whole one. What stands in lists is lost, except
finish reasons.
"""

from typing import Any

from tracer.dialects.flavours import FLAVOURS
from tracer.dialects.table import DIALECTS, PLAIN
from tracer.sink.body import Plain
from tracer.sink.facts import Facts
from tracer.sink.gathered import MOST_CHOICES
from tracer.sink.salvage import all_scalars, last_object, scalars

_ALL = (*DIALECTS, PLAIN)
_PATHS = [
    path
    for dialect in _ALL
    for path in (
        *(*dialect.id, *dialect.model, *dialect.fingerprint, *dialect.tier, *dialect.figures, *dialect.reasons),
        *(*dialect.searches, *dialect.elsewhere),
    )
    if all(isinstance(step, str) for step in path)
]
# What tells the dialects apart, and what stands at the top of a document.
_SCALARS = tuple(dict.fromkeys(["object", "type", "done", *(str(path[0]) for path in _PATHS if len(path) == 1)]))
_USAGES = tuple(dict.fromkeys(str(path[0]) for dialect in _ALL for path in (*dialect.usage, *dialect.usage_beside) if path))
_FIGURES = [path for dialect in _ALL for path in dialect.figures]
_OBJECTS = tuple(
    dict.fromkeys(
        str(path[0]) for path in (*_PATHS, *_FIGURES) if (len(path) > 1 or path in _FIGURES) and path[0] not in _USAGES
    )
)
_MARKS = frozenset(mark for flavour in FLAVOURS for mark in flavour.marks)
_REASONS = ("finish_reason", "finishReason", "stop_reason", "stopReason")


def salvaged(body: Plain) -> Facts:
    """What can still be told of a document of which only the beginning and perhaps the end is there."""
    facts = Facts()
    head, tail = body.head.decode("utf-8", "replace"), body.tail.decode("utf-8", "replace")
    found: dict[str, Any] = {**scalars(tail, _SCALARS), **scalars(head, _SCALARS)}
    for keys, fits in ((_USAGES, _is_usage), (_OBJECTS, bool)):
        for key in keys:
            value = last_object(tail, (key,), fits) or last_object(head, (key,), fits)
            if value:
                found[key] = value
    facts.take_document(found)
    if not facts.reasons:
        reasons = [reason for key in _REASONS for reason in all_scalars(head, key) + all_scalars(tail, key)]
        facts.reasons = {index: reason for index, reason in enumerate(reasons[:MOST_CHOICES]) if isinstance(reason, str)}
        facts.choices = len(reasons[:MOST_CHOICES]) if facts.reasons else 0
    return facts


def _is_usage(value: dict[str, Any]) -> bool:
    """Guardrails have a `usage` of their own, in units of policies."""
    return not _MARKS.isdisjoint(value)
