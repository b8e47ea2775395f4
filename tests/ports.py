"""Ports for servers that a test starts: free now, and nobody else's a moment later.

A port that the kernel names (bind to 0) may be named to the test run beside this one too, before either server is up; with
SO_REUSEPORT, as Tracer's workers have it, both would even come up and take each other's calls. So each process of a run
(pytest-xdist calls them gw0, gw1, …) goes through a range of its own, outside of the one that the kernel gives to outgoing
connections (32768 and up on Linux), and names no port twice.
"""

import itertools
import os
import random
import re
import socket

_FIRST, _RANGES, _IN_EACH = 10_000, 8, 2_700


def _ports() -> "itertools.cycle[int]":
    digits = re.search(r"\d+", os.environ.get("PYTEST_XDIST_WORKER", ""))
    own = int(digits[0]) % _RANGES if digits else _RANGES - 1
    first = _FIRST + own * _IN_EACH
    begin = random.randrange(_IN_EACH)  # two runs at a time seldom meet
    return itertools.cycle([first + (begin + step) % _IN_EACH for step in range(_IN_EACH)])


_cycle = _ports()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    for port in _cycle:
        with socket.socket() as probe:  # without SO_REUSEADDR: one that is closing is not free
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: a cycle has no end")
