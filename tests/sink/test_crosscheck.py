"""The sink's totals against those of genai-prices' own reader, for every recorded exchange whose flavour that reader knows.

The two are written independently of each other. Where they differ, one of them is wrong or they mean different things; each
such case has its name here, and a reason.
"""

from collections import Counter
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Provider, Usage

from tests.sink.exchanges import corpus, provider_of, replay
from tests.sink.oracle import Stated, stated_usage
from tracer.records import Call
from tracer.sink import price
from tracer.sink.decode import decode

BOOK = price.load(None)
# Our slug: the library's provider.
THEIRS = {
    "openai": "openai",
    "azure-openai": "azure",
    "groq": "groq",
    "mistral-ai": "mistral",
    "deepseek": "deepseek",
    "cerebras": "cerebras",
    "openrouter": "openrouter",
    "google": "google",
    "vertex-ai": "google",
    "z-ai": "zai",
    "anthropic": "anthropic",
    "bedrock": "aws",
    "cohere": "cohere",
    "huggingface": "huggingface_together",
}
# The library's figure for each of ours that it has; what it does not report is not compared.
FIGURES = {
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "image_output_tokens": "output_image_tokens",
    "web_searches": "web_searches",
}
# What is different on purpose: (our slug, column), and why.
EXPLAINED = {
    ("google", "output_tokens", "chat"): "the library does not see the thinking that only the total tells of",
    ("google", "reasoning_tokens", "chat"): "the same",
    ("mistral-ai", "cache_read_tokens", "default"): "num_cached_tokens is unknown to the library",
    ("openrouter", "reasoning_tokens", "chat"): "more reasoning than output is cut down to the output",
    ("openrouter", "web_searches", "chat"): "the library does not read server_tool_use",
    ("openai", "web_searches", "responses"): "the library reads the usage object only; searches stand in tool_usage beside it",
}


def flavour_of(provider: Provider, stated: Stated, path: str) -> str:
    """The library's name for this kind of usage; empty if it knows none."""
    raw = stated.raw
    known = [extractor.api_flavor for extractor in provider.extractors or ()]
    if "embed" in path:
        wanted = ["embeddings"]
    elif provider.id == "aws" and "total_tokens" in raw:
        wanted = []  # OpenAI's dialect at Bedrock
    elif provider.id == "aws":
        wanted = (
            ["default"] if "inputTokens" in raw else ["anthropic"] if "input_tokens" in raw and "converse" not in path else []
        )
    elif provider.id == "google":
        wanted = ["default"] if "promptTokenCount" in raw else ["chat"]
    elif "input_tokens" in raw and "total_tokens" in raw:
        wanted = ["responses", "default"]
    elif "prompt_tokens" in raw:
        wanted = ["chat", "default"]
    else:
        wanted = ["default"]
    return next((name for name in wanted if name in known), "")


def their_usage(recorded: dict[str, Any], stated: Stated) -> tuple[Usage, str] | None:
    """What the library reads in a reply with this usage, and the flavour it was read by."""
    provider = get_snapshot().find_provider(None, THEIRS[provider_of(recorded)], None)
    flavour = flavour_of(provider, stated, recorded["path"])
    if not flavour:
        return None
    root = "usageMetadata" if "promptTokenCount" in stated.raw else "usage"
    raw = stated.raw
    if "meta" in recorded["response"][-400:] and "billed_units" in raw and flavour == "embeddings":
        root = "meta"
    try:
        _, found = provider.extract_usage({"model": "m", "modelVersion": "m", root: raw}, api_flavor=flavour)
    except ValueError:  # a figure that it insists on is not there
        return None
    return found, flavour


def differences(call: Call, found: Usage, flavour: str) -> set[tuple[str, str, str]]:
    wrong = set()
    for ours, theirs in {"input_tokens": "input_tokens", "output_tokens": "output_tokens", **FIGURES}.items():
        figure = found.reported_value(theirs)
        if (getattr(call, ours) or 0) != (figure or 0):
            wrong.add((call.provider, ours, flavour))
    return wrong


@pytest.fixture(scope="module")
def compared() -> tuple[Counter[tuple[str, str]], set[tuple[str, str, str]]]:
    """How many of each kind were compared, and every kind of difference."""
    counts: Counter[tuple[str, str]] = Counter()
    found: set[tuple[str, str, str]] = set()
    for recorded in corpus():
        stated = stated_usage(recorded)
        if stated is None or provider_of(recorded) not in THEIRS or recorded["host"].startswith("localhost"):
            continue
        theirs = their_usage(recorded, stated)
        if theirs is not None:
            counts[provider_of(recorded), theirs[1]] += 1
            found |= differences(decode(replay(recorded), BOOK), *theirs)
    return counts, found


def test_enough_was_compared(compared: tuple[Counter[tuple[str, str]], set[tuple[str, str, str]]]) -> None:
    counts, _ = compared
    assert counts.total() > 1400
    assert len({provider for provider, _ in counts}) == len(THEIRS)


def test_every_difference_has_a_reason(compared: tuple[Counter[tuple[str, str]], set[tuple[str, str, str]]]) -> None:
    _, found = compared
    assert found - EXPLAINED.keys() == set()


def test_every_reason_has_a_difference(compared: tuple[Counter[tuple[str, str]], set[tuple[str, str, str]]]) -> None:
    _, found = compared
    assert EXPLAINED.keys() - found == set()
