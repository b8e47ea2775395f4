"""Known vulnerabilities of pinned versions, by pip-audit; and whether there was anybody to ask.

Strategy: PyPI's own advisories, else OSV's. A source is believed only after it has told the vulnerabilities of CANARY, which
has had some since 2019.

Traps
- pip-audit says "No known vulnerabilities found", and succeeds, where the source knows nothing of a package at all: a mirror of
  PyPI that has only files to install answers every question like that.
- Its errors are tracebacks; the last line says what happened.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CANARY = "jinja2==2.10"
OSV = "https://api.osv.dev/v1/query"
TIMEOUT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of a version."""

    name: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "not fixed yet"
        return f"{self.name} {self.version}: {', '.join(self.ids)}; {fixed}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said of some versions. `unknown`: names of which it knows nothing."""

    known: int
    unknown: tuple[str, ...]
    findings: tuple[Finding, ...]


class NoAnswer(Exception):
    """A source cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where advisories come from: a name for people, and pip-audit's options."""

    name: str
    options: tuple[str, ...]


def sources(osv_url: str | None) -> list[Source]:
    """All that there are; only the one that is named, if one is."""
    osv = Source("OSV", ("--vulnerability-service", "osv", "--osv-url", osv_url or OSV))
    return [osv] if osv_url else [Source("PyPI", ("--vulnerability-service", "pypi")), osv]


def ask(source: Source, constraints: Path) -> Answer:
    """What a source knows of the versions in a file. Raises NoAnswer, also if it does not know of what is well known."""
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(CANARY + "\n")
        if not _run(source, canary).findings:
            raise NoAnswer(f"does not tell the vulnerabilities of {CANARY.replace('==', ' ')}, which are well known")
    return _run(source, constraints)


def _run(source: Source, constraints: Path) -> Answer:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(constraints), "--no-deps", "--disable-pip"),
            *("--format", "json", "--progress-spinner", "off", "--timeout", str(TIMEOUT_SECONDS), *source.options),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return _answer(json.loads(ran.stdout)["dependencies"])
    except (ValueError, KeyError, TypeError):
        last = ran.stderr.strip().splitlines()[-1:] or [f"pip-audit ended with status {ran.returncode}"]
        raise NoAnswer(last[0][:300]) from None


def _answer(versions: Sequence[dict[str, object]]) -> Answer:
    unknown = tuple(str(each["name"]) for each in versions if "skip_reason" in each)
    findings = [
        Finding(str(each["name"]), str(each["version"]), (one["id"], *one["aliases"]), tuple(one["fix_versions"]))
        for each in versions
        for one in each.get("vulns", ())  # type: ignore[attr-defined]
    ]
    return Answer(len(versions) - len(unknown), unknown, tuple(findings))
