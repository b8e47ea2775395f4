"""What was answered: the facts of a reply, gathered from one JSON document or from the events of a stream.

Facts is filled piece by piece and knows nothing of times, prices or how the bytes came. Pieces may come in any order and any
of them may be missing or of the wrong type: what is understood is taken, the rest is left.

What has `choices` is OpenAI's chat or completions, nine of ten calls, and is read here by hand. Everything else is read by the
row of its dialect (reading.py, tracer/dialects/); the first event that a row knows decides for the stream.

Rules
- The last usage wins; it is never added up. It may come before, with or after the finish reason, or in Groq's own place.
- The first non-empty id and model hold (Azure's first chunk has both empty), of fingerprint and tier the last.
- `ended` says that the stream reached its end by its own account: a finish reason, `[DONE]`, a terminal event, or the extra
  usage chunk, which is only sent behind the answer (Snowflake sends no finish reason at all).
- An error may stand in any reply, whatever its status: OpenAI and OpenRouter send one as an event, OpenRouter also as a JSON
  document with status 200 or inside a choice.
"""

from collections.abc import Mapping
from typing import Any

from tracer.dialects.table import PLAIN, dialect_of
from tracer.sink.errors import error_in
from tracer.sink.figures import find_usage
from tracer.sink.gathered import MOST_CHOICES, Gathered
from tracer.sink.reading import read_document, read_event
from tracer.sink.request import string
from tracer.tokens import DELTA_KEYS, carries


class Facts(Gathered):
    """What is known of a reply so far, and how a piece of it is taken in."""

    __slots__ = ()

    def take_document(self, document: Mapping[str, Any]) -> None:
        """A whole reply."""
        choices = document.get("choices")
        if not isinstance(choices, list):
            self.dialect = dialect_of(document) or PLAIN
            read_document(self, document, self.dialect)
            return
        self._take_frame(document)
        self._take_usage(document, final=True)
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                self._take_choice(choice, position)

    def take_event(self, document: Mapping[str, Any]) -> bool:
        """One event of a stream; says whether it carried a token."""
        get = document.get
        choices = get("choices")
        if type(choices) is not list:
            return self._take_other(document)
        self.must_end = True
        fingerprint, tier = get("system_fingerprint"), get("service_tier")
        if (
            not (self.id and self.model)
            or (fingerprint is not None and fingerprint != self.fingerprint)
            or (tier is not None and tier != self.tier)
        ):
            self._take_frame(document)
        if get("usage") or get("x_groq"):
            self._take_usage(document, final=not choices)
        if get("error"):
            self.error = error_in(document) or self.error
        token = False
        for position, choice in enumerate(choices):
            if type(choice) is not dict:
                continue
            usual = choice.get("finish_reason", "") is None and choice.get("index") == 0 and self.choices
            if not usual or "error" in choice:
                self._take_choice(choice, position)
            token = token or _is_token(choice)
        return token

    def _take_other(self, document: Mapping[str, Any]) -> bool:
        dialect = self.dialect
        if dialect is None:
            dialect = self.dialect = dialect_of(document)
        return read_event(self, document, dialect or PLAIN)

    def take_account_beside(self, document: Mapping[str, Any]) -> None:
        """What a carrier says of the tokens in a document (the last one of a stream) that it passes on."""
        for path in PLAIN.usage_beside:
            beside = document.get(str(path[0]))
            if isinstance(beside, dict) and beside:
                self.usage_beside = beside

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
            groq = document.get("x_groq")
            if isinstance(groq, dict) and isinstance(beside := groq.get("usage"), dict) and beside:
                self.usage_beside = beside  # the same, if it is the only one

    def _take_choice(self, choice: Mapping[str, Any], position: int) -> None:
        index = choice.get("index")
        if type(index) is not int or not 0 <= index < MOST_CHOICES:
            index = min(position, MOST_CHOICES - 1)
        if index >= self.choices:
            self.choices = index + 1
        reason = choice.get("finish_reason", "")
        if reason is not None:
            reason = reason or choice.get("stop_reason")  # models of Bedrock that say almost what OpenAI says
            if reason and isinstance(reason, str):
                self.reasons[index] = reason
                self.ended = True
        if choice.get("error"):
            self.error = error_in(choice) or self.error


def _is_token(choice: Mapping[str, Any]) -> bool:
    delta = choice.get("delta")
    if type(delta) is not dict:
        return carries(choice.get("text"))  # legacy completions
    for key in DELTA_KEYS:
        value = delta.get(key)
        if value and (type(value) is str or carries(value)):
            return True
    return False
