"""Files and folders that outlast a power cut.

A file's bytes are on the disk once the file was synced; that it has its name, once its folder was. A rename that nobody
synced may be undone by a power cut, seconds later: what was done in the belief that it held is then done twice.
"""

import contextlib
import os
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Write a file whole: a power cut leaves what it was before or what it is now; once this returns, this. Raises OSError."""
    temporary = path.with_suffix(".new")
    with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """A folder of our own, and those above it that are missing."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in reversed(missing):
        with contextlib.suppress(PermissionError):  # a parent that is another user's may be one that we cannot read
            sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Until then the names in it may be those of before. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
