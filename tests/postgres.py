"""A real PostgreSQL of our own: one private cluster for the test session, an empty schema for each test that asks.

Debian: `apt-get install postgresql` (its programs are not on PATH there). The server refuses to run as root, so root runs it as
the user that the package made. It listens on loopback only and syncs nothing: what it holds is worth nothing.
"""

import getpass
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.ports import free_port

_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": "127.0.0.1"}


def _program(name: str) -> Path:
    """Where Debian, or anybody else, has put a program of PostgreSQL's."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next(iter(places), None)
    if found is None:
        pytest.fail(f"PostgreSQL's {name} is not installed; on Debian: apt-get install postgresql")
    return Path(found)


@dataclass
class Postgresql:
    """A running cluster."""

    folder: Path
    port: int
    user: str
    options: dict[str, str]

    def url(self, name: str) -> str:
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{name}"

    async def run(self, sql: str, name: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(name))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self.options.items())
        self._ctl("start", "-l", str(self.folder / "log"), "-o", f"-p {self.port} -k {self.folder} {options}")

    def stop(self) -> None:
        self._ctl("stop", "-m", "fast")

    def kill(self) -> None:
        """Without a word to its clients, and without tidying up; `start` finds everything that was committed."""
        self._ctl("stop", "-m", "immediate")

    def _ctl(self, *arguments: str) -> None:
        _run([_program("pg_ctl"), "-D", self.folder / "data", "-w", *arguments], self.user)


def _run(command: list[Path | str], user: str) -> None:
    # Files, not pipes: the server would inherit them and keep them open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(command, stdout=said, stderr=said, user=user if os.getuid() == 0 else None, cwd="/", check=False)
        said.seek(0)
        assert done.returncode == 0, said.read().decode()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """The session's cluster. A test that stops it starts it again."""
    user = "postgres" if os.getuid() == 0 else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="tracer-pg-", dir="/tmp"))  # not pytest's: a socket's path must be short
    shutil.chown(folder, user)
    cluster = Postgresql(folder, free_port(), user, _SETTINGS)
    try:
        _run([_program("initdb"), "-D", folder / "data", "-U", user, "-A", "trust", "--no-sync", "-E", "UTF8"], user)
        cluster.start()
        yield cluster
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture
async def postgresql_url(postgresql: Postgresql) -> str:
    """An empty schema, which takes a hundredth of the time of an empty database."""
    name = f"test_{secrets.token_hex(6)}"
    await postgresql.run(f"CREATE SCHEMA {name}")
    return f"{postgresql.url('postgres')}?search_path={name}"
