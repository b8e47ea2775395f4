"""All kinds on one text: what stands where, and what stands there instead.

Strategy: the text is searched as a reader of JSON sees it, without its escapes, and again without those that are left in
strings of JSON in JSON, since in the spelt form a letter of `\\n` would become a letter of a name, and `\\u0040` hides an
`@`. What overlaps becomes one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tracer.patterns.edits import Edit, in_bytes
from tracer.patterns.escapes import View, without_json_escapes, without_percents
from tracer.patterns.kinds import PII, WORDS, Finder
from tracer.patterns.quotes import Quotes, looks_like_json

# JSON in JSON in JSON.
_DEEPEST = 4
Finders = tuple[tuple[str, Finder], ...]
_WORD = re.compile(r"[\w.+-]+")
_OF_NUMBERS = frozenset("+-.0123456789eE")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
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
        # presidio takes as long for a letter of JSON as for one of a text, and there are thirty times as many in a stream.
        self._quick = tuple((kind, find) for kind, find in self._finders if kind != PII)
        # Of these kinds nothing depends on where a text begins or ends, so `places` says where any text holds one.
        self.is_told_by_bytes = finders.keys() <= WORDS
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
        quotes = Quotes(text) if looks_like_json(text) and any(_is_word(text, each) for each in found) else None
        edits: list[Edit[str]] = []
        for each in found:
            edit = Edit(each.start, each.end, f"[{each.kind}]")
            if quotes is not None and _is_word(text, each):
                edit = _quoted(text, edit, quotes)
            if not (edits and edit.start < edits[-1].end):  # of a number that holds two the whole went before
                edits.append(edit)
        return edits

    def places(self, data: bytes) -> list[tuple[int, int]]:
        """Where in bytes that are spelt as JSON is anything stands; not counted."""
        text = data.decode("utf-8", "surrogateescape")
        found = self._levels(text, 0, self._quick, json=True)
        if not found:
            return []
        edits = [Edit(start, end, "") for start, end, _ in _merged(found)]
        return [(edit.start, edit.end) for edit in in_bytes(text, edits)]

    def all(self, text: str, *, percents: bool = False) -> list[Found]:
        """What stands in a text, in order, none overlapping another, and counted."""
        found = self._levels(text, 0, self._finders, json=looks_like_json(text))
        if percents and ("%" in text or "+" in text):
            view = without_percents(text)
            found += _moved(self._levels(view.text, 0, self._finders, json=looks_like_json(view.text)), view)
        merged = _merged(found) if found else found
        self.found.update(each.kind for each in merged)
        return merged

    def _levels(self, text: str, depth: int, finders: Finders, *, json: bool = False) -> list[Found]:
        escaped = "\\" in text
        found = [] if escaped and json else list(_own(text, escaped, finders))
        if escaped and depth < _DEEPEST:
            view = without_json_escapes(text)
            found += _moved(self._levels(view.text, depth + 1, finders), view)
        return found


def _own(text: str, escaped: bool, finders: Finders) -> Iterator[Found]:
    for kind, find in finders:
        for start, end in find(text):
            yield Found(*_whole(text, start, end), kind) if escaped else Found(start, end, kind)


def _is_word(text: str, found: Found) -> bool:
    return _WORD.fullmatch(text, found.start, found.end) is not None


def _quoted(text: str, edit: Edit[str], quotes: Quotes) -> Edit[str]:
    """An edit of a number of JSON, or of a part of one: all of it becomes a text."""
    quote = quotes.around(edit.start)
    if not quote:
        return edit
    start, end = edit.start, edit.end
    while start and text[start - 1] in _OF_NUMBERS:
        start -= 1
    while end < len(text) and text[end] in _OF_NUMBERS:
        end += 1
    return Edit(start, end, quote + edit.instead + quote) if _NUMBER.fullmatch(text, start, end) else edit


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
