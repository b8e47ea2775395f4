"""The rest of a request body: names of the offered tools, and parameters without a column of their own, as JSON texts.

What was said is no parameter. It has many names, and all of them must be left out here: `extra_parameters` stays in a table
that people keep for years, content does not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

_COLUMNS = (
    *("model", "stream", "user", "temperature", "top_p", "seed", "n"),
    *("max_completion_tokens", "max_output_tokens", "max_tokens"),
)
_SAID = (
    *("tools", "functions", "messages", "input", "inputs", "prompt", "prompts", "prediction", "suffix", "system"),
    *("instructions", "contents", "content", "systemInstruction", "system_instruction", "message", "chat_history"),
    *("preamble", "documents", "query", "texts", "images", "image", "variables", "toolConfig", "tool_config", "inputText"),
    *("inputImage", "instances", "requests", "context", "singleEmbeddingParams", "segmentedEmbeddingParams"),
    *("input_prefix", "input_suffix", "input_extra", "tool_results", "promptVariables", "outputText"),
)
_NOT_EXTRA = frozenset((*_COLUMNS, *_SAID))
_MOST_EXTRA = 64
_LONGEST_EXTRA = 1024
_LONGEST_NAME = 128
_MOST_TOOLS = 256
_DECLARATIONS = ("functionDeclarations", "function_declarations")


def extra_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that have no column, as JSON texts, bounded."""
    found: dict[str, str] = {}
    for name, value in document.items():
        if name not in _NOT_EXTRA and len(name) <= _LONGEST_NAME:
            text = _json(value)
            found[name] = text if len(text) <= _LONGEST_EXTRA else text[: _LONGEST_EXTRA - 1] + "…"
            if len(found) == _MOST_EXTRA:
                break
    return found


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it reads deeper than it writes
        return "…"


def tool_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the tools that the model may call, in whichever dialect; of hosted tools their kind."""
    tools = document.get("tools") or document.get("functions")
    if tools is None:
        config = document.get("toolConfig")  # Converse
        tools = config.get("tools") if isinstance(config, dict) else None
    if not isinstance(tools, list):
        return ()
    names = [name for tool in tools[:_MOST_TOOLS] if isinstance(tool, dict) for name in _names(tool)]
    return tuple(names[:_MOST_TOOLS])


def _names(tool: Mapping[str, Any]) -> Iterator[str]:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    kind = tool.get("type")
    if name and isinstance(name, str):
        yield name
    elif kind and isinstance(kind, str):
        yield kind  # hosted tools have a type only: "web_search"
    elif not function:
        yield from _names_in_boxes(tool)


def _names_in_boxes(tool: Mapping[str, Any]) -> Iterator[str]:
    """Converse has one tool in a box, Google several; its hosted tools are the box's name alone: {"googleSearch": {}}."""
    for key, value in tool.items():
        if key in ("toolSpec", "systemTool"):
            name = value.get("name") if isinstance(value, dict) else None
            if name and isinstance(name, str):
                yield name
        elif key in _DECLARATIONS:
            for declared in value[:_MOST_TOOLS] if isinstance(value, list) else ():
                name = declared.get("name") if isinstance(declared, dict) else None
                if name and isinstance(name, str):
                    yield name
        elif isinstance(value, dict) and key != "cachePoint":
            yield key
