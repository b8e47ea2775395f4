"""Blocks of Bedrock's Converse, which have no `type`: the key that is there says what a block is. Values in, values out.

Source: ContentBlock of the Bedrock Runtime API.
"""

from collections.abc import Mapping
from typing import Any

from tracer.ui.conversation.parts import Kind, Part, Tool, arguments, as_json, items, mapping, media, objects, text_of

Block = Mapping[str, Any]
Parts = tuple[Part, ...]


def block(value: Block) -> Parts | None:
    """The parts of such a block; None if it is none."""
    if "toolUse" in value:
        call = mapping(value["toolUse"])
        return (Part(Kind.TOOL_CALL, arguments(call.get("input")), text_of(call.get("name")), text_of(call.get("toolUseId"))),)
    if "toolResult" in value:
        return (_result(mapping(value["toolResult"])),)
    if "reasoningContent" in value:
        said = text_of(mapping(mapping(value["reasoningContent"]).get("reasoningText")).get("text"))
        return (Part(Kind.REASONING, said or "(encrypted by the provider)"),)
    for kind in ("image", "document", "video", "audio"):
        if kind in value and isinstance(value[kind], dict):
            return (_media(kind, value[kind]),)
    return () if "cachePoint" in value else None


def tools(request: Block) -> tuple[Tool, ...]:
    """The tools that such a request offers."""
    found = (mapping(each.get("toolSpec")) for each in objects(mapping(request.get("toolConfig")).get("tools")))
    return tuple(_tool(each) for each in found if each)


def _tool(spec: Block) -> Tool:
    schema = mapping(spec.get("inputSchema")).get("json")
    return Tool(text_of(spec.get("name")) or "?", text_of(spec.get("description")), as_json(schema) if schema else "")


def _result(result: Block) -> Part:
    said = [_said(each) for each in items(result.get("content"))]
    title = "failed" if result.get("status") == "error" else ""
    return Part(Kind.TOOL_RESULT, "\n".join(filter(None, said)), title, text_of(result.get("toolUseId")))


def _said(value: Any) -> str:
    each = mapping(value)
    return text_of(value) or text_of(each.get("text")) or as_json(each.get("json", value))


def _media(kind: str, said: Block) -> Part:
    source = mapping(said.get("source"))
    where = source.get("bytes") or mapping(source.get("s3Location")).get("uri")
    form = text_of(said.get("format"))
    return media(where, f"{kind}/{form}" if form else kind, text_of(said.get("name")))
