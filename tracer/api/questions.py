"""Questions to ClickHouse from an endpoint: on threads of their own, with a time limit, as a user who can only read.

The threads are few and belong to nobody else, so a store that answers slowly delays other questions and not calls. The store
is never opened in this process, as `tracer query` may do: a proxy worker must not load the engine.

A failure is the caller's to read: 503 if nothing answers, 504 if it took too long, 507 if it needed too much memory. What is
wrong with the question itself is Tracer's mistake, so it is logged and told without ClickHouse's words.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient

from tracer.api.errors import ApiError
from tracer.config import Settings
from tracer.store.client import QueryFailed, StoreError, StoreUnavailable, connect, failed

_log = logging.getLogger(__name__)

LIMIT_SECONDS = 15.0
_THREADS = 4
# The engine's limit must strike first: its answer says what was wrong.
_GRACE_SECONDS = 5.0

_OUT_OF_TIME, _OUT_OF_MEMORY = (159, 160, 209), 241

Row = dict[str, Any]


class Questions:
    """The way to ask. One for a process; `close` when no more will be asked."""

    def __init__(self, settings: Settings, limit_s: float = LIMIT_SECONDS) -> None:
        self._settings = settings
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(_THREADS, "api-question")
        self._client: Client | None = None
        self._lock = threading.Lock()
        how = {"max_execution_time": f"{limit_s:g}", "output_format_json_quote_64bit_integers": "0"}
        # The embedded store's reader cannot write as it is; a DSN's user can.
        self._how = how if settings.clickhouse is None else {**how, "readonly": "2"}

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """The answer's rows; `{name:Type}` in `sql` are bound to `parameters`. Raises ApiError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limit_s + _GRACE_SECONDS):
                answer = await loop.run_in_executor(self._threads, self._ask, sql, dict(parameters))
        except TimeoutError:
            raise self._too_long() from None
        except StoreError as error:
            raise self._told(error) from error
        return [orjson.loads(line) for line in answer.splitlines()]

    def close(self) -> None:
        """Forget what has not been asked yet, and the connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._drop()

    def _ask(self, sql: str, parameters: dict[str, Any]) -> bytes:
        client = self._connected()
        try:
            return bytes(client.raw_query(sql, parameters=parameters, fmt="JSONEachRow"))
        except (ClickHouseError, OSError) as error:
            if getattr(error, "code", None) is None:  # not an answer: the connection may be gone, or lead elsewhere
                self._drop()
            if isinstance(error, ClickHouseError):
                raise failed(error, "asking ClickHouse") from error
            raise StoreUnavailable(f"asking ClickHouse: {error}") from error

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                client = connect(self._settings, write=False, answer_s=self._limit_s + _GRACE_SECONDS)
                # Not as settings: the driver takes every setting of a reader for one that cannot be changed, and does not ask.
                assert isinstance(client, HttpClient)
                client.params.update(self._how)
                self._client = client
            return self._client

    def _drop(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

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
        return ApiError(504, f"the question took more than {self._limit_s:g} s; ask for a shorter time")
