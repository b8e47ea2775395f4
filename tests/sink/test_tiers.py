from typing import Any

import pytest

from tracer.sink.tiers import served

SERVED: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, ""),
    ("default", {}, ""),
    ("auto", {}, ""),
    ("on_demand", {}, ""),
    ("priority", {}, "priority"),
    ("flex", {}, "flex"),
    ("ON_DEMAND_PRIORITY", {}, "priority"),
    ("ON_DEMAND", {}, ""),
    ("", {"service_tier": "batch"}, "batch"),
    ("", {"service_tier": "standard"}, ""),
    ("", {"service_tier": {"type": "flex"}}, ""),
    ("standard", {"speed": "fast"}, "fast"),
    ("performance", {}, "performance"),
]


@pytest.mark.parametrize(("tier", "raw", "word"), SERVED)
def test_one_word_for_each_tier(tier: str, raw: dict[str, Any], word: str) -> None:
    assert served(tier, raw) == word
