"""Messages and tools of an SGP request, made into what OpenAI-like upstreams take.

SGP is more lenient than OpenAI: a message's role may be missing, a user's content may be one part without an array around it,
an image may be bare base64 with its type beside it, a tool call may have no arguments, a tool may carry Anthropic's
`cache_control`. What needs no change goes on as the very same object. Each kind of change gives one note.

memory_strategy `last_k`: SGP does not say what it does with system messages. Here those at the beginning (`system`,
`developer`) always stay, and of the others the last k. A tool's message is never left without the call that it answers, which
upstreams refuse: where the cut would do that it moves back to the call, so more than k may stay.
"""

from collections.abc import Callable, Iterable
from typing import Any

Message = dict[str, Any]
Note = Callable[[str], None]

_LEADING = ("system", "developer")
_ANSWERS = ("tool", "function")


def normalised(messages: list[Message], note: Note) -> list[Message]:
    """The messages as OpenAI's dialect has them."""
    said: dict[str, int] = {}
    made = [_message(message, said) for message in messages]
    for what, count in said.items():
        note(f"messages: {what}" + (f" ({count} times)" if count > 1 else ""))
    return made


def last_k(messages: list[Message], k: int) -> list[Message]:
    """The leading system messages and the last `k` of the rest, or a few more to keep a tool's message with its call."""
    start = 0
    while start < len(messages) and messages[start].get("role") in _LEADING:
        start += 1
    cut = max(start, len(messages) - k)
    while start < cut < len(messages) and messages[cut].get("role") in _ANSWERS:
        cut -= 1
    return messages[:start] + messages[cut:]


def without_cache_control(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tools without Anthropic's `cache_control`; the same list if none has it."""
    if not any("cache_control" in tool for tool in tools):
        return tools
    return [{name: value for name, value in tool.items() if name != "cache_control"} for tool in tools]


def _message(message: Message, said: dict[str, int]) -> Message:
    changes: Message = {}
    if message.get("role") is None:
        changes["role"] = role = _role(message)
        _count(said, f"a missing role was taken for {role}")
    content = message.get("content")
    if isinstance(content, dict):
        content = changes["content"] = [content]
        _count(said, "a single content part was put into an array")
    if isinstance(content, list) and (parts := _changed(content, _part, said)) is not None:
        changes["content"] = parts
    calls = message.get("tool_calls")
    if isinstance(calls, list) and (made := _changed(calls, _tool_call, said)) is not None:
        changes["tool_calls"] = made
    return {**message, **changes} if changes else message


def _role(message: Message) -> str:
    """What a message without a role is: each of SGP's shapes has a default, and its own keys."""
    if message.get("tool_call_id") is not None:
        return "tool"
    return "assistant" if message.get("tool_calls") or message.get("function_call") else "user"


def _part(part: Any, said: dict[str, int]) -> Any:
    """A content part whose image says its type in its URL, not beside it."""
    image = part.get("image_url") if isinstance(part, dict) else None
    if not isinstance(image, dict) or "media_type" not in image:
        return part
    made = {name: value for name, value in image.items() if name != "media_type"}
    kind, url = image["media_type"], image.get("url")
    if isinstance(kind, str) and isinstance(url, str) and url and ":" not in url:
        made["url"] = f"data:{kind};base64,{url}"
        _count(said, "an image in base64 was given its media_type in a data: URL")
    else:
        _count(said, "image_url.media_type was left out")
    return {**part, "image_url": made}


def _tool_call(call: Any, said: dict[str, int]) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or function.get("arguments") is not None:
        return call
    _count(said, "a tool call without arguments was given `{}`")
    return {**call, "function": {**function, "arguments": "{}"}}


def _changed(items: Iterable[Any], change: Callable[[Any, dict[str, int]], Any], said: dict[str, int]) -> list[Any] | None:
    """The items changed, or None if none needed it."""
    before = list(items)
    after = [change(item, said) for item in before]
    return after if any(new is not old for new, old in zip(after, before, strict=True)) else None


def _count(said: dict[str, int], what: str) -> None:
    said[what] = said.get(what, 0) + 1
