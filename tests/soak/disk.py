"""A file system of its own for the data directory, in a file: so that it can be full without the machine's being so."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_GB = 12


@contextmanager
def own_disk(image: Path, where: Path) -> Iterator[str]:
    """Mounts it, and removes it afterwards; empty, or why there is none. The file takes what is written, not its size."""
    where.mkdir(parents=True, exist_ok=True)
    problem = _made(image, where)
    try:
        yield problem
    finally:
        if not problem:
            subprocess.run(["umount", "-l", str(where)], check=False)
        image.unlink(missing_ok=True)


def _made(image: Path, where: Path) -> str:
    with image.open("wb") as file:
        file.truncate(SIZE_GB << 30)
    for command in (["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(where)]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return f"there is no {command[0]}"
        if done.returncode:
            return f"{command[0]}: {done.stderr.strip()}"
    return ""
