"""Makes the passwords of docker-compose.yml's services, once, and writes for each service what it needs to know of them.

Run by the service `secrets` before any other. What was made is kept in <directory>/all/passwords.json, a volume that no other
service sees; every start renders the files of the services from it again. So a password that a later version adds is made
then, and the others stay as they are.

Each service has a directory (a volume) of its own: whoever gets into Redis reads no password of PostgreSQL's. The files are
readable by anybody who has the volume, because every service runs as another user.

Only the standard library: this runs before anything works.
"""

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

NAMES = ("clickhouse", "clickhouse_reader", "clickhouse_grafana", "postgres_superuser", "postgres", "redis", "grafana_admin")
# Letters and digits: it stands in URLs, XML, SQL, shell and an ACL file.
_BYTES = 24


def passwords(kept: Path) -> dict[str, str]:
    """One password for each name: those that were kept, and new ones for the rest."""
    known = json.loads(kept.read_text()) if kept.exists() else {}
    every = {name: known.get(name) or secrets.token_hex(_BYTES) for name in NAMES}
    if every != known:
        _write(kept, json.dumps(every, indent=2), 0o600)
    return every


def files(words: Mapping[str, str]) -> dict[str, str]:
    """What each service reads, by path below the directory."""
    return {
        "tracer/tracer.toml": (
            f'clickhouse = "http://tracer:{words["clickhouse"]}@clickhouse:8123/"\n'
            f'clickhouse_reader = "http://tracer_reader:{words["clickhouse_reader"]}@clickhouse:8123/"\n'
            f'database = "postgresql://tracer:{words["postgres"]}@postgres:5432/tracer"\n'
            f'cache_url = "redis://tracer:{words["redis"]}@redis:6379/0"\n'
        ),
        "clickhouse/passwords.xml": (
            "<clickhouse><users>"
            f"<tracer><password_sha256_hex>{_sha256(words['clickhouse'])}</password_sha256_hex></tracer>"
            f"<tracer_reader><password_sha256_hex>{_sha256(words['clickhouse_reader'])}</password_sha256_hex></tracer_reader>"
            f"<grafana><password_sha256_hex>{_sha256(words['clickhouse_grafana'])}</password_sha256_hex></grafana>"
            "</users></clickhouse>\n"
        ),
        "postgres/superuser": words["postgres_superuser"],
        "postgres/tracer": words["postgres"],
        "redis/users.acl": (
            "user default on nopass resetkeys resetchannels -@all +ping\n"
            f"user tracer on #{_sha256(words['redis'])} ~tracer:cache:* resetchannels -@all"
            " +get +set +del +ping +hello +auth +select\n"
        ),
        "grafana/clickhouse": words["clickhouse_grafana"],
        "grafana/admin": words["grafana_admin"],
    }


def main(directory: Path) -> None:
    """Write every file that is not there or holds something else."""
    for name, text in files(passwords(directory / "all" / "passwords.json")).items():
        path = directory / name
        if not path.exists() or path.read_text() != text:
            _write(path, text, 0o444)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, text: str, mode: int) -> None:
    """All of it or nothing: a start that is cut off leaves no half of a password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)  # whatever the umask
    part.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
