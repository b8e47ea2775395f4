"""Reads a document or an event by its dialect's row into what was gathered of the reply. The only place that walks the rows.

Rules
- The first non-empty id and model hold, of fingerprint and tier the last; of several paths the first that leads to something.
- A dialect whose usage comes in pieces has later fields that are not null overwrite earlier ones; nothing is added up.
- A finish reason ends a stream, unless the row says that only certain events do. An event may carry both.
- What no row knows is read by the names that most use, and then by shape (shapes.py), which the note tells.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from tracer.dialects.row import Dialect, Path, Paths, Where, at, cut_out, every
from tracer.dialects.table import DIALECTS, PLAIN
from tracer.sink.errors import error_in, error_of
from tracer.sink.gathered import MOST_CHOICES, Gathered
from tracer.sink.request import string
from tracer.sink.shapes import usage_by_shape
from tracer.tokens import carries

# Words for "nothing special": of two switches the other one tells the price.
_PLAIN_TIERS = ("standard", "default")
_NO_REASONS = ("none", "NONE", "FINISH_REASON_UNSPECIFIED")


class _Plan(Struct, frozen=True):
    """What of a row is looked for at all in a document with certain keys, and the tokens with what their paths share."""

    frame: frozenset[str]
    usage: frozenset[str]
    reasons: frozenset[str]
    tokens: tuple[tuple[Path, tuple[str, ...]], ...]
    late_tokens: tuple[tuple[Path, tuple[str, ...]], ...]


def _plan(dialect: Dialect) -> _Plan:
    def keys(*many: Paths) -> frozenset[str]:
        return frozenset(str(path[0]) for paths in many for path in paths if path)

    whole = () in dialect.usage
    return _Plan(
        frame=keys(dialect.id, dialect.model, dialect.fingerprint, dialect.tier, dialect.searches, dialect.elsewhere),
        usage=keys(dialect.usage, dialect.usage_beside, dialect.figures if whole else ()),
        reasons=keys(dialect.reasons),
        tokens=_shared(dialect.tokens),
        late_tokens=_shared(dialect.late_tokens),
    )


def _shared(paths: Paths) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """Paths by what they have in common but for their last key."""
    found: dict[Path, list[str]] = {}
    for path in paths:
        found.setdefault(path[:-1], []).append(str(path[-1]))
    return tuple((path, tuple(keys)) for path, keys in found.items())


# Most events of a stream are a few characters of text: what an event cannot hold is not looked for.
_PLANS = {dialect.name: _plan(dialect) for dialect in (*DIALECTS, PLAIN)}


def read_document(facts: Gathered, document: Mapping[str, Any], dialect: Dialect) -> None:
    """A whole reply."""
    _take_frame(facts, document, dialect)
    _take_usage(facts, document, dialect, final=True)
    _take_reasons(facts, document, dialect)
    _take_error(facts, document, dialect)


def read_event(facts: Gathered, event: Mapping[str, Any], dialect: Dialect) -> bool:
    """One event of a stream; says whether it carried a token."""
    plan = _PLANS[dialect.name]
    facts.must_end = facts.must_end or dialect.announces_end
    if dialect.reasons and not facts.choices:
        facts.choices = 1
    last = False
    for mark in dialect.ends:
        last = last or mark.fits(event)
    facts.ended = facts.ended or last
    if not plan.frame.isdisjoint(event):
        _take_frame(facts, event, dialect)
    if not dialect.name or not plan.usage.isdisjoint(event):
        _take_usage(facts, event, dialect, final=last)
    if (last or not dialect.reasons_at_end) and not plan.reasons.isdisjoint(event):
        _take_reasons(facts, event, dialect)
    if dialect.errors or "error" in event or event.get("type") == "error":
        _take_error(facts, event, dialect)
    if _carries(event, plan.tokens) or (not facts.answered and _carries(event, plan.late_tokens)):
        facts.answered = True
        return True
    return False


def _carries(event: Mapping[str, Any], shared: tuple[tuple[Path, tuple[str, ...]], ...]) -> bool:
    for path, keys in shared:
        if path and path[0] not in event:
            continue
        for value in every(event, path):
            if type(value) is dict:
                for key in keys:
                    part = value.get(key)
                    if part and (type(part) is str or carries(part)):
                        return True
    return False


def _take_frame(facts: Gathered, document: Mapping[str, Any], dialect: Dialect) -> None:
    if not facts.id:
        facts.id = _word(document, dialect.id)
    if not facts.model:
        facts.model = _word(document, dialect.model)
    if fingerprint := _word(document, dialect.fingerprint):
        facts.fingerprint = fingerprint
    tier = ""
    for path in dialect.tier:
        if path[0] in document and (word := string(at(document, path))):
            tier = tier or word
            if word not in _PLAIN_TIERS:
                tier = word
                break
    if tier:
        facts.tier = tier
    if dialect.elsewhere or dialect.searches:
        _take_other_use(facts, document, dialect)


def _take_other_use(facts: Gathered, document: Mapping[str, Any], dialect: Dialect) -> None:
    for path in dialect.elsewhere:
        other = at(document, path)
        if isinstance(other, dict):
            facts.elsewhere = other
    for path in dialect.searches:
        searches = at(document, path)
        if type(searches) is int:
            facts.searches = searches


def _word(document: Mapping[str, Any], paths: tuple[Path, ...]) -> str:
    for path in paths:
        if path[0] in document and (word := string(at(document, path))):
            return word
    return ""


def _take_usage(facts: Gathered, document: Mapping[str, Any], dialect: Dialect, final: bool) -> None:
    found = _usage(document, dialect)
    if found is None and not dialect.name and facts.usage is None:
        shaped = usage_by_shape(document)
        if shaped is not None:
            found = shaped[1]
    if found is not None:
        if dialect.merges and facts.usage is not None:
            facts.usage = {**facts.usage, **{name: value for name, value in found.items() if value is not None}}
        else:
            facts.usage = found
        facts.usage_is_final = final
    for path in dialect.usage_beside:
        beside = at(document, path)
        if isinstance(beside, dict) and beside:
            facts.usage_beside = beside


def _usage(document: Mapping[str, Any], dialect: Dialect) -> dict[str, Any] | None:
    for path in dialect.usage:
        if path and path[0] not in document:
            continue
        usage: Any = at(document, path)
        if isinstance(usage, dict) and usage:
            found: dict[str, Any] = cut_out(usage, dialect.figures) if dialect.figures else usage
            if found:
                return found
    return None


def _take_reasons(facts: Gathered, document: Mapping[str, Any], dialect: Dialect) -> None:
    for path in dialect.reasons:
        if path[0] not in document:
            continue
        found = False
        for index, reason in _reasons(document, path):
            facts.choices = max(facts.choices, index + 1)
            if reason and isinstance(reason, str) and reason not in _NO_REASONS:
                facts.reasons[index] = reason
                found = True
        if found:
            facts.ended = True
            return


def _reasons(document: Mapping[str, Any], path: Path) -> Iterator[tuple[int, Any]]:
    """Each choice's number and what stands where its reason should."""
    for depth, step in enumerate(path):
        if isinstance(step, Where):
            choices = at(document, path[:depth])
            for position, choice in enumerate(choices[:MOST_CHOICES] if isinstance(choices, list) else ()):
                index = choice.get("index") if isinstance(choice, dict) else None
                within = type(index) is int and 0 <= index < MOST_CHOICES
                yield (index if within else position), at(choice, path[depth + 1 :])  # type: ignore[misc]
            return
    yield 0, at(document, path)


def _take_error(facts: Gathered, document: Mapping[str, Any], dialect: Dialect) -> None:
    error = error_in(document) if "error" in document or document.get("type") == "error" else None
    for path in dialect.errors:
        if error is None and path[0] in document:
            error = error_of(at(document, path))
    if error is not None:
        facts.error = error
