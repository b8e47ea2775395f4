"""Fixtures of the cache's tests."""

from tests.redis_server import redis_server, shared_redis  # noqa: F401  (fixtures)
