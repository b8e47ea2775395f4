"""Bifrost's gateway, built by Go from the module proxy, without its pages.

"on": its logging plugin with its SQLite store. "off": neither. Written after its documentation and not tried: where this was
written the module proxy refuses to serve it, and what its packages elsewhere hold is only a loader that fetches a program.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import processes, wrk
from tests.bench.peers import CACHE, CannotInstall, Peer, Way, last_line
from tests.bench.worker import Program
from tests.ports import free_port

MODULE = "github.com/maximhq/bifrost/transports"
VERSION = "latest"
_PLACE = CACHE / "bifrost"
_COMMAND = _PLACE / "bifrost-http"
_GO_PLACES = "/usr/local/go/bin"


def install() -> None:
    if _COMMAND.exists():
        return
    go = shutil.which("go") or shutil.which("go", path=_GO_PLACES)
    if go is None:
        raise CannotInstall("Go is not on this machine")
    _PLACE.mkdir(parents=True, exist_ok=True)
    found = _run([go, "mod", "download", "-json", f"{MODULE}@{VERSION}"], _PLACE)
    told = json.loads(found.stdout or "{}")
    if found.returncode or "Dir" not in told:
        raise CannotInstall(f"the Go module proxy does not give the module out: {last_line(told.get('Error', found.stderr))}")
    source = _PLACE / "source"
    shutil.copytree(told["Dir"], source, dirs_exist_ok=True)
    _run(["chmod", "-R", "u+w", str(source)], _PLACE)
    pages = source / "bifrost-http" / "ui"  # embedded; built by another tool, and not part of the module
    pages.mkdir(exist_ok=True)
    (pages / "index.html").write_text("without pages")
    built = _run([go, "build", "-o", str(_COMMAND), "./bifrost-http"], source)
    if built.returncode:
        raise CannotInstall(f"go build failed: {last_line(built.stderr)}")


def _run(command: list[str], where: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)


@contextmanager
def _started(name: str, place: Path, up: int, logs: bool) -> Iterator[Program]:
    port = free_port()
    place.mkdir(parents=True)
    provider = {
        "keys": [{"name": "bench", "value": "sk-0123", "models": ["*"], "weight": 1.0}],
        "network_config": {"base_url": f"http://127.0.0.1:{up}"},
    }
    config = {
        "client": {"enable_logging": logs, "drop_excess_requests": False},
        "providers": {"openai": provider},
        "config_store": {"enabled": False},
        "logs_store": {"enabled": logs, "type": "sqlite", "config": {"path": str(place / "logs.db")}},
    }
    (place / "config.json").write_text(json.dumps(config))
    command = [str(_COMMAND), "-app-dir", str(place), "-host", "127.0.0.1", "-port", str(port), "-log-level", "error"]
    with processes.running(command, processes.environ(), wrk.MEASURED_CORE, place / "log") as child:
        processes.wait_for(lambda: processes.answers(port, "/health"), child)
        yield Program(name, child.pid, port, path="/openai/v1/chat/completions")


BIFROST = Peer(
    "Bifrost",
    VERSION,
    install,
    (
        Way("Bifrost, log on", "logging plugin, SQLite store", lambda *at: _started("Bifrost, log on", *at, logs=True)),
        Way("Bifrost, log off", "off", lambda *at: _started("Bifrost, log off", *at, logs=False)),
    ),
)
