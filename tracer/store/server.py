"""The store's ClickHouse HTTP interface on aiohttp: what drivers, Grafana and curl expect on port 8123.

Strategy: the event loop reads and answers; everything that takes time (decompressing, the engine) happens on threads, of
which readers and writers have their own, so that heavy queries never hold up an insert or /ping.

Rules
- A query's text is `query=`, a line end, and the body, as in ClickHouse; for an INSERT the rest of the body is data.
- A parameter that is not the interface's own is a setting. GET can only read.
- A reply is complete before its first byte is sent, so an error always has its status. (As if wait_end_of_query were set.)
- Sessions are accepted and have no effect: every request stands alone.
- What is not there says so: compress=1 and decompress=1 (ClickHouse's own block framing), external tables.
"""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import orjson
from aiohttp import hdrs, web

from tracer.store import coding, users
from tracer.store.engine import Engine, Result
from tracer.store.errors import (
    NOT_IMPLEMENTED,
    READONLY,
    SYNTAX_ERROR,
    UNKNOWN_EXCEPTION,
    QueryFailed,
    StoreUnavailable,
    failure,
)
from tracer.store.statement import as_insert

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 << 20
_READERS = 8
_WRITERS = 4

# Parameters that are the interface's own (HTTPHandler.cpp), not settings of the engine.
# fmt: off
_OWN = frozenset((
    "add_http_cors_header", "buffer_size", "cancel_http_readonly_queries_on_client_close",
    "client_protocol_version", "close_session", "compress", "database", "decompress", "default_format",
    "enable_http_compression", "http_headers_progress_interval_ms",
    "http_native_compression_disable_checksumming_on_decompress", "http_write_exception_in_output_format",
    "http_zlib_compression_level", "password", "query", "query_id", "quota_key", "role",
    "send_progress_in_http_headers", "session_check", "session_close", "session_id", "session_timeout",
    "stacktrace", "user", "wait_end_of_query",
))
# fmt: on
_CONTENT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "XML": "application/xml; charset=UTF-8",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, understood: the text with its data, and how to run it."""

    text: bytes
    encoding: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    internal: bool  # from Tracer's own writer
    may_write: bool
    get: bool

    @property
    def settings(self) -> dict[str, str]:
        return {k: v for k, v in self.query.items() if k not in _OWN and not k.startswith("param_") and v != ""}

    @property
    def parameters(self) -> dict[str, str]:
        return {k.removeprefix("param_"): v for k, v in self.query.items() if k.startswith("param_")}

    @property
    def database(self) -> str:
        return self.query.get("database") or self.headers.get("X-ClickHouse-Database") or "default"

    @property
    def default_format(self) -> str:
        return self.headers.get("X-ClickHouse-Format") or self.query.get("default_format") or "TabSeparated"


class Server:
    """Answers requests for one engine."""

    def __init__(self, engine: Engine, writer_password: str, allow_writes: bool) -> None:
        self._engine = engine
        self._password = writer_password
        self._allow_writes = allow_writes
        self._readers = ThreadPoolExecutor(_READERS, "store-read")
        self._writers = ThreadPoolExecutor(_WRITERS, "store-write")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/":
            return await self._root(request)
        if request.path in ("/ping", "/replicas_status"):
            return web.Response(text="Ok.\n", content_type="text/html")
        return web.Response(status=404, text=f"There is no handle {request.path}\n\nUse / or /ping for health checks.\n")

    def close(self) -> None:
        """Wait for the threads; the engine must be closed first, so that nothing runs for long."""
        self._readers.shutdown()
        self._writers.shutdown()

    async def _root(self, request: web.Request) -> web.Response:
        query_id = request.query.get("query_id") or str(uuid.uuid4())
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Server-Display-Name": "tracer",
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        try:
            question = await self._understand(request)
            if question.get and not question.text and not question.query.get("query"):
                return web.Response(text="Ok.\n", content_type="text/html")
            result = await self._run(question)
        except StoreUnavailable as error:
            return self._failed(headers, failure(UNKNOWN_EXCEPTION, "ABORTED", str(error)), 503)
        except QueryFailed as error:
            return self._failed(headers, error, error.http_status)
        except web.HTTPException:  # aiohttp's own: a body over the limit
            raise
        except Exception as error:  # the request edge: whatever it was, the client gets an answer and the log the trace
            _log.exception("a request to the store failed")
            kind = type(error).__name__
            return self._failed(headers, failure(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", f"{kind}: {error}"), 500)
        return await self._answer(question, headers, result)

    async def _understand(self, request: web.Request) -> Question:
        if request.method not in (hdrs.METH_GET, hdrs.METH_POST, hdrs.METH_HEAD):
            raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"Method {request.method} is not supported")
        internal = users.is_writer(request.headers, request.query, self._password)
        for name in ("compress", "decompress"):
            if request.query.get(name) == "1":
                reason = f"{name}=1 is not supported by the embedded store; use Content-Encoding and Accept-Encoding"
                raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", reason)
        form = await _form(request) if request.content_type == "multipart/form-data" else None
        return Question(
            text=await request.read() if form is None else b"",
            encoding=request.headers.get(hdrs.CONTENT_ENCODING, ""),
            query=request.query if form is None else {**request.query, **form},
            headers=request.headers,
            internal=internal,
            may_write=internal or self._allow_writes,
            get=request.method != hdrs.METH_POST,
        )

    async def _run(self, question: Question) -> Result:
        # By who asks, not by what is asked: no user's statement can hold up what Tracer itself has to store.
        pool = self._writers if question.internal else self._readers
        return await asyncio.get_running_loop().run_in_executor(pool, self._ask, question)

    def _ask(self, question: Question) -> Result:
        """Decode and run; on a thread."""
        body = coding.decode(question.text, question.encoding, MAX_BODY_BYTES) if question.encoding else question.text
        asked = question.query.get("query", "")
        text = asked.encode() + b"\n" + body if asked else body
        insert = as_insert(text) if question.may_write else None
        if insert is not None:
            if question.get:
                raise failure(
                    READONLY, "READONLY", "Cannot execute query in readonly mode: method GET can only read, use POST."
                )
            return self._engine.insert(
                insert.head, insert.format, insert.data, settings=question.settings, database=question.database
            )
        try:
            statement = text.decode()
        except UnicodeDecodeError as error:
            raise failure(SYNTAX_ERROR, "SYNTAX_ERROR", f"The query is not UTF-8: {error}") from None
        return self._engine.run(
            statement,
            default_format=question.default_format,
            parameters=question.parameters,
            settings=question.settings,
            database=question.database,
            read_only=question.get or not question.may_write,
        )

    async def _answer(self, question: Question, headers: dict[str, str], result: Result) -> web.Response:
        headers["X-ClickHouse-Summary"] = _summary(result)
        if result.format:
            headers["X-ClickHouse-Format"] = result.format
            headers["Content-Type"] = _CONTENT_TYPES.get(result.format, "text/plain; charset=UTF-8")
        body, accepted = result.data, question.headers.get(hdrs.ACCEPT_ENCODING, "")
        if accepted and question.query.get("enable_http_compression") == "1" and len(body) >= coding.WORTH_CODING_BYTES:
            body, used = await asyncio.to_thread(coding.encode, body, accepted)
            if used:
                headers[hdrs.CONTENT_ENCODING] = used
        return web.Response(body=body, headers=headers)

    def _failed(self, headers: dict[str, str], error: QueryFailed, status: int) -> web.Response:
        text = str(error)
        if "(version " not in text:
            text += f" (version {self._engine.version})"
        return web.Response(
            status=status, text=text + "\n", headers={**headers, "X-ClickHouse-Exception-Code": str(error.code)}
        )


async def _form(request: web.Request) -> dict[str, str]:
    """Parameters from a form, where clickhouse-connect puts those that are long for a URL."""
    fields: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "External tables are not supported by the embedded store")
        fields[name] = value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else value
    return fields


def _summary(result: Result) -> str:
    counts = {
        "read_rows": result.read_rows,
        "read_bytes": result.read_bytes,
        "written_rows": result.written_rows,
        "written_bytes": result.written_bytes,
        "total_rows_to_read": result.read_rows,
        "result_rows": result.rows or result.written_rows,
        "result_bytes": len(result.data),
        "elapsed_ns": int(result.seconds * 1e9),
    }
    return orjson.dumps({name: str(count) for name, count in counts.items()}).decode()
