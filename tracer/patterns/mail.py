"""E-mail addresses. Each `@` is looked at: text around it is read letter by letter, 64 back and 255 on at most.

What has the form and is none stays: `git@github.com:` and `git@github.com/`, where everybody's user is called so; versions
(`pkg@1.2.3`); a method that is called (`a@b.dot(c)`).
"""

import re
from collections.abc import Iterator

Range = tuple[int, int]

_LONGEST_NAME = 64
# Read backwards, from the `@`. More may stand in a name by the standard, but what does is URLs and code.
_NAME = re.compile(r"[\w.%+'~-]{1,64}")
_HOST = re.compile(r"(?:[^\W_][\w-]{0,62}+\.){1,8}(?:[^\W\d_]{2,63}|xn--[A-Za-z0-9-]{2,59})(?![\w-])")
# What may stand in a name, but not at its beginning.
_INNER = ".%+'~-"


def addresses(text: str) -> Iterator[Range]:
    """Where e-mail addresses stand."""
    at = text.find("@")
    while at >= 0:
        end = at + 1
        host = _HOST.match(text, at + 1)
        if host is not None and (start := _start(text, at)) < at and not _is_none(text, start, at, host.end()):
            end = host.end()
            yield start, end
        at = text.find("@", end)


def _start(text: str, at: int) -> int:
    name = _NAME.match(text[max(0, at - _LONGEST_NAME) : at][::-1])
    start = at - (name.end() if name else 0)
    while start < at and text[start] in _INNER:
        start += 1
    return start


def _is_none(text: str, start: int, at: int, end: int) -> bool:
    behind = text[end : end + 1]
    return behind == "(" or (text[start:at] == "git" and behind in (":", "/"))
