"""Regular expressions that mean the same to every Python that Tracer runs on.

Before 3.11.5 (Debian 12 has 3.11.2) what is repeated possessively, as in `(?:ab)*+`, and fails behind its first character does
not go back to where it began, so that the rest of the expression is looked for at the wrong place
(https://github.com/python/cpython/issues/100061). What cannot fail once it has begun may be repeated so; for all else there are
atomic groups, `(?>(?:ab)*)`.
"""

import importlib
import pkgutil
import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import dashboards
import exporters
import tracer

_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN)
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith(".__main__"):
            yield importlib.import_module(found.name)


def expressions(value: object) -> Iterator[re.Pattern[Any]]:
    """Those in a value, and in what it holds."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from expressions(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from expressions(each)


def fails_late(expression: re.Pattern[Any]) -> bool:
    """Whether something that is repeated possessively may fail behind its first character."""
    return _fails_late(parser.parse(expression.pattern, expression.flags & ~re.UNICODE))


def _fails_late(body: Any) -> bool:
    for code, argument in body:
        if code == codes.POSSESSIVE_REPEAT and not _is_settled_at_once(argument[2]):
            return True
        if any(map(_fails_late, _bodies(argument))):
            return True
    return False


def _bodies(argument: Any) -> Iterator[Any]:
    """The expressions within what one of the parser's codes comes with."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _bodies(each)


def _is_settled_at_once(body: Any) -> bool:
    """Whether its first character decides: what follows may be absent."""
    (code, argument), *others = body
    if any(other not in _REPEATS or argument[0] > 0 for other, argument in others):
        return False
    if code == codes.BRANCH:
        return all(map(_is_settled_at_once, argument[1]))
    return code in _SINGLE or (code in _REPEATS and argument[0] <= 1 and _is_single(argument[2]))


def _is_single(body: Any) -> bool:
    return len(body) == 1 and body[0][0] in _SINGLE


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"a++b", False),
        (r"[^x]{2,9}+b", False),
        (r"(?>(?:ab)*)c", False),
        (r"(?:ab)*c", False),
        (r'"(?:[^"\\]++|\\.?)*+"', False),
        (r"(?:ab?)*+c", False),
        (r'"(?:[^"\\]++|\\.)*+"', True),
        (r"(?:ab)*+c", True),
        (r"x(y|(?:[ -]\d{2,6}){0,2}+)", True),
        (r"(?=(?:a{2})?+)", True),
        (r"(?:(?!c).)++", True),
    ],
)
def test_what_fails_late(expression: str, expected: bool) -> None:
    assert fails_late(re.compile(expression)) is expected


def test_nothing_that_is_repeated_possessively_fails_late() -> None:
    found = {
        (module.__name__, name): expression
        for package in (tracer, exporters, dashboards)
        for module in modules(package)
        for name, value in vars(module).items()
        for expression in expressions(value)
    }
    assert len(found) > 50
    assert [where for where, expression in found.items() if fails_late(expression)] == []
