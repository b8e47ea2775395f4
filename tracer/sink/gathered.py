"""What is known of a reply so far: the values, and nothing of where they were found (facts.py, reading.py)."""

from typing import Any

from tracer.dialects.row import Dialect
from tracer.sink.errors import Error

MOST_CHOICES = 1024


class Gathered:
    """What is known of a reply so far."""

    __slots__ = (
        "answered",
        "choices",
        "dialect",
        "elsewhere",
        "ended",
        "error",
        "fingerprint",
        "id",
        "model",
        "must_end",
        "reasons",
        "searches",
        "tier",
        "usage",
        "usage_beside",
        "usage_is_final",
    )

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.fingerprint = ""
        self.tier = ""
        self.usage: dict[str, Any] | None = None
        self.usage_is_final = False  # it came in a chunk of its own
        self.usage_beside: dict[str, Any] | None = None  # a second account of the same call
        self.elsewhere: dict[str, Any] | None = None  # usage of another model, billed besides
        self.searches: int | None = None  # web searches, where the usage does not tell
        self.choices = 0  # how many were seen
        self.reasons: dict[int, str] = {}
        self.error: Error | None = None
        self.answered = False  # there was a token
        self.ended = False
        self.must_end = False  # the stream is of a kind that announces its end
        self.dialect: Dialect | None = None  # of what has no choices

    def finish_reasons(self, cut: bool) -> tuple[str, ...]:
        """One for each choice, in order; "error" for a choice that a cut left without (GenAI conventions)."""
        if not cut and not self.reasons:
            return ()
        return tuple(self.reasons.get(index, "error" if cut else "") for index in range(self.choices))
