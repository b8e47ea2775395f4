"""The load: kinds of calls in fixed shares, and how each kind may end for its client and in its row.

The kind is a call's `phase` (tests/faults/load.py). A spell of a provider's fault turns a share of the calls into that fault's
kind for a while; clients that leave or sip are the faults' own (tests/faults/clients.py).
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from tests.faults.load import Load, Told, call

CACHED = '{"cache":{"mode":"simple","max_age":600}}'
CONFIGURED = '{"override_params":{"temperature":0.2},"request_timeout":20000}'
NOBODY = '{"provider":"nobody-of-that-name"}'
# Different calls that may be answered from the cache. Few, so that they repeat; the cache stays small.
CACHED_CALLS = 60
SPELL_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Kind:
    """`weight`: of all calls; `ends` and `outcomes`: what is right."""

    name: str
    weight: float
    streamed: bool = False
    more: Mapping[str, str] = field(default_factory=dict)
    padding: int = 0
    cached: bool = False
    ends: tuple[str, ...] = ("answered",)
    outcomes: tuple[str, ...] = ("ok",)


def _fails(name: str, *outcomes: str) -> Kind:
    return Kind(name, 0, more={"x-fault": name}, ends=("answered", "cut", "error"), outcomes=("ok", *outcomes))


KINDS = (
    Kind("plain", 30),
    Kind("stream", 28, streamed=True),
    Kind("long stream", 4, streamed=True, more={"x-gap-ms": "150"}),
    Kind("stream of many pieces", 4, streamed=True, more={"x-words": "300", "x-gap-ms": "4"}),
    Kind("large request", 3, padding=256 << 10),
    Kind("large reply", 3, more={"x-words": "40000"}),
    Kind("cache", 12, more={"x-portkey-config": CACHED}, cached=True, outcomes=("ok", "cache_hit")),
    Kind("cache, streamed", 4, streamed=True, more={"x-portkey-config": CACHED}, cached=True, outcomes=("ok", "cache_hit")),
    Kind("config", 6, more={"x-portkey-config": CONFIGURED}),
    Kind("error 429", 2, more={"x-fault": "429"}, ends=("error",), outcomes=("upstream_error",)),
    Kind("error 500", 2, more={"x-fault": "500"}, ends=("error",), outcomes=("upstream_error",)),
    Kind("refused by Tracer", 2, more={"x-portkey-config": NOBODY}, ends=("error",), outcomes=("refused",)),
)
SPELLS = {
    "reset": _fails("reset", "stream_error", "upstream_error"),
    "half": _fails("half", "stream_error", "upstream_error"),
    "stalled": _fails("stalled", "timeout"),
    "garbage": _fails("garbage", "upstream_error"),
    "429": Kind("429", 0, more={"x-fault": "429"}, ends=("error",), outcomes=("upstream_error",)),
}
# Phases that tests/faults/clients.py gives its own calls.
CLIENTS = {
    "during": Kind("client leaves", 0, streamed=True, ends=("left",), outcomes=("client_gone",)),
    "sips": Kind("client reads a byte a second", 0, ends=("left",), outcomes=("ok", "client_gone")),
}
BY_PHASE = {kind.name: kind for kind in (*KINDS, *SPELLS.values())} | CLIENTS


def kind_of(told: Told) -> Kind:
    return BY_PHASE[told.phase]


class Mixed(Load):
    """Steady load of all kinds."""

    spell = ""  # the provider's fault that lasts

    def _chosen(self) -> Kind:
        if self.spell and random.random() < SPELL_SHARE:
            return SPELLS[self.spell]
        return random.choices(KINDS, [kind.weight for kind in KINDS])[0]

    async def _call(self, session: aiohttp.ClientSession, streamed: bool) -> None:
        try:
            kind = self._chosen()
            in_stream = kind.streamed or (kind.weight == 0 and streamed)  # a provider's fault meets both
            asks = f"cached-{random.randrange(CACHED_CALLS)}" if kind.cached else ""
            self.told.append(await call(session, self.url, kind.name, in_stream, dict(kind.more), kind.padding, asks))
        finally:
            self._open.release()
