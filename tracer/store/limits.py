"""What one user's query may take, so that it stops neither the others nor Tracer's own inserts.

A user may ask for less than the limits, not for more: what is over is lowered to the limit without a word, since drivers
(Grafana's adds `max_execution_time` to every query) send numbers of their own that no person chose.

Grouping and sorting go to disk at half the memory, so a large question takes longer rather than failing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tracer.store.errors import failure

_SPILL_SHARE = 0.5
# Of the store's memory; the rest is for inserts, merges and caches.
_QUERIES_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Limits:
    """For one query; 0 is no bound."""

    memory_bytes: int = 0
    seconds: float = 0.0
    result_bytes: int = 0

    @classmethod
    def shared(cls, memory_bytes: int, queries: int, seconds: float, result_bytes: int) -> "Limits":
        """Limits under which `queries` at once fit into `memory_bytes`."""
        return cls(int(memory_bytes * _QUERIES_SHARE / queries), seconds, result_bytes)

    def applied(self, asked: Mapping[str, str]) -> dict[str, str]:
        """The settings of a query that asked for `asked`."""
        return {**asked, **dict(self._bounds(asked))}

    def check(self, changed: Mapping[str, str]) -> None:
        """Raise for a statement whose own SETTINGS would lift a limit."""
        if "log_comment" in changed:
            raise failure(452, "SETTING_CONSTRAINT_VIOLATION", "Setting log_comment is how the store knows its queries")
        for name, limit in (("max_execution_time", self.seconds), ("max_result_bytes", self.result_bytes)):
            if limit and name in changed and not _is_within(changed[name], limit):
                raise failure(
                    452, "SETTING_CONSTRAINT_VIOLATION", f"Setting {name} shouldn't be greater than {limit:.15g}, or 0"
                )

    def _bounds(self, asked: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        if self.memory_bytes:
            yield "max_memory_usage", str(self.memory_bytes)
            for step in ("group_by", "sort"):
                yield f"max_bytes_before_external_{step}", str(int(self.memory_bytes * _SPILL_SHARE))
        if self.seconds:
            yield "max_execution_time", _lower(asked.get("max_execution_time", "0"), self.seconds)
        if self.result_bytes:
            yield "max_result_bytes", _lower(asked.get("max_result_bytes", "0"), self.result_bytes)


def _lower(asked: str, limit: float) -> str:
    """What is asked if it is a bound below the limit, else the limit."""
    return asked if _is_within(asked, limit) else f"{limit:.15g}"


def _is_within(asked: str, limit: float) -> bool:
    try:
        return 0 < float(asked) <= limit  # 0 means no bound, in ClickHouse too
    except ValueError:
        return False
