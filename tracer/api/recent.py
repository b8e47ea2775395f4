"""The last records that this worker accepted: they reach SQL a moment later, and their sender may ask at once."""

from typing import Generic, TypeVar

from tracer.signals import AppSpan, Feedback, weight_of

S = TypeVar("S", Feedback, AppSpan)


class Recent(Generic[S]):
    """By id, the newest version of each. Bounded by their number and size; the oldest go first."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: dict[str, S] = {}
        self._bytes = 0

    def add(self, record: S) -> None:
        key = str(record.id)
        if (before := self._held.pop(key, None)) is not None:
            self._bytes -= weight_of(before)
            record = max(before, record, key=lambda each: each.version)
        self._held[key] = record
        self._bytes += weight_of(record)
        while len(self._held) > self._most or self._bytes > self._most_bytes:
            oldest = next(iter(self._held))
            self._bytes -= weight_of(self._held.pop(oldest))

    def get(self, key: str) -> S | None:
        return self._held.get(key)
