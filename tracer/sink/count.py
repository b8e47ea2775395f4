"""How many tokens a text has: by the tokenizer of OpenAI's models, times what the model's family makes of it.

Only OpenAI's vocabularies can be had in a package. Other families cut texts much alike: the factors below were measured on
recorded calls that state their usage (python -m tests.conformance.estimates prints the errors). What surrounds the texts, a
template's marks, roles, and a prompt for tools that providers put in themselves, is a constant a message, a tool and a call.

Invariants
- Linear in the text, whatever it says (the tokenizer is of the kind that has no bad case), and bounded: of more than MOST_CHARS
  characters the first ones are counted and the rest is taken to be alike.
- Nothing is downloaded. Where the package is not installed, four characters are a token, and each of a script without spaces.

A vocabulary takes some 25 MB of memory (and as much of a file's pages), so it is loaded when it is first needed.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from msgspec import Struct

MOST_CHARS = 1 << 20
RULE = "a rule of letters"

# Han, kana, Hangul, Thai, Lao, Khmer: about one token a letter.
_DENSE = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_LETTERS = 4


class Family(Struct, frozen=True):
    """Models that cut texts alike. `factor`: their tokens for each of `vocabulary`'s; the rest: what is put around texts."""

    name: str
    models: str  # pattern of their names, or of the providers'
    vocabulary: str = "o200k_base"
    factor: float = 1.0
    a_message: float = 4
    a_call: float = 3
    with_tools: float = 100  # the provider's own prompt for tools
    of_schema: float = 1.0  # of the tokens of tools' JSON
    of_answer: float = 1.0  # of a JSON schema that the answer must fit
    a_tool_call: float = 15  # around name and arguments, written and read


FAMILIES: tuple[Family, ...] = (
    Family(
        "OpenAI before GPT-4o",
        r"gpt-4(?![o.\d])|gpt-3\.?5|text-embedding|davinci-002|babbage-002|gpt-35",
        "cl100k_base",
        with_tools=10,
        of_schema=0.5,
        a_tool_call=7,
    ),
    Family("gpt-oss", "gpt-oss", a_call=66, with_tools=30, a_tool_call=8),
    Family("OpenAI", r"gpt|codex|(?:^|/)o[134](?:-|$)|computer-use", with_tools=10, of_schema=0.5, a_tool_call=8),
    Family("Anthropic", "claude|anthropic", factor=1.18, with_tools=500, of_schema=1.4, a_tool_call=37, a_call=4),
    Family("Google", "gemini|gemma|google", a_message=0, a_call=0, with_tools=0, of_schema=0.7, of_answer=0, a_tool_call=1),
    Family("Llama", "llama|meta", factor=1.06, a_message=5, a_call=5, with_tools=600, of_schema=1.4, a_tool_call=20),
    Family("Mistral", "mistral|mixtral|pixtral|magistral|codestral|devstral|ministral", factor=1.12, a_message=3, a_call=2,
           with_tools=0, of_schema=1.4, a_tool_call=3),
    Family("Amazon", "nova|titan|amazon", a_message=5, a_call=5, with_tools=600, of_schema=1.4, a_tool_call=11),
    Family("Writer", "palmyra|writer", factor=1.12, a_message=16, a_call=15, with_tools=100, of_schema=0.9, a_tool_call=11),
    Family("Cohere", "command|cohere|aya", factor=1.05, a_message=2, a_call=0, with_tools=0, of_schema=0.6, a_tool_call=0),
    Family("DeepSeek", "deepseek", factor=1.03, a_message=3, a_call=3, with_tools=300, of_schema=1.4, a_tool_call=35),
    Family("Qwen", "qwen|qwq", factor=1.15, a_message=4, a_call=4, with_tools=150, of_schema=0.7, a_tool_call=6),
)  # fmt: skip
OTHERS = Family("others", "", factor=1.03)
_PATTERNS = tuple((re.compile(family.models, re.IGNORECASE), family) for family in FAMILIES)


def family_of(model: str, provider: str) -> Family:
    """By the model's name, else by the provider's."""
    for name in (model, provider):
        for pattern, family in _PATTERNS:
            if name and pattern.search(name):
                return family
    return OTHERS


def tokens_of(texts: Iterable[str], family: Family) -> float:
    """How many tokens these texts are to models of this family."""
    count = _counter(family.vocabulary) or by_letters
    counted = left = 0
    tokens = 0
    for text in texts:
        part = text[: max(MOST_CHARS - counted, 0)]
        tokens += count(part) if part else 0
        counted += len(part)
        left += len(text) - len(part)
    more = tokens * left / counted if counted else 0
    return (tokens + more) * family.factor


def way_of(family: Family) -> str:
    """By what `tokens_of` counts, for people."""
    name = family.vocabulary if _counter(family.vocabulary) is not None else RULE
    return name if family.factor == 1.0 else f"{name} × {family.factor}"


def by_letters(text: str) -> int:
    """Without a tokenizer."""
    dense = len(_DENSE.findall(text))
    return dense + -(-(len(text) - dense) // _LETTERS)


@cache
def _counter(vocabulary: str) -> Callable[[str], int] | None:
    bindings = _bindings()
    if bindings is None:
        return None
    count: Callable[[str], int] = bindings.tokenizer_for_encoding(vocabulary).count
    return count


@cache
def _bindings() -> Any:
    """The compiled module alone: the package around it reads the vocabularies once more, in Python, and refuses long texts."""
    package = find_spec("bpe_openai")
    spec = PathFinder.find_spec("_bindings", package.submodule_search_locations) if package is not None else None
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
