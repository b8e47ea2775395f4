"""docs/fault-matrix.md, from docs/fault-matrix.json."""

from pathlib import Path

from tests.faults.records import Matrix, Result, load

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = DOCS / "fault-matrix.json"
PAGE = DOCS / "fault-matrix.md"

_HEAD = (
    "fault",
    "times",
    "sent",
    "answered",
    "errors",
    "cut",
    "refused",
    "stored",
    "spans",
    "doubled",
    "dropped, counted",
    "lost",
    "level after",
    "added p50",
    "added p99",
    "held",
)


def line(result: Result) -> str:
    """One line for the terminal."""
    row = result.row
    if result.missing:
        return f"{result.name}: not run: {result.missing}"
    return (
        f"{result.name}: sent {row.sent}, answered {row.answered}, stored {row.stored}, doubled {row.doubled}, "
        f"lost {row.lost}, unrecorded {row.unrecorded}, level after {row.level_s:.1f} s, {result.took_s:.0f} s, "
        f"{'BROKEN' if row.broken else 'held'}"
    )


def table(matrix: Matrix) -> str:
    """The matrix in Markdown."""
    lines = [_cells(_HEAD), _cells(["---"] * len(_HEAD))]
    return "\n".join([*lines, *(_cells(_values(result)) for result in matrix.results)])


def _values(result: Result) -> list[str]:
    row = result.row
    if result.missing:
        return [f"`{result.name}`", *["–"] * (len(_HEAD) - 2), f"not run: {result.missing}"]
    return [
        f"`{result.name}`",
        f"{row.times:,}",
        *(f"{count:,}" for count in (row.sent, row.answered, row.errors, row.cut + row.left, row.refused, row.stored)),
        "–" if row.spans < 0 else f"{row.spans:,}",
        f"{row.doubled:,}",
        ", ".join(f"{reason} {count:,}" for reason, count in sorted(row.dropped.items())) or "0",
        f"{row.lost:,}",
        f"{row.level_s:.1f} s" if row.level_s >= 0 else "–",
        f"{row.added_p50_ms:+.1f} ms",
        f"{row.added_p99_ms:+.1f} ms",
        "no" if row.broken else "yes",
    ]


def _cells(cells: "list[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(cells)} |"


_INTRO = """\
# Fault matrix

Written by `python -m tests.faults` (`make faults`) from `docs/fault-matrix.json`; what a fault does is in `tests/faults/`.

What Tracer promises when something breaks, and what was counted when it did. Each fault happens under steady load: some 80
calls a second, half of them streams, one stream in eight open for two seconds. Each call has a token of its own. When nothing
waits in the spool any more, five books are compared by token: what the clients saw, what the provider served, the rows in
`llm.calls`, the spans that an OTLP collector took, and Tracer's own counters.
"""
_COLUMNS = """\
## Columns

- **times**: how often the fault happened (kills, clients, or records put into the spool ahead).
- **sent**: calls that clients began. **answered**: whole, and the call's own answer. **errors**: whole replies that said no.
  **cut**: the connection broke before the end, or the client left on purpose. **refused**: nobody listened (a process that
  was killed takes a second to come back); Tracer never had these.
- **stored**: calls with a row. It may exceed what was answered: a cut call has a row too. **doubled**: calls with more
  than one row.
- **spans**: calls with a span at the collector. Spans are sent at least once.
- **dropped, counted**: what `/metrics` says was not kept, by reason (`tracer_dropped_records`, `tracer_dead_letters`).
- **lost**: a client had a whole reply, and there is neither row nor counter.
- **level after**: from the end of the fault until every exporter had taken all from before that moment, under load. Then the
  load ends, and books are closed when nothing waits.
- **added p50, p99**: latency of plain calls that were answered while it lasted, less the same before it. Clients, provider,
  collector and all of Tracer share the machine's cores, and a process that starts again takes one of them for a second:
  these are upper bounds, and the percentiles before are of some 150 calls.
"""
_CAVEATS = """\
## Caveats

- Rows were taken on 2026-11-22, on different hours of it, and all beside other work on the same two cores (fuzzers at the
  lowest priority, and for those that were taken from 12:10 to 13:10 tests and an hour's soak): times are upper bounds.
- kill -9 ends a process, not the machine. `power-cut-*` shut the file system down under everything and mount it again: ext4,
  with the embedded store on it. Disks that lose what they said was written are beyond it. `tests/spool/test_power.py` cuts the
  power of the spool and of the sink's positions at every write, sync and rename, on a disk that keeps whatever POSIX allows.
- After a power cut what was open has no row: notes of open calls are not synced.
- ClickHouse is the embedded store; for most faults behind a gate that refuses, hangs, answers errors or cuts connections. A
  server of its own is the same to Tracer: HTTP and an insert's deduplication token. `clickhouse-read-only` (table_readonly)
  and `clickhouse-read-only-user` (readonly = 1) are the engine's own refusals. In `clickhouse-cut-half` the store is made to
  keep blocks of eight rows each by itself and gets the first half of an insert's blocks; bodies and roll-ups are counted too.
- The backlog is written into the spool ahead by the worker's own writer, as records of an hour, and not waited for. No
  collector is there: a call's latency and `level after` are ClickHouse's alone.
- The clock that jumps is Python's, patched in the worker and the sink, not the machine's: Python's own `time.sleep` fails
  under libfaketime.
- The memory limit is a control group's, or the address space's where there is none to be had; the note says which.
"""


def page() -> str:
    """The whole page."""
    matrix = load(RESULTS)
    parts = [_INTRO]
    if matrix.machine:
        said = ", ".join(
            f"{name} {value}" for name, value in matrix.machine.items() if name in ("cpu", "cores", "memory", "python")
        )
        parts += [f"Machine: {said}.\n", table(matrix) + "\n"]
    parts += [_COLUMNS, *_details(matrix), _CAVEATS]
    return "\n".join(parts)


def _details(matrix: Matrix) -> list[str]:
    lines = ["## Promises, fault by fault", ""]
    for result in matrix.results:
        lines.append(f"- `{result.name}` ({result.taken}, {result.took_s:.0f} s). Promised: {result.promised}.")
        row = result.row
        said = [f"Broken: {what}." for what in row.broken]
        said += [f"{note}." for note in row.notes]
        if row.lost:
            said.append(f"What was lost had been answered at most {row.lost_ms:.1f} ms before its worker was killed.")
        if row.crashed:
            said.append(f"{row.crashed} of the rows are of calls that their worker's death cut (`proxy_crash`).")
        if row.unrecorded:
            said.append(f"{row.unrecorded} calls that were cut have no row.")
        if row.spans_again:
            said.append(f"{row.spans_again} spans came more than once.")
        lines += [f"  {sentence}" for sentence in said]
    return ["\n".join(lines) + "\n"]
