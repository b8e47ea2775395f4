"""What was sent against what is there. The books and most of the promises are those of tests/faults; all of it is pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults import killed, scene
from tests.faults.books import CRASHED, Books
from tests.faults.load import Told
from tests.faults.records import Row
from tests.soak.mix import kind_of
from tests.soak.records import Ends, Verdict
from tests.soak.state import Gap

MOST_TOLD = 40


@dataclass(frozen=True)
class Closed:
    """All that is known at the end."""

    books: Books
    gaps: Sequence[Gap]
    terminations: Sequence[Gap]
    exits: Sequence[int]
    sums: dict[str, int]  # rows as other tables count them

    def row(self) -> Row:
        return self.books.row(len(self.books.kills))

    @property
    def failures(self) -> list[Told]:
        """Calls that ended otherwise than their kind may, and were not open, or sent, in a gap."""
        return [
            told
            for told in self.books.told
            if told.end not in kind_of(told).ends and not any(gap.explains(told.sent, told.ended) for gap in self.gaps)
        ]

    @property
    def wrong_outcomes(self) -> Counter[str]:
        """Rows that say otherwise than their calls' kinds allow: `kind: outcome`."""
        found: Counter[str] = Counter()
        for told in self.books.told:
            _, outcome = self.books.rows.get(told.token, (0, ""))
            allowed = (*kind_of(told).outcomes, CRASHED, "client_gone") if self._in_gap(told) else kind_of(told).outcomes
            if outcome and outcome not in allowed:
                found[f"{kind_of(told).name}: {outcome}"] += 1
        return found

    @property
    def unrecorded(self) -> list[Told]:
        """Calls that were broken off, have no row, and were not open at a kill."""
        kills = [Gap(at, at, open_only=True) for at in self.books.kills]
        return [told for told in self.books.unrecorded if not any(kill.explains(told.sent, told.ended) for kill in kills)]

    @property
    def cut_by_stopping(self) -> list[Told]:
        """Calls in flight that a SIGTERM cut off, and no kill soon after it."""
        kills = [Gap(at, at, open_only=True) for at in self.books.kills]
        return [
            told
            for told in self.books.told
            if told.end == "cut" and "cut" not in kind_of(told).ends and told.token in self.books.asked
            if any(gap.explains(told.sent, told.ended) for gap in self.terminations)
            if not any(kill.explains(told.sent, told.ended) for kill in kills)
        ]

    def _in_gap(self, told: Told) -> bool:
        return any(gap.explains(told.sent, told.ended) for gap in self.gaps)


def ends(books: Books) -> tuple[Ends, ...]:
    """Each kind of call: how its clients and its rows say that it ended."""
    kinds: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for told in books.told:
        seen, rows = kinds.setdefault(kind_of(told).name, (Counter(), Counter()))
        seen[told.end] += 1
        rows[books.rows.get(told.token, (0, "no row"))[1]] += 1
    return tuple(Ends(name, seen.total(), dict(seen), dict(rows)) for name, (seen, rows) in sorted(kinds.items()))


def missing(closed: Closed, began: float) -> list[str]:
    """The calls with two rows, without a row that a client had whole, or that failed without a reason: when, for who looks for
    the fault."""
    spans, lines = closed.books.spans or {}, []
    doubled = [told for told in closed.books.told if closed.books.rows.get(told.token, (0, ""))[0] > 1]
    for told in [*doubled, *closed.books.missing, *closed.unrecorded, *closed.failures, *closed.cut_by_stopping][:MOST_TOLD]:
        also = "with a span" if told.token in spans else "without a span"
        rows = closed.books.rows.get(told.token, (0, ""))
        lines.append(
            f"{kind_of(told).name} ({told.end}), sent {told.sent - began:.2f} s, ended {told.ended - began:.2f} s, "
            f"rows {rows[0]} {rows[1]}, {also}"
        )
    return lines


def counts(closed: Closed) -> dict[str, int]:
    """The table of the end."""
    row, books = closed.row(), closed.books
    tokens = {told.token for told in books.told}
    return {
        "sent": row.sent,
        "answered": row.answered,
        "errors told": row.errors,
        "cut": row.cut,
        "left by clients": row.left,
        "refused, as nobody listened": row.refused,
        "served to the end by the provider": row.served,
        "rows": books.call_ids[0],
        "distinct rows": books.call_ids[1],
        "calls with a row": row.stored,
        "rows of calls cut by a kill": row.crashed,
        "spans": sum(count for token, count in (books.spans or {}).items() if token in tokens),
        "distinct spans": row.spans,
        "dropped, counted": sum(row.dropped.values()),
        "rows in llm.calls_by_minute": closed.sums.get("minutes", 0),
        "rows in llm.calls_by_hour": closed.sums.get("hours", 0),
        "whole replies without a row": len(books.missing),
        "broken off without a row": row.unrecorded,
    }


def _verdict(what: str, count: int, held: bool, said: str = "") -> Verdict:
    return Verdict(what, f"{count:,}" + (f": {said}" if said else ""), "0", held)


def judged(closed: Closed) -> list[Verdict]:
    """Each promise about counts."""
    row, books = closed.row(), closed.books
    last, old = killed.last_commit_only(row, books), killed.crash_rows(row, books)
    rows, distinct = books.call_ids
    worst = f"the longest had been answered {row.lost_ms:.0f} ms before its kill" if books.missing else "none"
    allowed = f"those of the last group commit of {len(books.kills)} kills"
    failed = Counter(f"{kind_of(told).name} {told.end}" for told in closed.failures)
    codes = ", ".join(map(str, closed.exits))
    return [
        Verdict("whole replies without a row", f"{len(books.missing)}: {worst}", allowed, last[0]),
        Verdict("broken off without a row", f"{row.unrecorded}", "calls begun within 250 ms before a kill", old[0]),
        _verdict("broken off without a row, not by a kill", len(closed.unrecorded), not closed.unrecorded),
        _verdict("doubled rows", row.doubled, row.doubled == 0),
        _verdict("rows without a span", row.stored - row.spans, scene.spans_all(row, books)[0]),
        _verdict("spans without a row", _strays(books), _strays(books) == 0),
        _verdict("dropped", sum(row.dropped.values()), not row.dropped, _listed(row.dropped)),
        _verdict("failed without a reason", len(closed.failures), not failed, _listed(failed)),
        _verdict("cut off by a SIGTERM", len(closed.cut_by_stopping), not closed.cut_by_stopping),
        _verdict(
            "rows that say the wrong end",
            closed.wrong_outcomes.total(),
            not closed.wrong_outcomes,
            _listed(closed.wrong_outcomes),
        ),
        Verdict(
            "rows in the sums", _listed(closed.sums), f"{rows:,} in each", all(one == rows for one in closed.sums.values())
        ),
        Verdict("rows that are distinct", f"{distinct:,}", f"{rows:,}", rows == distinct),
        Verdict("exit codes of `tracer up`", codes or "never stopped", "0", not any(closed.exits)),
        Verdict("nothing waits at the end", "yes" if books.level_s >= 0 else "no", "yes", books.level_s >= 0),
    ]


def _strays(books: Books) -> int:
    return sum(token in (books.spans or {}) and token not in books.rows for token in {told.token for told in books.told})


def _listed(found: "Counter[str] | dict[str, int]") -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))
