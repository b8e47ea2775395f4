"""Questions from the API's endpoints to ClickHouse: tracer/store/asking.py with the API's limits and the API's errors.

A failure is the caller's to read: 503 if nothing answers, 504 if it took too long, 507 if it needed too much memory. What is
wrong with the question itself is Tracer's mistake, so it is logged and told without ClickHouse's words.
"""

import logging
from collections.abc import Mapping
from typing import Any

from tracer.api.errors import ApiError
from tracer.config import Settings
from tracer.store.asking import Asking, Manner, Row, TookTooLong
from tracer.store.client import QueryFailed, StoreError

_log = logging.getLogger(__name__)

LIMIT_SECONDS = 15.0
_THREADS = 4
_GRACE_SECONDS = 5.0

_OUT_OF_TIME, _OUT_OF_MEMORY = (159, 160, 209), 241


class Questions:
    """The way to ask. One for a process; `close` when no more will be asked."""

    def __init__(self, settings: Settings, limit_s: float = LIMIT_SECONDS) -> None:
        self._asking = Asking(settings, Manner(_THREADS, limit_s, _GRACE_SECONDS))

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """The answer's rows; `{name:Type}` in `sql` are bound to `parameters`. Raises ApiError."""
        try:
            return await self._asking.rows(sql, parameters)
        except TookTooLong:
            raise self._too_long() from None
        except StoreError as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Forget what has not been asked yet, and the connection."""
        self._asking.close()

    def _told(self, error: StoreError) -> ApiError:
        if not isinstance(error, QueryFailed):
            return ApiError(503, f"the calls are kept in ClickHouse, which does not answer: {error}")
        if error.code in _OUT_OF_TIME:
            return self._too_long()
        if error.code == _OUT_OF_MEMORY:
            return ApiError(507, "the question needs more memory than the store may use; ask for a shorter time")
        _log.error("a question of the API was refused: %s", error)
        return ApiError(500, "the store refused a question of Tracer's own; the log says which")

    def _too_long(self) -> ApiError:
        return ApiError(504, f"the question took more than {self._asking.limit_s:g} s; ask for a shorter time")


__all__ = ["LIMIT_SECONDS", "Questions", "Row"]
