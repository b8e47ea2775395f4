"""A statement's text taken apart without I/O: an INSERT's head and its data, the first word, where a result goes.

ClickHouse's HTTP interface sends both in one body: `INSERT INTO t (a, b) FORMAT Native`, a line end, then bytes that are not
SQL and may be anything. The head is read token by token up to FORMAT, so that the word in a column's name, a string or
a comment is not taken for the clause. Everything else (VALUES, SELECT, FROM INFILE) stays whole: the engine reads it.

The rule where data begins is ParserInsertQuery's: blanks, then one line end if there is one.

A canonical statement is what the engine writes back (formatQuerySingleLine): one line, no comments, strings in single quotes,
an identifier in backticks where it needs quoting. What is decided about a user's statement is decided on that.
"""

import re
from dataclasses import dataclass

from tracer.store.errors import failure

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


def from_file(head: str, path: str, data_format: str) -> str:
    """An INSERT whose data lies in a file. `head` is all before its FORMAT."""
    depth, end, text = 0, len(head.encode()), head.encode()
    for token in _TOKEN.finditer(text, 0, _HEAD_BYTES):
        depth += {b"(": 1, b")": -1}.get(token["other"] or b"", 0)
        if depth == 0 and (token["word"] or b"").upper() == b"SETTINGS":  # the file is named before them
            end = token.start()
    before, settings = text[:end].decode(), text[end:].decode()
    return f"{before} FROM INFILE {quoted(path)} {settings} FORMAT {data_format}"


def first_word(text: str) -> str:
    """The statement's first keyword, in capitals; empty if it begins with something else."""
    for token in _TOKEN.finditer(text.encode(), 0, _HEAD_BYTES):
        if token["blank"] is None:
            return (token["word"] or b"").decode().upper()
    return ""


# In a canonical statement.
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`", re.DOTALL)
_FORMAT_AT_THE_END = re.compile(r" FORMAT (`?)\w+\1(?=$| SETTINGS )")
_GIVES_ROWS = re.compile(r"\(*(SELECT|WITH)\b")
_NAME = re.compile(r"\w+")


def masked(canonical: str) -> str:
    """As long as `canonical`, with x for all that is in quotes."""
    return QUOTED.sub(lambda found: found[0][0] + "x" * (len(found[0]) - 2) + found[0][0], canonical)


def into_file(canonical: str, default_format: str, path: str) -> str | None:
    """The query with its result going to the file `path`; None for a statement that does not give rows."""
    shape = masked(canonical)
    # What was no UTF-8 has been replaced, and would be another statement.
    if not _GIVES_ROWS.match(shape) or " INTO OUTFILE " in shape or "\ufffd" in canonical:
        return None
    if not _NAME.fullmatch(default_format):
        raise failure(73, "UNKNOWN_FORMAT", f"Unknown format {default_format}")
    file = f" INTO OUTFILE {quoted(path)} TRUNCATE"
    clause = _FORMAT_AT_THE_END.search(shape)
    if clause is None:
        return f"{canonical}{file} FORMAT `{default_format}`"
    return canonical[: clause.start()] + file + canonical[clause.start() :]


_SETTING_NAME = re.compile(r"[A-Za-z_]\w*")


def setting_name(name: str) -> str:
    """`name`, if it can be one."""
    if not _SETTING_NAME.fullmatch(name):
        raise failure(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    return name


def quoted(text: str, quote: str = "'") -> str:
    """A string literal, or with a backtick an identifier."""
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
