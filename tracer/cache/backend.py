"""Where entries are kept: bytes under a key, for a time. The seam between the cache and a store.

A backend may raise, be slow or forget: the cache counts that and takes it for a miss. It never sees what the bytes mean.
"""

from typing import Protocol


class Backend(Protocol):
    """Opened by its first use; `close` ends it, whatever is under way."""

    async def get(self, key: str) -> bytes | None:
        """The bytes under `key`, unless their time is over."""

    async def put(self, key: str, data: bytes, ttl_s: float) -> None:
        """Keep `data` under `key` in place of what was there."""

    async def delete(self, key: str) -> None:
        """Forget `key`."""

    async def close(self) -> None:
        """Let go of files and connections."""
