"""Dialects whose every event is a whole reply with the next piece of text in it: Ollama, llama.cpp, text-generation-inference,
Anthropic's completions, and most models behind Bedrock's invoke. Texts are joined, of all else the last stands.
"""

from typing import Any

from tracer.sink.assemble.pieces import MOST_PARTS, Growing, index_of, known, mapping

_TEXTS = ("response", "thinking", "content", "completion", "generation")
_LISTS = ("outputs", "generations")
# What tells of this piece only.
_OF_A_PIECE = ("token", "tokens", "index", "is_finished", "top_tokens")


def assemble_plain(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply."""
    whole, message = Growing(), Growing()
    lists: dict[str, dict[int, Growing]] = {}
    for event in events:
        for key, value in event.items():
            if key in _TEXTS:
                whole.grow(key, value)
            elif key == "message" and isinstance(value, dict):
                _take_message(message, value)
            elif key in _LISTS and isinstance(value, list):
                _take_list(lists.setdefault(key, {}), value)
            elif value is not None and key not in _OF_A_PIECE:
                whole.fields[key] = value
    done = whole.whole()
    for key, items in lists.items():
        done[key] = [items[at].whole() for at in sorted(items)]
    said = message.whole()
    return done | {"message": said} if said else done


def _take_message(message: Growing, piece: dict[str, Any]) -> None:
    for key, value in piece.items():
        if key in ("content", "thinking"):
            message.grow(key, value)
        elif key == "tool_calls":
            message.extend(key, value or [])
        elif value is not None:
            message.fields[key] = value


def _take_list(items: dict[int, Growing], pieces: list[Any]) -> None:
    for position, piece in enumerate(pieces[:MOST_PARTS]):
        item = items.setdefault(index_of(mapping(piece), position), Growing())
        for key, value in known(mapping(piece)).items():
            if key == "text":
                item.grow(key, value)
            else:
                item.fields[key] = value


def assemble_titan(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Titan's reply, whose unstreamed form has the text in `results`."""
    result, whole = Growing(), {}
    for event in events:
        result.grow("outputText", event.get("outputText"))
        for name, key in (("totalOutputTextTokenCount", "tokenCount"), ("completionReason", "completionReason")):
            if event.get(name) is not None:
                result.fields[key] = event[name]
        if event.get("inputTextTokenCount") is not None:
            whole["inputTextTokenCount"] = event["inputTextTokenCount"]
    return {**whole, "results": [result.whole()]}
