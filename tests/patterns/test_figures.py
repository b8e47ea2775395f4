"""Cards by issuer, length and Luhn's sum; telephones by how they are written. Ids, times and numbers in code survive."""

import random

import pytest

from tests.patterns.planted import CARDS, PHONES
from tracer.patterns.figures import cards, phones


def cards_of(text: str) -> list[str]:
    return [text[start:end] for start, end in cards(text)]


def phones_of(text: str) -> list[str]:
    return [text[start:end] for start, end in phones(text)]


@pytest.mark.parametrize("issuer", CARDS)
@pytest.mark.parametrize("around", ["{}", "card {}.", '"{}"', "{},", "no {} 12/27 123", "order 12 {}", "a 1234 {}"])
def test_a_card_wherever_it_stands(issuer: str, around: str) -> None:
    assert cards_of(around.format(CARDS[issuer])) == [CARDS[issuer]]


def test_cards_in_a_row() -> None:
    numbers = [number for number in CARDS.values() if number.isdigit()]
    for between in (",", ", ", " ", "\n", ";"):
        assert cards_of(between.join(numbers)) == numbers


def test_one_wrong_figure_is_no_card() -> None:
    for number in CARDS.values():
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        assert cards_of(wrong) == []


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111000000",  # too long
        "0.4111111111111111 1.4111111111111111 4111111111111111.25",
        "x4111111111111111 4111111111111111a _4111111111111111",
        "41111111-1111-1111-1111-111111111111",
        "1700000000000 1700000000000000 1700000000000000000",
        "4006381333931",  # an article number with a right check figure
        "1111 1111 1111 1111 0000 0000 0000 0000",
        "chatcmpl-4111111111111111x",
    ],
)
def test_no_cards(text: str) -> None:
    assert cards_of(text) == []


def test_few_numbers_of_that_length_are_cards() -> None:
    rng = random.Random(7)
    taken = sum(bool(cards_of(str(rng.randrange(10**15, 10**16)))) for _ in range(5000))
    assert taken < 5000 * 0.04


@pytest.mark.parametrize("number", PHONES)
@pytest.mark.parametrize("around", ["{}", "call {} now", '"{}"', "Tel.: {}", "({})", "{}."])
def test_a_telephone_wherever_it_stands(number: str, around: str) -> None:
    text = around.format(number)
    found = phones_of(text)
    left = text
    for each in found:
        left = left.replace(each, "")
    assert found
    assert not any(figure.isdigit() for figure in left)


@pytest.mark.parametrize("text", ["phone: 5551234", "call me at 555 123 4567", "mobile 1234567890", '"phone": "5551234567"'])
def test_a_word_tells_a_telephone(text: str) -> None:
    assert len(phones_of(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T11:07:12+00:00 2026-11-22 11:07:12 22.11.2026 11/22/2026 12:30:45.123456",
        "1700000000 1700000000.123 1700000000000",
        "192.168.100.200 10.0.0.1:8080 255.255.255.255",
        "1,234,567,890.12 1.234.567,89 3.14159265358979 6.02214076e+23 1e-10",
        "v1.2.3-4567 10.15.7.8901 Python/3.11.2 Mozilla/5.0 (X11) AppleWebKit/537.36",
        "00 01 02 03 04 05 06 07 08 09 0a 0b",
        "200 300 4000\n400 500 6000\n",
        "550e8400-e29b-41d4-a716-446655440000 call_0123456789 resp_0123456789abcdef",
        "x = 1234567890; y[0:100] = 0x7fffffff + 4294967295",
        "chapter 12, pages 415-555, 2671 words; ISBN 978-3-16-148410-0; lines 100-200-300",
        "tokens: 4157, 5552, 671; 0.001234567 0123456789012345",
        "the call 1 of 3; calls: 12; callback 7",
        "+1 -1 +100 a+1234567890 1+2025550123",
    ],
)
def test_no_telephones(text: str) -> None:
    assert phones_of(text) == []


@pytest.mark.parametrize("at", range(65_500, 65_540))
def test_wherever_in_a_long_text(at: int) -> None:
    text = "x" * at + " 4111 1111 1111 1111, +49 30 1234567"
    assert cards_of(text) == ["4111 1111 1111 1111"]
    assert phones_of(text) == ["+49 30 1234567"]
