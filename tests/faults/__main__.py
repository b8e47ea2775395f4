"""`make faults`: each fault under steady load, and what was lost of it, as a table and in docs/fault-matrix.json.

python -m tests.faults                       all, in full; writes docs/fault-matrix.json and .md
python -m tests.faults sink-killed sigterm   only these; prints, and writes with --write (the others stay as they are there)
python -m tests.faults --times 5             what happens a hundred times happens five times, the rest in proportion
python -m tests.faults --render              the docs again, from docs/fault-matrix.json

Each fault is judged by itself: one that breaks a promise, takes too long or breaks down is a row that says so, and the next
one begins. What is written is written after each. Exit code 1 if a promise was broken.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.machine import described
from tests.faults import page
from tests.faults.records import CannotRun, Fault, Matrix, Result, Row, Run, load, save
from tests.faults.table import TABLE

_began = time.monotonic()


def say(line: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"{minutes:3d}:{seconds:02d}  {line}", flush=True)


async def happened(fault: Fault, place: Path, times: int | None) -> Result:
    """One row of the matrix; why not, if the fault cannot happen here."""
    run = Run(place, fault.scaled(times), say)
    say(f"── {fault.name}" + (f" ({run.times} times)" if fault.times > 1 else ""))
    began, taken, row, missing = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), Row(), ""
    try:
        async with asyncio.timeout(fault.limit_s):
            row = await fault.happens(run)
    except CannotRun as reason:
        missing = str(reason)
    except TimeoutError:
        row = Row(times=run.times, broken=(f"not over within {fault.limit_s:.0f} s",))
    except Exception as error:  # one that breaks down must not take the others with it
        traceback.print_exc()
        row = Row(times=run.times, broken=(f"broke down: {type(error).__name__}: {str(error)[:200]}",))
    result = Result(fault.name, fault.promised, taken, round(time.monotonic() - began, 1), row, missing)
    say(page.line(result))
    for what in row.broken:
        say(f"  BROKEN: {what}")
    return result


def matrix_of(results: dict[str, Result]) -> Matrix:
    return Matrix(described(), tuple(results[fault.name] for fault in TABLE if fault.name in results))


async def matrix(faults: list[Fault], asked: argparse.Namespace, before: Matrix) -> Matrix:
    """All of these; what is to be written is written after each, so that a run that is broken off keeps what it found."""
    results = {result.name: result for result in before.results}
    with tempfile.TemporaryDirectory(prefix="tracer-faults-", dir=asked.place, ignore_cleanup_errors=True) as root:
        for number, fault in enumerate(faults, 1):
            say(f"{number} of {len(faults)}")
            place = Path(root) / fault.name
            place.mkdir()
            results[fault.name] = await happened(fault, place, asked.times)
            if asked.write:
                save(page.RESULTS, matrix_of(results))
                page.PAGE.write_text(page.page())
            if asked.keep:
                shutil.move(place, asked.keep / f"{fault.name}-{int(time.time())}")
            shutil.rmtree(place, ignore_errors=True)
    return matrix_of(results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these: " + ", ".join(fault.name for fault in TABLE))
    parser.add_argument("--times", type=int, help="of a hundred (default: all of them)")
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--write", action="store_true", help="write the docs after a run of some too")
    parser.add_argument("--place", type=Path, help="folder for spools and stores (default: the system's for temporary files)")
    parser.add_argument("--keep", type=Path, help="keep logs, spools and stores of each fault in this folder")
    parser.add_argument("--render", action="store_true", help="run nothing; write the docs from docs/fault-matrix.json")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {fault.name for fault in TABLE}:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    return asked


def main() -> int:
    asked = arguments()
    if asked.render:
        page.PAGE.write_text(page.page())
        return 0
    for name in [name for name in os.environ if name.startswith(("TRACER_", "OTEL_"))]:
        del os.environ[name]  # settings of a Tracer of the user's own
    faults = [fault for fault in TABLE if not asked.names or fault.name in asked.names]
    asked.write |= not asked.names
    found = asyncio.run(matrix(faults, asked, load(page.RESULTS) if asked.write else Matrix()))
    print(f"\n{page.table(found)}\n")
    if asked.json:
        save(asked.json, found)
    if asked.write:
        print(f"wrote {page.RESULTS.name} and {page.PAGE.name}")
    now = [result for result in found.results if result.name in {fault.name for fault in faults}]
    broken = sum(len(result.row.broken) for result in now)
    print(f"{broken} promises broken: {', '.join(r.name for r in now if r.row.broken)}" if broken else "every promise held")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
