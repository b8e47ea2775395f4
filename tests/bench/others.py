"""The parts that are programs of their own and write their figures as JSON: the sink, and what rows and bodies take on disk."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from tests.bench.results import Figure, NotMeasured, Run

# A figure's unit by the end of its name, as those programs name them.
_UNITS = {"_us": "µs CPU", "_per_s": "calls/s", "_per_s_and_core": "calls/s", "_bytes": "B", "_ratio": "×", "_per_call": "B"}


def sink(run: Run) -> list[Figure]:
    return _figures("sink", run, ["--rounds", str(run.rounds)])


def disk(run: Run) -> list[Figure]:
    return _figures("disk", run, [])


def _figures(name: str, run: Run, options: list[str]) -> list[Figure]:
    if importlib.util.find_spec(f"tests.bench.{name}") is None:
        raise NotMeasured(f"there is no tests.bench.{name}")
    told = run.place / f"{name}.json"
    command = [sys.executable, "-m", f"tests.bench.{name}", "--json", str(told), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not told.exists():
        raise NotMeasured(f"tests.bench.{name} failed: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]}")
    return read(name, told, run)


def read(name: str, told: Path, run: Run) -> list[Figure]:
    """The numbers of such a file as figures; its texts as a note."""
    found = json.loads(told.read_text())["figures"]
    texts = [value if value.startswith(key) else f"{key} {value}" for key, value in found.items() if isinstance(value, str)]
    if texts:
        run.note(f"{name.capitalize()}: {'; '.join(texts)}.")
    numbers = {key: value for key, value in found.items() if isinstance(value, int | float)}
    return [Figure.one(f"{name} {key}", float(value), _unit(key)) for key, value in numbers.items()]


def _unit(key: str) -> str:
    return next((unit for end, unit in sorted(_UNITS.items(), key=lambda one: -len(one[0])) if key.endswith(end)), "")
