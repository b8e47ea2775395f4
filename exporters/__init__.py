"""Exporters: each ships batches of records (calls, feedback, applications' spans) to one kind of backend.

The sink owns one drain per exporter, with its own position in the spool, and calls `export` from that drain's thread only.
A batch is a stored range of the spool: if the sink dies between `export` and the acknowledgement, the very same records
come again with the same `token`, so an exporter that can deduplicate must do so by the token; and the drain says that they
may come `again`. It hands over one kind of record at a time, so that a feedback that no backend takes never halves a batch of
calls.

Failures are named by who must act:
  Transient   try the same batch again later (the drain backs off; nothing is lost, the spool keeps it).
  Permanent   the same input will fail again. The drain halves the batch until it has found the record at fault and puts that
              one among the dead letters, with this error's text as the reason.
"""

from collections.abc import Sequence
from typing import Protocol

from tracer.signals import Record


class ExportError(Exception):
    """Base of both kinds; the message says what was being done to what, and never holds a secret."""


class Transient(ExportError):
    """The backend is away, slow or busy. `retry_after_s` is its own wish, if it named one."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Permanent(ExportError):
    """The backend will never take this batch as it is."""


class Exporter(Protocol):
    """One kind of backend. Made by its module's `open(settings)`; not thread-safe, used by one thread."""

    name: str

    def export(self, records: Sequence[Record], token: str, again: bool = False) -> None:
        """Deliver all of `records` or raise; returning means that nothing of them is left to do.

        `again`: some or all of them may have been delivered before.
        """

    def close(self) -> None:
        """Release connections; called once, after the last `export`."""
