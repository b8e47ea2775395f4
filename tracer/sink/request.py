"""What was asked: the operation by the path, the parameters from the body.

A request that is not JSON, or not the JSON one expects, was still a request: whatever cannot be read is left at its default.
A value of the wrong type is left out too; providers answer 400 to it, and a column has one type.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson
from msgspec import Struct

from tracer.sink.body import Plain
from tracer.sink.salvage import scalars

# Ends of endpoints; the GenAI conventions' name of what they do. Longer ends stand before shorter ones that they contain.
_OPERATIONS: tuple[tuple[str, str], ...] = (
    ("/chat/completions", "chat"),
    ("/prompts/{prompt}/completions", "chat"),
    ("/completions", "text_completion"),
    ("/embeddings", "embeddings"),
    ("/responses", "chat"),
    ("/responses/compact", "chat"),
    ("/v1/messages", "chat"),  # not every "/messages": an assistant's thread has some too
    ("/v1/chat", "chat"),
    ("/v2/chat", "chat"),
    (":generateContent", "generate_content"),
    (":streamGenerateContent", "generate_content"),
)
_OPENAI_STREAMS = ("/chat/completions", "/completions", "/responses")

# What varies from call to call in a path, so that `endpoint` stays a name of few values.
_VARIABLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/models/[^/:]+(?=$|:)"), "/models/{model}"),
    (re.compile(r"/deployments/[^/]+"), "/deployments/{deployment}"),
    (re.compile(r"/prompts/[^/]+(?=/(?:completions|render)$)"), "/prompts/{prompt}"),
    # Possessive, so that a path made to be slow is not.
    (re.compile(r"/(?:[0-9a-f]{8}-[0-9a-f-]{27}|\d++|[a-z]++[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]++)(?=/|$)"), "/{id}"),
)
_IN_PATH = re.compile(r"/(?:models|deployments)/([^/:?]+)(?=[:/]|$)")
_FORM_MODEL = re.compile(rb'name="model"\r\n\r\n([^\r\n]{1,200})\r\n')

_SCALARS = ("model", "stream", "user", "temperature", "top_p", "seed", "n")
_MAX_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
# Not parameters but what was said, or has a column of its own: what is left of a body are its extra parameters.
_NOT_EXTRA = frozenset(
    [
        *_SCALARS,
        *_MAX_TOKENS,
        "tools",
        "functions",
        "messages",
        "input",
        "inputs",
        "prompt",
        "prediction",
        "suffix",
        "system",
        "instructions",
        "contents",
        "content",
        "systemInstruction",
        "system_instruction",
        "message",
        "chat_history",
        "preamble",
        "documents",
        "query",
        "texts",
        "images",
        "image",
        "variables",
    ]
)
_MOST_EXTRA = 64
_LONGEST_EXTRA = 1024
_LONGEST_NAME = 128
_UINT32 = (0, (1 << 32) - 1)
_INT64 = (-(1 << 63), (1 << 63) - 1)
_MOST_TOOLS = 256


class Route(Struct, frozen=True):
    """What a path says: its pattern, its operation, and whether its streams end as OpenAI's do."""

    endpoint: str
    operation: str = ""
    openai_stream: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """The parameters of a request that are columns of Call."""

    model: str = ""
    user: str = ""
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    n: int | None = None
    tools: tuple[str, ...] = ()
    extra: dict[str, str] = {}  # what has no column of its own, as JSON texts


@lru_cache(maxsize=4096)
def route(method: str, path: str) -> Route:
    """What `path` (as in Exchange, with its query) means; method "WEBSOCKET" for an upgraded connection."""
    path = path.partition("?")[0].rstrip("/")
    endpoint = path
    for pattern, name in _VARIABLES:
        endpoint = pattern.sub(name, endpoint)
    if method.upper() != "POST":
        return Route(endpoint or "/", "realtime" if method == "WEBSOCKET" else "")
    for end, operation in _OPERATIONS:
        if endpoint.endswith(end):
            return Route(endpoint, operation, end in _OPENAI_STREAMS)
    return Route(endpoint or "/")


_NO_BODY = Plain(b"")


def read_request(body: Plain, media: str, path: str, original: Plain = _NO_BODY) -> Asked:
    """The parameters in a request body; the model may stand in the path instead (Azure, Gemini).

    Of the `original`, which a front door made into `body`, those count as extra that `body` no longer has.
    """
    if media.startswith("multipart/"):
        form = _FORM_MODEL.search(body.head) or _FORM_MODEL.search(body.tail)
        return Asked(model=form[1].decode("utf-8", "replace") if form else _model_in(path))
    document = _document(body)
    if document is not None:
        first = _document(original) or {}
        return _asked(document, path, {name: value for name, value in first.items() if name not in document})
    if not body.truncated:
        return Asked(model=_model_in(path))
    keys = (*_SCALARS, *_MAX_TOKENS)
    # SDKs write messages, which are long, before or after everything else: the end of the body says most.
    found = scalars(body.head.decode("utf-8", "replace"), keys) | scalars(body.tail.decode("utf-8", "replace"), keys)
    return _asked(found, path)


def _document(body: Plain) -> dict[str, Any] | None:
    if not body.head or body.tail:
        return None
    with suppress(orjson.JSONDecodeError):
        document = orjson.loads(body.head)
        if isinstance(document, dict):
            return document
    return None


def _asked(document: Mapping[str, Any], path: str, more: Mapping[str, Any] = MappingProxyType({})) -> Asked:
    get = document.get
    return Asked(
        model=string(get("model")) or _model_in(path),
        user=string(get("user")),
        stream=get("stream") is True,
        temperature=_number(get("temperature")),
        top_p=_number(get("top_p")),
        max_tokens=_first_integer(document, _MAX_TOKENS),
        seed=_integer(get("seed"), _INT64),
        n=_integer(get("n"), _UINT32),
        tools=_tool_names(document),
        extra=_extra({**document, **more}),
    )


def _extra(document: Mapping[str, Any]) -> dict[str, str]:
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


def _model_in(path: str) -> str:
    found = _IN_PATH.search(path)
    return found[1] if found else ""


def _tool_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    tools = document.get("tools") or document.get("functions")
    if not isinstance(tools, list):
        return ()
    names = []
    for tool in tools[:_MOST_TOOLS]:
        if isinstance(tool, dict):
            function = tool.get("function")
            name = function.get("name") if isinstance(function, dict) else tool.get("name")
            names.append(string(name) or string(tool.get("type")))  # hosted tools have a type only: "web_search"
    return tuple(name for name in names if name)


def _first_integer(document: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    values = (_integer(document.get(key), _UINT32) for key in keys)
    return next((value for value in values if value is not None), None)


def string(value: Any) -> str:
    """`value` if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    # Beyond this it is no parameter but a joke, and an int may be too large for a float.
    return float(value) if type(value) in (int, float) and abs(value) < 1e15 else None


def _integer(value: Any, bounds: tuple[int, int]) -> int | None:
    return value if type(value) is int and bounds[0] <= value <= bounds[1] else None
