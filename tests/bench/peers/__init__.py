"""Other gateways, installed into a folder of the benchmarks' own (`.cache/peers`), and started beside Tracer on one upstream.

Each file here knows one of them: how it is installed in a version that was tried, how it starts with what logging it can do
switched on, and with it off. One that cannot be installed is reported with the reason.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.worker import Program

CACHE = Path(__file__).parents[3] / ".cache" / "peers"


def last_line(said: str) -> str:
    """Of what an installer said: its reason, without the address it asked."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return re.sub(r"https?://\S+:?\s*|^server response: ", "", lines[-1]).rstrip(".") if lines else "it gave no reason"


class CannotInstall(Exception):
    """It is not to be had on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Way:
    """A gateway started in one way: with its logging, or without."""

    name: str
    log: str
    start: Callable[[Path, int], AbstractContextManager[Program]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway: what it is called with its version, and how to have it. `install` raises CannotInstall."""

    name: str
    version: str
    install: Callable[[], None]
    ways: tuple[Way, ...]


def started(place: Path, ways: Sequence[Way], up: int) -> Iterator[AbstractContextManager[Program]]:
    """Each of them, to be entered; `up` is the upstream's port."""
    for number, way in enumerate(ways):
        yield way.start(place / f"peer-{number}", up)
