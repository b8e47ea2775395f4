"""docs/soak.md: tables from docs/soak.json between the text of soak.txt beside this file."""

from collections import Counter
from math import fsum
from pathlib import Path
from string import Template

from tests.soak.happenings import HAPPENINGS
from tests.soak.records import Ends, Soak, Verdict, load

DOCS = Path(__file__).parents[2] / "docs"
RESULTS, PAGE, PICTURE = DOCS / "soak.json", DOCS / "soak.md", DOCS / "pictures" / "soak.svg"
_TEXT = Path(__file__).with_name("soak.txt")


def page() -> str:
    soak = load(RESULTS)
    return Template(_TEXT.read_text()).substitute(
        taken=f"{soak.taken} UTC" if soak.taken else "not yet",
        machine=", ".join(
            f"{name} {value}" for name, value in soak.machine.items() if name in ("cpu", "cores", "memory", "python")
        ),
        minutes=f"{soak.minutes:g}",
        rate=f"{soak.rate:g}",
        seed=str(soak.seed),
        verdict=verdict(soak),
        counts=_table(("what", "count"), [(name, f"{count:,}") for name, count in soak.counts.items()]),
        equal=_verdicts(soak.equal),
        flat=_verdicts(soak.flat),
        kinds=_table(("kind", "sent", "for the client", "in its row"), [_kind(ends) for ends in soak.kinds]),
        faults=_faults(soak),
        figures=_table(
            ("what", "measured"), [*soak.figures.items(), ("until nothing waited, after the end", f"{soak.settle_s:g} s")]
        ),
        notes="\n".join(f"- {note}" for note in soak.notes) or "- None.",
    )


def verdict(soak: Soak) -> str:
    """One line."""
    open_ = sum(one.held is None for one in (*soak.equal, *soak.flat))
    held = sum(one.held is True for one in (*soak.equal, *soak.flat))
    said = f"{held} promises held, {len(soak.broken)} were broken"
    return said + (f", of {open_} the run was too short to tell" if open_ else "")


def terminal(soak: Soak) -> str:
    """The end of a run, as text."""
    wide = max(map(len, soak.counts), default=0)
    lines = [f"{name:<{wide}}  {count:>9,}" for name, count in soak.counts.items()]
    lines += ["", *(f"{ends.kind:<30} {_listed(ends.ends)}  →  {_listed(ends.outcomes)}" for ends in soak.kinds), ""]
    for one in (*soak.equal, *soak.flat):
        lines.append(f"{_WORDS[one.held]:<9} {one.what}: {one.found} (allowed: {one.allowed})")
    lines += ["", *(f"{name}: {value}" for name, value in soak.figures.items()), *soak.notes]
    return "\n".join([*lines, "", verdict(soak)])


_WORDS = {True: "pass", False: "MISS", None: "not told"}


def _verdicts(verdicts: tuple[Verdict, ...]) -> str:
    head = ("what", "found", "allowed", "held")
    words = {True: "yes", False: "no", None: "–"}
    return _table(head, [(one.what, one.found, one.allowed, words[one.held]) for one in verdicts])


def _kind(ends: Ends) -> tuple[str, ...]:
    return ends.kind, f"{ends.sent:,}", _listed(ends.ends), _listed(ends.outcomes)


def _listed(found: dict[str, int]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ') or 'ok'} {count:,}" for name, count in sorted(found.items(), key=lambda one: -one[1])
    )


def _faults(soak: Soak) -> str:
    times = Counter(event.name for event in soak.events)
    lasted = {name: fsum(event.lasted_s for event in soak.events if event.name == name) for name in times}
    names = [one.name for one in HAPPENINGS if times[one.name]]
    return _table(("fault", "times", "seconds"), [(f"`{name}`", f"{times[name]:,}", f"{lasted[name]:.0f}") for name in names])


def _table(head: tuple[str, ...], rows: "list[tuple[str, ...]]") -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |" for cells in lines)
