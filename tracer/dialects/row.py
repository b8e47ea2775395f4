"""What one dialect is: where its replies, and the events of its streams, keep what Tracer wants to know.

A path is a tuple of steps from the document inwards: a key, or `Where`, which stands for the elements of a list. Of several
paths for one thing the first that leads to something is taken.

Documents and events share a row, as the same things stand in both: what a path does not find in this piece is not there. Only
what an event says in another sense than the document does has a field of its own (`reasons_at_end`, `late_tokens`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class Where(Struct, frozen=True):
    """The elements of a list; with a field, those in which it has one of the values."""

    field: str = ""
    values: tuple[str, ...] = ()

    def fits(self, element: Any) -> bool:
        """Whether this element is meant."""
        return not self.field or (isinstance(element, dict) and element.get(self.field) in self.values)


EACH = Where()
Step = str | Where
Path = tuple[Step, ...]
Paths = tuple[Path, ...]


class Mark(Struct, frozen=True):
    """Something to know a document by: what stands at `path` is one of `values`, begins with `prefix`, or is there at all."""

    path: Path
    values: tuple[str | bool, ...] = ()
    prefix: str = ""

    def fits(self, document: Mapping[str, Any]) -> bool:
        """Whether the document has this mark."""
        value = at(document, self.path)
        if self.values:
            return type(value) in (str, bool) and value in self.values
        if self.prefix:
            return isinstance(value, str) and value.startswith(self.prefix)
        return value is not None


class Dialect(Struct, frozen=True, kw_only=True):
    """One row; every field but the first three has the meaning of the column of Call that it feeds."""

    name: str
    marks: tuple[Mark, ...]  # a document or event is of this dialect if one of these fits
    source: str = ""  # where the provider writes about it
    id: Paths = (("id",),)
    model: Paths = (("model",),)
    fingerprint: Paths = (("system_fingerprint",),)
    tier: Paths = (("service_tier",),)  # the first that says more than "standard"
    usage: Paths = (("usage",),)  # objects; () is the document itself
    figures: Paths = ()  # of that object only these are usage; empty: all of it
    merges: bool = False  # a later usage overwrites field by field what it repeats; False: the last one stands alone
    usage_beside: Paths = ()  # a second account of the same call, for want of the first
    searches: Paths = ()  # how many web searches, where that is said outside of the usage
    elsewhere: Paths = ()  # usage of other models that is billed besides, at their prices
    reasons: Paths = ()  # finish reasons; of list elements, each at its own `index`
    reasons_at_end: bool = False  # of events, only those that end the stream say the reason
    errors: Paths = ()  # besides a document's own `error`
    tokens: Paths = ()  # what of an event is text, reasoning or a tool call
    late_tokens: Paths = ()  # the same, but only if nothing came before: a repetition otherwise
    ends: tuple[Mark, ...] = ()  # an event that has one of these is the last that matters

    @property
    def announces_end(self) -> bool:
        """Whether a stream that stops without an end was cut."""
        return bool(self.ends or self.reasons)


def at(value: Any, path: Path) -> Any:
    """What stands at the end of a path without lists, or None."""
    for step in path:
        if type(value) is not dict:
            return None
        value = value.get(step)
    return value


def every(value: Any, path: Path) -> Iterator[Any]:
    """Everything but null that stands at the end of a path."""
    for position, step in enumerate(path):
        if type(step) is Where:
            if type(value) is list:
                rest = path[position + 1 :]
                for element in value:
                    if step.fits(element):
                        yield from every(element, rest)
            return
        if type(value) is not dict:
            return
        value = value.get(step)
    if value is not None:
        yield value


def first(document: Mapping[str, Any], paths: Paths) -> Any:
    """What the first path that leads anywhere leads to; None if none does."""
    for path in paths:
        for value in every(document, path):
            return value
    return None


def cut_out(value: Any, paths: Paths) -> dict[str, Any]:
    """Of an object only what stands on these paths."""
    kept: dict[str, Any] = {}
    for path in paths:
        found = _branch(value, path)
        if isinstance(found, dict):
            _join(kept, found)
    return kept


def _branch(value: Any, path: Path) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, Where):
        if type(value) is not list:
            return None
        return [part for element in value if step.fits(element) and (part := _branch(element, rest)) is not None]
    if type(value) is not dict:
        return None
    part = _branch(value.get(step), rest)
    return None if part is None else {step: part}


def _join(kept: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        old = kept.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _join(old, value)
        else:
            kept[key] = value
