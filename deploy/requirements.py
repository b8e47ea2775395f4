"""Prints what Tracer depends on, one requirement a line, read from pyproject.toml. The Dockerfile installs that before the
code, so that a change of code does not install 100 packages anew.

`--without-store` leaves chDB out, more than two thirds of the image, which a Tracer with a ClickHouse server never loads.
"""

import sys
import tomllib
from pathlib import Path

EMBEDDED_STORE = "chdb"


def requirements(project: Path, with_store: bool) -> list[str]:
    wanted: list[str] = tomllib.loads(project.read_text())["project"]["dependencies"]
    return [line for line in wanted if with_store or not line.startswith(EMBEDDED_STORE)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(Path("pyproject.toml"), "--without-store" not in sys.argv)) + "\n")
