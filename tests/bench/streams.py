"""Time that the proxy adds to streams, at 500 streams of 50 tokens a second: to the first token, and to each chunk.

    500 callers ─► Tracer ─► upstream        callers and upstream are one thread (loop.py)
     50 callers ────────────► upstream       at the same time, on the same loop
    500 callers ─► nginx ──► upstream        afterwards likewise: what a proxy in C adds on this machine on this day

Each stream is of 200 chunks in four seconds; then its caller asks for the next one, so beginnings and ends happen all the time.
The first streams begin at random moments of four seconds, which are not counted: streams that begin at even distances have
their chunks in step, a hundred in the same instant, as no callers who know nothing of each other do.
"""

import random
import time

from tests.bench import processes, upstream, wrk
from tests.bench.figures import percentile
from tests.bench.loop import Loop, looping
from tests.bench.results import Figure, Run
from tests.bench.streaming import Reader, Source
from tests.bench.worker import tracer_worker

STREAMS, DIRECT_STREAMS = 500, 50
TOKENS_PER_S, CHUNKS = 50, 200
_RAMP_S = CHUNKS / TOKENS_PER_S


def streams(run: Run) -> list[Figure]:
    with looping() as loop:
        source = Source(loop, CHUNKS, 1_000_000_000 // TOKENS_PER_S)
        port = loop.listen(source.serve)
        with tracer_worker(run.place / "streams", port, wrk.MEASURED_CORE) as tracer:
            proxied, direct, spent = _through(tracer.port, tracer.pid, port, loop, source, run)
            late = percentile(source.late_ns, 99) / 1e6
    with looping() as loop:
        source = Source(loop, CHUNKS, 1_000_000_000 // TOKENS_PER_S)
        port = loop.listen(source.serve)
        with upstream.nginx_proxy(run.place / "streams-nginx", port, wrk.MEASURED_CORE, streams=True) as (pid, front):
            nginx, _, nginx_spent = _through(front, pid, port, loop, source, run)
    run.note(
        f"Streams: {len(proxied.delays_ns)} chunks through Tracer, of which {proxied.together} pieces held more than one and "
        f"{proxied.cut} not a whole one; straight {len(direct.delays_ns)}, {direct.together}, {direct.cut}; "
        f"through nginx {len(nginx.delays_ns)}, {nginx.together}, {nginx.cut}."
    )
    together, apart = (100 * one.together / len(one.delays_ns) for one in (proxied, direct))
    return [
        *_figures("first token", proxied.first_ns, direct.first_ns, nginx.first_ns),
        *_figures("chunk", proxied.delays_ns, direct.delays_ns, nginx.delays_ns),
        Figure.one("chunks together proxied", together, "%"),
        Figure.one("chunks together direct", apart, "%"),
        Figure.one("chunks held", max(0.0, together - apart), "%"),
        Figure.one("chunks cut", proxied.cut, "chunks"),
        Figure.one("chunk cpu tracer", spent * 1e6, "µs CPU"),
        Figure.one("chunk cpu nginx", nginx_spent * 1e6, "µs CPU"),
        Figure.one("chunk generator late p99", late, "ms"),
    ]


def _through(port: int, pid: int, straight: int, loop: Loop, source: Source, run: Run) -> tuple[Reader, Reader, float]:
    """Streams through `port` and straight to the upstream: both readers, and the CPU time of a chunk on the way."""
    proxied, direct = Reader(loop, port), Reader(loop, straight)
    _begin(loop, source, proxied, direct)
    run.say(f"streams   {STREAMS} are open")
    source.late_ns.clear()
    proxied.counts = direct.counts = True
    before = processes.cpu_seconds(pid)
    _turn_for(loop, source, run.seconds * run.rounds)
    spent = processes.cpu_seconds(pid) - before
    proxied.counts = direct.counts = False
    return proxied, direct, spent / max(1, len(proxied.delays_ns))


def _begin(loop: Loop, source: Source, proxied: Reader, direct: Reader) -> None:
    """All streams, at random moments of one stream's time, and then a second more."""
    chance, begin = random.Random(1), time.perf_counter()
    for number, moment in enumerate(sorted(chance.uniform(0, _RAMP_S) for _ in range(STREAMS))):
        while time.perf_counter() < begin + moment:
            loop.turn()
            source.turn()
        proxied.start()
        if number % (STREAMS // DIRECT_STREAMS) == 0:
            direct.start()
    _turn_for(loop, source, 1)


def _turn_for(loop: Loop, source: Source, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        loop.turn()
        source.turn()


def _figures(what: str, proxied: list[int], direct: list[int], nginx: list[int]) -> list[Figure]:
    found = []
    for percent in (50, 99):
        ours, straight, theirs = (percentile(times, percent) / 1e6 for times in (proxied, direct, nginx))
        found.append(Figure.one(f"{what} direct p{percent}", straight, "ms"))
        found.append(Figure.one(f"{what} proxied p{percent}", ours, "ms"))
        found.append(Figure.one(f"{what} nginx p{percent}", theirs, "ms"))
        found.append(Figure.one(f"{what} added p{percent}", ours - straight, "ms"))
    return found
