"""What `TRANSLATE` in the table of fields.py means: one function for each such field, by its name.

A change reads the field's value and writes into the draft: the upstream body, headers, a time limit, notes. Changes run in the
order in which they stand below, after all fields that simply pass are in the draft's body.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracer.scale import extras, messages
from tracer.scale.errors import Fault, unprocessable
from tracer.scale.fields import Dialect


@dataclass(slots=True)
class Draft:
    """An upstream request in the making."""

    model: str  # as the upstream knows it
    old_vllm: bool = False
    body: dict[str, object] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    time_limit_s: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict)  # goes over the body at the end
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


def listed(names: Sequence[str]) -> str:
    """Names that a caller made up, in a note of bounded length."""
    shown = [name[:_LONGEST_NAME] for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


_LONGEST_NAME, _MOST_NAMES = 64, 16

Change = Callable[[Draft, str, Any], None]


def _model(draft: Draft, name: str, value: str) -> None:
    draft.body = {name: draft.model, **draft.body}


def _messages(draft: Draft, name: str, value: list[dict[str, Any]]) -> None:
    draft.body[name] = messages.normalised(value, draft.note)


def _memory(draft: Draft, name: str, value: dict[str, Any]) -> None:
    """`{"name": "last_k", "k": N}`, or as older SGP clients have it `{"name": "last_k", "params": {"k": N}}`."""
    if value.get("name", "last_k") != "last_k":
        raise unprocessable([Fault((name, "name"), "Input should be 'last_k'", "literal_error")])
    params = value.get("params")
    nested = "k" not in value and isinstance(params, dict)
    loc = (name, "params", "k") if nested else (name, "k")
    k = params.get("k") if nested and isinstance(params, dict) else value.get("k")
    if k is None:
        raise unprocessable([Fault(loc, "Field required", "missing")])
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise unprocessable([Fault(loc, "Input should be an integer greater than or equal to 1", "greater_than_equal")])
    said = draft.body["messages"]
    assert isinstance(said, list)  # a required field, checked before
    draft.body["messages"] = kept = messages.last_k(said, k)
    draft.note(f"memory_strategy: last_k {k} left {len(kept)} of {len(said)} messages")


def _cache_control(draft: Draft, name: str, value: list[dict[str, Any]]) -> None:
    made = messages.without_cache_control(value)
    if made is not value:
        draft.body["tools"] = made
        draft.note("tools: cache_control was left out; only Anthropic's own API takes it")


def _guided(draft: Draft, name: str, value: object) -> None:
    if draft.old_vllm:
        draft.body[name] = value
        return
    if name == "guided_decoding_backend":
        draft.note(f"{name} was left out: vLLM chooses since 0.12")
        return
    outputs = draft.body.get("structured_outputs")
    to = name.removeprefix("guided_")
    # What the caller says in the newer form itself wins.
    draft.body["structured_outputs"] = {to: value, **(outputs if isinstance(outputs, dict) else {})}
    draft.note(f"{name} was sent as structured_outputs.{to}")


def _extra_params(draft: Draft, name: str, value: dict[str, object]) -> None:
    draft.extra = extras.parameters(value)


def _extra_headers(draft: Draft, name: str, value: dict[str, object]) -> None:
    draft.headers, refused = extras.headers(value)
    if draft.headers:
        draft.note(f"{name}: sent {listed([added for added, _ in draft.headers])}")
    if refused:
        draft.note(f"{name}: left out {listed(refused)}")


def _timeout(draft: Draft, name: str, value: object) -> None:
    draft.time_limit_s = extras.time_limit(value)


def _instead(to: str) -> Change:
    """The same value under another name, unless that was sent too."""

    def change(draft: Draft, name: str, value: object) -> None:
        if draft.body.get(to) is not None:
            draft.note(f"{name} was left out: {to} was sent too")
        else:
            draft.body[to] = value
            draft.note(f"{name} was sent as {to}")

    return change


def _logprobs(draft: Draft, name: str, value: bool | int) -> None:
    """Text completions want how many; a58 has chat's pair of fields."""
    if value is True:
        draft.body[name] = 1
        draft.note("logprobs: true was sent as a number")
    elif value is not False:
        draft.body[name] = value


def _top_logprobs(draft: Draft, name: str, value: int) -> None:
    if draft.body.get("logprobs") is None:
        draft.note("top_logprobs was left out: logprobs was not asked for")
    else:
        draft.body["logprobs"] = value
        draft.note("top_logprobs was sent as logprobs")


def _token_log_probs(draft: Draft, name: str, value: bool) -> None:
    if value and draft.body.get("logprobs") is None:
        draft.body["logprobs"] = 1
    draft.note("return_token_log_probs was sent as logprobs" if value else "return_token_log_probs: false was left out")


_EVERYWHERE: dict[str, Change] = {
    "model": _model,
    "guided_choice": _guided,
    "guided_grammar": _guided,
    "guided_json": _guided,
    "guided_regex": _guided,
    "inference_extra_headers": _extra_headers,
    "inference_extra_params": _extra_params,
    "inference_timeout": _timeout,
}
CHANGES: dict[Dialect, dict[str, Change]] = {
    Dialect.CHAT: {
        **_EVERYWHERE,
        "messages": _messages,
        "guided_decoding_backend": _guided,
        "guided_whitespace_pattern": _guided,
        "memory_strategy": _memory,
        "tools[].cache_control": _cache_control,
    },
    Dialect.TEXT: {
        **_EVERYWHERE,
        "logprobs": _logprobs,
        "max_completion_tokens": _instead("max_tokens"),
        "max_new_tokens": _instead("max_tokens"),
        "return_token_log_probs": _token_log_probs,
        "stop_sequences": _instead("stop"),
        "top_logprobs": _top_logprobs,
    },
    Dialect.RESPONSES: {"model": _model},
}
