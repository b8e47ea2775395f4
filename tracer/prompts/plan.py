"""What the template of a prompt's version is, worked out once, and filled in for each call.

A version's `string` is one of three:
- messages: JSON text of an array of objects. It is parsed first and its strings are templates, each on its own. So no value can
  break the JSON, whatever quotes and line breaks it has.
- raw messages: JSON text only once it is rendered, as tags stand between its parts (a section around a whole message).
  Rendered first, with values escaped for the JSON string they land in, then parsed. `raw` says so; a string that is not JSON
  as it stands but begins like an array of objects and speaks of a "role" is taken the same way.
- text: anything else, for `/v1/completions`.

Invariant: what `fill` returns is new, and nothing that is kept here goes out.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import orjson

from tracer.prompts.mustache import MAX_DEPTH, MAX_TEMPLATE, Nodes, names, parsed, too_large
from tracer.prompts.template import Evaluation, Json, Plain
from tracer.proxy.refused import Refused

# `[{…`, after any tags: a section may begin before the array does.
_ARRAY_OF_OBJECTS = re.compile(r"\s*(?:\{\{[^{}]*\}\}\s*)*\[\s*\{")


@dataclass(frozen=True, slots=True)
class Words:
    """A string among the messages that has tags in it."""

    nodes: Nodes


@dataclass(frozen=True, slots=True)
class Plan:
    """`messages` is the parsed array with Words in it, or None if the template `nodes` have to be rendered first."""

    chat: bool
    messages: list[object] | None
    nodes: Nodes
    names: frozenset[str]  # the variables it asks for, partials aside

    def fill(self, evaluation: Evaluation) -> object:
        """The messages or the text of one call. Raises Refused."""
        if self.messages is not None:
            filled = _filled(self.messages, evaluation)
        else:
            filled = evaluation.render(self.nodes, Json if self.chat else Plain)
        evaluation.check()
        return _messages(filled) if isinstance(filled, str) and self.chat else filled


@lru_cache(maxsize=256)
def plan(string: str, raw: bool) -> Plan:
    """The plan of a version's string. Kept: versions never change. Raises Refused for one that is too large."""
    if len(string) > MAX_TEMPLATE:
        raise too_large(f"longer than {MAX_TEMPLATE} characters")
    try:
        value = orjson.loads(string)
    except ValueError:
        value = None
    if isinstance(value, list) and all(isinstance(message, dict) for message in value):
        if not raw:
            asked: set[str] = set()
            return Plan(True, [_with_words(message, asked, 1) for message in value], (), frozenset(asked))
        chat = True
    else:
        chat = bool(_ARRAY_OF_OBJECTS.match(string)) and (raw or '"role"' in string)
    nodes = parsed(string)
    return Plan(chat, None, nodes, frozenset(names(nodes)))


def _with_words(value: object, asked: set[str], depth: int) -> object:
    if depth > MAX_DEPTH:
        raise too_large(f"its JSON nests deeper than {MAX_DEPTH}")
    if isinstance(value, str) and "{{" in value:
        nodes = parsed(value)
        asked.update(names(nodes))
        return Words(nodes)
    if isinstance(value, list):
        return [_with_words(item, asked, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _with_words(item, asked, depth + 1) for key, item in value.items()}
    return value


def _filled(value: object, evaluation: Evaluation) -> object:
    if isinstance(value, Words):
        return evaluation.render(value.nodes)
    if isinstance(value, list):
        return [_filled(item, evaluation) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, evaluation) for key, item in value.items()}
    return value


def _messages(text: str) -> list[object]:
    try:
        messages = orjson.loads(text)
    except ValueError as error:
        raise _broken(f"it is not JSON once rendered: {error}") from None
    if not isinstance(messages, list):
        raise _broken("it is not an array of messages once rendered")
    return messages


def _broken(why: str) -> Refused:
    return Refused(400, "template_broken", f"Error in parsing prompt template: {why}")
