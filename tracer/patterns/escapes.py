"""A text without its escapes, with the way back: JSON's `\\u0040` and `\\/`, and `%40` of URLs and forms.

Each escape stands for one character. A range found in the plain text becomes the range of the original that holds the same
characters, whole escapes included, so what is put there instead cannot leave half of one behind.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_JSON = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PERCENT = re.compile(
    r"%[0-7][0-9a-fA-F]|\+"
    r"|%[cCdD][0-9a-fA-F]%[0-9a-fA-F]{2}|%[eE][0-9a-fA-F](?:%[0-9a-fA-F]{2}){2}|%[fF][0-9a-fA-F](?:%[0-9a-fA-F]{2}){3}"
)
# Half of a character beyond the first 65,536: no pattern is about those.
_NO_LETTER = "\ufffd"
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class View(NamedTuple):
    """`text` without escapes; `plain` and `raw` are the places just behind each escape, here and in the original."""

    text: str
    plain: list[int]
    raw: list[int]

    def origin(self, at: int) -> int:
        """Where in the original this place of the text is."""
        nearest = bisect_right(self.plain, at) - 1
        return at if nearest < 0 else self.raw[nearest] + at - self.plain[nearest]


def without_json_escapes(text: str) -> View:
    """As a JSON reader would read the inside of a string."""
    return _view(text, _JSON, _of_json)


def without_percents(text: str) -> View:
    """As a form or a query is read."""
    return _view(text, _PERCENT, _of_percents)


def _view(text: str, escapes: re.Pattern[str], meaning: Callable[[str], str]) -> View:
    parts: list[str] = []
    plain: list[int] = []
    raw: list[int] = []
    at = length = 0
    for escape in escapes.finditer(text):
        parts += (text[at : escape.start()], meaning(escape[0]))
        length += escape.start() - at + 1
        at = escape.end()
        plain.append(length)
        raw.append(at)
    parts.append(text[at:])
    return View("".join(parts), plain, raw)


def _of_json(escape: str) -> str:
    letter = escape[1]
    if letter == "u" and len(escape) == 6:
        code = int(escape[2:], 16)
        return _NO_LETTER if 0xD800 <= code < 0xE000 else chr(code)
    return _LETTERS.get(letter, letter)


def _of_percents(escape: str) -> str:
    meant = " " if escape == "+" else unquote_to_bytes(escape).decode("utf-8", "replace")
    return meant if len(meant) == 1 else _NO_LETTER
