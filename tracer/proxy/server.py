"""All connections of the clients: made, counted and ended."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp.http_exceptions import HttpProcessingError

from tracer.proxy.client import LINGER_SECONDS, ClientConnection, Over, UnderWay
from tracer.proxy.request import Request


class Server:
    """Makes a ClientConnection for each connection, and ends them all. What it is made of is said at client.Serving."""

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[bool]],
        at_once: Callable[[Request, Over], UnderWay | None],
        refuse: Callable[[HttpProcessingError], bytes],
    ) -> None:
        self.answer, self.at_once, self.refuse = answer, at_once, refuse
        self._connections: set[ClientConnection] = set()
        self._all_left = asyncio.Event()

    def __call__(self) -> ClientConnection:
        return ClientConnection(asyncio.get_running_loop(), self)

    def joined(self, connection: ClientConnection) -> None:
        """A connection has begun."""
        self._connections.add(connection)

    def left(self, connection: ClientConnection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_left.set()

    async def drain(self, grace_seconds: float) -> None:
        """End every connection: idle ones now, the others after their reply, or by force when the grace is over."""
        for connection in tuple(self._connections):
            connection.finish()
        await self._wait(grace_seconds)
        for connection in tuple(self._connections):
            connection.cancel()
        await self._wait(LINGER_SECONDS)

    async def _wait(self, seconds: float) -> None:
        self._all_left.clear()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._all_left.wait()
