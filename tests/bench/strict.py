"""What `strict` durability costs beside `fast`: the last byte of a reply waits until its record is on the disk.

Added time: calls to a `strict` and a `fast` worker in turn, one at a time, on the loop. Rate: wrk against each in alternating
rounds with 256 callers (a caller that waits for the disk asks less often, so with few of them the rate says how many they were,
not what the worker can do). What the disk of this machine takes for a sync decides here; it is measured and given beside.
"""

import os
import statistics
import time
from pathlib import Path

from tests.bench import upstream, wrk
from tests.bench.calls import alternate
from tests.bench.figures import percentile
from tests.bench.latency import Answering, Asking, one_at_a_time
from tests.bench.loop import looping
from tests.bench.results import Figure, Run
from tests.bench.worker import tracer_worker

CALLERS = 256
_SYNCS, _SYNC_BYTES = 200, 4096


def strict(run: Run) -> list[Figure]:
    return [*_rates(run), *_added(run), Figure.one("sync", sync_ms(run.place / "sync"), "ms")]


def _rates(run: Run) -> list[Figure]:
    with (
        upstream.fixed(run.place / "strict-up", upstream.REPLY, wrk.LOAD_CORE) as up,
        tracer_worker(run.place / "rate-fast", up, wrk.MEASURED_CORE, "fast") as fast,
        tracer_worker(run.place / "rate-strict", up, wrk.MEASURED_CORE, "strict", TRACER_DURABILITY="strict") as strict_,
    ):
        results = alternate([fast, strict_], upstream.REQUEST, run.rounds, run.seconds, run.place, run.told, CALLERS)
    pairs = list(zip(results["strict"], results["fast"], strict=True))
    return [
        Figure.of("strict rate", [one.calls_per_s for one, _ in pairs], "calls/s"),
        Figure.of("strict rate fast", [other.calls_per_s for _, other in pairs], "calls/s"),
        Figure.of("strict fewer", [100 * (1 - one.calls_per_s / other.calls_per_s) for one, other in pairs], "%"),
    ]


def _added(run: Run) -> list[Figure]:
    with looping() as loop:
        port = loop.listen(Answering(loop).serve)
        with (
            tracer_worker(run.place / "fast", port, wrk.MEASURED_CORE) as fast,
            tracer_worker(run.place / "strict", port, wrk.MEASURED_CORE, TRACER_DURABILITY="strict") as strict_,
        ):
            kinds = [Asking(loop, fast.port), Asking(loop, strict_.port)]
            one_at_a_time(loop, kinds, 1)
            for kind in kinds:
                kind.forget_times()
            one_at_a_time(loop, kinds, run.seconds * run.rounds)
    quick, slow = (percentile(kind.times_ns, 50) / 1e6 for kind in kinds)
    return [
        Figure.one("strict p50", slow, "ms"),
        Figure.one("strict p50 fast", quick, "ms"),
        Figure.one("strict added p50", slow - quick, "ms"),
    ]


def sync_ms(path: Path) -> float:
    """The median time of this disk for 4 kB appended and synced."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(b"x" * _SYNC_BYTES)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1000
