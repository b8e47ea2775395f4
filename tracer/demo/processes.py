"""The demo's child processes: started with a log file, watched while they are waited for, ended in order.

Each child is in a session of its own, so Ctrl-C reaches the demo only and the demo decides the order of the end.
"""

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# tracer up gives calls in flight, the sink and the store their time in turn; it needs a second when nothing is left to do.
STOP_S = 90
LAST_LINES = 15


class DemoError(Exception):
    """The demo cannot go on; the message says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running child process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once `ready()`; DemoError with the end of the child's log if it dies first or time runs out."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.process.poll() is not None:
                raise DemoError(f"{self.name} ended with exit code {self.process.returncode}\n{self._last_lines()}")
            if time.monotonic() > deadline:
                raise DemoError(f"{self.name} was not ready after {timeout_s:.0f} s\n{self._last_lines()}")
            time.sleep(0.1)

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join([f"  {self.log}:", *(f"  | {line}" for line in lines)])


@contextmanager
def running(name: str, arguments: list[str], environ: Mapping[str, str], log: Path) -> Iterator[Child]:
    """`python -m ARGUMENTS` as a child that is ended with the context."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
        )
    try:
        yield Child(name, process, log)
    finally:
        _end(process)


def require_free(port: int, what: str, option: str) -> None:
    """DemoError if nobody can listen on 127.0.0.1:`port`."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError as problem:
        raise DemoError(
            f"port {port}, for {what}, cannot be used ({problem.strerror}): free it or choose another one, {option}"
        ) from None


def answers(port: int, path: str) -> bool:
    """Whether GET `path` on 127.0.0.1:`port` says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
