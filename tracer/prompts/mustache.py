"""Mustache templates: text in, a tree of nodes out.

Why not a library's parser: docs/decisions/0005-mustache.md. In short, prompts that a team brings along may be malformed, and
Portkey's engine goes on with them all the same. So:

- Nothing here fails on what a template says. A `{{` that nothing closes, or that another `{{` follows before the `}}`, is text.
  A closing tag closes the innermost section whatever its name; without a section it is nothing. What is open at the end
  ends there.
- Reading takes time in proportion to the template, whatever it holds: each step ends behind a `}}`.
- A line that has tags but no words and no values leaves no blank line behind ("standalone"). A partial that stands alone passes
  its indentation on to its lines.
- `{{{x}}}`, `{{&x}}` and `{{x}}` are the same: nothing is escaped for HTML here.

Reference: mustache(5), and the specification's tests, github.com/mustache/spec. Left out are lambdas and inheritance.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from tracer.proxy.refused import Refused

# A context window of a million tokens is some four million characters; a prompt's fixed part is a fraction of that.
MAX_TEMPLATE = 1 << 20
# Tags of one template. Long prompts have a few hundred; a tree of this many is 3 MB.
MAX_TAGS = 10_000
# Sections and partials inside one another. Written by hand they nest three or four deep; Python's own stack ends at 1000.
MAX_DEPTH = 50

_BEGIN = re.compile(r"\s*([#^/>!&=]?)")
_INTERPOLATES = ("", "&")


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    path: tuple[str, ...]  # () is the current item: {{.}}


@dataclass(frozen=True, slots=True)
class Section:
    path: tuple[str, ...]
    inverted: bool
    body: "Nodes"


@dataclass(frozen=True, slots=True)
class Include:
    """`{{>name}}`, or with `keys` `{{>>name}}`: the variable of that name holds the name of the partial."""

    name: str
    keys: tuple[str, ...] | None  # where to look the variable up
    indent: str


Node = Text | Variable | Section | Include
Nodes = tuple[Node, ...]


class _Tag(NamedTuple):
    sigil: str
    name: str


def too_large(what: str) -> Refused:
    return Refused(400, "template_too_large", f"prompt template: {what}")


@lru_cache(maxsize=256)
def parsed(template: str) -> Nodes:
    """The tree of a template. Kept, since versions of prompts never change. Raises Refused for one that is too large."""
    if len(template) > MAX_TEMPLATE:
        raise too_large(f"longer than {MAX_TEMPLATE} characters")
    body: list[Node] = []
    # The sections that are open: tag, and what to go on with behind it.
    outer: list[tuple[_Tag, list[Node]]] = []
    for item, indent in _without_standalone_lines(_scan(template)):
        if isinstance(item, str):
            body.append(Text(item))
        elif item.sigil in ("#", "^"):
            if len(outer) == MAX_DEPTH:
                raise too_large(f"sections nest deeper than {MAX_DEPTH}")
            outer.append((item, body))
            body = []
        elif item.sigil == "/":
            body = _close(outer, body) if outer else body
        elif item.sigil == ">":
            name = item.name.removeprefix(">").strip()
            body.append(Include(name, path(name) if item.name.startswith(">") else None, indent))
        elif item.sigil in _INTERPOLATES:
            body.append(Variable(path(item.name)))
    while outer:
        body = _close(outer, body)
    return tuple(body)


def path(name: str) -> tuple[str, ...]:
    return () if name == "." else tuple(name.split("."))


def names(nodes: Nodes) -> Iterator[str]:
    """The variables that a template asks for, without those of its partials."""
    for node in nodes:
        if isinstance(node, Variable | Section):
            yield from node.path[:1]
        elif isinstance(node, Include) and node.keys:
            yield from node.keys[:1]
        if isinstance(node, Section):
            yield from names(node.body)


def _close(outer: list[tuple[_Tag, list[Node]]], body: list[Node]) -> list[Node]:
    opened, before = outer.pop()
    before.append(Section(path(opened.name), opened.sigil == "^", tuple(body)))
    return before


def _scan(template: str) -> Iterator[str | _Tag]:
    """Text and tags in turn."""
    opening, closing = "{{", "}}"
    at = count = 0
    while (first := template.find(opening, at)) >= 0 and (end := template.find(closing, first + len(opening))) >= 0:
        # Of several openings the last one counts, but a comment may hold anything.
        start = first if _sigil(template, first, opening)[0] == "!" else template.rfind(opening, first, end)
        sigil, inner = _sigil(template, start, opening)
        after = end + len(closing)
        if opening == "{{" and template[max(at, start - 1) : start] == "{" and template.startswith("}}}", end):
            sigil, inner, start, after = "&", start + 2, start - 1, after + 1
        count += 1
        if count > MAX_TAGS:
            raise too_large(f"more than {MAX_TAGS} tags")
        if start > at:
            yield template[at:start]
        tag = _Tag(sigil, template[inner:end].strip())
        if sigil == "=" and not (found := _delimiters(tag.name)):
            yield template[start:after]
        else:
            yield tag
            opening, closing = found if sigil == "=" and found else (opening, closing)
        at = after
    if at < len(template):
        yield template[at:]


def _sigil(template: str, start: int, opening: str) -> tuple[str, int]:
    """What kind of tag begins here, and where its name begins."""
    begin = _BEGIN.match(template, start + len(opening))
    assert begin is not None  # it matches the empty text
    return begin[1], begin.end()


def _delimiters(name: str) -> tuple[str, str] | None:
    """The new ones of `{{=<% %>=}}`, if it says any."""
    words = name[:-1].split() if name.endswith("=") else []
    return (words[0], words[1]) if len(words) == 2 and "=" not in words[0] + words[1] else None


def _without_standalone_lines(items: Iterator[str | _Tag]) -> Iterator[tuple[str | _Tag, str]]:
    """The items, and with each the indentation of the line if it stands alone there, without the white space of such lines."""
    line: list[str | _Tag] = []
    for item in items:
        if isinstance(item, str) and "\n" in item:
            first, _, rest = item.partition("\n")
            line.append(first + "\n")
            yield from _line(line)
            whole, newline, last = rest.rpartition("\n")
            # Lines between two breaks have no tag.
            if newline:
                yield whole + newline, ""
            line = [last] if last else []
        else:
            line.append(item)
    yield from _line(line)


def _line(items: list[str | _Tag]) -> Iterator[tuple[str | _Tag, str]]:
    tags = [item for item in items if not isinstance(item, str)]
    words = [item for item in items if isinstance(item, str)]
    # Of several tags on such a line the specification says nothing. A partial is most likely words, so it keeps its neighbours.
    silent = len(tags) == 1 or not any(tag.sigil == ">" for tag in tags)
    if tags and silent and not any(tag.sigil in _INTERPOLATES for tag in tags) and all(map(str.isspace, words)):
        indent = words[0] if isinstance(items[0], str) else ""
        yield from ((tag, indent) for tag in tags)
    else:
        yield from ((item, "") for item in items)
