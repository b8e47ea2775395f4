"""Which part of a streamed answer is a token: text, reasoning, tool call, refusal or audio, but not roles, ids and figures.

The sink times tokens by this; tracer.blank keeps exactly this much when it takes the text out. Both must mean the same, so that
a call's latency does not depend on whether its content was kept.
"""

from typing import Any

# Of a chat delta, in the order in which they are met most often. Providers call reasoning by both names.
DELTA_KEYS = ("content", "reasoning_content", "reasoning", "tool_calls", "function_call", "refusal", "audio")

# Of an item of the responses API that comes in one piece: some tool calls are not streamed.
ITEM_KEYS = ("arguments", "input", "code", "content", "summary")

# Keys that say what kind of thing this is, not what was said.
_FRAME = frozenset({"type", "id", "call_id", "item_id", "index", "role", "object", "format"})


_DEEPEST = 16


def carries(value: Any, depth: int = 0) -> bool:
    """Whether there is any text in this piece of an answer."""
    if isinstance(value, str):
        return value != ""
    if depth > _DEEPEST:  # no provider nests so; a body that does must not exhaust the stack
        return False
    if isinstance(value, dict):
        return any(carries(part, depth + 1) for key, part in value.items() if key not in _FRAME)
    return isinstance(value, list) and any(carries(part, depth + 1) for part in value)
