"""A ClickHouse server that misbehaves: HTTP passed on to a real store, but for what a fault does on the way.

Inserts are POSTs whose query says INSERT; faults of inserts leave the rest (the driver's handshake, the schema) alone.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import aiohttp
import lz4.frame
from aiohttp import web
from yarl import URL

MODES = ("pass", "hang", "mute", "error", "read-only-user", "slow", "cut-before", "cut-half", "cut-after")
# A server that stores an insert in blocks of so many rows, each by itself, whatever it is asked for.
IN_BLOCKS = {"max_insert_block_size": "8", "min_insert_block_size_rows": "8", "min_insert_block_size_bytes": "0"}
SLOW_S = 1.5
READ_ONLY = "164"


class Gate:
    """In front of the store on `behind`. `mode` says what happens to what comes; `open`/`close` whether anybody listens."""

    def __init__(self, port: int, behind: int) -> None:
        self.port = port
        self.behind = behind
        self.mode = "pass"
        self.struck = 0  # requests that the fault met
        self.halved = 0  # rows that were stored of inserts that broke off
        self.settings: dict[str, str] = {}  # that the server has in the place of those that are asked for
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._awake = asyncio.Event()
        self._closed = asyncio.Event()

    async def open(self) -> None:
        self._closed.clear()
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=600))
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=0.1, handler_cancellation=False, max_line_size=1 << 20
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def close(self) -> None:
        self.be("pass")
        self._closed.set()
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()
        self._runner = self._session = None

    def be(self, mode: str) -> None:
        """Behave so from now on. What hangs is cut when the hanging ends, as by a server that starts again."""
        assert mode in MODES
        self.mode = mode
        if mode == "hang":
            self._awake.clear()
        else:
            self._awake.set()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        sent = await request.read()
        inserts = b"INSERT" in sent[:4096].upper() or "INSERT" in request.query.get("query", "").upper()
        if self.mode == "mute":  # it does what it is asked, and never says so, not even when it is well again
            self.struck += 1
            await self._through(request, sent)
            await self._closed.wait()
            return _cut(request)
        if self.mode == "hang":
            self.struck += 1
            await self._awake.wait()
            return _cut(request)
        if self.mode == "error" and inserts:
            self.struck += 1
            return web.Response(status=500, text="Code: 49. DB::Exception: out of nowhere. (LOGICAL_ERROR)")
        if self.mode == "read-only-user":
            answer = await self._through(request, sent, {"readonly": "1"})
            self.struck += answer.headers.get("X-ClickHouse-Exception-Code") == READ_ONLY
            return answer
        if self.mode == "slow":
            self.struck += inserts
            await asyncio.sleep(SLOW_S if inserts else 0)
        if self.mode in ("cut-before", "cut-half", "cut-after") and inserts:
            return await self._half(request, sent)
        return await self._through(request, sent)

    async def _half(self, request: web.Request, sent: bytes) -> web.StreamResponse:
        if self.mode == "cut-half":
            blocks = _blocks(sent)
            if b"bodies" not in lz4.frame.decompress(blocks[0])[:64] or len(blocks) < 2:
                return await self._through(request, sent)
            # The server stores each block as it comes: it has some, and then the connection ends.
            before = await self._bodies()
            await self._through(request, b"".join(blocks[: (len(blocks) + 1) // 2]))
            self.halved += await self._bodies() - before
        elif self.mode == "cut-after":
            await self._through(request, sent)
        self.struck += 1
        return _cut(request)

    async def _through(
        self, request: web.Request, sent: bytes, more: Mapping[str, str] = MappingProxyType({})
    ) -> web.StreamResponse:
        assert self._session
        url = URL(f"http://127.0.0.1:{self.behind}{request.rel_url}", encoded=True)
        if settings := {**self.settings, **more}:
            url = url.update_query(settings)
        ours = {"host", "content-length", "transfer-encoding", "connection"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ours}
        try:
            async with self._session.request(request.method, url, data=sent, headers=headers) as answer:
                got = await answer.read()
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in {*ours, "keep-alive"}}
                return web.Response(status=answer.status, headers=kept, body=got)
        except (aiohttp.ClientError, OSError):
            return _cut(request)

    async def _bodies(self) -> int:
        assert self._session
        url = f"http://127.0.0.1:{self.behind}/"
        async with self._session.post(url, data="SELECT count() FROM llm.bodies") as answer:
            return int(await answer.text())


def _blocks(sent: bytes) -> list[bytes]:
    """An insert's blocks: the driver compresses each into a frame of its own, and the statement with the first."""
    found = []
    while sent:
        frame = lz4.frame.LZ4FrameDecompressor()
        frame.decompress(sent)
        rest = frame.unused_data or b""
        found.append(sent[: len(sent) - len(rest)])
        sent = rest
    return found


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def gate(port: int, behind: int) -> AsyncIterator[Gate]:
    made = Gate(port, behind)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
