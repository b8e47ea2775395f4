"""Message content in the shape of the GenAI conventions: bodies in, JSON strings out. Pure.

Covers OpenAI's chat completions, legacy completions and Responses here, other dialects in dialects.py; a streamed answer
arrives assembled (Content.assembled). Which dialect it is says what the body holds, not the path: many providers speak them.

Rules
- The conventions' schema decides the shape: parts with a `type`, `tool_call` in the singular, one output message per choice.
  A part of a type that they do not know goes through as it is, which they allow ("generic").
- A body is somebody else's JSON: whatever it holds, nothing here raises (tests/exporters/test_messages.py feeds it anything).
  A body that is not JSON, or was cut, gives no attributes.
- Of a tool only name, type, description and parameters are copied: an MCP tool's definition carries its authorization.
- A system message inside the chat stays in the input messages; only instructions sent beside it are system instructions.
- MAX_BYTES for all of it together: OTLP over gRPC refuses messages over 4 MiB by default, and the span with its numbers
  must arrive even if its text cannot. What was left out is named in `tracer.content_dropped`; SQL has it in full.
"""

import orjson
from opentelemetry.util.types import AttributeValue

from exporters import dialects, semconv
from exporters.parts import (
    Json,
    content_parts,
    first_text,
    list_of,
    objects,
    parse_object,
    part_of,
    text_part,
    text_parts,
    tool_answer,
    tool_call,
)
from tracer.records import Content

MAX_BYTES = 2 << 20

_FINISH = {
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "max_output_tokens": "length",
    "completed": "stop",
    "failed": "error",
    "cancelled": "error",
}


def content_attributes(content: Content, operation: str) -> dict[str, AttributeValue]:
    """The content attributes of a call, each a JSON string; none for bodies that are not a conversation."""
    request = parse_object(content.request_body)
    response = parse_object(content.assembled or content.response_body)
    if operation == "embeddings":
        return {}
    found = {
        semconv.GEN_AI_SYSTEM_INSTRUCTIONS: _instructions(request),
        semconv.GEN_AI_INPUT_MESSAGES: _input(request),
        semconv.GEN_AI_OUTPUT_MESSAGES: _output(response),
        semconv.GEN_AI_TOOL_DEFINITIONS: _tools(request),
    }
    return _within_limit({name: value for name, value in found.items() if value})


def _within_limit(found: dict[str, list[Json]]) -> dict[str, AttributeValue]:
    """Serialised, as many as fit, the shortest first."""
    texts: dict[str, bytes] = {}
    dropped: list[str] = []
    for name, value in found.items():
        try:
            texts[name] = orjson.dumps(value)
        except orjson.JSONEncodeError:  # nested deeper than orjson writes, though not deeper than it reads
            dropped.append(name)
    kept: dict[str, AttributeValue] = {}
    left = MAX_BYTES
    for name, text in sorted(texts.items(), key=lambda item: len(item[1])):
        if len(text) <= left:
            kept[name] = text.decode()
            left -= len(text)
        else:
            dropped.append(name)
    if dropped:
        kept[semconv.TRACER_CONTENT_DROPPED] = tuple(sorted(dropped))
    return kept


# --- request ---------------------------------------------------------------------------------------------------------


def _instructions(request: Json) -> list[Json]:
    instructions = request.get("instructions")
    return [text_part(instructions)] if isinstance(instructions, str) and instructions else dialects.system(request)


def _input(request: Json) -> list[Json]:
    native = dialects.asked(request)
    if native is not None:
        return native
    if "messages" in request:
        return [_chat_message(message) for message in objects(request["messages"])]
    if "input" in request:
        return _items(request["input"], "user")
    prompt = request.get("prompt")
    # A prompt may also be token ids; those are not text and are left out.
    prompts = [prompt] if isinstance(prompt, str) else [p for p in list_of(prompt) if isinstance(p, str)]
    return [{"role": "user", "parts": [text_part(p)]} for p in prompts]


def _tools(request: Json) -> list[Json]:
    native = dialects.tools(request)
    if native is not None:
        return native
    functions = [{"type": "function", "function": f} for f in objects(request.get("functions"))]
    return [_tool(tool) for tool in [*objects(request.get("tools")), *functions]]


def _tool(tool: Json) -> Json:
    kind = tool.get("type") if isinstance(tool.get("type"), str) else "function"
    inner = tool.get(str(kind))
    source = inner if isinstance(inner, dict) else tool
    name = source.get("name") or tool.get("server_label") or kind
    definition: Json = {"type": kind, "name": name}
    definition.update((key, source[key]) for key in ("description", "parameters") if source.get(key) is not None)
    return definition


# --- response --------------------------------------------------------------------------------------------------------


def _output(response: Json) -> list[Json]:
    native = dialects.answered(response)
    if native is not None:
        return native
    if "output" in response:
        return _response_output(response)
    return [_choice(choice) for choice in objects(response.get("choices"))]


def _choice(choice: Json) -> Json:
    if isinstance(choice.get("message"), dict):
        message = _chat_message(choice["message"], role="assistant")
    else:
        message = {"role": "assistant", "parts": text_parts(choice.get("text"))}
    return {**message, "finish_reason": _finish_reason(choice.get("finish_reason"))}


def _response_output(response: Json) -> list[Json]:
    """A response has one choice, whose items become the parts of one message."""
    parts = [part for message in _items(response["output"], "assistant") for part in message["parts"]]
    if not parts:
        return []
    details = response.get("incomplete_details")
    reason = (details.get("reason") if isinstance(details, dict) else None) or response.get("status")
    finish = _finish_reason(reason)
    if finish == "stop" and any(part["type"] == "tool_call" for part in parts):
        finish = "tool_call"
    return [{"role": "assistant", "parts": parts, "finish_reason": finish}]


def _finish_reason(reason: object) -> str:
    """The schema's word; a choice that never got a reason ended in error."""
    return _FINISH.get(reason, reason) if isinstance(reason, str) and reason else "error"


# --- chat messages ---------------------------------------------------------------------------------------------------


def _chat_message(message: Json, role: str = "") -> Json:
    sent = message.get("role")
    role = sent if isinstance(sent, str) and sent else role or "user"
    if role in ("tool", "function"):
        answered = message.get("tool_call_id") or message.get("name")
        return {"role": role, "parts": [tool_answer(answered, message.get("content"))]}
    parts = [{"type": "reasoning", "content": text} for text in first_text(message, "reasoning_content", "reasoning")]
    parts += content_parts(message.get("content"))
    parts += [{"type": "refusal", "content": text} for text in first_text(message, "refusal")]
    parts += _audio(message.get("audio"))
    legacy = message.get("function_call")
    calls = [*objects(message.get("tool_calls")), *([{"function": legacy}] if isinstance(legacy, dict) else [])]
    parts += [_tool_call(call) for call in calls]
    name = message.get("name")
    return {"role": role, "parts": parts, **({"name": name} if isinstance(name, str) else {})}


def _tool_call(call: Json) -> Json:
    inner = call.get("function") if isinstance(call.get("function"), dict) else call.get("custom")
    source = inner if isinstance(inner, dict) else call
    arguments = source.get("arguments", source.get("input"))
    return tool_call(call.get("id"), source.get("name"), arguments)


def _audio(audio: object) -> list[Json]:
    if not isinstance(audio, dict):
        return []
    parts = text_parts(audio.get("transcript"))
    if isinstance(audio.get("data"), str):
        parts.append({"type": "blob", "modality": "audio", "content": audio["data"]})
    elif isinstance(audio.get("id"), str):
        parts.append({"type": "file", "modality": "audio", "file_id": audio["id"]})
    return parts


# --- items of the Responses API --------------------------------------------------------------------------------------


def _items(value: object, role: str) -> list[Json]:
    if isinstance(value, str):
        return [{"role": role, "parts": [text_part(value)]}]
    return [_item(item, role) for item in objects(value)]


def _item(item: Json, role: str) -> Json:
    kind = item.get("type", "message")
    if kind == "message":
        return _chat_message(item, role)
    if kind in ("function_call_output", "custom_tool_call_output"):
        return {"role": "tool", "parts": [tool_answer(item.get("call_id"), item.get("output"))]}
    if kind in ("function_call", "custom_tool_call"):
        arguments = item.get("arguments", item.get("input"))
        return {"role": "assistant", "parts": [tool_call(item.get("call_id"), item.get("name"), arguments)]}
    if kind == "reasoning":
        texts = [*objects(item.get("summary")), *objects(item.get("content"))]
        parts = [{"type": "reasoning", "content": t["text"]} for t in texts if isinstance(t.get("text"), str)]
        return {"role": "assistant", "parts": parts}
    return {"role": "assistant", "parts": [part_of(item)]}
