"""Memory of a worker for each stream that is open and mostly idle: 10,000 of them, a chunk every five seconds.

A stream takes two file descriptors of the worker, and two of this process, which is caller and upstream: where the system
allows fewer, as many streams are opened as it allows, and the result says how many. The worker's memory is its proportional
set (PSS): what is its own, and its share of the rest. What the kernel holds for the sockets is not in it.
"""

import resource
import time

from tests.bench import processes, wrk
from tests.bench.loop import Loop, looping
from tests.bench.results import Figure, Run
from tests.bench.streaming import Reader, Source
from tests.bench.worker import tracer_worker

STREAMS = 10_000
GAP_S = 5
# Descriptors that a worker or this process has besides.
_OTHERS = 150
_STARTS_PER_S = 1000
_PATIENCE_S = 60


def affordable() -> int:
    """How many streams this system's bound of descriptors leaves room for. Raises our own bound to the most that is allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return STREAMS if hard == resource.RLIM_INFINITY else min(STREAMS, (hard - _OTHERS) // 2)


def open_streams(run: Run) -> list[Figure]:
    count = affordable()
    with looping() as loop:
        source = Source(loop, 1_000_000, GAP_S * 1_000_000_000)
        port = loop.listen(source.serve)
        with tracer_worker(run.place / "open", port, wrk.MEASURED_CORE) as tracer:
            reader = Reader(loop, tracer.port)
            _open(loop, source, reader, 100)  # loads what is loaded late
            before = processes.own_bytes(tracer.pid)
            _open(loop, source, reader, count)
            run.say(f"open streams   {count} are open")
            reader.counts = True
            _turn_for(loop, source, 2 * GAP_S)  # two more chunks each
            after = processes.own_bytes(tracer.pid)
            cpu = processes.cpu_seconds(tracer.pid)
            _turn_for(loop, source, GAP_S)
            cpu = processes.cpu_seconds(tracer.pid) - cpu
    if count < STREAMS:
        run.note(f"Open streams: {count}, because this system allows a process no more than {_hard()} file descriptors.")
    per_stream = (after - before) / (count - 100) / 1000
    return [
        Figure.one("open streams", count, "streams"),
        Figure.one("open streams memory", per_stream, "kB"),
        Figure.one("open streams worker", after / 1e6, "MB"),
        Figure.one("open streams cpu", cpu / GAP_S * 100, "% of a core"),
    ]


def _hard() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def _open(loop: Loop, source: Source, reader: Reader, count: int) -> None:
    """Until `count` streams are open and have had their first chunk."""
    already = reader.open
    begin = time.monotonic()
    for number in range(count - already):
        reader.start()
        while time.monotonic() < begin + number / _STARTS_PER_S:
            loop.turn()
            source.turn()
    while reader.open < count:
        if time.monotonic() > begin + count / _STARTS_PER_S + _PATIENCE_S:
            raise SystemExit(f"{reader.open} of {count} streams began")
        loop.turn()
        source.turn()


def _turn_for(loop: Loop, source: Source, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        loop.turn(0.001)
        source.turn()
