"""The passwords of Tracer's own users, out of a file that only the user who runs Tracer can read.

Whoever comes first makes it: the store or a client. Made under another name and linked into place, so two processes that start
together agree on one, and nobody reads half of it.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

WRITER = "tracer"
# Tracer's own pages and commands, who read as any user does, where users are configured.
OWN_READER = "tracer-reader"
READER = "default"


def password(data_dir: Path) -> str:
    """The writer's password; made if there is none yet."""
    file = data_dir / "store.secret"
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=data_dir, prefix=".store.secret-")  # mode 0600
        try:
            with open(descriptor, "w") as made:
                made.write(secrets.token_urlsafe(32))
                made.flush()
                os.fsync(made.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first; its password is the one
                os.link(name, file)
        finally:
            os.unlink(name)
    return file.read_text().strip()


def reader_password(writer_password: str) -> str:
    """The password of OWN_READER, which opens nothing to who knows it but reading."""
    return hmac.new(writer_password.encode(), b"reader", hashlib.sha256).hexdigest()
