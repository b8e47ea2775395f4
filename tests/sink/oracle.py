"""What a recorded exchange says of its usage, read in the plainest way there is: no rows, no streams, none of the sink's code.

It knows the recorded bodies only, so it may be short; the sink must find the same for those and be right for others too.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

_COUNTING = ("/count_tokens", "/input_tokens")


class Stated(NamedTuple):
    """Input and output as billed (None: not told), the provider's own total if it has one, and the usage itself."""

    input: int | None
    output: int | None
    total: int | None
    raw: dict[str, Any]


def documents(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    """The reply's JSON objects: the document, or those of its lines, with `data:` before them or without."""
    try:
        whole = orjson.loads(recorded["response"])
        return [whole] if isinstance(whole, dict) else []
    except orjson.JSONDecodeError:
        lines = recorded["response"].replace("\r\n", "\n").split("\n")
        found = []
        for line in lines:
            text = line.removeprefix("data:").strip()
            if text.startswith("{"):
                found.append(orjson.loads(text))
        return found


def is_stream(recorded: dict[str, Any]) -> bool:
    kind = recorded["content_type"]
    return any(word in kind for word in ("event-stream", "ndjson", "stream+json")) or recorded["response"].startswith("data:")


def stated_usage(recorded: dict[str, Any]) -> Stated | None:
    """The usage that a recorded exchange states and that was billed with it; None if it states none."""
    path = recorded["path"].partition("?")[0]
    if recorded["status"] != 200 or recorded["method"].upper() != "POST" or path.endswith(_COUNTING):
        return None
    merged: dict[str, Any] = {}
    for document in documents(recorded):
        for raw in _usages(document):
            anthropic = "output_tokens" in raw and "total_tokens" not in raw
            merged = {**merged, **{key: value for key, value in raw.items() if value is not None}} if anthropic else raw
    return _read(merged) if merged else None


def _usages(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner = [document, *(document.get(key) for key in ("response", "message", "delta", "x_groq"))]
    for part in inner:
        for key in ("usage", "usageMetadata", "meta"):
            usage = part.get(key) if isinstance(part, dict) else None
            if isinstance(usage, dict) and usage:
                yield usage
    for key in ("eval_count", "inputTextTokenCount", "prompt_token_count"):
        if key in document:
            yield document


def _read(raw: dict[str, Any]) -> Stated | None:
    def sum_of(*keys: str) -> int:
        return sum(raw.get(key) or 0 for key in keys)

    if "promptTokenCount" in raw:
        given = sum_of("promptTokenCount", "toolUsePromptTokenCount")
        return Stated(given, sum_of("candidatesTokenCount", "thoughtsTokenCount"), raw.get("totalTokenCount"), raw)
    if "billed_units" in raw:
        return Stated(raw["billed_units"]["input_tokens"], raw["billed_units"]["output_tokens"], None, raw)
    if "inputTokens" in raw:
        given = sum_of("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        return Stated(given, raw.get("outputTokens"), raw.get("totalTokens"), raw)
    if "eval_count" in raw:
        return Stated(raw.get("prompt_eval_count"), raw["eval_count"], None, raw)
    if "inputTextTokenCount" in raw:
        made = sum(result["tokenCount"] for result in raw.get("results", []))
        return Stated(raw["inputTextTokenCount"], made, None, raw)
    if "prompt_token_count" in raw:
        return Stated(raw["prompt_token_count"], raw["generation_token_count"], None, raw)
    if "input_tokens" in raw:
        given = sum_of("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return Stated(given, raw["output_tokens"], raw.get("total_tokens"), raw)
    if "prompt_tokens" in raw or "total_tokens" in raw:
        total = raw.get("total_tokens")
        given = raw.get("prompt_tokens", total)
        return Stated(given, total - given, total, raw)
    return None


def stated_model(recorded: dict[str, Any]) -> str:
    """The first model that the reply names."""
    for document in documents(recorded):
        for part in (document, document.get("response"), document.get("message")):
            model = part.get("model") or part.get("modelVersion") if isinstance(part, dict) else None
            if model:
                return str(model)
    return ""


_REASONS = ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason", "completionReason")


def stated_reasons(recorded: dict[str, Any]) -> set[str]:
    """Every finish reason that the reply names anywhere where reasons stand."""
    found: set[str] = set()
    for document in documents(recorded):
        if "/responses" in recorded["path"]:
            response = document.get("response", document)
            details = response.get("incomplete_details")
            found = {details["reason"] if details else response["status"]} if response.get("status") else found
            continue
        parts = [document, document.get("delta"), document.get("response")]
        for key in ("choices", "candidates", "results", "generations", "outputs"):
            parts += document.get(key) or [] if isinstance(document.get(key), list) else []
        for part in parts:
            if isinstance(part, dict):
                found |= {reason for key in _REASONS if isinstance(reason := part.get(key), str)}
    return found - {""}
