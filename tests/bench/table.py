"""Results as text: the table of targets, for a terminal and for the docs, and the figures of the programs beside each other."""

from collections.abc import Collection

from tests.bench.results import Figure, Results
from tests.bench.targets import Line, lines

_VERDICTS = {"pass": "pass", "miss": "**miss**"}


def markdown(results: Results) -> str:
    """The table of targets."""
    rows = ["| what | target | measured | beside | |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *(_row(line) for line in lines(results))])


def _row(line: Line) -> str:
    cells = [line.target.what, line.target.wording(), _ours(line), _beside(line), _VERDICTS.get(line.verdict, line.verdict)]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def terminal(results: Results, parts: Collection[str]) -> str:
    """The same of some parts in columns, with the verdict first."""
    found = [line for line in lines(results) if line.target.part in parts]
    width = max(len(line.target.what) for line in found)
    rows = [
        f"{line.verdict[:12]:12}  {line.target.what:{width}}  {line.target.wording():>22}  {_ours(line):>14}  {_beside(line)}"
        for line in found
    ]
    passed = sum(line.verdict == "pass" for line in found)
    missed = sum(line.verdict == "miss" for line in found)
    return "\n".join([*rows, "", f"{passed} pass, {missed} miss, {len(found) - passed - missed} not measured"])


def programs(results: Results) -> str:
    """CPU, rate and latencies of a plain call through each program, as a table of the docs."""
    rows = ["| program | µs CPU a call | calls/s on one core | p50, ms | p99, ms |", "|---|---|---|---|---|"]
    for name, cpu in cpu_by_program(results):
        rate, p50, p99 = (results.figure(f"plain {field} {name}") for field in ("calls_per_s", "p50_ms", "p99_ms"))
        cells = [number(one.value) if one else "–" for one in (rate, p50, p99)]
        rows.append(f"| {name} | {number(cpu.value)} ({number(cpu.low)}–{number(cpu.high)}) | {' | '.join(cells)} |")
    return "\n".join(rows)


def cpu_by_program(results: Results) -> list[tuple[str, Figure]]:
    """The programs that took plain calls, cheapest first."""
    prefix = "plain cpu_us "
    found = [(one.name.removeprefix(prefix), one) for one in results.figures() if one.name.startswith(prefix)]
    return sorted(found, key=lambda pair: pair[1].value)


def number(value: float) -> str:
    """Three digits, thousands apart."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}" if value else "0"


def _ours(line: Line) -> str:
    return f"{number(line.ours.value)} {line.ours.unit}".strip() if line.ours else "–"


def _beside(line: Line) -> str:
    return ", ".join(f"{label} {number(figure.value)} {figure.unit}".strip() for label, figure in line.beside)
