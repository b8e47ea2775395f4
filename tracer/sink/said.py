"""What was said in a request and in its reply, for counting: texts, how many messages, tools, and what is no text at all.

Any dialect: what is counted is found by the names that hold text in all of them, and what only says what kind of thing stands
beside it (roles, types, ids) is left out by name. Nothing is copied but references to the strings.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from msgspec import Struct

# Where requests hold what the model reads.
_PROMPTS = (
    *("messages", "input", "inputs", "contents", "prompt", "system", "systemInstruction", "system_instruction"),
    *("instructions", "message", "chat_history", "preamble", "documents", "query", "texts", "inputText", "suffix", "content"),
)
_TOOLS = ("tools", "functions")
_BOXES_OF_TOOLS = ("toolConfig", "tool_config")
_DESCRIBED = frozenset(
    {
        *("function", "parameters", "input_schema", "functionDeclarations", "function_declarations", "toolSpec"),
        *("parameter_definitions", "description"),
    }
)
_SCHEMAS = ("response_format", "text", "output_config", "format", "generationConfig")
# What says of which kind something is, and not what was said.
_NOT_SAID = frozenset(
    {
        *("role", "type", "id", "tool_call_id", "call_id", "tool_use_id", "toolUseId", "item_id", "status", "detail", "index"),
        *("url", "uri", "fileUri", "file_uri", "file_id", "fileId", "media_type", "mime_type", "mimeType", "format"),
        *(
            "signature",
            "thoughtSignature",
            "thought_signature",
            "encrypted_content",
            "redactedContent",
            "cache_control",
            "cachePoint",
            "ttl",
        ),
        *("object", "model", "finish_reason", "container", "encrypted_index", "citations", "annotations", "logprobs"),
        *("stop_reason", "stop_sequence", "caller"),
    }
)
# What is billed in tokens, but not by its letters.
_MEDIA = frozenset(
    {
        *(
            "image_url",
            "input_audio",
            "inlineData",
            "inline_data",
            "fileData",
            "file_data",
            "image",
            "images",
            "audio",
            "video",
        ),
        *("file", "source", "b64_json", "image_data", "data"),
    }
)
_WRITTEN = frozenset({"input", "args", "arguments", "parameters"})  # JSON that the model reads and writes as it stands
_THOUGHTS = frozenset({"reasoning_content", "reasoning", "thinking", "reasoningText", "reasoningContent"})
_REPLIES = (
    *("choices", "output", "content", "candidates", "message", "response", "text", "completion", "generation", "results"),
    *("outputs", "generations", "generated_text", "thinking", "tool_calls"),
)
_DEEPEST = 24


class Said(Struct, frozen=True):
    """Texts of one side of a call. `thoughts` are those of a reply that are reasoning; `media` counts what is no text."""

    texts: list[str]
    thoughts: list[str]
    messages: int = 0
    tools: int = 0  # that the caller described
    hosted: int = 0  # tools of the provider's own
    schemas: str = ""  # of the tools, as compact JSON
    answer: str = ""  # the JSON schema that the answer must fit
    media: int = 0
    calls: int = 0  # of tools


class _Heard:
    """Texts found so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.media = 0
        self.calls = 0

    def take(self, value: Any, depth: int = 0, *, thought: bool = False) -> None:
        if isinstance(value, str):
            if value:
                (self.thoughts if thought else self.texts).append(value)
        elif depth > _DEEPEST:
            return
        elif isinstance(value, list):
            for part in value:
                self.take(part, depth + 1, thought=thought)
        elif isinstance(value, dict):
            self._take_object(value, depth, thought=thought or value.get("thought") is True)

    def _take_object(self, value: Mapping[str, Any], depth: int, *, thought: bool) -> None:
        of_thought = thought or value.get("type") == "reasoning"
        self.calls += bool(_WRITTEN & value.keys())
        for key, part in value.items():
            if key in _NOT_SAID or part is None:
                continue
            if key in _MEDIA and not (key == "source" and isinstance(part, str)):
                self.media += bool(part)
            elif key in _WRITTEN and isinstance(part, dict):
                self.take(_compact(part))
            else:
                self.take(part, depth + 1, thought=of_thought or key in _THOUGHTS)


def said_in_request(document: Mapping[str, Any]) -> Said:
    """What the model was given to read."""
    heard = _Heard()
    messages = 0
    for key in _PROMPTS:
        part = document.get(key)
        if part:
            messages += len(part) if isinstance(part, list) and key in ("messages", "contents", "input", "chat_history") else 1
            heard.take(part)
    tools, schemas = list(_tools(document)), list(_schemas(document))
    described = [tool for tool in tools if _DESCRIBED & tool.keys()]
    return Said(
        heard.texts,
        [],
        messages=messages,
        tools=len(described),
        hosted=len(tools) - len(described),
        schemas="".join(map(_compact, described)),
        answer="".join(map(_compact, schemas)),
        media=heard.media,
        calls=heard.calls,
    )


def said_in_reply(document: Mapping[str, Any]) -> Said:
    """What the model wrote."""
    heard = _Heard()
    for key in _REPLIES:
        if document.get(key):
            heard.take({key: document[key]})
    return Said(heard.texts, heard.thoughts, media=heard.media, calls=heard.calls)


def _tools(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    boxes = [document, *(box for name in _BOXES_OF_TOOLS if isinstance(box := document.get(name), dict))]
    for box in boxes:
        for key in _TOOLS:
            listed = box.get(key)
            yield from (tool for tool in (listed if isinstance(listed, list) else ()) if isinstance(tool, dict))


def _schemas(document: Mapping[str, Any]) -> Iterator[Any]:
    for key in _SCHEMAS:
        schema = _schema_in(document.get(key))
        if schema:
            yield schema


def _schema_in(value: Any) -> Any:
    """A JSON schema that the answer must fit, in one of the places where it may stand."""
    for path in (("json_schema", "schema"), ("format", "schema"), ("schema",), ("responseSchema",), ("responseJsonSchema",)):
        found = value
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if found:
            return found
    return None


def _compact(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return ""
