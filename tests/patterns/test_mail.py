"""E-mail addresses, and what only looks like one."""

import pytest

from tests.patterns.planted import EMAILS
from tracer.patterns.mail import addresses


def of(text: str) -> list[str]:
    return [text[start:end] for start, end in addresses(text)]


@pytest.mark.parametrize("address", EMAILS)
@pytest.mark.parametrize("around", ["{}", "to {}.", "<{}>", "mailto:{}?subject=x", '"{}"', "({})", "a {}, b", "user={}&b=1"])
def test_an_address_wherever_it_stands(address: str, around: str) -> None:
    assert of(around.format(address)) == [address]


def test_many_in_a_row() -> None:
    assert of(" ".join(EMAILS)) == list(EMAILS)


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:owner/repository.git",
        "ssh://git@github.com/owner/repository",
        "npm install pkg@1.2.3 @types/node@20 react@latest",
        "y = x@w.dot(z) + a@b",
        "@app.route @media @dataclass user@localhost a@b.c",
        "@@@@@ @. @.. x@ @y.com",
    ],
)
def test_no_addresses(text: str) -> None:
    assert of(text) == []
