"""Cohere's events, of both versions of its API → the reply. Version 1 repeats the whole reply in its last event."""

from typing import Any

from tracer.sink.assemble.pieces import MOST_PARTS, Growing, index_of, mapping

_CONTENT = ("content-start", "content-delta")
_CALL = ("tool-call-start", "tool-call-delta")


def assemble_chat(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply of version 2."""
    whole: dict[str, Any] = {}
    message = Growing({"role": "assistant"})
    parts: dict[int, Growing] = {}
    calls: dict[int, Growing] = {}
    for event in events:
        kind, delta = event.get("type"), mapping(event.get("delta"))
        said = mapping(delta.get("message"))
        if kind == "message-start":
            whole["id"] = event.get("id")
        elif kind == "message-end":
            whole |= delta
        elif kind in _CONTENT and len(parts) < MOST_PARTS:
            _take_part(parts.setdefault(index_of(event), Growing()), mapping(said.get("content")))
        elif kind in _CALL and len(calls) < MOST_PARTS:
            _take_call(calls.setdefault(index_of(event), Growing()), mapping(said.get("tool_calls")))
        elif kind == "tool-plan-delta":
            message.grow("tool_plan", said.get("tool_plan"))
        elif kind == "citation-start":
            message.extend("citations", said.get("citations"))
    lists = {"content": list(map(_part, _ordered(parts))), "tool_calls": list(map(_call, _ordered(calls)))}
    return {**whole, "message": message.whole() | {key: items for key, items in lists.items() if items}}


def _ordered(items: dict[int, Growing]) -> list[Growing]:
    return [items[at] for at in sorted(items)]


def _take_part(part: Growing, piece: dict[str, Any]) -> None:
    for key, value in piece.items():
        if key == "type":
            part.fields[key] = value
        else:
            part.grow(key, value)


def _part(part: Growing) -> dict[str, Any]:
    done = part.whole()
    return {"type": "thinking" if "thinking" in done else "text", **done}


def _take_call(call: Growing, piece: dict[str, Any]) -> None:
    for key, value in piece.items():
        if key != "function":
            call.fields[key] = value
            continue
        for name, text in mapping(value).items():
            call.grow(f"function {name}", text)


def _call(call: Growing) -> dict[str, Any]:
    done = call.whole()
    function = {key.removeprefix("function "): value for key, value in done.items() if key.startswith("function ")}
    return {key: value for key, value in done.items() if not key.startswith("function ")} | {"function": function}


def assemble_reply(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply of version 1."""
    whole = Growing()
    for event in events:
        response = event.get("response")
        if isinstance(response, dict):
            return {**response, **({"finish_reason": event["finish_reason"]} if event.get("finish_reason") else {})}
        whole.grow("text", event.get("text"))
        if event.get("generation_id"):
            whole.fields["generation_id"] = event["generation_id"]
        if event.get("tool_calls"):
            whole.fields["tool_calls"] = event["tool_calls"]
    return whole.whole()
