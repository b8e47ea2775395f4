"""Plain calls through several programs in alternating rounds, all on one upstream and one core: the figures of CPU and rate.

Each round puts the same load on each program in turn, so that what changes on the machine within minutes touches all of them.
A program that is not asked sleeps; it is on the measured core with the others.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import peers, processes, upstream, wrk
from tests.bench.results import Figure, Run
from tests.bench.worker import Program, tracer_worker
from tests.ports import free_port

Say = Callable[[int, Program, wrk.Round], None]


@contextmanager
def beside_nginx(place: Path, reply: str, plain: bool = True) -> Iterator[list[Program]]:
    """nginx, a Tracer worker and, if asked for, the plainest aiohttp proxy, on one upstream that answers `reply`."""
    with ExitStack() as stack:
        up = stack.enter_context(upstream.fixed(place / "upstream", reply, wrk.LOAD_CORE))
        pid, port = stack.enter_context(upstream.nginx_proxy(place / "front", up, wrk.MEASURED_CORE))
        programs = [Program("nginx", pid, port)]
        programs.append(stack.enter_context(tracer_worker(place / "tracer", up, wrk.MEASURED_CORE)))
        if plain:
            programs.append(stack.enter_context(_plain_aiohttp(up)))
        yield programs


@contextmanager
def _plain_aiohttp(up: int) -> Iterator[Program]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.plain", "--port", str(port), "--upstream", f"http://127.0.0.1:{up}"]
    with processes.running(command, core=wrk.MEASURED_CORE) as child:
        processes.wait_for(lambda: processes.listens(port), child)
        yield Program("plain aiohttp", child.pid, port)


def alternate(
    programs: Sequence[Program],
    request: str,
    rounds: int,
    seconds: float,
    place: Path,
    say: Say,
    callers: int = wrk.CONNECTIONS,
) -> dict[str, list[wrk.Round]]:
    """`rounds` of wrk against each program in turn."""
    posts = {program.name: wrk.script(place, program, request) for program in programs}
    for program in programs:
        wrk.warm(program, posts[program.name], callers)
    results: dict[str, list[wrk.Round]] = {program.name: [] for program in programs}
    for number in range(1, rounds + 1):
        for program in programs:
            done = wrk.measure(program, seconds, posts[program.name], callers)
            results[program.name].append(done)
            say(number, program, done)
    return results


def plain(run: Run) -> list[Figure]:
    """Plain calls, 1.3 kB back, beside nginx, plain aiohttp and the peers that could be installed."""
    with beside_nginx(run.place, upstream.REPLY) as programs, ExitStack() as stack:
        up = stack.enter_context(upstream.fixed(run.place / "peers-upstream", upstream.REPLY, wrk.LOAD_CORE))
        metadata = stack.enter_context(
            tracer_worker(run.place / "metadata", up, wrk.MEASURED_CORE, "tracer, metadata only", TRACER_CAPTURE="metadata")
        )
        others = [metadata, *(stack.enter_context(peer) for peer in peers.started(run.place, run.ways, up))]
        results = alternate([*programs, *others], upstream.REQUEST, run.rounds, run.seconds, run.place, run.told)
    figures = _figures("plain", results)
    for other in results:
        if other != "tracer":
            figures.append(_ratio(f"rate over {other}", results["tracer"], results[other], "calls_per_s"))
    return [*figures, _ratio("plain cpu over nginx", results["tracer"], results["nginx"], "cpu_us")]


def large(run: Run) -> list[Figure]:
    """The same with 64 kB back and 16 kB sent."""
    with beside_nginx(run.place, upstream.LARGE_REPLY, plain=False) as programs:
        results = alternate(programs, upstream.LARGE_REQUEST, run.rounds, run.seconds, run.place, run.told)
    return [
        *_figures("large", results),
        _ratio("large cpu over nginx", results["tracer"], results["nginx"], "cpu_us"),
    ]


def _figures(part: str, results: dict[str, list[wrk.Round]]) -> list[Figure]:
    fields = {"cpu_us": "µs CPU", "calls_per_s": "calls/s", "p50_ms": "ms", "p99_ms": "ms"}
    return [
        Figure.of(f"{part} {field} {name}", [getattr(one, field) for one in rounds], unit)
        for name, rounds in results.items()
        for field, unit in fields.items()
    ]


def _ratio(name: str, ours: list[wrk.Round], theirs: list[wrk.Round], field: str) -> Figure:
    """The median of the rounds' own ratios: both sides of each were measured within seconds."""
    pairs = zip(ours, theirs, strict=True)
    return Figure.of(name, [getattr(one, field) / getattr(other, field) for one, other in pairs], "×")
