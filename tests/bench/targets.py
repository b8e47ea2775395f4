"""What Tracer is held to: each target, the figure that shows it, and the figures to print beside."""

from dataclasses import dataclass

from tests.bench.results import Figure, Results


@dataclass(frozen=True, slots=True)
class Target:
    """A bound of one figure. `beside`: label and name of figures to show with it."""

    part: str
    what: str
    figure: str
    bound: float
    unit: str
    at_most: bool = True
    beside: tuple[tuple[str, str], ...] = ()

    def met(self, found: Figure) -> bool:
        return found.value <= self.bound if self.at_most else found.value >= self.bound

    def used(self, found: Figure) -> float:
        """Which part of what is allowed is used; above 1 it is a miss."""
        if self.at_most:
            return found.value / self.bound if self.bound else float(found.value > 0) * 10
        return self.bound / found.value if found.value else 10.0

    def wording(self) -> str:
        if not self.bound:
            return "none"
        return f"{'at most' if self.at_most else 'at least'} {self.bound:,g} {self.unit}".strip()


def _cpu(part: str, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"{part} cpu_us {name}") for name in names)


def _rate(name: str) -> tuple[tuple[str, str], ...]:
    return (("tracer", "plain calls_per_s tracer"), (name, f"plain calls_per_s {name}"))


def _added(what: str) -> list[Target]:
    return [
        Target(part, f"{words}, {p}", f"{what} added {p}", bound, "ms", beside=_both(what, p))
        for part, words, p, bound in _TIMES[what]
    ]


def _both(what: str, p: str) -> tuple[tuple[str, str], ...]:
    ways = (("direct", "direct"), ("through Tracer", "proxied"), ("through nginx", "nginx"))
    others = (("a spinner", f"half spinner {p}"), ("busy a call", "half busy"), ("rate", "half rate")) if what == "half" else ()
    return (*((label, f"{what} {way} {p}") for label, way in ways), *others)


_TIMES = {
    "alone": [
        ("latency", "time added to a plain call, one at a time", "p50", 0.25),
        ("latency", "time added to a plain call, one at a time", "p99", 1.0),
    ],
    "half": [
        ("latency", "time added to a plain call, at half of saturation", "p50", 0.25),
        ("latency", "time added to a plain call, at half of saturation", "p99", 1.0),
    ],
    "first token": [
        ("streams", "time added to the first token, 500 streams of 50 tokens/s", "p50", 0.2),
        ("streams", "time added to the first token, 500 streams of 50 tokens/s", "p99", 2.0),
    ],
    "chunk": [
        ("streams", "delay added to each chunk of these streams", "p50", 0.2),
        ("streams", "delay added to each chunk of these streams", "p99", 2.0),
    ],
}
_GATEWAYS = [("Portkey's gateway", 10.0), ("LiteLLM's proxy", 50.0), ("Bifrost", 1.0)]

TARGETS: tuple[Target, ...] = (
    Target(
        "plain",
        "CPU of a plain call, capture full, durability fast, one worker",
        "plain cpu over nginx",
        2.5,
        "× nginx",
        beside=_cpu("plain", "tracer", "nginx"),
    ),
    Target(
        "large",
        "CPU of a call with a 64 kB reply and a 16 kB request",
        "large cpu over nginx",
        2.5,
        "× nginx",
        beside=_cpu("large", "tracer", "nginx"),
    ),
    *(
        Target(
            "plain",
            f"calls/s of one worker on one core, over {name}, log {switch}",
            f"rate over {name}, log {switch}",
            bound,
            "×",
            at_most=False,
            beside=_rate(f"{name}, log {switch}"),
        )
        for name, bound in _GATEWAYS
        for switch in ("on", "off")
    ),
    Target(
        "plain",
        "calls/s of one worker on one core, over a plain aiohttp proxy",
        "rate over plain aiohttp",
        3.0,
        "×",
        at_most=False,
        beside=_rate("plain aiohttp"),
    ),
    *_added("alone"),
    *_added("half"),
    *_added("first token"),
    *_added("chunk"),
    Target(
        "streams",
        "chunks that came together with another, beyond direct ones",
        "chunks held",
        0.1,
        "%",
        beside=(
            ("direct", "chunks together direct"),
            ("through Tracer", "chunks together proxied"),
            ("a chunk in Tracer", "chunk cpu tracer"),
            ("in nginx", "chunk cpu nginx"),
        ),
    ),
    Target(
        "open-streams",
        "memory of an open, mostly idle stream",
        "open streams memory",
        40,
        "kB",
        beside=(("open on one worker", "open streams"), ("the worker then", "open streams worker")),
    ),
    Target(
        "sink",
        "sink with both exporters, calls per second and core",
        "sink calls_per_s_and_core",
        5000,
        "calls/s",
        at_most=False,
        beside=(("sink", "sink sink_us"), ("store", "sink store_us")),
    ),
    Target(
        "pipeline",
        "whole pipeline on these cores, load included: steady rate",
        "pipeline rate",
        2500,
        "calls/s",
        at_most=False,
        beside=(("p50 for callers", "pipeline p50"), ("p99", "pipeline p99")),
    ),
    Target("pipeline", "calls lost on the way to SQL or the collector", "pipeline lost", 0, "calls"),
    Target("pipeline", "calls there twice", "pipeline doubled", 0, "calls"),
    Target("pipeline", "growth of the memory of worker, sink and store meanwhile", "pipeline memory growth", 10, "%"),
    Target(
        "strict",
        "time added by `strict` durability, p50, one at a time",
        "strict added p50",
        3,
        "ms",
        beside=(("fast", "strict p50 fast"), ("strict", "strict p50"), ("a sync of this disk", "sync")),
    ),
    Target(
        "strict",
        "fewer calls/s under `strict`",
        "strict fewer",
        30,
        "%",
        beside=(("fast", "strict rate fast"), ("strict", "strict rate")),
    ),
    Target(
        "disk",
        "row of `llm.calls`, compressed",
        "disk calls_bytes",
        200,
        "B",
        beside=(("with indexes and marks", "disk calls_on_disk_bytes"),),
    ),
    Target(
        "disk",
        "bodies: their size over that of their columns",
        "disk bodies_ratio",
        5,
        "×",
        at_most=False,
        beside=(("a call's bodies", "disk bodies_bytes"),),
    ),
    Target(
        "startup",
        "start to first answered call, without the store",
        "startup",
        1.5,
        "s",
        beside=(("worker alone", "startup worker"),),
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A target and what was found."""

    target: Target
    ours: Figure | None
    beside: tuple[tuple[str, Figure], ...]
    verdict: str


def lines(results: Results) -> list[Line]:
    """Every target with its verdict: pass, miss, or why there is none."""
    return [_line(target, results) for target in TARGETS]


def _line(target: Target, results: Results) -> Line:
    ours = results.figure(target.figure)
    beside = tuple((label, figure) for label, name in target.beside if (figure := results.figure(name)) is not None)
    if ours is not None:
        return Line(target, ours, beside, "pass" if target.met(ours) else "miss")
    return Line(target, None, beside, f"not measured: {_why(target, results)}")


def _why(target: Target, results: Results) -> str:
    for peer, told in results.peers.items():
        if f"over {peer}" in target.figure and told.startswith("not "):
            return told
    part = results.parts.get(target.part)
    return (part.missing if part else "") or "not in this run"
