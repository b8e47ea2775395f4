"""What was answered: the facts of a reply, gathered from one JSON document or from the events of a stream.

Facts is filled piece by piece and knows nothing of times, prices or how the bytes came. Pieces may come in any order and any
of them may be missing or of the wrong type: what is understood is taken, the rest is left.

Rules
- The last usage wins; it is never added up. It may come before, with or after the finish reason, or in Groq's own place.
- The first non-empty id and model hold (Azure's first chunk has both empty), of fingerprint and tier the last.
- `ended` says that the stream reached its end by its own account: a finish reason, `[DONE]`, a terminal event of the responses
  API, or the extra usage chunk, which is only sent behind the answer (Snowflake sends no finish reason at all).
- An error may stand in any reply, whatever its status: OpenAI and OpenRouter send one as an event, OpenRouter also as a JSON
  document with status 200 or inside a choice.
"""

from collections.abc import Mapping
from typing import Any

from tracer.sink.request import string
from tracer.sink.usage import find_usage
from tracer.tokens import DELTA_KEYS, ITEM_KEYS, carries

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_MOST_CHOICES = 1024
_MOST_TEXT = 4096  # of an error message


class Facts:
    """What is known of a reply so far."""

    __slots__ = (
        "answered",
        "choices",
        "ended",
        "error",
        "fingerprint",
        "id",
        "model",
        "openai_like",
        "reasons",
        "tier",
        "usage",
        "usage_is_final",
    )

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.fingerprint = ""
        self.tier = ""
        self.usage: dict[str, Any] | None = None
        self.usage_is_final = False  # it came in a chunk of its own
        self.choices = 0  # how many were seen
        self.reasons: dict[int, str] = {}
        self.error: tuple[str, str] | None = None
        self.answered = False  # there was a token
        self.ended = False
        self.openai_like = False  # the stream is of a kind that must reach an end

    def take_document(self, document: Mapping[str, Any]) -> None:
        """A whole reply."""
        self._take_frame(document)
        self._take_usage(document, final=True)
        choices = document.get("choices")
        if isinstance(choices, list):
            for position, choice in enumerate(choices):
                if isinstance(choice, dict):
                    self._take_choice(choice, position)
        elif document.get("object") == "response":
            self._take_response_end(document)

    def take_event(self, document: Mapping[str, Any]) -> bool:
        """One event of a stream; says whether it carried a token."""
        choices = document.get("choices")
        if isinstance(choices, list):
            return self._take_chunk(document, choices)
        kind = document.get("type")
        if isinstance(kind, str) and kind.startswith("response."):
            return self._take_response_event(document, kind)
        self._take_frame(document)
        self._take_usage(document, final=False)
        error = error_in(document)
        if error is not None:
            self.error = error
        return carries(document.get("value"))  # Writer's completions

    def finish_reasons(self, cut: bool) -> tuple[str, ...]:
        """One for each choice, in order; "error" for a choice that a cut left without (GenAI conventions)."""
        if not cut and not self.reasons:
            return ()
        return tuple(self.reasons.get(index, "error" if cut else "") for index in range(self.choices))

    def _take_chunk(self, chunk: Mapping[str, Any], choices: list[Any]) -> bool:
        get = chunk.get
        self.openai_like = True
        fingerprint, tier = get("system_fingerprint"), get("service_tier")
        known = self.id and self.model and fingerprint in (None, self.fingerprint) and tier in (None, self.tier)
        if not known:
            self._take_frame(chunk)
        if get("usage") or get("x_groq"):
            self._take_usage(chunk, final=not choices)
        if get("error"):
            self.error = error_in(chunk) or self.error
        token = False
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                self._take_choice(choice, position)
                token = token or _is_token(choice)
        return token

    def _take_frame(self, document: Mapping[str, Any]) -> None:
        get = document.get
        if not self.id:
            self.id = string(get("id"))
        if not self.model:
            self.model = string(get("model"))
        if fingerprint := get("system_fingerprint"):
            self.fingerprint = string(fingerprint)
        if tier := get("service_tier"):
            self.tier = string(tier)

    def _take_usage(self, document: Mapping[str, Any], final: bool) -> None:
        usage = find_usage(document)
        if usage is not None:
            self.usage = usage
            self.usage_is_final = final
            self.ended = self.ended or final

    def _take_choice(self, choice: Mapping[str, Any], position: int) -> None:
        index = choice.get("index")
        if type(index) is not int or not 0 <= index < _MOST_CHOICES:
            index = min(position, _MOST_CHOICES - 1)
        if index >= self.choices:
            self.choices = index + 1
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            self.reasons[index] = reason
            self.ended = True
        if choice.get("error"):
            self.error = error_in(choice) or self.error

    def _take_response_event(self, event: Mapping[str, Any], kind: str) -> bool:
        self.openai_like = True
        response = event.get("response")
        if isinstance(response, dict):
            self._take_frame(response)
            self._take_usage(response, final=kind in _TERMINAL)
            if kind in _TERMINAL:
                self.ended = True
                self._take_response_end(response)
        item = event.get("item")
        if kind == "response.output_item.done" and not self.answered and isinstance(item, dict):
            self.answered = any(carries(item.get(key)) for key in ITEM_KEYS)
            return self.answered
        token = kind.endswith(".delta") and carries(event.get("delta"))
        self.answered = self.answered or token
        return token

    def _take_response_end(self, response: Mapping[str, Any]) -> None:
        details = response.get("incomplete_details")
        reason = string(details.get("reason")) if isinstance(details, dict) else ""
        reason = reason or string(response.get("status"))
        self.choices = 1
        if reason:
            self.reasons[0] = reason
        error = error_in(response)
        if error is not None:
            self.error = error


def _is_token(choice: Mapping[str, Any]) -> bool:
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return carries(choice.get("text"))  # legacy completions
    for key in DELTA_KEYS:
        value = delta.get(key)
        if value and (type(value) is str or carries(value)):
            return True
    return False


def error_in(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Type and message of the error in a reply that may as well hold none."""
    error = document.get("error")
    if isinstance(error, dict):
        kind, message = _kind(error), string(error.get("message"))
        return (kind, message[:_MOST_TEXT]) if kind or message else None
    if error and isinstance(error, str):
        return "", error[:_MOST_TEXT]
    if document.get("type") == "error" or document.get("object") == "error":
        return _kind(document), string(document.get("message"))[:_MOST_TEXT]
    return None


def error_reply(document: Mapping[str, Any]) -> tuple[str, str]:
    """Type and message from the body of a failed call, in whichever dialect; empty strings where it says nothing."""
    found = error_in(document)
    if found is not None:
        return found
    detail = document.get("detail")  # FastAPI: a sentence, or a list of what is wrong where
    if isinstance(detail, list):
        parts = [string(part.get("msg")) for part in detail if isinstance(part, dict)]
        return "", "; ".join(part for part in parts if part)[:_MOST_TEXT]
    return _kind(document), (string(document.get("message")) or string(detail))[:_MOST_TEXT]


def _kind(error: Mapping[str, Any]) -> str:
    """The most telling name: OpenAI's `code` ("context_length_exceeded"), else its `type`, else a number as code."""
    code, kind = error.get("code"), error.get("type")
    if code and isinstance(code, str) and not code.isdigit():
        return code[:256]
    if kind and isinstance(kind, str) and kind != "error":
        return kind[:256]
    return str(code) if code and isinstance(code, str | int) else ""
