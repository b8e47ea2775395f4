"""A streamed answer put together as the JSON that the same call without streaming would have given, in its own dialect.

For reading, not for accounting: nothing else is computed from it. A stream that was cut gives what had arrived; an error that
stood in it is kept as `error`.
"""

from collections.abc import Callable
from typing import Any

import orjson

from tracer.dialects.table import dialect_of
from tracer.sink.assemble.anthropic import assemble_message
from tracer.sink.assemble.chunks import assemble_chunks
from tracer.sink.assemble.cohere import assemble_chat, assemble_reply
from tracer.sink.assemble.converse import assemble_converse
from tracer.sink.assemble.gemini import assemble_candidates
from tracer.sink.assemble.plain import assemble_plain, assemble_titan
from tracer.sink.assemble.responses import assemble_response

_BY_DIALECT: dict[str, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {
    "openai-responses": assemble_response,
    "anthropic": assemble_message,
    "google": assemble_candidates,
    "bedrock-converse": assemble_converse,
    "bedrock-titan": assemble_titan,
    "cohere-v2": assemble_chat,
    "cohere-v1": assemble_reply,
    **dict.fromkeys(
        (
            *("ollama", "llama.cpp", "text-generation-inference", "anthropic-completions"),
            *("bedrock-llama", "bedrock-mistral", "bedrock-cohere-command"),
        ),
        assemble_plain,
    ),
}


def assemble(documents: list[dict[str, Any]]) -> str:
    """The answer as JSON text; empty if these are not events of a known kind."""
    if any(isinstance(document.get("choices"), list) for document in documents):
        whole = assemble_chunks(documents)
    else:
        whole = _native(documents)
    if not whole:
        return ""
    try:
        return orjson.dumps(whole).decode()
    except (TypeError, ValueError):  # nested beyond what orjson writes
        return ""


def _native(documents: list[dict[str, Any]]) -> dict[str, Any]:
    for document in documents:
        dialect = dialect_of(document)
        build = _BY_DIALECT.get(dialect.name) if dialect is not None else None
        if build is not None:
            whole = build(documents)
            error = next((document["error"] for document in documents if document.get("error")), None)
            return whole | {"error": error} if error is not None and "error" not in whole else whole
    return {}
