"""In which tier, or by which way of processing, a call was served: one word, whatever the provider calls it.

`""` is the standard tier; `flex`, `priority`, `batch` and `fast` have prices of their own at several providers. Any other word
is kept: a user's table may price it, and a list that does not know it has the standard price.
"""

from collections.abc import Mapping
from typing import Any

# OpenAI: default, auto, scale (paid beforehand); Anthropic: standard; Groq: on_demand; Gemini and Vertex: trafficType.
_WORDS = {
    **dict.fromkeys(("default", "auto", "standard", "scale", "on_demand", "on-demand", "ondemand", "regular"), ""),
    **dict.fromkeys(("traffic_type_unspecified", "service_tier_unspecified", "unspecified", "reserved"), ""),
    **dict.fromkeys(("provisioned_throughput", "standard_only"), ""),
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
    "on_demand_batch": "batch",
    "batches": "batch",
}


def served(tier: str, raw: Mapping[str, Any]) -> str:
    """The word for a tier as the provider names it, and a usage object, in which Anthropic tells of tier and speed."""
    if raw.get("speed") == "fast":
        return "fast"
    word = tier or raw.get("service_tier")
    if not word or not isinstance(word, str):
        return ""
    word = word.lower()
    return _WORDS.get(word, word)
