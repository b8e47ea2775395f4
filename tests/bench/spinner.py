"""A server that is busy for so many microseconds with each request and then answers it: what a queue and this machine alone
make of calls at random moments, for a program that costs as much CPU time as Tracer and otherwise does nothing.

    python -m tests.bench.spinner PORT MICROSECONDS
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

from tests.bench import processes, upstream
from tests.ports import free_port

# What its event loop and its system calls take of a call.
_OWN_US = 30.0
_ANSWER = (f"HTTP/1.1 200 OK\r\nContent-Length: {len(upstream.REPLY)}\r\n\r\n" + upstream.REPLY).encode()


@contextmanager
def spinner(busy_us: float, core: int) -> Iterator[int]:
    """One on a core that takes `busy_us` of it for a call, all in all; its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.spinner", str(port), str(max(0.0, busy_us - _OWN_US))]
    with processes.running(command, core=core) as process:
        processes.wait_for(lambda: processes.answers(port, "/"), process)
        yield port


class _Busy(asyncio.Protocol):
    """A request comes in one piece here: it is short, and its caller sends it in one."""

    def __init__(self, busy_ns: int) -> None:
        self._busy_ns = busy_ns

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        end = time.perf_counter_ns() + self._busy_ns
        while time.perf_counter_ns() < end:
            pass
        self._transport.write(_ANSWER)


async def _serve(port: int, busy_us: float) -> None:
    listening = await asyncio.get_running_loop().create_server(lambda: _Busy(round(busy_us * 1000)), "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
