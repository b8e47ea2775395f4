"""CPU microseconds per call of a Tracer worker with full capture, beside nginx `proxy_pass`, in alternating rounds.

    python -m tests.bench.proxy --rounds 5 --seconds 4

    wrk ─► nginx proxy_pass ─┐
    wrk ─► plain aiohttp ────┼─► nginx, a fixed 1.3 kB chat completion
    wrk ─► Tracer worker ────┘

The quick look while one works on the proxy; `python -m tests.bench` measures this and more, beside other gateways.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench import calls, processes, upstream, wrk
from tests.bench.worker import Program


def bench(rounds: int, seconds: int, place: Path) -> dict[str, list[wrk.Round]]:
    with calls.beside_nginx(place, upstream.REPLY) as programs:
        return calls.alternate(programs, upstream.REQUEST, rounds, seconds, place, _say)


def _say(number: int, program: Program, done: wrk.Round) -> None:
    print(f"round {number}  {program.name:14} {wrk.line(done)}", flush=True)


def report(results: dict[str, list[wrk.Round]]) -> None:
    print(f"\nPython {sys.version}")  # how it was built counts: distributions' builds are a third faster than a plain `make`
    sizes = f"{len(upstream.REPLY)} byte reply, {len(upstream.REQUEST)} byte request"
    print(f"medians, {sizes}, {wrk.CONNECTIONS} connections, capture full")
    cpu = {name: statistics.median(done.cpu_us for done in found) for name, found in results.items()}
    for name, found in results.items():
        spread = f"{min(r.cpu_us for r in found):.1f}–{max(r.cpu_us for r in found):.1f}"
        print(f"  {name:14} {wrk.line(wrk.median(found))}   ({spread} µs)")
    for other in ("nginx", "plain aiohttp"):
        print(f"  tracer / {other:14} {cpu['tracer'] / cpu[other]:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.proxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each round and proxy")
    asked = parser.parse_args()
    processes.require("nginx", "wrk")
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as place:
        Path(place).chmod(0o755)
        report(bench(asked.rounds, asked.seconds, Path(place)))


if __name__ == "__main__":
    main()
