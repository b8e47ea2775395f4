"""The whole pipeline on this machine's cores, load included: the highest rate at which what waits in the spool does not grow.

    callers ─► tracer up: worker ─► spool ─► sink ─┬─► embedded store      upstream: nginx, a fixed 1.3 kB completion
                                                   └─► a collector that counts

Callers are one thread on the loop, which sleeps when nothing is due (here it must not take a core for itself); plain calls
begin at random moments at a rate. A few short runs find the rate, a longer one confirms it. Then everything is left to be
delivered, and what callers saw answered must be there in SQL and at the collector, each once.
"""

import resource
import statistics

from tests.bench import figures, processes
from tests.bench.latency import Asking, at_rate
from tests.bench.loop import looping
from tests.bench.results import Figure, Run
from tests.bench.whole import Whole, tracer_up, watching

FIRST_RATE, MOST_PROBES, PROBE_S = 2000.0, 6, 12.0
# Of what is known to be too much and what is known to do.
CLOSE_ENOUGH = 1.12
# A lag below two seconds is that of a batch on its way; above, one that grows by less than this each second is its noise.
SHORT_LAG_S, GROWTH, LONGEST_LAG_S = 2.0, 0.03, 8.0
# Below this share of the calls that were due the workers themselves are too slow.
ANSWERED_SHARE = 0.97
_DRAIN_S = 300
# Parts of a run between which memory must not grow: before, caches and pools fill.
SETTLED, ENDING = (1 / 3, 1 / 2), (5 / 6, 1.0)


class Trial:
    """Load on one running `tracer up`, several times; the count of everything that was answered."""

    def __init__(self, whole: Whole, run: Run) -> None:
        self._whole, self._run = whole, run
        self.answered = 0
        self.times_ns: list[int] = []
        self.cpu: dict[str, float] = {}
        self.memory: dict[str, float] = {}  # in bytes, of each process but the collector, when its caches are full
        self.grown: dict[str, float] = {}  # from then to the end

    def steady(self, rate: float, seconds: float) -> bool:
        """Whether the lag did not grow at that rate. Everything is delivered when this returns."""
        with looping(core=None) as loop, watching(self._whole) as watch:
            asking = Asking(loop, self._whole.port)
            before, own = self._whole.cpu(), _own_cpu()
            at_rate(loop, [(asking, rate)], seconds, sleeps=True)
            spent = {name: seconds_ - before[name] for name, seconds_ in self._whole.cpu().items()} | {"load": _own_cpu() - own}
        self.answered += len(asking.times_ns)
        self.times_ns = asking.times_ns
        self.cpu = {name: one / len(asking.times_ns) * 1e6 for name, one in spent.items()}
        self.memory, ended = (level(watch.memory, seconds, *part) for part in (SETTLED, ENDING))
        self.grown = {name: ended[name] - before for name, before in self.memory.items()}
        later = [point for point in watch.points if point[0] > seconds / 3]
        growth, lag = figures.slope(later), max((y for _, y in later), default=0.0)
        share = len(asking.times_ns) / (rate * seconds)
        good = lag < SHORT_LAG_S or (lag < LONGEST_LAG_S and growth < GROWTH)
        good = good and share > ANSWERED_SHARE
        costs = ", ".join(f"{name} {one:.0f}" for name, one in self.cpu.items())
        self._run.say(
            f"pipeline  {rate:6.0f} calls/s for {seconds:.0f} s: {'steady' if good else 'too much'}; lag at most {lag:.1f} s, "
            f"growing {growth:+.3f} s/s; {share:.1%} answered; µs CPU a call: {costs}"
        )
        self._whole.wait_until_drained(_DRAIN_S)
        return good


def find_rate(trial: Trial, first: float, seconds: float) -> float:
    """The highest rate that was steady for that long, by halving the gap between what does and what does not."""
    low, high, rate = 0.0, 0.0, first
    for _ in range(MOST_PROBES):
        if trial.steady(rate, seconds):
            low = rate
        else:
            high = rate
        if low and high and high / low < CLOSE_ENOUGH:
            break
        rate = rate * 1.4 if not high else (low + high) / 2 if low else rate / 1.6
    return low


def pipeline(run: Run) -> list[Figure]:
    processes.require("nginx")
    with tracer_up(run.place / "pipeline", run.workers) as whole:
        trial = Trial(whole, run)
        trial.steady(500, 4)  # opens connections, makes tables, loads what is loaded late
        rate = run.pipeline_rate or find_rate(trial, FIRST_RATE, min(PROBE_S, run.pipeline_seconds))
        for _ in range(3):
            if trial.steady(rate, run.pipeline_seconds):
                break
            rate *= 0.9
        else:
            run.note("Pipeline: no rate was steady for the whole time; the last one is given.")
        rows, spans = whole.rows(), whole.spans()
    run.note(
        f"Pipeline: {trial.answered} calls answered over all runs, {rows['rows']} rows ({rows['distinct']} different), "
        f"{spans['spans']} spans ({spans['distinct']} different); CPU a call in the last run: "
        + ", ".join(f"{name} {one:.0f} µs" for name, one in trial.cpu.items())
        + f"; {run.pipeline_seconds:.0f} s, {run.workers} worker(s)."
    )
    return [
        Figure.one("pipeline rate", rate, "calls/s"),
        Figure.one("pipeline lost", abs(trial.answered - rows["distinct"]) + abs(trial.answered - spans["distinct"]), "calls"),
        Figure.one("pipeline doubled", rows["rows"] - rows["distinct"] + spans["spans"] - spans["distinct"], "calls"),
        *(Figure.one(f"pipeline memory {name}", one / 1e6, "MB") for name, one in trial.memory.items()),
        Figure.one("pipeline memory growth", 100 * sum(trial.grown.values()) / sum(trial.memory.values()), "%"),
        *(Figure.one(f"pipeline grown {name}", one / 1e6, "MB") for name, one in trial.grown.items()),
        *(Figure.one(f"pipeline cpu {name}", one, "µs CPU") for name, one in trial.cpu.items()),
        *(Figure.one(f"pipeline p{p}", figures.percentile(trial.times_ns, p) / 1e6, "ms") for p in (50, 99)),
    ]


def level(points: list[tuple[float, dict[str, int]]], seconds: float, first: float, last: float) -> dict[str, float]:
    """The median of each process's memory in that part of the run."""
    found = [memory for at, memory in points if first * seconds <= at <= last * seconds] or [memory for _, memory in points]
    return {name: statistics.median(one[name] for one in found) for name in found[0] if name != "collector"}


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
