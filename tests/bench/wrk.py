"""A round of wrk against one program: what its process group spent, what it answered, how long callers waited.

wrk keeps its connections open and asks again as soon as it is answered (a closed loop), so its rate is the most that the
program answers with that many callers, and its latencies are those of a full machine.
"""

import re
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tests.bench import processes
from tests.bench.worker import Program

CONNECTIONS = 32
WARM_S = 2
# What is measured has a core to itself; load generator and upstream share another.
MEASURED_CORE, LOAD_CORE = 0, 1
_UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}
_HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer sk-0123456789abcdef0123456789abcdef",
    "User-Agent": "OpenAI/Python 3.54.0",
}


@dataclass(frozen=True, slots=True)
class Round:
    """One run of wrk against one program, or the median of several."""

    calls: float
    cpu_us: float
    calls_per_s: float
    p50_ms: float
    p99_ms: float


def script(place: Path, program: Program, request: str) -> Path:
    """wrk's Lua script for calls of that body; its name is the program's."""
    path = place / f"{re.sub(r'[^a-z0-9]+', '-', program.name.lower())}-{len(request)}.lua"
    headers: Mapping[str, str] = {**_HEADERS, **program.headers}
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{request}]==]"]
    path.write_text("\n".join([*lines, *(f'wrk.headers["{name}"] = [==[{value}]==]' for name, value in headers.items())]))
    return path


def measure(program: Program, seconds: float, post: Path, connections: int = CONNECTIONS) -> Round:
    """One round. Exits if a call failed: then nothing was measured."""
    before = processes.group_cpu_seconds(program.pid)
    said = _said(program, seconds, post, connections)
    return read(said, processes.group_cpu_seconds(program.pid) - before, program.name)


def read(said: str, spent_s: float, name: str) -> Round:
    """What wrk printed of a round in which the program used that much CPU time."""
    calls = int(_find(r"(\d+) requests in", said))
    if "Non-2xx" in said or "Socket errors" in said or not calls:
        sys.exit(f"calls to {name} failed, so nothing was measured:\n{said}")
    return Round(
        calls=calls,
        cpu_us=spent_s / calls * 1e6,
        calls_per_s=float(_find(r"Requests/sec:\s+([\d.]+)", said)),
        p50_ms=_ms(_find(r"^ +50% +(\S+)", said)),
        p99_ms=_ms(_find(r"^ +99% +(\S+)", said)),
    )


def warm(program: Program, post: Path, connections: int = CONNECTIONS) -> None:
    """The first calls open connections and load what is loaded late; they are not counted."""
    _said(program, WARM_S, post, connections)


def _said(program: Program, seconds: float, post: Path, connections: int) -> str:
    url = f"http://127.0.0.1:{program.port}{program.path}"
    options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "--latency", "-s", str(post)]
    command = [*processes.on_core(LOAD_CORE), "wrk", *options, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def median(rounds: Sequence[Round]) -> Round:
    """The median of each figure by itself."""
    return Round(*(statistics.median(getattr(done, field.name) for done in rounds) for field in fields(Round)))


def line(done: Round) -> str:
    latency = f"p50 {done.p50_ms:.2f} ms  p99 {done.p99_ms:.2f} ms"
    return f"{done.cpu_us:8.1f} µs CPU a call  {done.calls_per_s:8.0f} calls/s  {latency}"


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        sys.exit(f"wrk printed no {pattern}:\n{text}")
    return found.group(1)


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
