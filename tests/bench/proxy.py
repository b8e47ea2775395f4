"""CPU microseconds per call of a Tracer worker with full capture, beside nginx `proxy_pass`, in alternating rounds.

    wrk ─► nginx proxy_pass ─┐
    wrk ─► plain aiohttp ────┼─► nginx, a fixed 1.3 kB chat completion
    wrk ─► Tracer worker ────┘

The worker runs alone, without sink and store, which belong to other cores; it does all of its own work, the spool's thread
and its syncs included. The spool is emptied between rounds by nobody, so it only grows; its bound is far above.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench import processes
from tests.ports import free_port
from tracer.config import child_environ, environment

CONNECTIONS = 32
# What is measured has a core to itself; load generator and upstream share another.
MEASURED_CORE, LOAD_CORE = 0, 1
REPLY = (
    '{"id":"chatcmpl-CdxiIrlxetLzjuBRfsl3k1X7s1F9u","object":"chat.completion","created":1763640366,'
    '"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"%s","refusal":null,'
    '"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":23,"completion_tokens":120,'
    '"total_tokens":143,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":'
    '{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},'
    '"service_tier":"default","system_fingerprint":"fp_560af6e559"}'
) % ("The capital of France is Paris. " * 22)
REQUEST = (
    '{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are terse."},{"role":"user","content":"What is the '
    'capital of France, and what else should somebody know who goes there for the first time in the spring?"}],'
    '"temperature":0.2,"max_tokens":200}'
)
WRK = """\
wrk.method = "POST"
wrk.body = [==[%s]==]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-0123456789abcdef0123456789abcdef"
wrk.headers["User-Agent"] = "OpenAI/Python 3.54.0"
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One run of wrk against one proxy."""

    calls: int
    cpu_us_per_call: float
    calls_per_s: float
    p50_ms: float
    p99_ms: float


def measure(pid: int, port: int, seconds: int, script: Path) -> Round:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    before = processes.cpu_seconds(pid)
    done = subprocess.run(
        [*processes.on_core(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url],
        capture_output=True,
        text=True,
        check=True,
    )
    spent = processes.cpu_seconds(pid) - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"calls failed, so nothing was measured:\n{done.stdout}")
    calls = int(_find(r"(\d+) requests in", done.stdout))
    return Round(
        calls=calls,
        cpu_us_per_call=spent / calls * 1e6,
        calls_per_s=float(_find(r"Requests/sec:\s+([\d.]+)", done.stdout)),
        p50_ms=_ms(_find(r"^ +50% +(\S+)", done.stdout)),
        p99_ms=_ms(_find(r"^ +99% +(\S+)", done.stdout)),
    )


def bench(rounds: int, seconds: int, place: Path) -> None:
    script = place / "post.lua"
    script.write_text(WRK % REQUEST)
    up, front, port = free_port(), free_port(), free_port()
    upstream = f"server {{ listen 127.0.0.1:{up} reuseport; location / {{ {_returns(REPLY)} }} }}"
    passing = (
        f"upstream up {{ server 127.0.0.1:{up}; keepalive 64; keepalive_requests 1000000000; }}"
        f"server {{ listen 127.0.0.1:{front}; location / {{ proxy_pass http://up; "
        f'proxy_http_version 1.1; proxy_set_header Connection ""; }} }}'
    )
    environ = environment(
        TRACER_DATA_DIR=str(place / "data"),
        TRACER_PORT=str(port),
        TRACER_UPSTREAM=f"http://127.0.0.1:{up}/v1",
        TRACER_CAPTURE="full",
        TRACER_CONFIG="/dev/null",
    )
    metrics = place / "data" / "metrics"
    metrics.mkdir(parents=True)
    shared = {**environ, "PROMETHEUS_MULTIPROC_DIR": child_environ(metrics, None)["PROMETHEUS_MULTIPROC_DIR"]}
    plain_port = free_port()
    plain = [sys.executable, "-m", "tests.bench.plain", "--port", str(plain_port), "--upstream", f"http://127.0.0.1:{up}"]
    with (
        processes.nginx(place / "upstream", upstream, up, LOAD_CORE),
        processes.nginx(place / "front", passing, front, MEASURED_CORE) as nginx_pid,
        processes.running([sys.executable, "-m", "tracer.child", "worker", "0"], shared, MEASURED_CORE) as worker,
        processes.running(plain, core=MEASURED_CORE) as aiohttp,
    ):
        processes.wait_for(lambda: processes.answers(port, "/health"), worker)
        processes.wait_for(lambda: processes.listens(plain_port), aiohttp)
        measured = {
            "nginx proxy_pass": (nginx_pid, front),
            "tracer worker": (worker.pid, port),
            "plain aiohttp": (aiohttp.pid, plain_port),
        }
        # The first calls open connections and warm caches; they are not counted.
        for pid, at in measured.values():
            measure(pid, at, 1, script)
        results: dict[str, list[Round]] = {name: [] for name in measured}
        for number in range(1, rounds + 1):
            for name, (pid, at) in measured.items():
                results[name].append(measure(pid, at, seconds, script))
                print(f"round {number}/{rounds}  {name:17} {_line(results[name][-1])}", flush=True)
    report(results)


def report(results: dict[str, list[Round]]) -> None:
    print(f"\nPython {sys.version}")  # how it was built counts: distributions' builds are a third faster than a plain `make`
    print(f"medians, {len(REPLY)} byte reply, {len(REQUEST)} byte request, {CONNECTIONS} connections, capture full")
    cpu = {name: statistics.median(r.cpu_us_per_call for r in found) for name, found in results.items()}
    for name, found in results.items():
        spread = f"{min(r.cpu_us_per_call for r in found):.1f}–{max(r.cpu_us_per_call for r in found):.1f}"
        rate = statistics.median(r.calls_per_s for r in found)
        p50, p99 = (statistics.median(ms) for ms in ([r.p50_ms for r in found], [r.p99_ms for r in found]))
        print(
            f"  {name:17} {cpu[name]:7.1f} µs CPU a call ({spread})   {rate:.0f} calls/s   p50 {p50:.2f} ms   p99 {p99:.2f} ms"
        )
    for other in ("nginx proxy_pass", "plain aiohttp"):
        print(f"  tracer worker / {other:17} {cpu['tracer worker'] / cpu[other]:5.2f}")


def _returns(body: str) -> str:
    quoted = body.replace("\\", "\\\\").replace("'", "\\'")
    return f"default_type application/json; return 200 '{quoted}';"


def _line(done: Round) -> str:
    latency = f"p50 {done.p50_ms:.2f} ms  p99 {done.p99_ms:.2f} ms"
    return f"{done.cpu_us_per_call:7.1f} µs CPU a call  {done.calls_per_s:8.0f} calls/s  {latency}"


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        sys.exit(f"wrk printed no {pattern}:\n{text}")
    return found.group(1)


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.proxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each round and proxy")
    asked = parser.parse_args()
    processes.require("nginx", "wrk")
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as place:
        Path(place).chmod(0o755)
        bench(asked.rounds, asked.seconds, Path(place))


if __name__ == "__main__":
    main()
