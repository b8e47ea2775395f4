"""Linear time by construction: in every expression of the built-in kinds each repetition ends somewhere, or runs over one set
of letters and begins only where it did not run before; and what bounded repetitions may cost together at one place is
bounded too."""

import re
from typing import Any

import pytest

from tracer.patterns import escapes, events, figures, keys, mail, quotes

# Runs of one set of letters that are passed over once, from where one begins.
ONCE = {"_STRETCH", "_CARD_STRETCH", "_RUN", "_LINE"}
# Steps at one place of the text. A private key or a token is long; what it begins with is rare and not begun twice within.
MOST = 25_000
PATTERNS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": found
    for module in (keys, mail, figures, escapes, events, quotes)
    for name, found in vars(module).items()
    if isinstance(found, re.Pattern)
} | {f"keys {beginnings[0]}": form for beginnings, form in keys._COMPILED}


def steps(tree: Any) -> int:
    """The most places that one attempt may look at: sums along a sequence, products where repetitions stand in each other."""
    total = 0
    for op, argument in tree:
        match str(op):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                _, most, inner = argument
                assert most is not re._constants.MAXREPEAT, "a repetition without an end"  # type: ignore[attr-defined]
                total += most * max(steps(inner), 1)
            case "BRANCH":
                total += sum(map(steps, argument[1]))
            case "SUBPATTERN" | "ATOMIC_GROUP":
                total += steps(argument[-1] if isinstance(argument, tuple) else argument)
            case "ASSERT" | "ASSERT_NOT":
                total += steps(argument[1])
            case _:
                total += 1
    return total


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_every_repetition_ends(name: str) -> None:
    pattern = PATTERNS[name]
    if name.rpartition(".")[2] in ONCE:
        (run,) = [part for part in re._parser.parse(pattern.pattern) if str(part[0]).endswith("REPEAT")]  # type: ignore[attr-defined]
        assert [str(op) for op, _ in run[1][2]] == ["IN"]
        return
    if name in ("quotes._STRING", "escapes._PERCENT"):
        return  # each letter is taken by one branch, and nothing is given back
    assert steps(re._parser.parse(pattern.pattern)) <= MOST  # type: ignore[attr-defined]


def test_strings_give_nothing_back() -> None:
    assert "++" in quotes._STRING.pattern
    assert "*+" in quotes._STRING.pattern


@pytest.mark.parametrize("finder", [keys.keys, mail.addresses, figures.cards, figures.phones])
@pytest.mark.parametrize(
    "hostile", ["@", "a@", "a.", "@a.", "1", "1 ", "4111 ", "+1", "(0", "sk-", "-eyJ", "a-----BEGIN PRIVATE KEY-----"]
)
def test_hostile_text_is_read(finder: Any, hostile: str) -> None:
    text = hostile * 20_000
    for start, end in finder(text):
        assert 0 <= start < end <= len(text)
