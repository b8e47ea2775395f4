"""Messages: OpenAI's chat completions and their many relatives, Anthropic's messages, legacy completions, embeddings, images.

A request that none of them reads gives no messages, and the page shows its JSON.
"""

from collections.abc import Mapping
from typing import Any

from tracer.ui.conversation.blocks import content, flat
from tracer.ui.conversation.parts import (
    Kind,
    Message,
    Part,
    Tool,
    arguments,
    as_json,
    items,
    mapping,
    media,
    objects,
    text_of,
    texts,
)

Document = Mapping[str, Any]


def asked(request: Document) -> tuple[Message, ...]:
    """What a request says, in the order in which it is read."""
    system = content(request.get("system"))
    first = (Message("system", system),) if system else ()
    if isinstance(request.get("messages"), list):
        return (*first, *(message(each) for each in objects(request["messages"])))
    for field in ("prompt", "input"):
        if field in request:
            return (*first, *(Message("input", _input(each)) for each in _inputs(request[field])))
    return first


def answered(reply: Document) -> tuple[Message, ...]:
    """What an answer says: a message for each choice."""
    if isinstance(reply.get("choices"), list):
        return tuple(_choice(each) for each in objects(reply["choices"]))
    if isinstance(reply.get("content"), list) and reply.get("role"):  # Anthropic
        return (Message(text_of(reply["role"]), content(reply["content"]), end=text_of(reply.get("stop_reason"))),)
    if isinstance(reply.get("data"), list):
        return _data(reply["data"])
    if isinstance(message_ := reply.get("message"), dict):  # Ollama, Cohere
        return (message(message_),)
    return ()


def tools(request: Document) -> tuple[Tool, ...]:
    """The tools that a request offers."""
    return tuple(_tool(each) for field in ("tools", "functions") for each in objects(request.get(field)))


def message(value: Document) -> Message:
    """One message of a chat."""
    role = text_of(value.get("role")) or "?"
    name = text_of(value.get("name"))
    if role in ("tool", "function"):
        result = Part(Kind.TOOL_RESULT, flat(value.get("content")), name, text_of(value.get("tool_call_id")))
        return Message("tool", (result,))
    calls = [_call(each) for each in objects(value.get("tool_calls"))]
    if isinstance(old := value.get("function_call"), dict):
        calls.append(Part(Kind.TOOL_CALL, arguments(old.get("arguments")), text_of(old.get("name"))))
    reasoning = texts(value.get("reasoning_content") or value.get("reasoning"), Kind.REASONING)
    refusal = texts(value.get("refusal"), Kind.REFUSAL)
    return Message(role, (*reasoning, *content(value.get("content")), *refusal, *_spoken(value.get("audio")), *calls), name)


def _call(value: Document) -> Part:
    """Of a function, or of a custom tool, whose input is no JSON."""
    said = mapping(value.get("function")) or mapping(value.get("custom")) or value
    given = said.get("arguments", said.get("input"))
    return Part(Kind.TOOL_CALL, arguments(given), text_of(said.get("name")), text_of(value.get("id")))


def _spoken(audio: Any) -> tuple[Part, ...]:
    if not isinstance(audio, dict):
        return ()
    data = (media(audio["data"], "audio"),) if audio.get("data") else ()
    return (*texts(audio.get("transcript")), *data)


def _choice(choice: Document) -> Message:
    end = text_of(choice.get("finish_reason"))
    if isinstance(said := choice.get("message"), dict):
        whole = message({"role": "assistant", **said})
        return Message(whole.role, whole.parts, whole.name, end)
    return Message("assistant", texts(choice.get("text")), end=end)


def _tool(value: Document) -> Tool:
    said = mapping(value.get("function")) or value
    name = text_of(said.get("name")) or text_of(value.get("type")) or "?"
    schema = next((said[key] for key in ("parameters", "input_schema", "format") if said.get(key)), None)
    if schema is None:  # a tool of the provider's, with its settings
        schema = {key: part for key, part in said.items() if key not in ("type", "name", "description")}
    return Tool(name, text_of(said.get("description")), as_json(schema) if schema else "")


def _inputs(value: Any) -> list[Any]:
    """Texts to be completed or embedded. A list of figures is one text as tokens."""
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        return [value]
    return items(value)


def _input(value: Any) -> tuple[Part, ...]:
    if isinstance(value, list):
        return (Part(Kind.NOTE, f"{len(value)} tokens, as figures"),)
    return content(value)


def _data(listed: list[Any]) -> tuple[Message, ...]:
    """Embeddings, or images that were made."""
    vectors = [len(each["embedding"]) for each in objects(listed) if isinstance(each.get("embedding"), list | str)]
    if vectors:
        sizes = [len(each["embedding"]) for each in objects(listed) if isinstance(each.get("embedding"), list)]
        of = f" of {sizes[0]} figures" if sizes else ""
        return (Message("output", (Part(Kind.NOTE, f"{len(vectors)} vector{'' if len(vectors) == 1 else 's'}{of}"),)),)
    images = [media(each.get("b64_json") or each.get("url"), "image") for each in objects(listed) if _is_image(each)]
    return (Message("output", tuple(images)),) if images else ()


def _is_image(each: Document) -> bool:
    return "b64_json" in each or "url" in each
