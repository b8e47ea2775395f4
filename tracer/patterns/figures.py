"""Numbers that belong to people: payment cards and telephones.

Cards: 14 to 19 figures, together or in the groups that are printed, that begin as an issuer's and pass Luhn's check. So of
other numbers of that length some 2 in 100 are taken for one. Old Visa cards of 13 are left out: article numbers (EAN-13)
look so.

Telephones: with `+` and a country; with `00`, a country and a separator; ten figures of North America in their groups; a
leading 0, an area and a number of Europe; and whatever has 7 to 15 figures behind a word for telephone. Not: times, dates,
versions, ids, amounts, IP addresses, columns of figures.

What must not be given back is in an atomic group, `(?>(?:…)?)`. The possessive `(?:…)?+` says the same, but before 3.11.5
Python forgets to go back to where a group began that fails behind its first character, and a number is not found.
"""

import re
from collections.abc import Iterator

Range = tuple[int, int]

_CARD = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d\.)"
    r"(?:([2-6]\d{3})([ -])\d{4}\2\d{4}\2\d{4}(?>(?:\2\d{3})?)|(3\d{3})([ -])\d{6}\4\d{4,5}|([2-6]\d{13,18}))"
    r"(?![A-Za-z0-9_]|\.\d)"
)
_IN_GROUPS_OF_FOUR = 19
# First figures of an issuer, from and to, and the lengths of its numbers.
_ISSUERS = (
    (4, 4, (16, 18, 19)),
    (51, 55, (16,)),
    (2221, 2720, (16,)),
    (2200, 2204, (16, 17, 18, 19)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (300, 305, (14, 16)),
    (36, 36, (14, 16)),
    (38, 39, (14, 16)),
    (6011, 6011, (16, 19)),
    (644, 659, (16, 19)),
    (62, 62, (16, 17, 18, 19)),
    (3528, 3589, (16, 19)),
    (5018, 5018, (16,)),
    (6759, 6759, (16,)),
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_PHONE = re.compile(
    r"(?<![\w+.@/-])(?<!\d[ ,])"
    r"(?:"
    # +49 (0)30 123456, +14155552671
    r"\+[1-9]\d{0,2}(?>(?:[ /-]{0,2}(?:\(\d{1,5}\)|\d{1,14})|\.\d{2,14}){1,7})"
    # 0049 30 123456
    r"|00[1-9]\d{0,2}[ ./-]\(?\d{1,5}\)?(?>(?:[ ./-]?\d{1,8}){1,5})"
    # (415) 555-2671, 415-555-2671, 1-415-555-2671
    r"|(?>(?:1[-. ])?)(?:\([2-9]\d{2}\)[-. ]?|[2-9]\d{2}[-.])[2-9]\d{2}[-. ]\d{4}"
    # 01 23 45 67 89
    r"|0[1-9](?:[ .-]\d\d){4}"
    # 030 1234567, 0151/12345678, 020 7946 0958, (030) 1234567
    r"|\(?0[1-9]\d{1,3}\)?[ /-]\d{3,8}(?>(?:[ -]\d{2,6}){0,2})"
    r")"
    r"(?![\w@]|[ .:,/-]?\d)"
)
# So much is looked through at once, and so much of it again, in which a stretch may begin.
_AT_A_TIME, _SHORTEST = 65_536, 32
# So far do the expressions look behind a match.
_LOOKED_AHEAD = 2
# What numbers are written with. Only such stretches are looked at closely: text is passed over at the speed of one comparison.
_STRETCH = re.compile(r"[+(0-9][0-9 ()./-]{6,}")
_CARD_STRETCH = re.compile(r"[2-6][0-9 -]{13,}")
_CUE = re.compile(
    r"(?<![^\W_])(?:tel(?:e(?:ph|f)on[eo]?)?|t[ée]l[ée]phone|(?:tele)?phone|mobile?|cell|fax|handy|whatsapp|call|rufnummer|portable)"
    r"(?:[ _-]?(?:number|nummer|no|nr|phone))?[.\"'\\]{0,4} ?[:=#]? {0,2}[\"'\\]{0,2}(?:is |me at |at )?$",
    re.IGNORECASE,
)
_LONGEST_CUE = 48
# One of these is in each of them. Most figures are no telephone's, and looking for a part of a word costs a tenth.
_IN_CUES = ("tel", "phone", "mobil", "cell", "fax", "handy", "whatsapp", "call", "rufnummer", "portable")
_ANY_NUMBER = re.compile(r"\(?\d(?>(?:[ ./()-]{0,2}\d){6,14})(?![\w@]|[.:,]\d)")
_FEWEST, _MOST = 8, 15


def _stretches(form: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """As its finditer, but other threads get to run in between: a search that goes on for megabytes holds the interpreter."""
    at = 0
    while at < len(text):
        found = form.search(text, at, at + _AT_A_TIME)
        whole = found and form.match(text, found.start())  # what the end of the search cut short
        if whole:
            yield whole
            at = whole.end()
        else:
            at += _AT_A_TIME - _SHORTEST


def cards(text: str) -> Iterator[Range]:
    """Where numbers of payment cards stand."""
    for stretch in _stretches(_CARD_STRETCH, text):
        yield from _cards_within(text, stretch.start(), stretch.end())


def _cards_within(text: str, at: int, until: int) -> Iterator[Range]:
    while found := _CARD.search(text, at, until + _LOOKED_AHEAD):
        start, end = found.span()
        at = end
        if _is_card(found[0]):
            yield start, end
        elif found[2] and end - start > _IN_GROUPS_OF_FOUR and _is_card(found[0][:_IN_GROUPS_OF_FOUR]):
            at = start + _IN_GROUPS_OF_FOUR  # what follows is its three-figure check
            yield start, at
        elif found[2]:
            at = start + 5  # another card may begin with the next group


def _is_card(written: str) -> bool:
    figures = written.replace(" ", "").replace("-", "")
    return _is_issued(figures) and _passes_luhn(figures)


def _is_issued(figures: str) -> bool:
    return any(low <= int(figures[: len(str(low))]) <= high and len(figures) in lengths for low, high, lengths in _ISSUERS)


def _passes_luhn(figures: str) -> bool:
    backwards = [ord(figure) - 48 for figure in reversed(figures)]
    return (sum(backwards[::2]) + sum(_DOUBLED[figure] for figure in backwards[1::2])) % 10 == 0


def phones(text: str) -> Iterator[Range]:
    """Where telephone numbers stand."""
    for stretch in _stretches(_STRETCH, text):
        start, end = stretch.span()
        for found in _PHONE.finditer(text, start, end + _LOOKED_AHEAD):
            count = sum(map(str.isdigit, found[0]))
            national = found[0][0] in "(0" and not found[0].startswith("00")
            if (10 if national else _FEWEST) <= count <= _MOST:
                yield found.span()
        if _is_cued(text[max(0, start - _LONGEST_CUE) : start]) and (told := _ANY_NUMBER.match(text, start)):
            yield told.span()


def _is_cued(before: str) -> bool:
    lower = before.lower()
    return any(part in lower for part in _IN_CUES) and _CUE.search(before) is not None
