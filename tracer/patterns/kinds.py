"""The built-in kinds: their names in the settings, the word that stands in a text instead, and what finds them."""

from collections.abc import Callable, Iterable

from tracer.patterns.figures import cards, phones
from tracer.patterns.keys import keys
from tracer.patterns.mail import addresses

Range = tuple[int, int]
Finder = Callable[[str], Iterable[Range]]

ALL = "all"
PRESIDIO = "presidio"
# What stands for whatever presidio finds.
PII = "pii"
BUILT_IN: dict[str, tuple[str, Finder]] = {
    "keys": ("key", keys),
    "cards": ("card", cards),
    "email": ("email", addresses),
    "phone": ("phone", phones),
}
# What stands instead of the built-in kinds.
WORDS = frozenset(word for word, _ in BUILT_IN.values())


def words() -> frozenset[str]:
    """What built-in kinds are called, in settings and in texts."""
    return frozenset({ALL, PRESIDIO, PII, *BUILT_IN, *WORDS})


def built_in(names: Iterable[str]) -> dict[str, Finder]:
    """By the words that stand instead, what finds these kinds; `all` are the built-in ones."""
    names = tuple(names)
    return {word: find for name, (word, find) in BUILT_IN.items() if name in names or ALL in names}
