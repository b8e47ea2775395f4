"""What may happen to a value: kept, blanked, looked into, or gone. A rule takes a JSON value and gives what is left of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tracer.tokens import carries

PLACEHOLDER = "x"

# A name is short and has no white space, as models, ids, codes and roles have none; anything else there is taken for text.
_NAMELIKE = re.compile(r"[^\s\x00-\x1f]{1,256}")
_MOST_ITEMS = 4096

Rule = Callable[[Any], Any]
GONE = object()


def name(value: Any) -> Any:
    """Kept as it is; also figures and switches."""
    if isinstance(value, str):
        return value if not value or _NAMELIKE.fullmatch(value) else PLACEHOLDER
    return figure(value)


def label(value: Any) -> Any:
    """Kept if it is a short string; people's names have spaces."""
    return value if isinstance(value, str) and len(value) <= 256 else GONE


def figure(value: Any) -> Any:
    """Kept if it is a number, a switch or null."""
    return value if value is None or isinstance(value, bool | int | float) else GONE


def text(value: Any) -> Any:
    """One character if there was any text in it, at any depth; an empty text stays one."""
    if carries(value):
        return PLACEHOLDER
    return "" if value == "" else None


def emptied(value: Any) -> Any:
    """That there was a list, but nothing of it."""
    return [] if isinstance(value, list) else GONE


def presence(value: Any) -> Any:
    """That there was something of this kind: a figure, a text, an object or a list."""
    if isinstance(value, dict | list):
        return {} if isinstance(value, dict) else []
    return text(value) if isinstance(value, str) else figure(value)


def one_of(values: Iterable[Any], prefix: str = "") -> Rule:
    """Kept if it is one of these, or a name that begins so."""
    known = frozenset(values)

    def blank(value: Any) -> Any:
        if type(value) in (str, bool) and value in known:
            return value
        if prefix and isinstance(value, str) and value.startswith(prefix):
            return name(value)
        return GONE

    return blank


def object_(rules: Mapping[str, Rule], *, others: Callable[[str, Any], Any] | None = None) -> Rule:
    """Of an object the keys that have a rule; `others` decides on the rest. A number or null stays what it is."""

    def blank(value: Any) -> Any:
        if not isinstance(value, dict):
            return GONE if isinstance(value, str | list) else value
        kept = {}
        for key, part in value.items():
            rule = rules.get(key)
            if rule is not None:
                blanked = rule(part)
            elif others is not None:
                blanked = others(key, part)
            else:
                continue
            if blanked is not GONE:
                kept[key] = blanked
        return kept

    return blank


def list_(item: Rule) -> Rule:
    """Of a list what `item` leaves of each part."""

    def blank(value: Any) -> Any:
        if not isinstance(value, list):
            return GONE if isinstance(value, str | dict) else value
        return [part for part in map(item, value[:_MOST_ITEMS]) if part is not GONE]

    return blank


def either(*rules: Rule) -> Rule:
    """What the first rule that fits leaves."""
    if len(rules) == 1:
        return rules[0]

    def blank(value: Any) -> Any:
        for rule in rules:
            blanked = rule(value)
            if blanked is not GONE:
                return blanked
        return GONE

    return blank


def unless_empty(rule: Rule) -> Rule:
    """Nothing where nothing is left, so that it cannot be told that there was something."""

    def blank(value: Any) -> Any:
        blanked = rule(value)
        return GONE if blanked in ({}, []) else blanked

    return blank


def figures(*names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, figure)


def names(*keys: str) -> dict[str, Rule]:
    return dict.fromkeys(keys, name)


def texts(*keys: str) -> dict[str, Rule]:
    return dict.fromkeys(keys, text)


def each(keys: Iterable[str], rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(keys, rule)
