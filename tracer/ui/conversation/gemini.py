"""Google's generateContent: contents of parts, which have no `type`; the key that is there says what a part is.

Keys are camelCase in Google's JSON, and its servers take snake_case too.
"""

from collections.abc import Mapping
from typing import Any

from tracer.ui.conversation.parts import Kind, Message, Part, Tool, as_json, items, mapping, media, objects, other, text_of

Document = Mapping[str, Any]


def is_request(request: Document) -> bool:
    """Whether it is one of this API."""
    return "contents" in request


def is_reply(reply: Document) -> bool:
    """Whether it answers one."""
    return isinstance(reply.get("candidates"), list) or "promptFeedback" in reply


def asked(request: Document) -> tuple[Message, ...]:
    """The system instruction, then the contents."""
    system = _get(request, "systemInstruction", "system_instruction")
    first = (Message("system", _parts(system)),) if system else ()
    return (*first, *(_message(each) for each in objects(request.get("contents"))))


def answered(reply: Document) -> tuple[Message, ...]:
    """A message for each candidate; why there is none, if the prompt was blocked."""
    blocked = text_of(mapping(reply.get("promptFeedback")).get("blockReason"))
    refused = (Message("model", (Part(Kind.REFUSAL, f"the prompt was blocked: {blocked}"),), end=blocked),) if blocked else ()
    found = objects(reply.get("candidates"))
    return (*refused, *(Message("model", _parts(each.get("content")), end=text_of(each.get("finishReason"))) for each in found))


def tools(request: Document) -> tuple[Tool, ...]:
    """Functions that are declared, and tools of Google's own, such as googleSearch."""
    found: list[Tool] = []
    for each in objects(request.get("tools")):
        for declared in objects(_get(each, "functionDeclarations", "function_declarations")):
            schema = declared.get("parameters") or declared.get("parametersJsonSchema")
            name, said = text_of(declared.get("name")) or "?", text_of(declared.get("description"))
            found.append(Tool(name, said, as_json(schema) if schema else ""))
        found += [Tool(key) for key in each if key not in ("functionDeclarations", "function_declarations")]
    return tuple(found)


def _message(value: Document) -> Message:
    return Message(text_of(value.get("role")) or "user", _parts(value))


def _parts(value: Any) -> tuple[Part, ...]:
    if isinstance(value, str):
        return (Part(Kind.TEXT, value),)
    return tuple(_part(each) for each in items(mapping(value).get("parts")))


def _part(value: Any) -> Part:
    part = mapping(value)
    if isinstance(text := part.get("text"), str):
        return Part(Kind.REASONING if part.get("thought") is True else Kind.TEXT, text)
    if data := mapping(_get(part, "inlineData", "inline_data")):
        return media(data.get("data"), text_of(_get(data, "mimeType", "mime_type")))
    if file := mapping(_get(part, "fileData", "file_data")):
        return media(_get(file, "fileUri", "file_uri"), text_of(_get(file, "mimeType", "mime_type")))
    if call := mapping(_get(part, "functionCall", "function_call")):
        return Part(Kind.TOOL_CALL, as_json(call.get("args", {})), text_of(call.get("name")), text_of(call.get("id")))
    if result := mapping(_get(part, "functionResponse", "function_response")):
        return Part(
            Kind.TOOL_RESULT, as_json(result.get("response", {})), text_of(result.get("name")), text_of(result.get("id"))
        )
    if code := mapping(_get(part, "executableCode", "executable_code")):
        return Part(Kind.TOOL_CALL, text_of(code.get("code")), text_of(code.get("language")) or "code")
    if run := mapping(_get(part, "codeExecutionResult", "code_execution_result")):
        return Part(Kind.TOOL_RESULT, text_of(run.get("output")), text_of(run.get("outcome")))
    return other(value)


def _get(value: Document, camel: str, snake: str) -> Any:
    return value.get(camel, value.get(snake))
