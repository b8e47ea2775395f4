"""The cache in a Redis that all workers and hosts share.

Every command has a short time-out, and one repeat at once where the connection turned out to be closed: after a restart of
Redis each pooled connection is. What goes wrong beyond that is raised; the cache counts it and, after a few in a row, stops
asking for a while (circuit.py).

How much is kept is Redis's own business: give it `maxmemory` and `maxmemory-policy allkeys-lru`.
"""

import redis
from redis.asyncio import Redis, from_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry as SyncRetry

# Others may use the same Redis.
_PREFIX = "tracer:cache:"
# Far above what a Redis in the same network takes, far below what a call to a provider takes.
_TIMEOUT_S = 0.5


class RedisBackend:
    """Entries as plain keys with a time to live."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 1, (Disconnected,))
        )

    async def get(self, key: str) -> bytes | None:
        found = await self._redis.get(_PREFIX + key)
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, data: bytes, ttl_s: float) -> None:
        await self._redis.set(_PREFIX + key, data, px=max(1, round(ttl_s * 1000)))

    async def delete(self, key: str) -> None:
        await self._redis.delete(_PREFIX + key)

    async def close(self) -> None:
        await self._redis.aclose()


def fault(url: str, timeout_s: float) -> str:
    """Why the Redis cannot be used; empty if it can."""
    try:
        with redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=SyncRetry(NoBackoff(), 0)
        ) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""
