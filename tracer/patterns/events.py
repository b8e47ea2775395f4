"""The stretches of server-sent events: which lines of an event say a document, and the event with others.

As documents count the data of an event and, as in the sink, what lenient readers take for them too: JSON in lines that belong
to no field, and objects one a line where all of them together are none. What else stands in an event (its name, comments, data
that is no JSON) is the text beside, searched as it is spelt.

Invariants
- Whatever the sink reads as a document is one here (tests/patterns/test_events.py).
- An event written anew has the same line at its end, so the next one begins where it did.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tracer.patterns.framed import Stretch, dumps, loads, text_stretch

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BOM = b"\xef\xbb\xbf"
_JSON = (b"{", b"[")
_NO_DATA = (b":", b"event:", b"id:", b"retry:")
_EMPTY = (b"\n", b"\r\n", b"\r")


class _Said(NamedTuple):
    """A document, the numbers of the lines that say it, and how they begin."""

    lines: tuple[int, ...]
    opening: bytes
    document: Any


def events(data: bytes) -> Iterator[Stretch]:
    """The stretches of a stream that begins here."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    lines: list[bytes] = []
    end = start
    for found in _LINE.finditer(data, start):
        line = found[0]
        end = found.end()
        lines.append(line)
        if line in _EMPTY:
            yield _event(data, start, end, lines)
            start = end
            lines = []
    if start < len(data):
        yield _event(data, start, len(data), lines)


def _event(data: bytes, start: int, end: int, lines: list[bytes]) -> Stretch:
    usual = len(lines) == 2 and lines[1] in _EMPTY and lines[0].startswith(b"data: {")
    if usual and (document := _loads(lines[0][6:])) is not None:
        return Stretch(start, end, [document], "", lambda documents, _: b"data: " + dumps(documents[0]) + lines[1] * 2)
    fields, strays = _of_fields(lines)
    said = [*_documents(strays, b""), *_documents(fields, b"data: ")]
    if not said:
        return text_stretch(data, start, end)
    saying = {number for each in said for number in each.lines}
    others = [number for number, line in enumerate(lines) if number not in saying and line.strip(b"\r\n")]
    beside = b"".join([lines[number] for number in others]).decode("utf-8", "surrogateescape") if others else ""

    def again(documents: Sequence[Any], told: str) -> bytes:
        new = _told(lines, said, documents)
        if told != beside:
            new |= _told_beside(lines, others, told, new)
        return b"".join([new.get(number, line) for number, line in enumerate(lines)])

    return Stretch(start, end, [each.document for each in said], beside, again)


def _of_fields(lines: list[bytes]) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """The values of data, and the lines of JSON that stand in no field, with their numbers."""
    fields: list[tuple[int, bytes]] = []
    strays: list[tuple[int, bytes]] = []
    for number, line in enumerate(lines):
        text = line.rstrip(b"\r\n")
        name, _, value = text.partition(b":")
        if name == b"data":
            fields.append((number, value[1:] if value.startswith(b" ") else value))
        elif name and name not in (b"event", b"id") and (strays or text.startswith(b"{")):
            strays.append((number, text))
    return fields, strays


def _documents(lines: list[tuple[int, bytes]], opening: bytes) -> Iterator[_Said]:
    """With the spaces in front: a reader of one object a line may begin none at such a line."""
    if not lines:
        return
    whole = b"\n".join([value for _, value in lines])
    document = _loads(whole)
    if document is not None:
        yield _Said(tuple(number for number, _ in lines), opening + _spaces(lines[0][1]), document)
    elif len(lines) > 1:
        for number, value in lines:
            document = _loads(value)
            if document is not None:
                yield _Said((number,), opening + _spaces(value), document)


def _spaces(value: bytes) -> bytes:
    return value[: len(value) - len(value.lstrip())]


def _loads(value: bytes) -> Any:
    return loads(value.decode("utf-8", "replace")) if value.lstrip().startswith(_JSON) else None


def _told(lines: list[bytes], said: list[_Said], documents: Sequence[Any]) -> dict[int, bytes]:
    """What stands in the lines of those documents that are others now."""
    new: dict[int, bytes] = {}
    for each, document in zip(said, documents, strict=True):
        if document is not None:
            new |= dict.fromkeys(each.lines, b"")
            new[each.lines[0]] = each.opening + dumps(document) + _ending(lines[each.lines[0]])
    return new


def _told_beside(lines: list[bytes], others: list[int], text: str, new: dict[int, bytes]) -> dict[int, bytes]:
    told = [line.rstrip(b"\r\n") for line in _LINE.findall(text.encode("utf-8", "surrogateescape")) if line.strip(b"\r\n")]
    if len(told) == len(others):
        return {number: line + _ending(lines[number]) for number, line in zip(others, told, strict=True)}
    # Something went over several of them. What nobody reads must go on to be read by nobody where it stands now.
    kept = [line if line.startswith(_NO_DATA) else b": " + line for line in told]
    first = b"" if others[0] == 0 else new.get(0, lines[0])
    return dict.fromkeys(others, b"") | {0: b"".join([line + b"\n" for line in kept]) + first}


def _ending(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]
