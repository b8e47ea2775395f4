"""Connections to providers, kept open between calls.

Two ages at which an idle connection is no longer trusted. Over TLS a new one costs round trips, and the big providers keep
theirs for minutes; plain HTTP is a server nearby, cheap to reach again, and such servers (llama.cpp, uvicorn) close after 5 s:
a request sent into that moment is lost, and must be sent again (ask.py).
"""

import asyncio
import contextlib
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp

from tracer.config import Settings
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.route import Origin
from tracer.proxy.upstream import Connection

TLS_IDLE_SECONDS = 55.0
PLAIN_IDLE_SECONDS = 4.0


@dataclass(slots=True)
class Pool:
    """Idle connections by origin, newest last. `session` is aiohttp's client, for WebSockets only."""

    connect_timeout: float
    response_timeout: float
    session: aiohttp.ClientSession
    _tls: ssl.SSLContext
    _idle: dict[Origin, list[Connection]] = field(default_factory=lambda: defaultdict(list))

    def take(self, to: Origin) -> Connection | None:
        """An idle connection that can be used at once, if there is one."""
        idle = self._idle[to]
        longest = TLS_IDLE_SECONDS if to.tls else PLAIN_IDLE_SECONDS
        while idle:
            connection = idle.pop()
            if connection.idle_and_whole and connection.silent_seconds <= longest:
                return connection
            connection.close()
        return None

    async def connect(self, to: Origin) -> Connection:
        """A new connection. Raises UpstreamFailed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.connect_timeout):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop, self.response_timeout),
                    to.host,
                    to.port,
                    ssl=self._tls if to.tls else None,
                    server_hostname=to.host if to.tls else None,
                )
        except TimeoutError as error:
            raise UpstreamFailed("connect_timeout", error) from error
        except socket.gaierror as error:
            raise UpstreamFailed("dns_error", error) from error
        except ssl.SSLError as error:
            raise UpstreamFailed("tls_error", error) from error
        except OSError as error:
            raise UpstreamFailed("connect_refused", error) from error
        return connection

    def give_back(self, to: Origin, connection: Connection) -> None:
        """Keep a connection for the next call, or close it if its last exchange was not whole."""
        if not connection.idle_and_whole:
            connection.close()
            return
        idle = self._idle[to]
        idle.append(connection)
        # The oldest, which are used last, would otherwise stay for ever after a busy hour.
        while idle[0].silent_seconds > TLS_IDLE_SECONDS:
            idle.pop(0).close()

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()


@contextlib.asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[Pool]:
    """A pool for the life of a worker."""
    tls = ssl.create_default_context()
    tls.set_alpn_protocols(["http/1.1"])
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout)
    skipped = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, skip_auto_headers=skipped, timeout=timeout) as session:
        pool = Pool(settings.connect_timeout, settings.response_timeout, session, tls)
        try:
            yield pool
        finally:
            pool.close()
