"""Time that the proxy adds to a plain call: one call at a time, and at half of the rate that it could answer.

    caller ─► Tracer ─► upstream        caller and upstream are one thread (loop.py)
    caller ────────────► upstream       in between, on the same loop
    caller ─► nginx ──► upstream        likewise: what a proxy in C adds on this machine on this day
    caller ─► spinner                   at half of saturation: as busy with a call as Tracer, and nothing else

One at a time: a direct call, one through Tracer, one through nginx, and so on, on connections that stay open. At half of
saturation: proxied calls begin at random moments (a Poisson process) at half of the rate that wrk got through the same worker
just before, whether earlier ones are answered or not, and a tenth as many direct ones among them. What is reported as added is
the percentile of the calls through Tracer less that of the direct ones.
"""

import random
import socket
import time
from collections.abc import Callable

from tests.bench import processes, upstream, wrk
from tests.bench.figures import percentile
from tests.bench.loop import Loop, looping, received
from tests.bench.results import Figure, Run
from tests.bench.spinner import spinner
from tests.bench.worker import MODEL_PATH, Program, tracer_worker

_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\nUser-Agent: OpenAI/Python 3.54.0\r\nAccept: */*\r\n\r\n"
)
_REPLY_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
_TAIL = 24
# More calls under way than that mean that what is measured is not at half of its rate but beyond all of it.
MOST_AT_ONCE = 512
_DIRECT_SHARE = 0.1
_PATIENCE_S = 20


def request_bytes(port: int, body: str = upstream.REQUEST) -> bytes:
    return (_HEAD.format(path=MODEL_PATH, port=port, length=len(body)) + body).encode()


class Answering:
    """The upstream's end of a connection: a fixed reply to whatever ends as the request does."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._reply = (_REPLY_HEAD.format(length=len(upstream.REPLY)) + upstream.REPLY).encode()
        self._tail = upstream.REQUEST[-_TAIL:].encode()

    def serve(self, taken: socket.socket) -> None:
        def ready() -> None:
            piece = received(taken)
            if piece.endswith(self._tail):
                taken.send(self._reply)
            elif not piece:
                self._loop.forget(taken)

        self._loop.add(taken, ready)


class Asking:
    """Callers of one port: connections that are free, more when none is, and the times of the calls that were answered."""

    def __init__(self, loop: Loop, port: int, most: int = MOST_AT_ONCE) -> None:
        self._loop, self._port, self._most = loop, port, most
        self._request = request_bytes(port)
        self._tail = upstream.REPLY[-_TAIL:].encode()
        self._free: list[Callable[[], None]] = []
        self.asked = 0
        self.skipped = 0
        self.times_ns: list[int] = []

    def call(self) -> None:
        """Begin a call; none if as many as allowed are under way."""
        if self._free:
            self.asked += 1
            self._free.pop()()
        elif self.asked - len(self.times_ns) < self._most:
            self.asked += 1
            self._connected()()
        else:
            self.skipped += 1

    def answered(self) -> bool:
        return len(self.times_ns) == self.asked

    def forget_times(self) -> None:
        self.asked -= len(self.times_ns)
        self.times_ns.clear()

    def _connected(self) -> Callable[[], None]:
        made = self._loop.connect(self._port)
        request, tail, times, free = self._request, self._tail, self.times_ns, self._free
        clock = time.perf_counter_ns
        begun = 0

        def begin() -> None:
            nonlocal begun
            begun = clock()
            made.send(request)

        def ready() -> None:
            piece = received(made)
            if piece.endswith(tail):
                times.append(clock() - begun)
                free.append(begin)
            elif not piece and begin in free:
                free.remove(begin)  # the proxy closes what has been idle for long: a burst leaves more than are needed
                self._loop.forget(made)
            elif not piece:
                raise SystemExit("a connection was closed in the middle of a call, so nothing was measured")

        self._loop.add(made, ready)
        return begin


def one_at_a_time(loop: Loop, kinds: list[Asking], seconds: float) -> None:
    """Calls of each kind in turn."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for kind in kinds:
            kind.call()
            while not kind.answered():
                loop.turn()


def at_rate(loop: Loop, kinds: list[tuple[Asking, float]], seconds: float, sleeps: bool = False) -> list[int]:
    """Calls of each kind at random moments at its rate. How late each was begun, in ns: the generator's own fault.

    It `sleeps` where it must not take a core for itself; then a call may begin a millisecond late.
    """
    clock, chance = time.perf_counter_ns, random.Random(1)
    begin = clock()
    due = [(begin + chance.expovariate(rate) * 1e9, kind, rate / 1e9) for kind, rate in kinds]
    late, end = [], begin + seconds * 1e9
    while (now := clock()) < end:
        for number, (at, kind, rate) in enumerate(due):
            if now >= at:
                kind.call()
                late.append(int(now - at))
                due[number] = (at + chance.expovariate(rate), kind, rate)
        loop.turn(max(0.0, (min(at for at, _, _ in due) - clock()) / 1e9) if sleeps else 0)
    limit = time.monotonic() + _PATIENCE_S
    loop.turn_until(lambda: all(kind.answered() for kind, _ in kinds), "calls unanswered", lambda: time.monotonic() > limit)
    return late


def saturation(tracer: Program, run: Run) -> float:
    """Calls a second that the worker answers at most, by wrk."""
    post = wrk.script(run.place, tracer, upstream.REQUEST)
    wrk.warm(tracer, post)
    return wrk.measure(tracer, max(2, run.seconds), post).calls_per_s


def latency(run: Run) -> list[Figure]:
    with (
        upstream.fixed(run.place / "latency-up", upstream.REPLY, wrk.LOAD_CORE) as up,
        tracer_worker(run.place / "latency-most", up, wrk.MEASURED_CORE) as tracer,
    ):
        most = saturation(tracer, run)
    with looping() as loop:
        port = loop.listen(Answering(loop).serve)
        with (
            tracer_worker(run.place / "latency", port, wrk.MEASURED_CORE) as tracer,
            upstream.nginx_proxy(run.place / "latency-nginx", port, wrk.MEASURED_CORE) as (_, front),
        ):
            kinds = [Asking(loop, one) for one in (port, tracer.port, front)]
            one_at_a_time(loop, kinds, 1)
            _forget(kinds)
            one_at_a_time(loop, kinds, run.seconds * run.rounds)
            alone = _figures("alone", *kinds)
            run.say("latency   one at a time: done")
            half, late = _half(loop, kinds, tracer, most / 2, run.seconds * run.rounds)
            run.say(f"latency   at {most / 2:.0f} calls/s: done")
    if skipped := sum(kind.skipped for kind in kinds):
        run.note(
            f"Latency: {skipped} calls could not begin, since {MOST_AT_ONCE} were under way: that was no half of saturation."
        )
    late_ms = percentile(late, 99) / 1e6
    return [*alone, *half, Figure.one("half rate", most / 2, "calls/s"), Figure.one("half generator late p99", late_ms, "ms")]


def _half(loop: Loop, kinds: list[Asking], tracer: Program, rate: float, seconds: float) -> tuple[list[Figure], list[int]]:
    """Tracer, nginx and a spinner at that rate, each with direct calls among; and how late calls were begun."""
    direct, ours, nginx = kinds
    at_rate(loop, [(ours, rate), (direct, rate * _DIRECT_SHARE)], 1)
    _forget(kinds)
    spent = processes.group_cpu_seconds(tracer.pid)
    late = at_rate(loop, [(ours, rate), (direct, rate * _DIRECT_SHARE)], seconds)
    busy_us = (processes.group_cpu_seconds(tracer.pid) - spent) / len(ours.times_ns) * 1e6
    with spinner(busy_us, wrk.MEASURED_CORE) as port:
        spinning = Asking(loop, port)
        for other in (nginx, spinning):
            at_rate(loop, [(other, rate), (direct, rate * _DIRECT_SHARE)], 1)
            _forget([other])
            late += at_rate(loop, [(other, rate), (direct, rate * _DIRECT_SHARE)], seconds)
    found = [Figure.one(f"half spinner p{percent}", percentile(spinning.times_ns, percent) / 1e6, "ms") for percent in (50, 99)]
    return [*_figures("half", *kinds), *found, Figure.one("half busy", busy_us, "µs")], late


def _forget(kinds: list[Asking]) -> None:
    for kind in kinds:
        kind.forget_times()


def _figures(part: str, direct: Asking, tracer: Asking, nginx: Asking) -> list[Figure]:
    found = []
    for percent in (50, 99):
        straight, ours, theirs = (percentile(kind.times_ns, percent) / 1e6 for kind in (direct, tracer, nginx))
        found.append(Figure.one(f"{part} direct p{percent}", straight, "ms"))
        found.append(Figure.one(f"{part} proxied p{percent}", ours, "ms"))
        found.append(Figure.one(f"{part} nginx p{percent}", theirs, "ms"))
        found.append(Figure.one(f"{part} added p{percent}", ours - straight, "ms"))
    return found
