"""A pipe between the engine, which writes on a thread, and the event loop, which reads: a result as it is made.

Strategy: the engine opens `path` (/dev/fd/N) by itself and blocks while the pipe is full, which is the back-pressure; the event
loop reads when there is something, without a thread. The writing end is ours too, so that the reader sees no end
before the engine has opened it: whoever runs the statement closes that end when the statement is over.
"""

import asyncio
import contextlib
import fcntl
import os
from typing import Self

_READ_BYTES = 256 << 10
# Linux's bound for everybody; a smaller pipe works, with more turns.
_PIPE_BYTES = 1 << 20


class Pipe:
    """Made and read on the event loop; `end_of_writing` is called from the thread that writes."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # the user's pipes together are at their bound
                fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.path = f"/dev/fd/{self._writer}"

    def end_of_writing(self) -> None:
        os.close(self._writer)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            try:
                data = os.read(self._reader, _READ_BYTES)
            except BlockingIOError:
                await self._readable()
                continue
            if not data:
                raise StopAsyncIteration
            return data

    def discard(self) -> None:
        """Nobody wants what is still to come: it is read and thrown away until `close`.

        Closed instead, writes to it would fail, and a write that failed means a broken disk (damage.py).
        """
        asyncio.get_running_loop().add_reader(self._reader, self._throw_away)

    def close(self) -> None:
        """No more is read. The engine must be at its end with it: `discard` until then. Again: without harm."""
        if self._reader >= 0:
            asyncio.get_running_loop().remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1

    def _throw_away(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(self._reader, _READ_BYTES):
                asyncio.get_running_loop().remove_reader(self._reader)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._reader, _wake, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._reader)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
