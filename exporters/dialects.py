"""Conversations of dialects other than OpenAI's, in the shape of the GenAI conventions: bodies in, messages out. Pure.

Anthropic's messages, Gemini's contents, Bedrock's Converse, Cohere's v1 and v2, Ollama's. Which it is says what the body
holds, not the path: a key that no other dialect has. What is left over is read as OpenAI's (messages.py).

Rules
- A part that the conventions have no kind for goes through as it is, with its type, or `unknown`.
- What a signature, a cache mark or an id of theirs is for stays out: the conventions have no place for it.
- Images and files in the bodies were replaced by their hashes before they got here (tracer/proxy/media.py).
"""

from collections.abc import Callable
from typing import Any, Final

from exporters.parts import Json, content_parts, list_of, objects, text_part, text_parts, tool_answer, tool_call

FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_call",
    "refusal": "content_filter",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "complete": "stop",
    "stop": "stop",
    "tool_call": "tool_call",
    "safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "malformed_function_call": "error",
    "error": "error",
}


def system(request: Json) -> list[Json]:
    """Instructions that stand beside the messages."""
    beside = request.get("system") or request.get("systemInstruction") or request.get("system_instruction")
    if isinstance(beside, dict):
        return _gemini_parts(beside.get("parts"))
    if beside is None and "message" in request:
        beside = request.get("preamble")
    return text_parts(beside) if isinstance(beside, str) else [_block(part) for part in objects(beside)]


def asked(request: Json) -> list[Json] | None:
    """The messages of a request; None if it is of no dialect here."""
    if "contents" in request:
        contents = request["contents"]
        listed = [contents] if isinstance(contents, dict) else list_of(contents)
        return [_gemini(each) if isinstance(each, dict) else _said("user", text_parts(each)) for each in listed]
    if "messages" in request and any(_is_block_message(each) for each in objects(request["messages"])):
        return [_blocks(each) for each in objects(request["messages"])]
    if isinstance(request.get("message"), str):
        before = [_said(_role(each), text_parts(each.get("message"))) for each in objects(request.get("chat_history"))]
        return [*before, _said("user", text_parts(request["message"]))]
    return None


def answered(response: Json) -> list[Json] | None:
    """The answers of a response, each with its finish reason; None if it is of no dialect here."""
    for of_dialect in _ANSWERS:
        found = of_dialect(response)
        if found is not None:
            return found
    return None


def tools(request: Json) -> list[Json] | None:
    """Definitions of the tools that were offered; None if they are OpenAI's."""
    config = request.get("toolConfig")
    listed = objects(config.get("tools") if isinstance(config, dict) else request.get("tools"))
    found: list[Json] = []
    for tool in listed:
        declared = tool.get("functionDeclarations") or tool.get("function_declarations")
        specification = tool.get("toolSpec")
        if declared is not None:
            found += [_tool(each, each.get("parameters") or each.get("parametersJsonSchema")) for each in objects(declared)]
        elif isinstance(specification, dict):
            schema = specification.get("inputSchema")
            found.append(_tool(specification, schema.get("json") if isinstance(schema, dict) else None))
        elif "input_schema" in tool or "parameter_definitions" in tool:
            found.append(_tool(tool, tool.get("input_schema") or tool.get("parameter_definitions")))
    return found or None


def _tool(source: Json, parameters: object) -> Json:
    definition: Json = {"type": "function", "name": source.get("name")}
    if source.get("description") is not None:
        definition["description"] = source["description"]
    return definition if parameters is None else {**definition, "parameters": parameters}


# --- answers -----------------------------------------------------------------------------------------------------------


def _of_anthropic(response: Json) -> list[Json] | None:
    if response.get("type") != "message" or not isinstance(response.get("content"), list):
        return None
    return [_answer(_said("assistant", [_block(part) for part in objects(response["content"])]), response.get("stop_reason"))]


def _of_gemini(response: Json) -> list[Json] | None:
    if "candidates" not in response:
        return None
    return [
        _answer(_gemini(_inner(each, "content"), "assistant"), each.get("finishReason"))
        for each in objects(response["candidates"])
    ]


def _of_converse(response: Json) -> list[Json] | None:
    output = response.get("output")
    if not isinstance(output, dict) or "message" not in output:
        return None
    return [_answer(_blocks(_inner(output, "message")), response.get("stopReason"))]


def _of_a_message(response: Json) -> list[Json] | None:
    """Cohere's v2 and Ollama's chat."""
    message = response.get("message")
    if not isinstance(message, dict):
        return None
    parts = text_parts(message.get("thinking"))
    for part in parts:
        part["type"] = "reasoning"
    parts += text_parts(message.get("tool_plan")) + content_parts(message.get("content"))
    parts += [_function_call(each) for each in objects(message.get("tool_calls"))]
    return [_answer(_said("assistant", parts), response.get("finish_reason") or response.get("done_reason"))]


def _of_a_text(response: Json) -> list[Json] | None:
    """Cohere's v1, Ollama's generate, Bedrock's Llama."""
    text = next((response[key] for key in ("text", "response", "generation") if isinstance(response.get(key), str)), None)
    if text is None:
        return None
    reason = response.get("finish_reason") or response.get("done_reason") or response.get("stop_reason")
    parts = text_parts(text) + [
        tool_call(None, each.get("name"), each.get("parameters")) for each in objects(response.get("tool_calls"))
    ]
    return [_answer(_said("assistant", parts), reason)]


_ANSWERS: tuple[Callable[[Json], list[Json] | None], ...] = (_of_anthropic, _of_gemini, _of_converse, _of_a_message, _of_a_text)


def _answer(message: Json, reason: object) -> Json:
    word = reason if isinstance(reason, str) and reason else "error"
    return {**message, "finish_reason": FINISH.get(word.lower(), word)}


# --- messages and their parts --------------------------------------------------------------------------------------------


def _said(role: str, parts: list[Json]) -> Json:
    return {"role": role, "parts": parts}


def _role(message: Json) -> str:
    role = message.get("role")
    if not isinstance(role, str) or not role:
        return "user"
    return {"model": "assistant", "CHATBOT": "assistant"}.get(role, role.lower())


def _is_block_message(message: Json) -> bool:
    """Text alone may be OpenAI's as well, and reads the same."""
    return any(
        part["type"] in _OURS if isinstance(part.get("type"), str) else _BLOCKS.keys() & part.keys()
        for part in objects(message.get("content"))
    )


def _blocks(message: Json) -> Json:
    content = message.get("content")
    return _said(_role(message), text_parts(content) if isinstance(content, str) else [_block(p) for p in objects(content)])


def _block(part: Json) -> Json:
    """A part of Anthropic's, told by its type, or of Converse, told by its only key."""
    kind = part.get("type")
    if isinstance(kind, str):
        return _TYPED[kind](part) if kind in _TYPED else {**part}
    for key, read in _BLOCKS.items():
        if key in part:
            return read(part[key])
    return {**part, "type": next(iter(part), "unknown")}


def _typed_text(part: Json) -> Json:
    return text_part(part["text"]) if isinstance(part.get("text"), str) else {**part, "type": "text"}


def _thinking(part: Json) -> Json:
    thought = part.get("thinking")
    return {"type": "reasoning", "content": thought if isinstance(thought, str) else ""}


_TYPED: dict[str, Callable[[Json], Json]] = {
    "text": _typed_text,
    "thinking": _thinking,
    "tool_use": lambda part: tool_call(part.get("id"), part.get("name"), part.get("input")),
    "server_tool_use": lambda part: tool_call(part.get("id"), part.get("name"), part.get("input")),
    "tool_result": lambda part: tool_answer(part.get("tool_use_id"), part.get("content")),
}

_OURS = _TYPED.keys() - {"text"}


def _reasoning(value: Any) -> Json:
    inner = value.get("reasoningText") if isinstance(value, dict) else None
    text = inner.get("text") if isinstance(inner, dict) else None
    return {"type": "reasoning", "content": text if isinstance(text, str) else ""}


def _asked_tool(value: Any) -> Json:
    use = value if isinstance(value, dict) else {}
    return tool_call(use.get("toolUseId"), use.get("name"), use.get("input"))


def _told_tool(value: Any) -> Json:
    result = value if isinstance(value, dict) else {}
    return tool_answer(result.get("toolUseId"), result.get("content"))


_BLOCKS: dict[str, Callable[[Any], Json]] = {
    "toolUse": _asked_tool,
    "toolResult": _told_tool,
    "reasoningContent": _reasoning,
    "text": lambda value: text_part(value) if isinstance(value, str) else {"type": "text", "content": ""},
}


def _gemini(content: Json, role: str = "") -> Json:
    return _said(role or _role(content), _gemini_parts(content.get("parts")))


def _gemini_parts(parts: object) -> list[Json]:
    listed = [{"text": parts}] if isinstance(parts, str) else objects([parts] if isinstance(parts, dict) else parts)
    return [_gemini_part(part) for part in listed]


def _gemini_part(part: Json) -> Json:
    text = part.get("text")
    if isinstance(text, str):
        return {"type": "reasoning", "content": text} if part.get("thought") is True else text_part(text)
    call, told = part.get("functionCall"), part.get("functionResponse")
    if isinstance(call, dict):
        return tool_call(call.get("id"), call.get("name"), call.get("args"))
    if isinstance(told, dict):
        return tool_answer(told.get("id") or told.get("name"), told.get("response"))
    shown = {key: value for key, value in part.items() if key not in ("thoughtSignature", "thought")}
    return {**shown, "type": next(iter(shown), "unknown")}


def _function_call(call: Json) -> Json:
    inner = _inner(call, "function")
    return tool_call(call.get("id"), inner.get("name"), inner.get("arguments"))


def _inner(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
