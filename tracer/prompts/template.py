"""Templates and variables in, text out, within bounds.

What a value becomes: a string is itself, untouched; nothing (missing, null) is the empty text; numbers and true/false are their
JSON text, and so are objects and arrays. A value is never looked at for tags.

What counts as false in a section: missing, null, false, 0, "", []. An empty object is true, as in JavaScript, for which the
templates that people bring along were written.

Bounds. A template of a few lines can ask for any amount of work: loops in loops, partials that include each other. One
`Evaluation` is one prompt's rendering, and all its texts draw on the same account of steps and of bytes; each loop, look-up
and node is a step. Depth is bounded since each level of a template is a level of Python's stack. A caller who hits a bound is
told so (400): it is a template or a variable that is wrong, and no repeat will help.

`Plain` takes what comes. `Json` is for templates that are JSON text (raw ones): what lands inside a JSON string is escaped
for it, what lands outside is part of the structure, as its author wanted by leaving the quotes out. Partials likewise.
"""

import json
from collections.abc import Callable, Collection
from itertools import islice

from tracer.prompts.mustache import MAX_DEPTH, Include, Nodes, Section, Variable, parsed, too_large
from tracer.proxy.refused import Refused

Partials = Callable[[str], str | None]  # the text of `slug` or `slug@version`

# A long list is some thousand items with a few tags each. This many steps take a tenth of a second, and the event loop waits.
MAX_STEPS = 100_000
# Four times a context window of a million tokens, and room for images in variables; a request's own limit is 64 MiB.
MAX_OUTPUT = 16 << 20
# Characters of a partial that are read in about the time of one step.
_CHARS_PER_STEP = 16

LONGEST_NAME = 256  # of a partial, its version included; more is not looked for

_MISSING = object()
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Plain:
    """Collects text; of `value` and `literal` this kind makes no difference."""

    def __init__(self, room: int) -> None:
        self.pieces: list[str] = []
        self.room = room
        self.in_partial_in_string = False
        self.in_string = False

    def literal(self, text: str) -> None:
        self._add(text)

    def value(self, text: str) -> None:
        self._add(text)

    def _add(self, text: str) -> None:
        self.room -= len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        if self.room < 0:
            raise too_large(f"it renders to more than {MAX_OUTPUT} bytes")
        self.pieces.append(text)


class Json(Plain):
    """Collects JSON text, and knows whether what comes next is inside a string of it."""

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self._backslash = False

    def literal(self, text: str) -> None:
        if self.in_partial_in_string:
            self.value(text)
            return
        self._add(text)
        self._follow(text)

    def value(self, text: str) -> None:
        if not self.in_string:
            self._add(text)
            self._follow(text)
        elif len(text) > self.room:
            self._add(text)  # refuses, before memory is spent on the escaped copy
        else:
            # A backslash that the template left without anything to escape must not take the value's first one.
            dangling, self._backslash = self._backslash, False
            self._add("\\" * dangling + _JSON.encode(text)[1:-1])

    def _follow(self, text: str) -> None:
        """Whether a string is open after this text: an odd number of quotes that no backslash precedes turns it around."""
        rest = text[1:] if self._backslash and text else text
        left = rest.replace("\\\\", "").replace('\\"', "")
        self.in_string ^= left.count('"') % 2 == 1
        # A single one at the very end escapes what comes next.
        self._backslash = left.endswith("\\") if text else self._backslash


class Evaluation:
    """One rendering. `variables` is the outermost scope."""

    def __init__(self, variables: dict[str, object], partials: Partials) -> None:
        self.steps = MAX_STEPS
        self.room = MAX_OUTPUT
        self._scopes: list[object] = [variables]
        self._partials = partials
        self._included: dict[tuple[str, str], Nodes] = {}
        self._unknown: dict[str, None] = {}  # partials, in order
        self._unset: dict[str, None] = {}  # variables that should have named a partial

    def render(self, nodes: Nodes, output: type[Plain] = Plain) -> str:
        """The text of one template; partials that are not there are empty, which `check` tells. Raises Refused over a bound."""
        out = output(self.room)
        self._write(nodes, out, 0)
        self.room = out.room
        return "".join(out.pieces)

    def check(self) -> None:
        """Raises Refused if partials were missing, in any text until now, with their names."""
        if self._unset:
            raise Refused(400, "partial_not_found", "Missing variable partials: " + _listed(self._unset))
        if self._unknown:
            raise Refused(400, "partial_not_found", "Missing prompt partials: " + _listed(self._unknown))

    def _step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise too_large(f"it takes more than {MAX_STEPS} steps")

    def _write(self, nodes: Nodes, out: Plain, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise too_large(f"sections and partials nest deeper than {MAX_DEPTH}")
        for node in nodes:
            self._step()
            if isinstance(node, Variable):
                out.value(_text(self._look_up(node.path)))
            elif isinstance(node, Section):
                self._section(node, out, depth + 1)
            elif isinstance(node, Include):
                self._include(node, out, depth + 1)
            else:
                out.literal(node.text)

    def _section(self, section: Section, out: Plain, depth: int) -> None:
        value = self._look_up(section.path)
        false = not value and not isinstance(value, dict)
        if section.inverted or false:
            if section.inverted and false:
                self._write(section.body, out, depth)
            return
        if value is True:
            self._write(section.body, out, depth)
            return
        for item in value if isinstance(value, list | tuple) else (value,):
            self._step()
            self._scopes.append(item)
            self._write(section.body, out, depth)
            self._scopes.pop()

    def _include(self, include: Include, out: Plain, depth: int) -> None:
        name = include.name
        if include.keys is not None:
            held = self._look_up(include.keys)
            if not isinstance(held, str) or not held:
                self._unset[name] = None
                return
            name = held
        nodes = self._partial(name, include.indent)
        outside = out.in_partial_in_string
        out.in_partial_in_string = outside or out.in_string
        self._write(nodes, out, depth)
        out.in_partial_in_string = outside

    def _partial(self, name: str, indent: str) -> Nodes:
        nodes = self._included.get((name, indent))
        if nodes is None:
            text = self._partials(name) if len(name) <= LONGEST_NAME else None
            if text is None:
                self._unknown[name] = None
                return ()
            self._step((len(text) + text.count("\n") * len(indent)) // _CHARS_PER_STEP)
            nodes = self._included[name, indent] = parsed(_indented(text, indent))
        return nodes

    def _look_up(self, keys: tuple[str, ...]) -> object:
        if not keys:
            return self._scopes[-1]
        self._step(len(keys))
        for scope in reversed(self._scopes):
            self._step()
            # A string has a length, but as a scope that would hide a variable of this name.
            value = _MISSING if isinstance(scope, str) else _child(scope, keys[0])
            if value is not _MISSING:
                # The first part decides where the rest is looked for.
                for key in keys[1:]:
                    value = _child(value, key)
                return None if value is _MISSING else value
        return None


def _child(value: object, key: str) -> object:
    if isinstance(value, dict):
        return value.get(key, _MISSING)
    if isinstance(value, list | tuple):
        if key == "length":
            return len(value)
        if key.isascii() and key.isdigit() and len(key) < 9 and int(key) < len(value):
            return value[int(key)]
    if isinstance(value, str) and key == "length":
        return len(value)
    return _MISSING


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return _JSON.encode(value)
    except RecursionError:
        raise too_large("a variable nests too deep") from None
    except (TypeError, ValueError) as error:
        raise Refused(400, "bad_variables", f"variables: a value has no JSON text: {error}") from None


def _listed(names: Collection[str]) -> str:
    """Names for a message; a caller may have sent anything, of any length and number."""
    shown = ", ".join(name[:LONGEST_NAME] for name in islice(names, 10))
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"


def _indented(text: str, indent: str) -> str:
    return "\n".join(indent + line if line else line for line in text.split("\n")) if indent else text
