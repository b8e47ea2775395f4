"""Bodies of dialects that say little more than a text: Bedrock's models, Cohere v1, Ollama's and llama.cpp's own, TGI, and what
embeds, ranks or counts. Read last, by the keys that are there; a table of small readers. To add one: a function and a row.

What a proxy does not know either is looked into one level deep: many wrap the answer of another into `result`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tracer.ui.conversation.blocks import content
from tracer.ui.conversation.parts import Kind, Message, Part, arguments, items, mapping, objects, text_of, texts

Document = Mapping[str, Any]
Messages = tuple[Message, ...]
_ROLES = {"CHATBOT": "assistant", "USER": "user", "SYSTEM": "system", "TOOL": "tool"}


def asked(request: Document) -> Messages:
    """What a request says that has neither messages nor a prompt."""
    if isinstance(request.get("message"), str):  # Cohere v1
        before = [*_one("system", request.get("preamble")), *map(_turn, objects(request.get("chat_history")))]
        return (*before, *_one("user", request.get("message")))
    for field in ("inputText", "inputs", "text", "query", "texts", "instances"):
        if field in request:
            said = [text for each in items(request[field]) if (text := _words(each))]
            return tuple(Message("input", (Part(Kind.TEXT, text),)) for text in said)
    return ()


def answered(reply: Document, depth: int = 0) -> Messages:
    """What an answer says."""
    for field, read in _READERS.items():
        if field in reply and (found := read(reply)):
            return found
    return answered(mapping(reply.get("result")), depth + 1) if depth == 0 else ()


def _turn(value: Document) -> Message:
    role = text_of(value.get("role"))
    return Message(_ROLES.get(role, role.lower() or "?"), texts(value.get("message")))


def _one(role: str, value: Any) -> Messages:
    said = texts(value)
    return (Message(role, said),) if said else ()


def _words(value: Any) -> str:
    return text_of(value) or text_of(mapping(value).get("content")) or text_of(mapping(value).get("text"))


def _converse(reply: Document) -> Messages:
    """Bedrock's Converse, and Nova."""
    said = mapping(mapping(reply.get("output")).get("message"))
    if not said:
        return ()
    return (
        Message(text_of(said.get("role")) or "assistant", content(said.get("content")), end=text_of(reply.get("stopReason"))),
    )


def _texts(field: str, text: str, end: str) -> Callable[[Document], Messages]:
    """Of a list of answers."""

    def read(reply: Document) -> Messages:
        return tuple(
            Message("assistant", texts(each.get(text)), end=text_of(each.get(end)))
            for each in objects(reply.get(field))
            if text in each
        )

    return read


def _text(field: str, end: str) -> Callable[[Document], Messages]:
    """Of one text."""

    def read(reply: Document) -> Messages:
        said = texts(reply.get(field))
        calls = tuple(
            Part(Kind.TOOL_CALL, arguments(each.get("parameters")), text_of(each.get("name")))
            for each in objects(reply.get("tool_calls"))
        )
        return (Message("assistant", (*said, *calls), end=text_of(reply.get(end))),) if said or calls else ()

    return read


def _jurassic(reply: Document) -> Messages:
    return tuple(
        Message(
            "assistant",
            texts(mapping(each.get("data")).get("text")),
            end=text_of(mapping(each.get("finishReason")).get("reason")),
        )
        for each in objects(reply.get("completions"))
        if isinstance(each.get("data"), dict)
    )


def _ranked(reply: Document) -> Messages:
    found = [each for each in objects(reply.get("results")) if "relevance_score" in each]
    return _note(f"{len(found)} document{'' if len(found) == 1 else 's'} ranked") if found else ()


def _results(reply: Document) -> Messages:
    return _titan(reply) or _ranked(reply)


def _vectors(reply: Document) -> Messages:
    """Embeddings, alone, in a list, or by their type."""
    one = reply.get("embedding")
    given = reply.get("embeddings") if one is None else [one]
    if isinstance(given, dict):
        given = next((each for each in given.values() if isinstance(each, list)), [])
    vectors = [mapping(each).get("values", each) for each in given] if isinstance(given, list) else []
    return _counted([each for each in vectors if isinstance(each, list)])


def _predictions(reply: Document) -> Messages:
    values = [mapping(each.get("embeddings")).get("values") for each in objects(reply.get("predictions"))]
    return _counted([each for each in values if isinstance(each, list)])


def _counted(vectors: list[list[Any]]) -> Messages:
    if not vectors:
        return ()
    return _note(f"{len(vectors)} vector{'' if len(vectors) == 1 else 's'} of {len(vectors[0])} figures")


def _count(field: str) -> Callable[[Document], Messages]:
    """Of a request to count tokens."""

    def read(reply: Document) -> Messages:
        return _note(f"{reply[field]:,} tokens") if type(reply[field]) is int else ()

    return read


def _note(text: str) -> Messages:
    return (Message("output", (Part(Kind.NOTE, text),)),)


_titan = _texts("results", "outputText", "completionReason")
_READERS: Mapping[str, Callable[[Document], Messages]] = {
    "output": _converse,
    "generations": _texts("generations", "text", "finish_reason"),  # Cohere's Command
    "completions": _jurassic,
    "outputs": _texts("outputs", "text", "stop_reason"),  # Mistral on Bedrock
    "results": _results,
    "completion": _text("completion", "stop_reason"),  # Anthropic's first API
    "generation": _text("generation", "stop_reason"),  # Llama on Bedrock
    "generated_text": _text("generated_text", "finish_reason"),  # TGI
    "response": _text("response", "done_reason"),  # Ollama
    "text": _text("text", "finish_reason"),  # Cohere v1, transcriptions
    "content": _text("content", "stop_type"),  # llama.cpp
    "embedding": _vectors,
    "embeddings": _vectors,
    "predictions": _predictions,
    "totalTokens": _count("totalTokens"),
    "input_tokens": _count("input_tokens"),
}
