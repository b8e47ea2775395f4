"""Asking a store over HTTP, as tests do it."""

from typing import Any

import aiohttp

from tests.store.running import RunningStore
from tracer.store.secret import password


async def ask(http: aiohttp.ClientSession, url: str, body: bytes | str = b"", **how: Any) -> tuple[int, bytes]:
    """Status and body."""
    async with http.post(url, data=body, **how) as answer:
        return answer.status, await answer.read()


def writer_headers(store: RunningStore) -> dict[str, str]:
    return {"X-ClickHouse-User": "tracer", "X-ClickHouse-Key": password(store.settings.data_dir)}


async def running(http: aiohttp.ClientSession, store: RunningStore, marker: str) -> int:
    """How many statements with that marker the engine has under way."""
    counted = f"SELECT count() FROM system.processes WHERE query LIKE '%{marker}%' AND query NOT LIKE '%system.processes%'"
    return int((await ask(http, store.url, counted, headers=writer_headers(store)))[1])


async def until_running(http: aiohttp.ClientSession, store: RunningStore, marker: str, count: int = 1) -> None:
    while await running(http, store, marker) != count:
        pass
