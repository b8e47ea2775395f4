"""What a benchmark starts, and how it reads their CPU time. Everything is on 127.0.0.1 and ends with its context."""

import http.client
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# At the start: what keeps to one core later (loop.py) may still start others on another.
CORES = frozenset(os.sched_getaffinity(0))

NGINX = """\
daemon off;
master_process on;
worker_processes 1;
pid {place}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    {http}
}}
"""


def require(*commands: str) -> None:
    """Exit with what to install if a command is missing."""
    packages = {"nginx": "nginx-light", "wrk": "wrk"}
    missing = [packages[command] for command in commands if shutil.which(command, path=search_path()) is None]
    if missing:
        sys.exit(f"this benchmark needs Debian's {' and '.join(missing)}: apt-get install {' '.join(missing)}")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def group(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:  # it grows while it is read
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):  # the thread has just ended
                found += map(int, children.read_text().split())
    return found


def group_cpu_seconds(pid: int) -> float:
    """The same of a process and all that it started."""
    return sum(map(cpu_seconds, group(pid)))


def busy_seconds() -> tuple[float, float]:
    """Processor time that this machine has used since its start, and that of it that we and what we started used and ended."""
    user, nice, system, _, _, hard, soft, *_ = map(int, Path("/proc/stat").read_text().split(maxsplit=10)[1:9])
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return (user + nice + system + hard + soft) / _TICKS_PER_S, sum(used.ru_utime + used.ru_stime for used in own)


def environ() -> dict[str, str]:
    """This process's environment without settings that would reach what it starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRACER_", "OTEL_", "PYTHON"))}


def own_bytes(pid: int) -> int:
    """Memory that a process and what it started have to themselves, their shares of what is shared included (PSS)."""
    found = 0
    for one in group(pid):
        line = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
        found += int(line.group(1)) * 1024 if line else 0
    return found


def on_core(core: int | None) -> list[str]:
    """What to put before a command to keep it on one core, so that what is measured does not share it with the load."""
    return ["taskset", "-c", str(core)] if core is not None and core in CORES else []


@contextmanager
def running(
    command: list[str], environ: Mapping[str, str] | None = None, core: int | None = None, log: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A child that has its own standard input (Tracer's children stop when it closes) and is ended with the context.

    What it prints goes to `log`, where one is given.
    """
    with log.open("wb") if log else nullcontext() as output:
        child = subprocess.Popen(
            [*on_core(core), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=dict(environ) if environ else None,
        )
    try:
        yield child
    except SystemExit:
        if log:
            sys.stderr.write("".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:]))
        raise
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        assert child.stdin
        child.stdin.close()


@contextmanager
def nginx(place: Path, http_block: str, port: int, core: int | None = None) -> Iterator[int]:
    """An nginx with one worker; the pid of that worker."""
    place.mkdir(parents=True)
    place.chmod(0o755)  # the worker is another user
    (place / "nginx.conf").write_text(NGINX.format(place=place, http=http_block))
    binary = shutil.which("nginx", path=search_path())
    assert binary
    with running([binary, "-p", str(place), "-c", str(place / "nginx.conf")], core=core) as master:
        wait_for(lambda: listens(port), master)
        children = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
        yield int(children[0])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for(ready: Callable[[], bool], child: "subprocess.Popen[bytes]", timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if child.poll() is not None:
            sys.exit(f"{child.args!r} ended with exit code {child.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"{child.args!r} was not ready after {timeout_s:.0f} s")
        time.sleep(0.05)


def search_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
