"""A ClickHouse server that misbehaves: HTTP passed on to a real store, but for what a fault does on the way.

Inserts are POSTs whose query says INSERT; faults of inserts leave the rest (the driver's handshake, the schema) alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

MODES = ("pass", "hang", "error", "read-only", "slow", "cut-before", "cut-half", "cut-after")
SLOW_S = 1.5


class Gate:
    """In front of the store on `behind`. `mode` says what happens to what comes; `open`/`close` whether anybody listens."""

    def __init__(self, port: int, behind: int) -> None:
        self.port = port
        self.behind = behind
        self.mode = "pass"
        self.struck = 0  # requests that the fault met
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._awake = asyncio.Event()

    async def open(self) -> None:
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
        if self.mode == "hang":
            self.struck += 1
            await self._awake.wait()
            return _cut(request)
        if self.mode in ("error", "read-only") and inserts:
            self.struck += 1
            return _said_no(self.mode)
        if self.mode == "slow":
            self.struck += inserts
            await asyncio.sleep(SLOW_S if inserts else 0)
        if self.mode in ("cut-before", "cut-half", "cut-after") and inserts:
            return await self._half(request, sent)
        return await self._through(request, sent)

    async def _half(self, request: web.Request, sent: bytes) -> web.StreamResponse:
        self.struck += 1
        if self.mode == "cut-after":
            await self._through(request, sent)
        elif self.mode == "cut-half":
            await self._half_through(request, sent)
        return _cut(request)

    async def _through(self, request: web.Request, sent: bytes) -> web.StreamResponse:
        assert self._session
        url = f"http://127.0.0.1:{self.behind}{request.rel_url}"
        ours = ("host", "content-length", "transfer-encoding", "connection")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ours}
        try:
            async with self._session.request(request.method, url, data=sent, headers=headers) as answer:
                got = await answer.read()
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in (*ours, "keep-alive")}
                return web.Response(status=answer.status, headers=kept, body=got)
        except (aiohttp.ClientError, OSError):
            return _cut(request)

    async def _half_through(self, request: web.Request, sent: bytes) -> None:
        """The store sees the beginning of an insert and then the end of its connection."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.behind)
        names = {name: value for name, value in request.headers.items() if name.lower() != "transfer-encoding"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (names | {"Content-Length": str(len(sent))}).items())
        writer.write(f"{request.method} {request.rel_url} HTTP/1.1\r\n{lines}\r\n".encode() + sent[: len(sent) // 2])
        await writer.drain()
        writer.close()


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _said_no(mode: str) -> web.Response:
    if mode == "error":
        return web.Response(status=500, text="Code: 49. DB::Exception: out of nowhere. (LOGICAL_ERROR)")
    headers = {"X-ClickHouse-Exception-Code": "242"}
    return web.Response(
        status=500, headers=headers, text="Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)"
    )


@asynccontextmanager
async def gate(port: int, behind: int) -> AsyncIterator[Gate]:
    made = Gate(port, behind)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
