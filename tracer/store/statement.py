"""A request's text taken apart without I/O: an INSERT's head and its data.

ClickHouse's HTTP interface sends both in one body: `INSERT INTO t (a, b) FORMAT Native`, a line end, then bytes that are not
SQL and may be anything. The head is read token by token up to FORMAT, so that the word in a column's name, a string or
a comment is not taken for the clause. Everything else (VALUES, SELECT, FROM INFILE) stays whole: the engine reads it.

The rule where data begins is ParserInsertQuery's: blanks, then one line end if there is one.
"""

import re
from dataclasses import dataclass

# A head longer than this is not one: the longest has a few hundred column names.
_HEAD_BYTES = 64 << 10

_TOKEN = re.compile(
    rb"""
      (?P<blank> \s+ | --[^\n]* | \#[!\x20][^\n]* | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.)*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_FORMAT = re.compile(rb"FORMAT\s+(\w+)[ \t\f]*;?\r?\n?", re.IGNORECASE)
_NOT_DATA = frozenset((b"SELECT", b"WITH", b"VALUES", b"FROM", b"WATCH"))


@dataclass(frozen=True, slots=True)
class Insert:
    """`head` up to FORMAT, the format's name, and the data."""

    head: str
    format: str
    data: bytes


def as_insert(text: bytes) -> Insert | None:
    """The parts of an INSERT … FORMAT …, or None if `text` is anything else."""
    depth = 0
    first = True
    for token in _TOKEN.finditer(text, 0, _HEAD_BYTES):
        if token["blank"] is not None:
            continue
        word = (token["word"] or b"").upper()
        if first and word != b"INSERT":
            return None
        first = False
        depth += {b"(": 1, b")": -1}.get(token["other"], 0)
        if depth == 0 and word in _NOT_DATA:
            return None
        if depth == 0 and word == b"FORMAT" and (clause := _FORMAT.match(text, token.start())):
            head = text[: token.start()].decode("utf-8", "replace")
            return Insert(head, clause[1].decode(), text[clause.end() :])
    return None
