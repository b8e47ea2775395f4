"""SGP's list of models, from an upstream's own list (`GET /v1/models`).

A name in it works as a model on this door: `model_vendor/model_name`. What an OpenAI-like list does not say is not made up:
the type is `generic`, and the models are `available`, since the upstream lists them.
"""

from collections.abc import Mapping
from typing import Any

from tracer.scale.errors import Fault, unprocessable

_SORTABLE = frozenset({"model_name", "model_type", "model_vendor", "model_availability"})


def models(upstream: object, vendor: str, query: Mapping[str, str]) -> dict[str, object]:
    """The reply to `GET /v5/chat/completions/models`: `upstream` is the parsed list, `query` the caller's. Raises Refused."""
    items = [_item(name, vendor) for name in _names(upstream)]
    sort_by = query.get("sort_by", "")
    descending = query.get("sort_order", "asc") == "desc"
    if sort_by or "sort_order" in query:
        items.sort(key=lambda item: item[sort_by if sort_by in _SORTABLE else "model_name"], reverse=descending)
    return {"object": "list", "items": _page(items, query)}


def _item(name: str, vendor: str) -> dict[str, str]:
    return {"model_name": name, "model_type": "generic", "model_vendor": vendor, "model_availability": "available"}


def _names(upstream: object) -> list[str]:
    """Ids of an OpenAI list, of a bare array (Together's) or of `models` (Ollama's own), each once."""
    listed: Any = upstream
    if isinstance(upstream, dict):
        listed = upstream.get("data") or upstream.get("models")
    if not isinstance(listed, list):
        return []
    names = [entry.get("id") or entry.get("name") for entry in listed if isinstance(entry, dict)]
    # Gemini's compatible list says models/gemini-…, and takes the name without.
    return list(dict.fromkeys(name.removeprefix("models/") for name in names if isinstance(name, str) and name))


def _page(items: list[dict[str, str]], query: Mapping[str, str]) -> list[dict[str, str]]:
    """The part between `starting_after` and `ending_before`, both names, and at most `limit` of it."""
    names = [item["model_name"] for item in items]
    after, before = query.get("starting_after"), query.get("ending_before")
    start = names.index(after) + 1 if after in names else 0
    end = names.index(before) if before in names else len(names)
    limit = _limit(query.get("limit"))
    if limit is None:
        return items[start:end]
    return items[max(start, end - limit) : end] if before in names and after not in names else items[start:end][:limit]


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 10**8):
        raise unprocessable([Fault(("limit",), "Input should be a valid integer greater than 0", "int_parsing")], part="query")
    return int(text[:9])
