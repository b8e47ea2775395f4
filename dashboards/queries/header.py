"""The comment at the head of a question's file, read: title, answer, parameters, columns.

    -- Title
    -- What it answers, in one or more lines.
    --
    -- Parameters:
    --   name Type = default  What it means (unit)
    --
    -- Columns:
    --   name Type  What it means (unit)

Two spaces stand before a meaning, and nowhere in a type or a default. A String's default is in single quotes.
"""

import re
from dataclasses import dataclass

_LINE = re.compile(r"--(?: (.*))?")
_PARAMETER = re.compile(r"  (\w+) (\S+) = ('[^']*'|\S+)  +(\S.*)")
_COLUMN = re.compile(r"  (\w+) (\S(?:.*?\S)?)  +(\S.*)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that is bound; `default` is as a person would write it: `7d`, `now`, a number, a text."""

    name: str
    type: str
    default: str
    meaning: str

    @property
    def is_time(self) -> bool:
        return self.type.startswith("DateTime")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Header:
    """What the comment says."""

    title: str
    description: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]


def read(text: str) -> Header:
    """The header of a file's text; ValueError for one that is not in the form above."""
    title, *lines = _comment(text)
    answer, parameters, columns = _parts(lines)
    return Header(
        title,
        " ".join(answer),
        tuple(map(_parameter, parameters)),
        tuple(Column(*_match(_COLUMN, line)) for line in columns),
    )


def _comment(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            break
        lines.append(found[1] or "")
    return lines or [""]


def _parts(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    parts: dict[str, list[str]] = {"": [], "Parameters:": [], "Columns:": []}
    name = ""
    for line in lines:
        if line in parts:
            name = line or name
        else:
            parts[name].append(line)
    return parts[""], parts["Parameters:"], parts["Columns:"]


def _parameter(line: str) -> Parameter:
    name, kind, default, meaning = _match(_PARAMETER, line)
    return Parameter(name, kind, default.strip("'"), meaning)


def _match(pattern: re.Pattern[str], line: str) -> tuple[str, ...]:
    found = pattern.fullmatch(line)
    if found is None:
        raise ValueError(f"a line of a question's header that says nothing: {line!r}")
    return tuple(found.groups())
