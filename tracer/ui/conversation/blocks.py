"""One block of a message's content, by its `type`: those of OpenAI's chat and responses APIs and of Anthropic's messages.

The names of the three do not clash, so one table reads all of them. To add a type: a function and a row.
Sources: OpenAI's openapi (ChatCompletionRequestMessageContentPart…, InputContent, OutputItem), Anthropic's ContentBlock.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tracer.ui.conversation import converse
from tracer.ui.conversation.parts import Kind, Part, arguments, as_json, items, joined, mapping, media, other, text_of, texts

Block = Mapping[str, Any]
Parts = tuple[Part, ...]
_DEEPEST = 8  # tool results hold blocks, which may hold tool results


def content(value: Any, depth: int = 0) -> Parts:
    """The parts of a message's `content`: a text, or a list of blocks."""
    if isinstance(value, str):
        return texts(value)
    if depth > _DEEPEST:
        return (other(value),)
    return joined(_block(item, depth) for item in items(value))


def _block(value: Any, depth: int) -> Parts:
    if isinstance(value, str):
        return texts(value)
    if not isinstance(value, dict):
        return (other(value),)
    kind = text_of(value.get("type"))
    if kind in _RESULTS or kind.endswith("_tool_result"):
        return (_result(value, depth),)
    read = _READERS.get(kind)
    if read is not None:
        return read(value) or ()
    if kind.endswith("_call"):  # web_search_call, file_search_call, code_interpreter_call, mcp_call, …
        return (_hosted_call(value),)
    if not kind and (found := converse.block(value)) is not None:
        return found
    return texts(value.get("text")) or (other(value),)


def _text(block: Block) -> Parts:
    text = block.get("text")
    return texts(text) if isinstance(text, str) else (other(block),)


def _refusal(block: Block) -> Parts:
    return texts(block.get("refusal"), Kind.REFUSAL)


def _reasoning(block: Block) -> Parts:
    summaries = [text_of(mapping(each).get("text")) for each in (*items(block.get("summary")), *items(block.get("content")))]
    said = text_of(block.get("thinking")) or text_of(block.get("text")) or "\n\n".join(filter(None, summaries))
    return (Part(Kind.REASONING, said or "(the provider keeps it to itself)"),)


def _hidden_reasoning(_: Block) -> Parts:
    return (Part(Kind.REASONING, "(encrypted by the provider)"),)


def _image_url(block: Block) -> Parts:
    image = block.get("image_url")
    return (media(image if isinstance(image, str) else mapping(image).get("url") or block.get("file_id"), "image"),)


def _audio(block: Block) -> Parts:
    audio = mapping(block.get("input_audio") or block.get("audio"))
    return (media(audio.get("data"), f"audio/{text_of(audio.get('format')) or '*'}"),)


def _file(block: Block) -> Parts:
    file = mapping(block.get("file")) or block
    data = file.get("file_data") or file.get("file_url") or file.get("file_id")
    return (media(data, "file", text_of(file.get("filename"))),)


def _source(block: Block) -> Parts:
    """Anthropic's images and documents."""
    source = mapping(block.get("source"))
    if source.get("type") == "text":
        return texts(source.get("data"))
    if source.get("type") == "content":
        return content(source.get("content"), _DEEPEST)
    data = source.get("data") or source.get("url") or source.get("file_id")
    return (media(data, text_of(source.get("media_type")) or text_of(block.get("type")), text_of(block.get("title"))),)


def _tool_use(block: Block) -> Parts:
    name = text_of(block.get("name"))
    return (Part(Kind.TOOL_CALL, arguments(block.get("input")), name, text_of(block.get("id"))),)


def _function_call(block: Block) -> Parts:
    """Of the responses API, where a call is an item of its own."""
    given = block.get("arguments", block.get("input"))
    return (Part(Kind.TOOL_CALL, arguments(given), text_of(block.get("name")), text_of(block.get("call_id"))),)


def _hosted_call(block: Block) -> Part:
    """A tool that the provider runs itself: all that is said about it."""
    known = {"type", "id", "status"}
    rest = {key: value for key, value in block.items() if key not in known}
    name = " ".join(filter(None, (text_of(block.get("type")), text_of(block.get("status")))))
    return Part(Kind.TOOL_CALL, as_json(rest) if rest else "", name, text_of(block.get("id")))


def _image_made(block: Block) -> Parts:
    return (media(block.get("result"), "image"),)


def _result(block: Block, depth: int) -> Part:
    """What a tool gave back; blocks inside are shown as their text."""
    given = block.get("output", block.get("content"))
    id = text_of(block.get("tool_use_id")) or text_of(block.get("call_id"))
    title = "failed" if block.get("is_error") is True else ""
    return Part(Kind.TOOL_RESULT, flat(given, depth + 1), title, id)


def flat(value: Any, depth: int = 0) -> str:
    """Any content as one text."""
    if isinstance(value, str):
        return pretty_if_json(value)
    if not isinstance(value, list) or not all(isinstance(item, str) or "type" in mapping(item) for item in value):
        return "" if value is None else as_json(value)
    return "\n".join(_in_words(part) for part in content(value, depth))


def pretty_if_json(text: str) -> str:
    """Indented if it is an object or a list; a number or a word stays as it was written."""
    return arguments(text) if text[:1] in ("{", "[") else text


def _in_words(part: Part) -> str:
    if part.kind is Kind.MEDIA:
        return f"[{part.title}{f', {part.size} bytes' if part.size else ''}] {part.sha256 or part.text}"
    return part.text


_RESULTS = frozenset({"tool_result", "function_call_output", "custom_tool_call_output", "computer_call_output"})
_READERS: Mapping[str, Callable[[Block], Parts]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text"), _text),
    "refusal": _refusal,
    **dict.fromkeys(("thinking", "reasoning", "reasoning_text"), _reasoning),
    "redacted_thinking": _hidden_reasoning,
    **dict.fromkeys(("image_url", "input_image"), _image_url),
    **dict.fromkeys(("input_audio", "audio", "output_audio"), _audio),
    **dict.fromkeys(("file", "input_file"), _file),
    **dict.fromkeys(("image", "document"), _source),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), _tool_use),
    **dict.fromkeys(("function_call", "custom_tool_call"), _function_call),
    "image_generation_call": _image_made,
}
