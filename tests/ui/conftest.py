"""Pages on a store of realistic calls, on an empty one, and on one whose every text is hostile."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Protocol

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.store.running import RunningStore
from tests.traffic.million import Traffic, million
from tests.ui.reading import Html, faults
from tracer.config import Settings
from tracer.registry.database import Database
from tracer.registry.records import Key, Snapshot
from tracer.registry.snapshot import Watcher
from tracer.ui.app import application
from tracer.ui.session import COOKIE, Sessions

SECRET = bytes(32)


class Pages:
    """A browser with a cookie jar in front of the application."""

    def __init__(self, client: TestClient[web.Request, web.Application], settings: Settings, watcher: Watcher) -> None:
        self.client = client
        self.settings = settings
        self.watcher = watcher

    def log_in(self, key: Key) -> None:
        """As if this key had been typed."""
        cookie = Sessions(SECRET, "auto").cookie(key.sha256, "nonce", datetime.now(UTC).timestamp())
        self.client.session.cookie_jar.update_cookies({COOKIE: cookie}, self.client.make_url("/"))

    async def get(self, path: str, status: int = 200, **headers: str) -> Html:
        """The page, which must have this status and nothing that a page must not have."""
        async with self.client.get(path, headers=headers, allow_redirects=False) as reply:
            return await self._read(reply, path, status)

    async def post(self, path: str, fields: dict[str, str], status: int = 200, **headers: str) -> Html:
        async with self.client.post(path, data=fields, headers=headers, allow_redirects=False) as reply:
            return await self._read(reply, path, status)

    async def token(self) -> str:
        """A token for forms."""
        return (await self.get("/sql")).token

    async def _read(self, reply: aiohttp.ClientResponse, path: str, status: int) -> Html:
        text = await reply.text()
        assert reply.status == status, (path, reply.status, text[:2000])
        html = Html(text)
        assert not faults(html), path
        return html


class OpenPages(Protocol):
    def __call__(self, settings: Settings, snapshot: Snapshot = ..., now: datetime | None = None) -> Awaitable[Pages]: ...


@pytest.fixture
async def open_pages() -> AsyncIterator[OpenPages]:
    """Pages of any settings and registry."""
    async with AsyncExitStack() as stack:

        async def made(settings: Settings, snapshot: Snapshot = Snapshot(), now: datetime | None = None) -> Pages:  # noqa: B008
            watcher = Watcher(Database(settings))
            watcher.current = snapshot
            clock: Callable[[], datetime] = (lambda: now) if now else (lambda: datetime.now(UTC))
            jar = aiohttp.CookieJar(unsafe=True)  # addresses have cookies too
            client = TestClient(TestServer(application(settings, watcher, SECRET, clock)), cookie_jar=jar)
            return Pages(await stack.enter_async_context(client), settings, watcher)

        yield made


@pytest.fixture(scope="session")
def traffic() -> Iterator[Traffic]:
    """20,000 calls of 35 days."""
    with million(small=True) as running:
        yield running


@pytest.fixture
async def pages(traffic: Traffic, open_pages: OpenPages) -> Pages:
    """On the realistic calls, at the time of the newest."""
    return await open_pages(traffic.settings, now=traffic.end)


@pytest.fixture
async def empty_pages(empty_store: RunningStore, open_pages: OpenPages) -> Pages:
    return await open_pages(empty_store.settings)
