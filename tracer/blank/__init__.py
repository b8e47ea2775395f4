"""Take what people and models wrote out of a body, and leave what the columns of a Call are computed from.

Used where bodies must not reach the disk. The rule is a positive list, a tree of keys: what it names stays, every text in it
that is not a name becomes one character (so that one can still see whether there was any), and everything else is left out,
keys included, because keys are content too: in a JSON schema, in tool arguments, in metadata.

Invariants
- No text outside the positions marked _NAME leaves here (tests/test_blank.py plants canaries everywhere).
- sink.decode gives the same usage, cost, finish reasons, times to tokens, model and ids with and without blanking.
- Not JSON: nothing is left. A compressed body must be inflated first (tracer/inflate.py).
- A stream's events stay as they were cut: each piece gives the blanked form of the events that it completed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tracer.sse import Decoder, Event
from tracer.tokens import DELTA_KEYS, ITEM_KEYS, carries

PLACEHOLDER = "x"

# A name is short and has no white space, as models, ids, codes and roles have none; anything else there is taken for text.
_NAMELIKE = re.compile(r"[^\s\x00-\x1f]{1,256}")
_MOST_ITEMS = 4096

Rule = Callable[[Any], Any]
_GONE = object()


def _name(value: Any) -> Any:
    """Kept as it is; also figures and switches."""
    if isinstance(value, str):
        return value if not value or _NAMELIKE.fullmatch(value) else PLACEHOLDER
    return _figure(value)


def _label(value: Any) -> Any:
    """Kept if it is a short string; people's names have spaces."""
    return value if isinstance(value, str) and len(value) <= 256 else _GONE


def _figure(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else _GONE


def _text(value: Any) -> Any:
    """One character if there was any text in it, at any depth."""
    return PLACEHOLDER if carries(value) else None


def _object(rules: Mapping[str, Rule]) -> Rule:
    def blank(value: Any) -> Any:
        if not isinstance(value, dict):
            return _GONE if isinstance(value, str | list) else value
        kept = {}
        for key, part in value.items():
            rule = rules.get(key)
            if rule is not None and (blanked := rule(part)) is not _GONE:
                kept[key] = blanked
        return kept

    return blank


def _list(item: Rule) -> Rule:
    def blank(value: Any) -> Any:
        if not isinstance(value, list):
            return _GONE if isinstance(value, str | dict) else value
        return [part for part in map(item, value[:_MOST_ITEMS]) if part is not _GONE]

    return blank


def _either(first: Rule, second: Rule) -> Rule:
    def blank(value: Any) -> Any:
        blanked = first(value)
        return second(value) if blanked is _GONE else blanked

    return blank


def _figures(*names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, _figure)


def _names(*names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, _name)


def _texts(*names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, _text)


_TOKENS = _figures("text_tokens", "audio_tokens", "image_tokens", "video_tokens", "cached_tokens", "cache_write_tokens")
_INPUT_DETAILS = _object({**_TOKENS, "cached_tokens_details": _object(_TOKENS)})
_OUTPUT_DETAILS = _object(
    {**_TOKENS, **_figures("reasoning_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens")}
)
_COSTS = _object(
    _figures(
        "upstream_inference_cost",
        "upstream_inference_prompt_cost",
        "upstream_inference_completions_cost",
        "upstream_inference_input_cost",
        "upstream_inference_output_cost",
        "input_tokens_cost",
        "output_tokens_cost",
        "request_cost",
        "total_cost",
    )
)
USAGE = _object(
    {
        **_figures("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens"),
        **_figures("prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "num_cached_tokens", "cached_tokens"),
        **_figures("reasoning_tokens", "citation_tokens", "num_search_queries", "cost_in_usd_ticks", "is_byok"),
        **_figures("queue_time", "prompt_time", "completion_time", "total_time"),
        **dict.fromkeys(
            ("prompt_tokens_details", "prompt_token_details", "input_tokens_details", "input_token_details"),
            _INPUT_DETAILS,
        ),
        **dict.fromkeys(
            (
                "completion_tokens_details",
                "completion_token_details",
                "output_tokens_details",
                "output_token_details",
            ),
            _OUTPUT_DETAILS,
        ),
        "cost": _either(_figure, _COSTS),
        "cost_details": _COSTS,
    }
)
_ERROR = _either(_object({**_names("type", "code"), **_texts("message")}), _text)
_DETAIL = _either(_list(_object(_texts("msg"))), _text)
_MESSAGE = _object({**_names("role"), **_texts(*DELTA_KEYS)})
_CHOICE = _object(
    {**_names("index", "finish_reason"), "delta": _MESSAGE, "message": _MESSAGE, "error": _ERROR, **_texts("text")}
)
_TOOL = _object({**_names("type", "name"), "function": _object(_names("name"))})
_FRAME: dict[str, Rule] = {
    **_names("id", "object", "model", "created", "created_at", "status", "system_fingerprint", "service_tier"),
    "usage": USAGE,
    "error": _ERROR,
    "incomplete_details": _object(_names("reason")),
}
_DOCUMENT = _object(
    {
        # a request's parameters
        "user": _label,
        **_figures("stream", "temperature", "top_p", "max_tokens", "max_completion_tokens", "max_output_tokens", "seed", "n"),
        "tools": _list(_TOOL),
        "functions": _list(_TOOL),
        "stream_options": _object(_figures("include_usage")),
        # a reply, or an event of one
        **_FRAME,
        **_names("type", "code"),
        **_texts("message", "value", "delta"),
        "detail": _DETAIL,
        "choices": _list(_CHOICE),
        "x_groq": _object({**_names("id"), "usage": USAGE}),
        "response": _object(_FRAME),
        "item": _object(_texts(*ITEM_KEYS)),
    }
)


def blank_json(body: bytes) -> bytes:
    """The blanked form of a JSON object; empty for anything else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return b""
    return orjson.dumps(_DOCUMENT(document)) if isinstance(document, dict) else b""


class StreamBlanker:
    """Blanks server-sent events as they pass: what goes in may be cut anywhere, what comes out is whole events."""

    def __init__(self) -> None:
        self._decoder = Decoder()

    def feed(self, chunk: bytes) -> bytes:
        """The events that `chunk` completed, blanked."""
        return b"".join(_blank_event(event) + b"\n" for event in self._decoder.feed(chunk) if isinstance(event, Event))

    def close(self) -> bytes:
        """The event that the end cut short, if its data is whole; without the empty line that it lacked."""
        event = self._decoder.close()
        return b"" if event is None else _blank_event(event)


def _blank_event(event: Event) -> bytes:
    name = b"event: error\n" if event.name == "error" else b""
    if event.data.startswith("[DONE]"):
        return name + b"data: [DONE]\n"
    return name + b"data: " + (blank_json(event.data.encode()) or b"-") + b"\n"
