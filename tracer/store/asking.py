"""Questions to ClickHouse from an event loop: on threads of their own, with a time limit, as a user who can only read.

The pages and the API's endpoints ask this way. The threads are few and belong to nobody else, so a store that answers slowly
delays other questions and not calls. The store is never opened in the asking process, as `tracer query` may do: neither a proxy
worker nor the pages must load the engine.

Traps: the driver takes every setting of a read-only user for one that cannot be changed and does not send it, so they are put
among its parameters. A client that lost its connection is thrown away, since a store that was started anew may be elsewhere.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient

from tracer.config import Settings
from tracer.store.client import StoreUnavailable, connect, failed

_NUMBERS_AS_NUMBERS = {"output_format_json_quote_64bit_integers": "0"}

Row = dict[str, Any]


class TookTooLong(Exception):
    """No answer within the limit."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How questions are asked. The engine's limit must strike before ours, since its answer says what was wrong: `grace_s`."""

    threads: int
    limit_s: float
    grace_s: float
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def patience_s(self) -> float:
        """How long we wait ourselves."""
        return self.limit_s + self.grace_s


class Asking:
    """The way to ask. One for a process; `close` when no more will be asked."""

    def __init__(self, settings: Settings, manner: Manner) -> None:
        self.limit_s = manner.limit_s
        self._settings = settings
        self._patience_s = manner.patience_s
        self._threads = ThreadPoolExecutor(manner.threads, "question")
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._parameters = {**_NUMBERS_AS_NUMBERS, "max_execution_time": f"{manner.limit_s:g}", **manner.settings}

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """The answer's rows; `{name:Type}` in `sql` are bound to `parameters`. Raises StoreError or TookTooLong."""
        answer = await self.answer(sql, "JSONEachRow", parameters)
        return [orjson.loads(line) for line in answer.splitlines()]

    async def answer(self, sql: str, form: str, parameters: Mapping[str, Any] = {}) -> bytes:
        """The answer in a format of ClickHouse's. Raises StoreError or TookTooLong."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience_s):
                return await loop.run_in_executor(self._threads, self._ask, sql, dict(parameters), form)
        except TimeoutError:
            raise TookTooLong(f"no answer within {self.limit_s:g} s") from None

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
                client = connect(self._settings, write=False, answer_s=self._patience_s)
                assert isinstance(client, HttpClient)
                client.params.update(self._parameters)
                self._client = client
            return self._client

    def _drop(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
