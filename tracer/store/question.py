"""One request to the store, understood: who asks what, and how the answer should come.

Rules, as in ClickHouse
- A statement is `query=`, a line end, and the body; for an INSERT the rest of the body is data. A form may hold parameters.
- A parameter that is not the interface's own is a setting. GET can only read.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import hdrs, web

from tracer.store import coding, framing
from tracer.store.errors import NOT_IMPLEMENTED, SYNTAX_ERROR, failure
from tracer.store.users import User, Users

MAX_BODY_BYTES = 256 << 20
# Who can only read has a query to send, and no rows.
_MAX_QUERY_BYTES = 16 << 20

# Parameters that are the interface's own (HTTPHandler.cpp), not settings of the engine; or about the wire, which is ours.
# fmt: off
_OWN = frozenset((
    "add_http_cors_header", "buffer_size", "cancel_http_readonly_queries_on_client_close",
    "client_protocol_version", "close_session", "compress", "database", "decompress", "default_format",
    "enable_http_compression", "http_headers_progress_interval_ms",
    "http_native_compression_disable_checksumming_on_decompress", "http_wait_end_of_query",
    "http_response_buffer_size", "http_write_exception_in_output_format", "http_zlib_compression_level",
    "network_compression_method", "network_zstd_compression_level", "password", "query", "query_id",
    "quota_key", "replace_running_query", "role", "send_progress_in_http_headers", "session_check",
    "session_close", "session_id", "session_timeout", "stacktrace", "user", "wait_end_of_query",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, by whom. The body is as it came; `plain` decodes it."""

    user: User
    may_write: bool
    get: bool
    body: bytes
    query: Mapping[str, str]
    headers: Mapping[str, str]
    query_id: str

    def plain(self) -> bytes:
        """The statement and its data. Takes time; raises QueryFailed."""
        body = self.body
        if encoding := self.headers.get(hdrs.CONTENT_ENCODING, ""):
            body = coding.decode(body, encoding, MAX_BODY_BYTES)
        if self.on("decompress"):
            body = framing.unframe(body, MAX_BODY_BYTES)
        asked = self.query.get("query", "")
        return asked.encode("utf-8", "surrogateescape") + b"\n" + body if asked else body

    def on(self, name: str) -> bool:
        """Whether a flag is set."""
        return self.query.get(name, "") in ("1", "true")

    @property
    def settings(self) -> dict[str, str]:
        return {k: v for k, v in self.query.items() if k not in _OWN and not k.startswith("param_") and v != ""}

    @property
    def parameters(self) -> dict[str, str]:
        return {k.removeprefix("param_"): v for k, v in self.query.items() if k.startswith("param_")}

    @property
    def database(self) -> str:
        return self.query.get("database") or self.headers.get("X-ClickHouse-Database") or ""

    @property
    def default_format(self) -> str:
        return self.headers.get("X-ClickHouse-Format") or self.query.get("default_format") or "TabSeparated"

    @property
    def is_empty(self) -> bool:
        """A GET that asks nothing, as health checks do."""
        return self.get and not self.body and not self.query.get("query")

    @property
    def waits_for_the_end(self) -> bool:
        return self.on("wait_end_of_query") or self.on("http_wait_end_of_query")


async def understand(request: web.Request, users: Users, allow_writes: bool) -> Question:
    """The request's question; raises QueryFailed."""
    if request.method not in (hdrs.METH_GET, hdrs.METH_POST, hdrs.METH_HEAD):
        raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"Method {request.method} is not supported")
    user = users.who(request.headers, request.query)
    may_write = user.internal or allow_writes
    if not may_write:
        request = request.clone(client_max_size=_MAX_QUERY_BYTES)
    form = await _form(request) if request.content_type == "multipart/form-data" else None
    query: Mapping[str, str] = request.query if form is None else {**request.query, **form}
    return Question(
        user=user,
        may_write=may_write,
        get=request.method != hdrs.METH_POST,
        body=await request.read() if form is None else b"",
        query=query,
        headers=request.headers,
        query_id=query.get("query_id") or str(uuid.uuid4()),
    )


def as_text(statement: bytes) -> str:
    """The statement as text; raises QueryFailed if it is none."""
    try:
        return statement.decode()
    except UnicodeDecodeError as error:
        raise failure(SYNTAX_ERROR, "SYNTAX_ERROR", f"The query is not UTF-8: {error}") from None


async def _form(request: web.Request) -> dict[str, str]:
    """Parameters from a form, where clickhouse-connect puts those that are long for a URL."""
    fields: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            raise failure(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "External tables are not supported by the embedded store")
        fields[name] = value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else value
    return fields
