"""One answer on its way to the client: held back while an error can still have its status, then piece by piece.

Strategy: the first part is kept (ClickHouse's buffer of 1 MiB; all of it for wait_end_of_query, on disk beyond 8 MiB). If the
statement ends before that is full, the answer has its length, its summary, or its error with ClickHouse's status. Else
it goes out in chunks, and an error later is written behind the data in the block that ClickHouse's clients look for (from
25.11 on), after which the connection ends without the last chunk: no client can take half a result for a whole one.
"""

import asyncio
import contextlib
import secrets
import string
import tempfile
from typing import IO

import orjson
from aiohttp import hdrs, web

from tracer.store import coding
from tracer.store.coding import Encoder
from tracer.store.engine import Result
from tracer.store.errors import QueryFailed
from tracer.store.formats import content_type
from tracer.store.framing import Framer
from tracer.store.question import Question

_HELD_BYTES = 1 << 20
_MOST_IN_MEMORY = 8 << 20
_PIECE_BYTES = 1 << 20
# A client that takes nothing for so long holds a place that others wait for.
_SEND_SECONDS = 300.0
_ENCODE_ON_A_THREAD_BYTES = 64 << 10


class Reply:
    """The answer to one question."""

    def __init__(self, request: web.Request, question: Question, headers: dict[str, str]) -> None:
        self._request = request
        self._question = question
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
        self._headers = {**headers, "X-ClickHouse-Exception-Tag": self._tag}
        self._held: IO[bytes] = tempfile.SpooledTemporaryFile(_MOST_IN_MEMORY)  # noqa: SIM115 (closed by `close`)
        self._size = 0
        self._encoder: Encoder | None = None
        self._response: web.StreamResponse | None = None

    @property
    def has_begun(self) -> bool:
        return self._response is not None

    async def feed(self, data: bytes, fmt: str) -> None:
        """The next piece of the result."""
        if self._response is None and (self._question.waits_for_the_end or self._size + len(data) <= _HELD_BYTES):
            self._size += len(data)
            self._held.write(data)
            return
        if self._response is None:
            await self._begin(fmt, Result(), None)
        await self._send(data)

    async def end(self, result: Result) -> web.StreamResponse:
        """All of the result has been fed."""
        if self._response is None:
            await self._begin(result.format, result, self._size)
        assert self._response is not None
        if self._encoder:
            await self._write(self._encoder.end())
        await self._response.write_eof()
        return self._response

    async def fail(self, error: QueryFailed) -> web.StreamResponse:
        """The statement failed behind what has been sent."""
        assert self._response is not None
        message = f"{error}\n".encode()
        tag = self._tag.encode()
        block = b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n" % (tag, message, len(message), tag)
        with contextlib.suppress(ConnectionError):
            if isinstance(self._encoder, Framer):
                await self._write(self._encoder.as_it_is(block))
            else:
                await self._send(block)
            if self._encoder:
                await self._write(self._encoder.end())
        if self._request.transport:
            self._request.transport.close()  # what was written goes out before
        return self._response

    def close(self) -> None:
        self._held.close()

    async def _begin(self, fmt: str, result: Result, size: int | None) -> None:
        headers = {**self._headers, "X-ClickHouse-Summary": _summary(result, size or 0)}
        if fmt:
            headers["X-ClickHouse-Format"] = fmt
            headers[hdrs.CONTENT_TYPE] = content_type(fmt)
        self._choose_encoder(headers, size)
        self._response = web.StreamResponse(headers=headers)
        if self._encoder is None and size is not None:
            self._response.content_length = size
        else:
            self._response.enable_chunked_encoding()
        await self._response.prepare(self._request)
        self._held.seek(0)
        while data := self._held.read(_PIECE_BYTES):
            await self._send(data)

    def _choose_encoder(self, headers: dict[str, str], size: int | None) -> None:
        question = self._question
        if question.on("compress") and size != 0:
            self._encoder = Framer(question.query.get("network_compression_method", "LZ4"))
            return
        accepted = question.headers.get(hdrs.ACCEPT_ENCODING, "")
        worth = size is None or size >= coding.WORTH_CODING_BYTES
        if accepted and worth and question.on("enable_http_compression") and (found := coding.encoder(accepted)):
            headers[hdrs.CONTENT_ENCODING], self._encoder = found

    async def _send(self, data: bytes) -> None:
        if self._encoder:
            large = len(data) > _ENCODE_ON_A_THREAD_BYTES
            data = await asyncio.to_thread(self._encoder.feed, data) if large else self._encoder.feed(data)
        await self._write(data)

    async def _write(self, data: bytes) -> None:
        assert self._response is not None
        if not data or self._request.method == hdrs.METH_HEAD:
            return
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._response.write(data)
        except TimeoutError:
            raise ConnectionError("the client takes nothing") from None


def _summary(result: Result, size: int) -> str:
    counts = {
        "read_rows": result.read_rows,
        "read_bytes": result.read_bytes,
        "written_rows": result.written_rows,
        "written_bytes": result.written_bytes,
        "total_rows_to_read": result.read_rows,
        "result_rows": result.rows or result.written_rows,
        "result_bytes": size,
        "elapsed_ns": int(result.seconds * 1e9),
    }
    return orjson.dumps({name: str(count) for name, count in counts.items()}).decode()
