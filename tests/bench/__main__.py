"""`make bench`: all that Tracer's speed is held to, measured in one go beside other gateways, as a table, JSON and a chart.

python -m tests.bench                           everything; writes docs/benchmarks.json, .md and the picture
python -m tests.bench --only plain --only large only these parts; prints, and writes with --write
python -m tests.bench --render                  the docs again, from docs/benchmarks.json
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import (
    calls,
    chart,
    latency,
    machine,
    open_streams,
    others,
    page,
    pipeline,
    processes,
    startup,
    streams,
    strict,
    table,
)
from tests.bench.results import Figure, NotMeasured, Part, Results, Run, load, save

PARTS: dict[str, Callable[[Run], list[Figure]]] = {
    "plain": calls.plain,
    "large": calls.large,
    "latency": latency.latency,
    "streams": streams.streams,
    "open-streams": open_streams.open_streams,
    "strict": strict.strict,
    "startup": startup.startup,
    "sink": others.sink,
    "disk": others.disk,
    "pipeline": pipeline.pipeline,
}
# Only this part starts other gateways.
_WITH_PEERS = "plain"
_began = time.monotonic()


def say(line: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"{minutes:3d}:{seconds:02d}  {line}", flush=True)


def measured(name: str, run: Run, notes: list[str]) -> Part:
    """One part; why not, if it could not be measured."""
    say(f"── {name}")
    begin, taken, busy = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), processes.busy_seconds()
    found: list[Figure] = []
    missing = ""
    try:
        found = PARTS[name](run)
    except (NotMeasured, SystemExit, OSError, subprocess.SubprocessError, ValueError) as problem:
        missing = str(problem).partition("\n")[0] or "it failed"
        say(f"{name} could not be measured: {problem}")
    took = time.monotonic() - begin
    everybody, ours = (after - before for after, before in zip(processes.busy_seconds(), busy, strict=True))
    others = max(0.0, everybody - ours) / took / len(processes.CORES) * 100
    if others >= page.OTHERS_PERCENT:
        say(f"{name}: other programs used {others:.0f}% of the processors meanwhile")
    return Part(taken, round(took, 1), tuple(found), tuple(notes), missing, round(others))


def measure(names: list[str], asked: argparse.Namespace, before: Results) -> Results:
    machine.install_from_debian(say)
    told, ways = machine.install_peers(say) if _WITH_PEERS in names else (before.peers, ())
    parts = dict(before.parts)
    with tempfile.TemporaryDirectory(prefix="tracer-bench-", dir=asked.place) as root:
        Path(root).chmod(0o755)  # nginx's worker is another user
        for name in names:
            place = Path(root) / name
            place.mkdir()
            notes: list[str] = []
            run = Run(
                place=place,
                seconds=asked.seconds,
                rounds=asked.rounds,
                say=say,
                note=notes.append,
                pipeline_seconds=asked.pipeline_seconds,
                pipeline_rate=asked.pipeline_rate,
                workers=asked.workers,
                ways=ways,
            )
            parts[name] = measured(name, run, notes)
    in_order = {name: parts[name] for name in PARTS if name in parts}
    return Results(machine=machine.described(), peers=told, parts=in_order)


def write(results: Results) -> None:
    save(page.RESULTS, results)
    render()


def render() -> None:
    results = load(page.RESULTS)
    page.PICTURE.write_text(chart.chart(results))
    page.PAGE.write_text(page.page())
    for path in (page.RESULTS, page.PICTURE, page.PAGE):
        print(f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=[*PARTS], help="this part (may be repeated)")
    parser.add_argument("--seconds", type=float, default=3, help="of each round (default 3)")
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each part (default 4)")
    parser.add_argument("--pipeline-seconds", type=float, default=60, help="that the pipeline must hold its rate (default 60)")
    parser.add_argument("--pipeline-rate", type=float, default=0, help="confirm this rate, in calls/s, and look for no other")
    parser.add_argument("--workers", type=int, default=1, help="proxy workers of the pipeline (default 1)")
    parser.add_argument("--place", type=Path, help="folder for spools and stores (default: the system's for temporary files)")
    parser.add_argument("--write", action="store_true", help="write the docs after a run of some parts too")
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--render", action="store_true", help="measure nothing; write the docs from docs/benchmarks.json")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    if asked.render:
        render()
        return
    for name in [name for name in os.environ if name.startswith(("TRACER_", "OTEL_"))]:
        del os.environ[name]  # settings of a Tracer of the user's own
    names = [name for name in PARTS if asked.only is None or name in asked.only]
    keeps = asked.only is not None and asked.write
    results = measure(names, asked, load(page.RESULTS) if keeps else Results())
    if _WITH_PEERS in names:
        print(f"\n{table.programs(results)}")
    print(f"\n{table.terminal(results, names)}\n")
    for note in [note for name in names for note in results.parts[name].notes]:
        print(note)
    if asked.json:
        save(asked.json, results)
    if asked.only is None or asked.write:
        write(results)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
        sys.exit(0)
    sys.exit(130)
