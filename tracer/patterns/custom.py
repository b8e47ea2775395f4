"""The operator's own expressions. They may be of any kind, so each search has a time limit: an expression that runs away costs
the content of the record (redactor.py), and holds up neither the spool nor, as the search lets go of the interpreter, the
calls.
"""

import re
from collections.abc import Iterator, Mapping

import regex

from tracer.patterns.kinds import Finder, Range

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# For one text. An expression of the usual kind takes some 10 ms for the largest.
SECONDS = 1.0


def fault(expression: str) -> str:
    """What is wrong with an expression; empty if nothing is."""
    try:
        compiled = regex.compile(expression)
    except regex.error as error:
        return str(error)
    return "it matches the empty text" if compiled.match("") else ""


def finders(expressions: Mapping[str, str]) -> dict[str, Finder]:
    """One for each expression. They raise TimeoutError."""
    return {name: _finder(expression) for name, expression in expressions.items()}


def _finder(expression: str) -> Finder:
    compiled = regex.compile(expression)

    def find(text: str) -> Iterator[Range]:
        for found in compiled.finditer(text, concurrent=True, timeout=SECONDS):
            if found.end() > found.start():
                yield found.span()

    return find
