"""The rules for replies and events, made from the rows of tracer/dialects: what a row reads is kept, so a new row needs nothing
here. Tokens are blanked, ids, models and finish reasons are names, usage objects lose what is no figure.
"""

from collections.abc import Iterable
from typing import Any

from tracer.blank.rules import Rule, either, figure, list_, name, names, object_, one_of, presence, text, texts, unless_empty
from tracer.blank.usage import figures_under, usage
from tracer.dialects.row import Dialect, Path, Where

ERROR = either(object_({**names("type", "code", "status", "error_type", "__type"), **texts("message")}), text)

_LAST = (presence, text)


class Tree:
    """What is known of a place in a document: what may be done to what stands there, and to what is in it."""

    def __init__(self) -> None:
        self._keys: dict[str, Tree] = {}
        self._elements: Tree | None = None
        self._leaf: list[Rule] = []

    def add(self, path: Path, rule: Rule) -> None:
        """What stands at the end of this path may be kept by this rule. Of several rules the first that fits: what keeps a
        value goes before what leaves one letter of it."""
        tree = self
        for step in path:
            if isinstance(step, Where):
                tree._elements = tree._elements or Tree()
                tree = tree._elements
                if step.field:
                    tree.add((step.field,), name)
            else:
                tree = tree._keys.setdefault(step, Tree())
        if rule not in tree._leaf:
            tree._leaf.append(rule)
            tree._leaf.sort(key=_LAST.__contains__)

    def keys(self, *, in_usage: bool = False) -> dict[str, Rule]:
        """The rule of each key of this place."""
        return {key: tree.rule(in_usage=in_usage) for key, tree in self._keys.items()}

    def rule(self, *, in_usage: bool = False) -> Rule:
        """What is left of a value that stands here."""
        rules: list[Rule] = []
        in_usage = in_usage or usage in self._leaf
        if in_usage and self._keys:
            rules.append(object_(self.keys(in_usage=True), others=figures_under))
        elif in_usage:
            rules.append(usage)
        elif self._keys:
            rules.append(object_(self.keys()))
        if self._elements is not None:
            rules.append(list_(self._elements.rule()))
        rule = either(*rules, *self._leaf)
        return rule if self._leaf else unless_empty(rule)


def tree_of(dialects: Iterable[Dialect]) -> Tree:
    """What all these rows read."""
    tree = Tree()
    for dialect in dialects:
        for rule, paths in _paths(dialect):
            for path in paths:
                tree.add(path, rule)
    return tree


def _paths(dialect: Dialect) -> Iterable[tuple[Rule, Iterable[Path]]]:
    yield usage, (*_usages(dialect), *dialect.usage_beside, *dialect.elsewhere)
    yield figure, dialect.searches
    yield name, (*dialect.id, *dialect.model, *dialect.fingerprint, *dialect.tier, *dialect.reasons)
    yield figure, [(*path[: path.index(step) + 1], "index") for path in dialect.reasons for step in path if _is_list(step)]
    yield ERROR, dialect.errors
    yield text, (*dialect.tokens, *dialect.late_tokens)
    for mark in (*dialect.marks, *dialect.ends):
        yield one_of(mark.values, mark.prefix) if mark.values or mark.prefix else presence, (mark.path,)


def _usages(dialect: Dialect) -> Iterable[Path]:
    for path in dialect.usage:
        if dialect.figures:
            yield from ((*path, *part) for part in dialect.figures)
        elif path:
            yield path


def _is_list(step: Any) -> bool:
    return isinstance(step, Where)
