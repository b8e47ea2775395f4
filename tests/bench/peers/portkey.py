"""Portkey's open-source gateway, from npm, on Node.

Its only logging of its own is a log of calls kept for its page: for each call it copies and parses the reply and makes a record
of both bodies, which goes to whoever reads `/log/stream`. "on": one reader. "off": `--headless`, no reader; it makes
the record all the same and drops it, there is no switch for that. Nothing is written to a disk either way.
"""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import processes, wrk
from tests.bench.peers import CACHE, CannotInstall, Peer, Way, last_line
from tests.bench.worker import Program
from tests.ports import free_port

VERSION = "1.15.2"
_PLACE = CACHE / f"portkey-{VERSION}"
_SERVER = _PLACE / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def install() -> None:
    if _SERVER.exists():
        return
    if not (shutil.which("node") and shutil.which("npm")):
        raise CannotInstall("Node and npm are not on this machine")
    _PLACE.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(_PLACE), "--no-audit", "--no-fund", f"@portkey-ai/gateway@{VERSION}"]
    done = subprocess.run(command, cwd=_PLACE, capture_output=True, text=True, check=False)
    if not _SERVER.exists():
        raise CannotInstall(f"npm install failed: {last_line(done.stderr)}")


@contextmanager
def _started(name: str, place: Path, up: int, *options: str) -> Iterator[Program]:
    port = free_port()
    place.mkdir(parents=True)
    command = ["node", str(_SERVER), f"--port={port}", *options]
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"http://127.0.0.1:{up}/v1"}
    # Hosts on this machine are refused unless it is told that they are fine.
    environ = {**processes.environ(), "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    with processes.running(command, environ, wrk.MEASURED_CORE, place / "log") as node:
        processes.wait_for(lambda: processes.answers(port, "/"), node)
        yield Program(name, node.pid, port, headers)


@contextmanager
def _read(name: str, place: Path, up: int) -> Iterator[Program]:
    """With a reader of its log."""
    with _started(name, place, up) as program, socket.create_connection(("127.0.0.1", program.port)) as reader:
        reader.sendall(b"GET /log/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        reading = threading.Thread(target=_discard, args=(reader,), daemon=True)
        reading.start()
        yield program
        reader.shutdown(socket.SHUT_RDWR)
        reading.join()


def _discard(reader: socket.socket) -> None:
    while reader.recv(1 << 18):
        pass


PORTKEY = Peer(
    "Portkey's gateway",
    VERSION,
    install,
    (
        Way("Portkey's gateway, log on", "its log of calls, one reader", lambda *at: _read("Portkey's gateway, log on", *at)),
        Way("Portkey's gateway, log off", "off", lambda *at: _started("Portkey's gateway, log off", *at, "--headless")),
    ),
)
