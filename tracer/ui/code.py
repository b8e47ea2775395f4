"""JSON and templates cut into pieces by what they are, so that a page can colour them. Values in, values out: no HTML here.

A piece is (class of the style sheet, text); joined, the pieces are the text again, whatever the text is.
"""

import re
from dataclasses import dataclass

MOST = 60_000  # characters of one block on a page
_JSON = re.compile(
    r'(?P<key>"(?:[^"\\\n]|\\.?)*+"(?=\s*:))|(?P<string>"(?:[^"\\\n]|\\.?)*+"?)'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>\b(?:true|false|null)\b)"
)
_TAG = re.compile(r"(?P<tag>\{\{\{?[^{}\n]{1,300}\}\}\}?)")
Piece = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Code:
    """A text for a page; `left_out` characters of it are not here."""

    pieces: tuple[Piece, ...]
    left_out: int = 0


def json_code(text: str, most: int = MOST) -> Code:
    """A JSON text; any other text comes out in one piece or a few."""
    return Code(tuple(_cut(_JSON, text[:most])), max(len(text) - most, 0))


def template_code(text: str, most: int = MOST) -> Code:
    """A template's text, its tags apart."""
    return Code(tuple(_cut(_TAG, text[:most])), max(len(text) - most, 0))


def _cut(pattern: re.Pattern[str], text: str) -> list[Piece]:
    found: list[Piece] = []
    at = 0
    for match in pattern.finditer(text):
        if match.start() > at:
            found.append(("", text[at : match.start()]))
        found.append((match.lastgroup or "", match[0]))
        at = match.end()
    if at < len(text):
        found.append(("", text[at:]))
    return found
