"""What the endpoints of prompts, partials, labels and collections share: a table of routes, one transaction a request.

An action gets an `Ask` and returns the reply's JSON. Whether it writes is told by the method: GET reads, everything else is
for administrators, runs in `Database.changing()`, and the worker that answers has taken the change over before it does, so that
a client which creates a prompt and calls it at once finds it. Refusals of the registry become Portkey's status and code here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import orjson
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.api.errors import ApiError
from tracer.api.incoming import read_body
from tracer.registry import scope
from tracer.registry.database import Database, Unavailable
from tracer.registry.records import Caller
from tracer.registry.rules import Conflict, Invalid, NotFound, Refusal
from tracer.registry.snapshot import Watcher
from tracer.registry.stored import Page

LARGEST_BODY = 4 << 20
_LARGEST_PAGE = 1000
_MOST_PAGES = 1_000_000
_REFUSALS: tuple[tuple[type[Refusal], int, str], ...] = ((NotFound, 404, "AB02"), (Conflict, 409, "AB07"))


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, with everything that an action may look at."""

    connection: AsyncConnection
    caller: Caller
    ids: tuple[str, ...]  # from the path, in their order
    body: Mapping[str, object]
    query: Mapping[str, str]

    @property
    def workspace(self) -> str:
        return self.caller.workspace

    @property
    def listed_workspace(self) -> str | None:
        """The workspace that a list is asked for; None if the caller cannot see it."""
        asked = self.query.get("workspace_id", "")
        return None if self.workspace and asked not in ("", self.workspace) else asked or self.workspace

    @property
    def new_workspace(self) -> str:
        """The workspace for something new."""
        return scope.chosen(self.workspace, self.text("workspace_id"))

    @property
    def page(self) -> Page:
        """Pages count from 0; without a size, everything."""
        size = self._count("page_size", _LARGEST_PAGE)
        return Page(self._count("current_page", _MOST_PAGES) or 0, max(size, 1) if size is not None else None)

    def text(self, name: str) -> str:
        """A string of the body, "" if it has none."""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """A string of the body; None where it is missing or null, as clients write "not given"."""
        value = self.body.get(name)
        if value is None or isinstance(value, str):
            return value
        raise Invalid(f"`{name}` should be a string")

    def needed_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.optional_text(name)
        if value is None:
            raise Invalid(f"`{name}` is missing")
        return value

    def number(self, name: str) -> int:
        """A whole number that must be there."""
        value = self.body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise Invalid(f"`{name}` should be a whole number")

    def _count(self, name: str, most: int) -> int | None:
        text = self.query.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit()):
            raise Invalid(f"`{name}` should be a number from 0 on")
        return min(int(text[:9]), most)


Action = Callable[[Ask], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """`GET`, `"*/versions"`: a `*` is an id. The first one that fits counts."""

    method: str
    pattern: str
    action: Action


class Endpoints:
    """Answers everything below one path."""

    def __init__(self, path: str, routes: Sequence[Route], database: Database, watcher: Watcher) -> None:
        self._path = path
        self._routes = [(route.method, _parts(route.pattern), route.action) for route in routes]
        self._database = database
        self._watcher = watcher

    async def __call__(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        """Raises ApiError."""
        method = "GET" if request.method == "HEAD" else request.method
        action, ids = self._choose(method, request.rel_url.raw_path.removeprefix(self._path))
        if method != "GET" and not caller.admin:
            raise ApiError(403, "this key may not change anything here", "AB03")
        body = {} if method in ("GET", "DELETE") else await _object(request)
        try:
            reply = await self._run(action, caller, ids, body, request.rel_url.query, changes=method != "GET")
        except Refusal as error:
            status, code = next(((s, c) for kind, s, c in _REFUSALS if isinstance(error, kind)), (400, "AB01"))
            raise ApiError(status, str(error), code) from None
        except Unavailable as error:
            raise ApiError(503, "the registry's database does not answer") from error
        return web.Response(body=orjson.dumps(reply), content_type="application/json")

    def _choose(self, method: str, path: str) -> tuple[Action, tuple[str, ...]]:
        asked = [unquote(part) for part in _parts(path)]
        there = False
        for route_method, pattern, action in self._routes:
            if len(pattern) == len(asked) and all(p in ("*", a) for p, a in zip(pattern, asked, strict=True)):
                if route_method == method:
                    return action, tuple(a for p, a in zip(pattern, asked, strict=True) if p == "*")
                there = True
        raise ApiError(405, f"{method} is not possible here") if there else ApiError(404, "there is no such path", "AB02")

    async def _run(
        self,
        action: Action,
        caller: Caller,
        ids: tuple[str, ...],
        body: Mapping[str, object],
        query: Mapping[str, str],
        *,
        changes: bool,
    ) -> object:
        async with self._database.changing() if changes else self._database.reading() as connection:
            reply = await action(Ask(connection, caller, ids, body, query))
        if changes:
            await self._watcher.refresh()
        return reply


def list_reply(total: int, data: Sequence[object]) -> dict[str, object]:
    """A list as Portkey gives it."""
    return {"object": "list", "total": total, "data": data}


def _parts(path: str) -> list[str]:
    path = path.strip("/")
    return path.split("/") if path else []


async def _object(request: web.BaseRequest) -> Mapping[str, object]:
    raw = await read_body(request, LARGEST_BODY, setting="")
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body is not JSON: {error.msg} (byte {error.pos})", "AB01") from None
    if not isinstance(body, dict):
        raise ApiError(400, "the body should be a JSON object", "AB01")
    return body
