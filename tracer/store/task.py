"""A statement with all that is in force for it."""

from dataclasses import dataclass

from tracer.store.question import Question
from tracer.store.sessions import Session
from tracer.store.statement import first_word
from tracer.store.turns import Turn

_READING = frozenset(("SELECT", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN"))


@dataclass(frozen=True, slots=True)
class Task:
    """What a question becomes once its session is known."""

    question: Question
    session: Session
    turn: Turn

    @property
    def settings(self) -> dict[str, str]:
        return {**self.session.settings, **self.question.settings}

    @property
    def database(self) -> str:
        return self.question.database or self.session.database or "default"

    @property
    def read_only(self) -> bool:
        return self.question.get or not self.question.may_write

    @property
    def can_be_cut(self) -> bool:
        """Whether nothing is lost if it ends in the middle."""
        return self.read_only or first_word(self.turn.text) in _READING
