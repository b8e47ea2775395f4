"""What changed between two texts, line by line, and inside the lines what changed in them. Values in, values out.

Far from a change lines are left out and counted. Texts of more lines than MOST_LINES are not compared but shown as two: the
comparison takes time with the square of their number.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

MOST_LINES = 1500
_LONGEST_LINE = 2000  # beyond it, words of a line are not compared
_ALIKE = 0.6  # share of two lines that must be the same for their differences to mean something
_CONTEXT = 3
_WORDS = re.compile(r"\w+|\s+|.")


@dataclass(frozen=True, slots=True)
class Line:
    """A line: `same`, `removed`, `added`, or `skipped`, which stands for `count` lines that are the same.

    `pieces` are (changed, text).
    """

    kind: str
    pieces: tuple[tuple[bool, str], ...] = ()
    count: int = 0


def diff(old: str, new: str) -> tuple[Line, ...]:
    """The lines of both texts, what was removed before what was added; empty if they are the same."""
    if old == new:
        return ()
    before, after = old.splitlines(), new.splitlines()
    if len(before) > MOST_LINES or len(after) > MOST_LINES:
        return (*_plain("removed", before[:MOST_LINES]), *_plain("added", after[:MOST_LINES]))
    lines: list[Line] = []
    steps = SequenceMatcher(None, before, after).get_opcodes()
    for place, (step, i1, i2, j1, j2) in enumerate(steps):
        if step == "equal":
            lines += _near(before[i1:i2], first=place == 0, last=place == len(steps) - 1)
        else:
            lines += _changed(before[i1:i2], after[j1:j2])
    return tuple(lines)


def _changed(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """Lines that took each other's place are compared in pairs."""
    removed, added = [], []
    for old, new in zip_longest(before, after):
        left, right = _words(old, new) if old is not None and new is not None else (None, None)
        if old is not None:
            removed.append(Line("removed", left or ((False, old),)))
        if new is not None:
            added.append(Line("added", right or ((False, new),)))
    yield from removed
    yield from added


def _words(old: str, new: str) -> tuple[tuple[tuple[bool, str], ...], tuple[tuple[bool, str], ...]]:
    """The pieces of two lines that are alike; lines that are not have nothing to be compared."""
    if max(len(old), len(new)) > _LONGEST_LINE:
        return ((False, old),), ((False, new),)
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return ((False, old),), ((False, new),)
    left: list[tuple[bool, str]] = []
    right: list[tuple[bool, str]] = []
    for step, i1, i2, j1, j2 in matcher.get_opcodes():
        if i2 > i1:
            left.append((step != "equal", "".join(before[i1:i2])))
        if j2 > j1:
            right.append((step != "equal", "".join(after[j1:j2])))
    return tuple(left), tuple(right)


def _near(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[Line]:
    """Of lines that are the same, those next to a change."""
    head = 0 if first else _CONTEXT
    tail = 0 if last else _CONTEXT
    if len(lines) <= head + tail + 1:
        yield from _plain("same", lines)
        return
    yield from _plain("same", lines[:head])
    yield Line("skipped", count=len(lines) - head - tail)
    yield from _plain("same", lines[len(lines) - tail :])


def _plain(kind: str, lines: Sequence[str]) -> Iterator[Line]:
    for line in lines:
        yield Line(kind, ((False, line),))
