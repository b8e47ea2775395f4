"""docs/benchmarks.md: the tables from docs/benchmarks.json between the text of benchmarks.txt beside this file."""

from pathlib import Path
from string import Template

from tests.bench import table
from tests.bench.results import Results, load

DOCS = Path(__file__).parents[2] / "docs"
RESULTS, PAGE, PICTURE = DOCS / "benchmarks.json", DOCS / "benchmarks.md", DOCS / "pictures" / "benchmarks.svg"
# From then on what other programs took of the processors during a part is told.
OTHERS_PERCENT = 5
_TEXT = Path(__file__).with_name("benchmarks.txt")


def page() -> str:
    results = load(RESULTS)
    return Template(_TEXT.read_text()).substitute(
        machine=_machine(results),
        peers=_peers(results),
        targets=table.markdown(results),
        programs=table.programs(results),
        notes=_notes(results),
        taken=_taken(results),
    )


def _machine(results: Results) -> str:
    told = results.machine
    return (
        f"{told.get('cpu', 'unknown processor')}, {told.get('cores', '?')} cores, {told.get('memory', '?')}, "
        f"{told.get('kernel', '?')}; Python {told.get('python', '?')}; nginx {told.get('nginx', '?')}, "
        f"wrk {told.get('wrk', '?')}, Node {told.get('node', '?')}"
    )


def _peers(results: Results) -> str:
    return "\n".join(f"- {name}: {told}" for name, told in results.peers.items())


def _notes(results: Results) -> str:
    busy = [
        f"{name} {part.others_percent:.0f}%" for name, part in results.parts.items() if part.others_percent >= OTHERS_PERCENT
    ]
    notes = [note for part in results.parts.values() for note in part.notes]
    if busy:
        notes.append(f"Other programs used the processors meanwhile: {', '.join(busy)}. Take what is above with care.")
    return "\n".join(f"- {note}" for note in notes)


def _taken(results: Results) -> str:
    times = sorted(part.taken for part in results.parts.values())
    took = sum(part.took_s for part in results.parts.values()) / 60
    return f"{times[0]} UTC and after; {took:.0f} minutes" if times else "not yet"
