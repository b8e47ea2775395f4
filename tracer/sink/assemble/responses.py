"""response.* events → the response object.

The API repeats the whole answer in its terminal event, which is taken as it is. If the stream was cut before, or the provider
leaves `output` empty there, the output is put together from the events of its items.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tracer.sink.assemble.pieces import index_of

_TEXTS = {
    "response.output_text.delta": ("content", "output_text", "text"),
    "response.refusal.delta": ("content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text", "text"),
}
_ARGUMENTS = {
    "response.function_call_arguments.delta": "arguments",
    "response.mcp_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
    "response.code_interpreter_call_code.delta": "code",
}


def assemble_response(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The response object."""
    whole: dict[str, Any] = {}
    items: dict[int, dict[str, Any]] = {}
    texts: dict[tuple[int, str, int, str, str], list[str]] = {}
    for event in events:
        kind = str(event.get("type"))
        response, item, delta = event.get("response"), event.get("item"), event.get("delta")
        at = index_of({"index": event.get("output_index")}, 0)
        if isinstance(response, dict):
            whole = {**whole, **response}
        elif kind in ("response.output_item.added", "response.output_item.done") and isinstance(item, dict):
            items[at] = dict(item)
            if kind.endswith(".done"):
                texts = {key: parts for key, parts in texts.items() if key[0] != at}
        elif isinstance(delta, str):
            if kind in _TEXTS:
                where, part, key = _TEXTS[kind]
                number = index_of({"index": event.get(f"{where}_index")}, 0)
                texts.setdefault((at, where, number, part, key), []).append(delta)
            elif kind in _ARGUMENTS:
                texts.setdefault((at, "", 0, "", _ARGUMENTS[kind]), []).append(delta)
    if not whole.get("output") and (items or texts):
        whole["output"] = _output(items, texts)
    return whole


def _output(
    items: dict[int, dict[str, Any]], texts: Mapping[tuple[int, str, int, str, str], list[str]]
) -> list[dict[str, Any]]:
    """The items, and in those that no event completed the text that had arrived."""
    for (at, where, number, part, key), pieces in sorted(texts.items()):
        item = items.setdefault(at, {"type": "message" if where == "content" else where or "function_call"})
        joined = "".join(pieces)
        if not where:
            item[key] = joined
            continue
        parts = item.get(where)
        parts = list(parts) if isinstance(parts, list) else []
        parts += [{"type": part, key: ""} for _ in range(number + 1 - len(parts))]
        parts[number] = {"type": part, key: joined}
        item[where] = parts
    return [items[at] for at in sorted(items)]
