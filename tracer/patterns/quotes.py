"""Whether a figure is a number of JSON, so that what stands instead of it must be a string; in JSON inside of a string too."""

import re
from bisect import bisect_right

from tracer.patterns.escapes import without_json_escapes

# Possessive, as a million escapes would take 256 MB else. The last `?`: before 3.11.5 what is repeated so must not fail once it
# has begun.
_STRING = re.compile(r'"((?:[^"\\]++|\\.?)*+)"?', re.DOTALL)
_DEEPEST = 3


def looks_like_json(text: str) -> bool:
    """Whether an object or a list begins here."""
    return (text[:64].lstrip() or text.lstrip())[:1] in ("{", "[")


class Quotes:
    """One text; the strings in it are looked for when first asked, once."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self._text = text
        self._depth = depth
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._inner: dict[int, tuple[Quotes, list[int], list[int]]] = {}
        if looks_like_json(text):
            for string in _STRING.finditer(text):
                self._starts.append(string.start(1))
                self._ends.append(string.end(1))
        self._is_json = looks_like_json(text)

    def around(self, at: int) -> str:
        """The quote to put around a number that stands here, as it must be spelt; empty where none belongs."""
        if not self._is_json:
            return ""
        nearest = bisect_right(self._starts, at) - 1
        if nearest < 0 or at >= self._ends[nearest]:
            return '"'
        if self._depth == _DEEPEST:
            return ""
        inner, plain, raw = self._inside(nearest)
        offset = at - self._starts[nearest]
        before = bisect_right(raw, offset) - 1
        quote = inner.around(offset if before < 0 else plain[before] + offset - raw[before])
        return quote.replace("\\", "\\\\").replace('"', '\\"')

    def _inside(self, number: int) -> "tuple[Quotes, list[int], list[int]]":
        if number not in self._inner:
            view = without_json_escapes(self._text[self._starts[number] : self._ends[number]])
            self._inner[number] = (Quotes(view.text, self._depth + 1), view.plain, view.raw)
        return self._inner[number]
