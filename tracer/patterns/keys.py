"""Keys and tokens by the forms that their makers gave them. Precise by construction: a prefix that nothing else has, then
letters of a kind and number that no word has.

Strategy: each family has literal beginnings, which are looked for first, at the speed of memory; only where one stands is
its expression tried, at that place. So a text without keys costs some twenty searches for a word.

Traps
- `sk-` begins names of CSS classes too (`sk-fading-circle`), so behind it a long run of letters with a figure among them is
  asked for.
- What stands before the prefix must not be a letter or figure, else base64 would hold keys by chance.
"""

import re
from collections.abc import Iterator

Range = tuple[int, int]

_FAMILIES: tuple[tuple[tuple[str, ...], str], ...] = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse and many more
    (("sk-",), r"sk-[A-Za-z0-9_-]{20,300}"),
    (("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}"),
    (("glpat-",), r"glpat-[A-Za-z0-9_.-]{20,100}"),
    (("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-"), r"xox[abeprs]-[A-Za-z0-9-]{10,250}"),
    (("xapp-",), r"xapp-[0-9]-[A-Za-z0-9-]{10,250}"),
    (("AIza",), r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9])"),
    (("ya29.",), r"ya29\.[A-Za-z0-9_-]{20,2000}"),
    (("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_-]{20,64}"),
    (
        ("gsk_", "xai-", "pplx-", "fw_", "hf_", "r8_"),
        r"(?:gsk_|xai-|pplx-|fw_|hf_|r8_)(?=[A-Za-z]{0,60}[0-9])[A-Za-z0-9]{24,200}",
    ),
    (("sk_live_", "rk_live_", "sk_test_", "rk_test_"), r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}"),
    (("SG.",), r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"),
    (("npm_",), r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    (("pypi-AgE",), r"pypi-AgE[A-Za-z0-9_-]{40,600}"),
    (("dop_v1_", "doo_v1_"), r"do[op]_v1_[a-f0-9]{64}"),
    (("eyJ",), r"eyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,16000}(?:\.[A-Za-z0-9_-]{0,4000})?"),
)
_COMPILED = tuple((beginnings, re.compile(form)) for beginnings, form in _FAMILIES)
# A run of letters and figures as no name of many words has.
_RUN = re.compile(r"[A-Za-z0-9]{12,}")
_AWS_SECRET = re.compile(
    r"secret_?-?access_?-?key[\"'\\ ]{0,4}[:=][\"'\\ ]{0,4}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", re.IGNORECASE
)
_LABELS = ("ccess_key", "ccessKey", "ccess-key", "CCESS_KEY")
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_TEXT = re.compile(r"[A-Za-z0-9+/=\s\\:,.-]{0,20000}")
_LONGEST_PEM = 20_000


def keys(text: str) -> Iterator[Range]:
    """Where keys, tokens and private keys stand."""
    for beginnings, form in _COMPILED:
        for beginning in beginnings:
            if beginning in text:
                yield from _of_family(text, beginning, form)
    if any(label in text for label in _LABELS):
        for found in _AWS_SECRET.finditer(text):
            yield found.span(1)
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)


def _of_family(text: str, beginning: str, form: re.Pattern[str]) -> Iterator[Range]:
    at = text.find(beginning)
    while at >= 0:
        end = at + 1
        if not (at and text[at - 1].isalnum()) and (found := form.match(text, at)):
            end = found.end()
            if beginning != "sk-" or _is_random(found[0]):
                yield at, end
        at = text.find(beginning, end)


def _is_random(key: str) -> bool:
    return any(any(letter.isdigit() for letter in run) for run in _RUN.findall(key[3:]))


def _private_keys(text: str) -> Iterator[Range]:
    """From BEGIN to END; where no end follows, as far as it looks like one."""
    next_end = _END.search(text)
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        while next_end and next_end.start() < begin.end():
            next_end = _END.search(text, next_end.end())
        if next_end and next_end.start() - begin.end() <= _LONGEST_PEM:
            done = next_end.end()
        else:
            rest = _PEM_TEXT.match(text, begin.end())
            done = rest.end() if rest else begin.end()
        yield begin.start(), done
