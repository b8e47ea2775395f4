"""The store's ClickHouse HTTP interface on aiohttp: what drivers, Grafana and curl expect on port 8123.

A request's way: question.py understands it, runner.py has it run, reply.py sends what comes. Here are the paths, the headers
that every answer has, and what an error looks like.

What differs from a server says so in an error (external tables) or in docs/store.md.
"""

import logging

from aiohttp import web

from tracer.store.engine import Engine
from tracer.store.errors import UNKNOWN_EXCEPTION, QueryFailed, StoreUnavailable, failure
from tracer.store.question import Question, understand
from tracer.store.reply import Reply
from tracer.store.runner import Runner
from tracer.store.special import NAME
from tracer.store.users import Users

_log = logging.getLogger(__name__)

# Written nowhere: what nginx calls it when the client is gone.
_CLIENT_GONE = 499
# Longer than drivers keep an idle connection, and said, so that none is used in the moment it is closed.
KEEP_ALIVE_SECONDS = 60


class Server:
    """Answers requests for one engine."""

    def __init__(self, engine: Engine, users: Users, runner: Runner, allow_writes: bool) -> None:
        self._engine = engine
        self._users = users
        self._runner = runner
        self._allow_writes = allow_writes

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Whatever is asked of this port."""
        if request.path == "/":
            return await self._root(request)
        if request.path in ("/ping", "/replicas_status"):
            return web.Response(text="Ok.\n", content_type="text/html")
        return web.Response(status=404, text=f"There is no handle {request.path}\n\nUse / or /ping for health checks.\n")

    async def _root(self, request: web.Request) -> web.StreamResponse:
        headers = {
            "X-ClickHouse-Server-Display-Name": NAME,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "Keep-Alive": f"timeout={KEEP_ALIVE_SECONDS}",
        }
        try:
            question = await understand(request, self._users, self._allow_writes)
            headers["X-ClickHouse-Query-Id"] = question.query_id
            if question.is_empty:
                return web.Response(text="Ok.\n", content_type="text/html")
            return await self._run(request, question, headers)
        except StoreUnavailable as error:
            return self._failed(headers, failure(UNKNOWN_EXCEPTION, "ABORTED", str(error)), 503)
        except QueryFailed as error:
            return self._failed(headers, error, error.http_status)
        except web.HTTPException:  # aiohttp's own: a body over the limit
            raise
        except ConnectionError:  # the client is gone, in the middle of its request perhaps: no fault, and nobody to tell
            return web.Response(status=_CLIENT_GONE)
        except Exception as error:  # the request edge: whatever it was, the client gets an answer and the log the trace
            _log.exception("a request to the store failed")
            kind = type(error).__name__
            return self._failed(headers, failure(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", f"{kind}: {error}"), 500)

    async def _run(self, request: web.Request, question: Question, headers: dict[str, str]) -> web.StreamResponse:
        reply = Reply(request, question, headers)
        try:
            result = await self._runner.run(question, reply)
            return await reply.end(result)
        except QueryFailed as error:
            if not reply.has_begun:
                raise
            return await reply.fail(self._worded(error))
        finally:
            reply.close()

    def _failed(self, headers: dict[str, str], error: QueryFailed, status: int) -> web.Response:
        code = {"X-ClickHouse-Exception-Code": str(error.code)}
        return web.Response(status=status, text=f"{self._worded(error)}\n", headers={**headers, **code})

    def _worded(self, error: QueryFailed) -> QueryFailed:
        text = str(error)
        return error if "(version " in text else QueryFailed(error.code, f"{text} (version {self._engine.version})")
