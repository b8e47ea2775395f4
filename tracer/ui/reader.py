"""Questions from pages to ClickHouse: on threads, with a time limit, as a user who can only read.

Pages ask by `rows`, with Tracer's own SQL. The console asks by `answer`, with SQL that a person typed, and gets ClickHouse's
own words back. The store is never opened in this process: it belongs to the store's process or to a server.

Traps: the driver takes every setting of a read-only user for one that cannot be changed and does not send it, so they are put
among its parameters. A client that lost its connection is thrown away, since a store that was started anew may be elsewhere.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient

from tracer.config import Settings
from tracer.store.client import StoreUnavailable, connect, failed

LIMIT_SECONDS = 15.0
_THREADS = 8
# The engine's limit must strike first: its answer says what was wrong.
_GRACE_SECONDS = 3.0
_HOW = {
    "output_format_json_quote_64bit_integers": "0",
    "date_time_output_format": "iso",
}

Row = dict[str, Any]


class TookTooLong(Exception):
    """No answer within the limit."""


class Reader:
    """The way to ask. One for a process; `close` when no more will be asked."""

    def __init__(self, settings: Settings, limit_s: float = LIMIT_SECONDS, how: Mapping[str, str] = {}) -> None:
        self._settings = settings
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(_THREADS, "ui-question")
        self._client: Client | None = None
        self._lock = threading.Lock()
        # The embedded store's reader cannot write as it is; a DSN's user can.
        fence = {} if settings.clickhouse is None else {"readonly": "2"}
        self._how = {**_HOW, "max_execution_time": f"{limit_s:g}", **how, **fence}

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """The answer's rows; `{name:Type}` in `sql` are bound to `parameters`. Raises StoreError or TookTooLong."""
        answer = await self.answer(sql, "JSONEachRow", parameters)
        return [orjson.loads(line) for line in answer.splitlines()]

    async def answer(self, sql: str, form: str, parameters: Mapping[str, Any] = {}) -> bytes:
        """The answer in a format of ClickHouse's. Raises StoreError or TookTooLong."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limit_s + _GRACE_SECONDS):
                return await loop.run_in_executor(self._threads, self._ask, sql, dict(parameters), form)
        except TimeoutError:
            raise TookTooLong(f"no answer within {self._limit_s:g} s") from None

    def close(self) -> None:
        """Forget what has not been asked yet, and the connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._drop()

    def _ask(self, sql: str, parameters: dict[str, Any], form: str) -> bytes:
        client = self._connected()
        try:
            return bytes(client.raw_query(sql, parameters=parameters, fmt=form))
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
                assert isinstance(client, HttpClient)
                client.params.update(self._how)
                self._client = client
            return self._client

    def _drop(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
