"""`python -m tests.audit`: is what is installed what is pinned, and is anything known against it? CI runs it (`make audit`).

Exit status: 0, nothing was found; 1, something was; 2, nobody could be asked for advisories and `--must` was given. Without
`--must` that is no failure, for CI runs without internet too, but the last line says so.
"""

import argparse
import sys
from pathlib import Path

from tests.audit.advisories import NoAnswer, ask, sources
from tests.audit.pins import CONSTRAINTS, pinned, problems


def main() -> int:
    """Print what was looked at and what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("--osv-url", help="ask only this service, which speaks OSV's query API")
    parser.add_argument("--must", action="store_true", help="fail if nobody could be asked for advisories")
    parser.add_argument("--constraints", type=Path, default=CONSTRAINTS)
    parser.add_argument("--only-advisories", action="store_true", help="do not look at what is installed")
    wanted = parser.parse_args()
    odd = [] if wanted.only_advisories else problems()
    for problem in odd:
        print(f"pins: {problem}")
    if not odd and not wanted.only_advisories:
        print("pins: what is installed is what constraints.txt says, and fits together")
    status = advisories(wanted.constraints, wanted.osv_url, must=wanted.must)
    return 1 if odd else status


def advisories(constraints: Path, osv_url: str | None, *, must: bool) -> int:
    """Ask the first source that answers."""
    count = len(pinned(constraints))
    for source in sources(osv_url):
        try:
            answer = ask(source, constraints)
        except NoAnswer as reason:
            print(f"advisories: {source.name} cannot be used: {reason}")
            continue
        for finding in answer.findings:
            print(f"advisories: VULNERABLE {finding}")
        if answer.unknown:
            print(f"advisories: {source.name} knows nothing of {', '.join(answer.unknown)}: NOT AUDITED")
        found = f"{len(answer.findings)} known vulnerabilities" if answer.findings else "no known vulnerability"
        print(f"advisories: audited {answer.known} of {count} pinned versions by {source.name}: {found}")
        return 1 if answer.findings else 0
    print(
        f"advisories: NOT AUDITED: none of {count} pinned versions was compared with any advisory, for no source could be used"
    )
    return 2 if must else 0


if __name__ == "__main__":
    sys.exit(main())
