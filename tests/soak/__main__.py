"""`make soak`: mixed load and random faults for a long time; whether all counts are equal at the end, and what grew.

python -m tests.soak                           an hour
python -m tests.soak --minutes 5 --seed 7      five minutes; the same seed lets the same faults happen in the same order
python -m tests.soak --minutes 60 --write      and writes docs/soak.json, docs/soak.md, docs/pictures/soak.svg
python -m tests.soak --render                  the last two again, from docs/soak.json

Exit code 1 if something was lost or doubled, or grew.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.soak import chart, page, run
from tests.soak.records import Soak, load, save

_began = time.monotonic()


def say(line: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"{minutes:3d}:{seconds:02d}  {line}", flush=True)


def render() -> None:
    page.PICTURE.write_text(chart.chart(load(page.RESULTS)))
    page.PAGE.write_text(page.page())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long (default 60)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="of faults and calls (default: some; printed)"
    )
    parser.add_argument("--rate", type=float, default=40, help="calls a second (default 40)")
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--write", action="store_true", help="write the docs")
    parser.add_argument("--place", type=Path, help="folder for spool and store (default: the system's for temporary files)")
    parser.add_argument("--keep", type=Path, help="keep the processes' logs in this folder")
    parser.add_argument("--render", action="store_true", help="run nothing; write the docs from docs/soak.json")
    return parser.parse_args()


async def whole(asked: argparse.Namespace) -> Soak:
    """A run in a folder of its own, which goes with it. Ctrl-C and SIGTERM end it, and with it all that it started."""
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with tempfile.TemporaryDirectory(prefix="tracer-soak-", dir=asked.place) as root:
        try:
            return await run.soak(run.plan(asked.minutes * 60, asked.seed, asked.rate), Path(root), say)
        finally:
            if asked.keep:
                asked.keep.mkdir(parents=True, exist_ok=True)
                for log in Path(root).glob("*.log"):
                    (asked.keep / log.name).write_bytes(log.read_bytes())


def main() -> int:
    asked = arguments()
    if asked.render:
        render()
        return 0
    for name in [name for name in os.environ if name.startswith(("TRACER_", "OTEL_"))]:
        del os.environ[name]  # settings of a Tracer of the user's own
    say(f"{asked.minutes:g} minutes at {asked.rate:g} calls/s, seed {asked.seed}")
    found = asyncio.run(whole(asked))
    print(f"\n{page.terminal(found)}\n")
    if asked.json:
        save(asked.json, found)
    if asked.write:
        save(page.RESULTS, found)
        render()
        print(f"wrote {page.RESULTS.name}, {page.PAGE.name} and {page.PICTURE.name}")
    print(f"{len(found.broken)} promises broken" if found.broken else "every promise held")
    return 1 if found.broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
