"""Callers and upstream in one thread that never sleeps: the load of the measurements of time.

A caller, an upstream and a proxy on two cores wait for each other's turn on a core, and that waiting would be most of what is
measured. Here caller and upstream share one loop on plain non-blocking sockets: it polls without a pause, so it notes a byte
within microseconds of its arrival, and sends are on time. A call straight from caller to upstream goes through the same loop
and the same kernel; it is the yardstick, measured in between, and what is reported is the difference.
"""

import gc
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.bench.wrk import LOAD_CORE
from tests.ports import free_port

_READ = 1 << 16


class Loop:
    """Sockets and what is to be called when one has something to read."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._called: dict[int, Callable[[], None]] = {}
        self._sockets: list[socket.socket] = []

    def add(self, one: socket.socket, called: Callable[[], None]) -> None:
        one.setblocking(False)
        self._sockets.append(one)
        self._called[one.fileno()] = called
        self._epoll.register(one.fileno(), select.EPOLLIN)

    def forget(self, one: socket.socket) -> None:
        """After the other side has closed."""
        self._epoll.unregister(one.fileno())
        del self._called[one.fileno()]
        self._sockets.remove(one)
        one.close()

    def turn(self, wait_s: float = 0) -> None:
        """Call what has something to read now, or within `wait_s`."""
        for number, _ in self._epoll.poll(wait_s):
            called = self._called.get(number)
            if called:
                called()

    def turn_until(self, true: Callable[[], bool], what: str, deadline: Callable[[], bool]) -> None:
        while not true():
            if deadline():
                raise SystemExit(f"gave up waiting: {what}")
            self.turn(0.01)

    def listen(self, serve: Callable[[socket.socket], None]) -> int:
        """Take connections on a port of 127.0.0.1; each goes to `serve`."""
        port = free_port()
        listener = socket.create_server(("127.0.0.1", port), backlog=4096)

        def accept() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                except BlockingIOError:
                    return
                taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                serve(taken)

        self.add(listener, accept)
        return port

    def connect(self, port: int) -> socket.socket:
        """A connection to 127.0.0.1, to be added by its owner."""
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def close(self) -> None:
        for one in self._sockets:
            one.close()
        self._epoll.close()


def received(one: socket.socket) -> bytes:
    """What has arrived; nothing if the other side has closed or nothing has arrived after all."""
    try:
        return one.recv(_READ)
    except BlockingIOError:
        return b""
    except ConnectionResetError:
        return b""


@contextmanager
def looping(core: int | None = LOAD_CORE) -> Iterator[Loop]:
    """A loop on a core of its own, with the collector of garbage at rest."""
    before = os.sched_getaffinity(0)
    if core in before:
        os.sched_setaffinity(0, {core})
    gc.collect()
    gc.disable()
    loop = Loop()
    try:
        yield loop
    finally:
        loop.close()
        gc.enable()
        os.sched_setaffinity(0, before)
