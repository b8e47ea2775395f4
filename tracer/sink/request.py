"""What was asked: the parameters that a request body sets, whichever dialect it is in.

A request that is not JSON, or not the JSON one expects, was still a request: whatever cannot be read is left at its default.
A value of the wrong type is left out too; providers answer 400 to it, and a column has one type.

Most parameters stand at the top of the body under OpenAI's names. Google, Bedrock, Ollama and others keep them in an object of
their own (`_BOXES`), and some call them otherwise (`_NAMES`); both are looked at only where they are there.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import orjson
from msgspec import Struct

from tracer.sink.body import Plain
from tracer.sink.parameters import extra_of, tool_names
from tracer.sink.route import model_in, route
from tracer.sink.salvage import scalars

_FORM_MODEL = re.compile(rb'name="model"\r\n\r\n([^\r\n]{1,200})\r\n')

_SCALARS = ("model", "stream", "user", "temperature", "top_p", "seed", "n")
_MAX_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
# Objects that hold parameters: Google, Converse, Ollama, Titan, text-generation-inference.
_BOXES = ("generationConfig", "generation_config", "inferenceConfig", "options", "textGenerationConfig", "parameters")
# What else the parameters of a column are called, at the top of a body or in a box.
_NAMES = {
    "top_p": ("topP", "p"),
    "max_tokens": (
        *("maxOutputTokens", "maxTokens", "num_predict", "max_new_tokens", "maxTokenCount", "max_gen_len"),
        *("max_tokens_to_sample", "maxTokensToSample", "n_predict"),
    ),
    "n": ("candidateCount", "num_generations", "numResults"),
}
# What a body with messages that is not OpenAI's may have.
_OTHERS = frozenset((*_BOXES, "p"))
_UINT32 = (0, (1 << 32) - 1)
_INT64 = (-(1 << 63), (1 << 63) - 1)


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


_NO_BODY = Plain(b"")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_request(body: Plain, media: str, path: str, original: Plain = _NO_BODY) -> Asked:
    """The parameters in a request body; the model may stand in the path instead (Azure, Gemini, Bedrock).

    Of the `original`, which a front door made into `body`, those count as extra that `body` no longer has.
    """
    if media.startswith("multipart/"):
        form = _FORM_MODEL.search(body.head) or _FORM_MODEL.search(body.tail)
        return Asked(model=form[1].decode("utf-8", "replace") if form else model_in(path))
    document = _document(body)
    if document is not None:
        first = _document(original) or {}
        return _asked(document, path, {name: value for name, value in first.items() if name not in document})
    if not body.truncated:
        return Asked(model=model_in(path), stream=route("POST", path).streams)
    keys = (*_SCALARS, *_MAX_TOKENS, *(name for names in _NAMES.values() for name in names if len(name) > 1))
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


def _asked(document: Mapping[str, Any], path: str, more: Mapping[str, Any] = _NOTHING) -> Asked:
    get = document.get
    temperature, top_p, seed, n = get("temperature"), get("top_p"), get("seed"), get("n")
    max_tokens = _first_integer(document, _MAX_TOKENS)
    if "messages" not in document or not _OTHERS.isdisjoint(document):
        boxes = [document, *(box for name in _BOXES if isinstance(box := get(name), dict))]
        temperature, seed = _else(temperature, boxes, "temperature"), _else(seed, boxes, "seed")
        top_p, n, max_tokens = _else(top_p, boxes, "top_p"), _else(n, boxes, "n"), _else(max_tokens, boxes, "max_tokens")
    user = get("user")
    if user is None and path.endswith("/messages") and isinstance(about := get("metadata"), dict):
        user = about.get("user_id")  # Anthropic's name for it
    return Asked(
        model=string(get("model")) or model_in(path),
        user=string(user),
        stream=_streams(document, path),
        temperature=_number(temperature),
        top_p=_number(top_p),
        max_tokens=_integer(max_tokens, _UINT32),
        seed=_integer(seed, _INT64),
        n=_integer(n, _UINT32),
        tools=tool_names(document),
        extra=extra_of({**document, **more} if more else document),
    )


def _else(value: Any, boxes: Sequence[Mapping[str, Any]], name: str) -> Any:
    """The value, or else what the first box has under the name or one that means the same."""
    if value is not None:
        return value
    for box in boxes:
        for called in (name, *_NAMES.get(name, ())):
            found = box.get(called)
            if found is not None:
                return found
    return None


def _streams(document: Mapping[str, Any], path: str) -> bool:
    asked = document.get("stream")
    if asked is None or asked is False:
        way = route("POST", path)
        return way.streams or (way.streams_unless_told and asked is None)
    return asked is True


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
