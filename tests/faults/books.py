"""The comparison: what clients saw, what the provider served, what is in SQL, what the collector took, what Tracer counted.

lost        a client had a whole reply (an answer, or an error told), there is no row, and no counter owns up to it
unrecorded  the client was cut off or left, the provider had been asked, and there is no row
doubled     more than one row for one call

A counter has no names in it, so `lost` is what is missing less what is counted; a fault that must drop nothing shows both.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tests.faults.load import Told
from tests.faults.records import Row

DROPPED = "tracer_dropped_records_total"
DEAD = "tracer_dead_letters_total"
CRASHED = "proxy_crash"
# A call open for so long had been noted by its worker; beyond it a cut call without a row is a broken promise.
NOTED_S = 0.25
# A client may read the end of a reply just after the kill: it lay in the socket. A new process takes longer to come up.
LATE_S = 0.3


@dataclass(frozen=True)
class Books:
    """All books of one fault, closed."""

    told: Sequence[Told]
    asked: Mapping[str, int]  # by token, as the provider saw it
    served: Mapping[str, int]
    rows: Mapping[str, tuple[int, str]]  # by token: how many, and the outcome of one
    call_ids: tuple[int, int]  # rows, and distinct call ids of all rows
    spans: Mapping[str, int] | None
    metrics: Mapping[str, float]
    kills: Sequence[float] = ()  # moments, in order
    level_s: float = -1.0
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> list[Told]:
        """Calls with a whole reply and without a row."""
        return [told for told in self.told if told.end in ("answered", "error") and told.token not in self.rows]

    @property
    def unrecorded(self) -> list[Told]:
        """Calls that were broken off after the provider was asked, without a row."""
        return [
            told
            for told in self.told
            if told.end in ("cut", "left") and told.token in self.asked and told.token not in self.rows
        ]

    @property
    def dropped(self) -> dict[str, int]:
        """What Tracer says it has not kept, by reason."""
        found = {name: int(value) for name, value in self.metrics.items() if value and name.startswith((DROPPED, DEAD))}
        return {_reason(name): count for name, count in found.items()}

    def before_kill(self, told: Told) -> float:
        """Seconds between a call's end and the next kill; 0 just after one, infinite if none came."""
        at = bisect.bisect_left(self.kills, told.ended)
        if at and told.ended - self.kills[at - 1] < LATE_S:
            return 0.0
        return self.kills[at] - told.ended if at < len(self.kills) else float("inf")

    def row(self, times: int) -> Row:
        """The row of the matrix, without a verdict."""
        ends = Counter(told.end for told in self.told)
        tokens = {told.token for told in self.told}
        mine = {token: found for token, found in self.rows.items() if token in tokens}
        spans = self.spans or {}
        kept_back = sum(count for reason, count in self.dropped.items() if not reason.startswith("otlp"))
        gaps = [gap for told in self.missing if (gap := self.before_kill(told)) != float("inf")]
        before, during = self._plain("before"), self._plain("during")
        return Row(
            times=times,
            sent=len(self.told),
            answered=ends["answered"],
            errors=ends["error"],
            cut=ends["cut"],
            refused=ends["refused"],
            left=ends["left"],
            served=sum(self.served.get(token, 0) for token in tokens),
            stored=len(mine),
            crashed=sum(outcome == CRASHED for _, outcome in mine.values()),
            spans=-1 if self.spans is None else sum(token in spans for token in tokens),
            spans_again=sum(count - 1 for token, count in spans.items() if token in tokens and count > 1),
            doubled=sum(count > 1 for count, _ in self.rows.values()) + self.call_ids[0] - self.call_ids[1],
            dropped=self.dropped,
            lost=max(0, len(self.missing) - kept_back),
            lost_ms=round(max(gaps, default=0.0) * 1000, 1),
            unrecorded=len(self.unrecorded),
            level_s=round(self.level_s, 2),
            p50_ms=_ms(before, 0.5),
            p99_ms=_ms(before, 0.99),
            added_p50_ms=round(_ms(during, 0.5) - _ms(before, 0.5), 2) if during else 0.0,
            added_p99_ms=round(_ms(during, 0.99) - _ms(before, 0.99), 2) if during else 0.0,
        )

    def _plain(self, phase: str) -> list[float]:
        return sorted(t.seconds for t in self.told if t.phase == phase and t.end == "answered" and not t.streamed)


def with_verdict(row: Row, promises: Iterable[tuple[bool, str]], notes: Iterable[str] = ()) -> Row:
    """The row with what did not hold of (held, what), and with notes."""
    broken = tuple(what for held, what in promises if not held)
    return msgspec.structs.replace(row, broken=row.broken + broken, notes=row.notes + tuple(notes))


def slowest_commit_ms(metrics: Mapping[str, float]) -> float:
    """Upper bound of the histogram's highest bucket that has an observation."""
    name = "tracer_spool_commit_seconds_bucket{"
    counted = sorted((float(key[len(name) : -1]), value) for key, value in metrics.items() if key.startswith(name))
    most = counted[-1][1] if counted else 0
    return next((bound * 1000 for bound, value in counted if value >= most), 0.0)


def _reason(name: str) -> str:
    label = name.partition("{")[2].rstrip("}")
    return f"{label}: dead letters" if name.startswith(DEAD) else label


def _ms(seconds: Sequence[float], share: float) -> float:
    return round(seconds[min(len(seconds) - 1, int(len(seconds) * share))] * 1000, 2) if seconds else 0.0
