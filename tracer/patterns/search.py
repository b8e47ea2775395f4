"""All kinds on one text: what stands where, and what stands there instead.

Strategy: the text is searched as a reader of JSON sees it, without its escapes, and again without those that are left in
strings of JSON in JSON, since in the spelt form a letter of `\\n` would become a letter of a name, and `\\u0040` hides an
`@`. What overlaps becomes one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tracer.patterns.edits import Edit
from tracer.patterns.escapes import View, without_json_escapes, without_percents
from tracer.patterns.kinds import Finder
from tracer.patterns.quotes import Quotes, looks_like_json

# JSON in JSON in JSON.
_DEEPEST = 4
_HEX = re.compile(r"u[0-9a-fA-F]{4}")


class Found(NamedTuple):
    """Where something of a kind stands in a text."""

    start: int
    end: int
    kind: str


class Search:
    """Finds kinds by these; counts in `found` what was hidden."""

    def __init__(self, finders: Mapping[str, Finder]) -> None:
        self._finders = tuple(finders.items())
        self.found: Counter[str] = Counter()

    def hidden(self, text: str, *, percents: bool = False) -> str:
        """The text with the kinds in place of what is of them; the very same text if there is nothing."""
        edits = self.edits(text, percents=percents)
        return applied(text, edits) if edits else text

    def edits(self, text: str, *, percents: bool = False) -> list[Edit[str]]:
        """What to replace in a text, in order."""
        found = self.all(text, percents=percents)
        if not found:
            return []
        quotes: Quotes | None = None
        edits = []
        for start, end, kind in found:
            word = f"[{kind}]"
            if text[start:end].isdigit() and looks_like_json(text):
                quotes = quotes or Quotes(text)
                quote = quotes.around(start)
                word = quote + word + quote
            edits.append(Edit(start, end, word))
        return edits

    def all(self, text: str, *, percents: bool = False) -> list[Found]:
        """What stands in a text, in order, none overlapping another, and counted."""
        found = self._levels(text, 0)
        if percents and ("%" in text or "+" in text):
            view = without_percents(text)
            found += _moved(self._levels(view.text, 0), view)
        merged = _merged(found) if found else found
        self.found.update(each.kind for each in merged)
        return merged

    def _levels(self, text: str, depth: int) -> list[Found]:
        escaped = "\\" in text
        found = [] if escaped and not depth and looks_like_json(text) else list(self._own(text, escaped))
        if escaped and depth < _DEEPEST:
            view = without_json_escapes(text)
            found += _moved(self._levels(view.text, depth + 1), view)
        return found

    def _own(self, text: str, escaped: bool) -> Iterator[Found]:
        for kind, find in self._finders:
            for start, end in find(text):
                yield Found(*_whole(text, start, end), kind) if escaped else Found(start, end, kind)


def applied(text: str, edits: list[Edit[str]]) -> str:
    """The text with these edits made."""
    parts: list[str] = []
    at = 0
    for start, end, instead in edits:
        parts += (text[at:start], instead)
        at = end
    return "".join([*parts, text[at:]])


def _moved(found: list[Found], view: View) -> list[Found]:
    return [Found(view.origin(start), view.origin(end), kind) for start, end, kind in found]


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """The range with all of the escapes that it cuts."""
    cut = _escape_over(text, start)
    last = _escape_over(text, end)
    return (cut[0] if cut else start), (last[1] if last else end)


def _escape_over(text: str, at: int) -> tuple[int, int] | None:
    """The escape that begins before a place and ends behind it."""
    begin = text.rfind("\\", max(0, at - 5), at)
    if begin < 0:
        return None
    first = begin
    while first and text[first - 1] == "\\":
        first -= 1
    if (begin - first) % 2:  # the second half of an escaped backslash
        return None
    end = begin + (6 if _HEX.match(text, begin + 1) else 2)
    return (begin, end) if end > at else None


def _merged(found: list[Found]) -> list[Found]:
    found.sort()
    merged = [found[0]]
    for each in found[1:]:
        last = merged[-1]
        if each.start >= last.end:
            merged.append(each)
            continue
        kind = each.kind if each.end - each.start > last.end - last.start else last.kind
        merged[-1] = Found(last.start, max(last.end, each.end), kind)
    return merged
