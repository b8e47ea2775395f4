"""The secret that signs the pages' cookies, in a file that only the user who runs Tracer can read; made if there is none yet.

Deleting the file logs everybody out. Only the process `ui` uses it, so there is nobody to agree with.
"""

import contextlib
import os
import secrets
from pathlib import Path

_BYTES = 32


def signing_secret(data_dir: Path) -> bytes:
    """The secret of this installation."""
    file = data_dir / "ui.secret"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w") as made:
            made.write(secrets.token_hex(_BYTES))
    text = file.read_text().strip()
    if len(text) < _BYTES * 2:  # the machine stopped while it was written
        file.unlink()
        return signing_secret(data_dir)
    return bytes.fromhex(text)
